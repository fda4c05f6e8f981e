"""What the tests of rendering share: the minato program, Terraform on its own settings, and variants
of the file.

A tool that is absent is no failure: the test says which one, and what stays unchecked. With
MINATO_STRICT=1 such skips are failures. The provider comes from a local mirror that
MINATO_TERRAFORM_MIRROR names; nothing is fetched.
"""
import itertools
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MINATO = os.environ.get("MINATO_E2E_PROGRAM", str(ROOT / "build/apps/minato/minato"))
MIRROR = os.environ.get("MINATO_TERRAFORM_MIRROR", "")
STRICT = os.environ.get("MINATO_STRICT") == "1"
EXAMPLES = ("small", "typical", "everything")
SKIPPED = 77  # ctest's SKIP_RETURN_CODE.


def run(*command, cwd=None, env=None, check=True, timeout=600):
    done = subprocess.run([str(c) for c in command], cwd=cwd, env=env, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def render(directory, *files, options=(), check=True):
    return run(MINATO, "render", *files, "-o", directory, *options, check=check)


def example(name):
    return ROOT / "examples/eks" / f"{name}.yaml"


def missing(tool, unchecked):
    """Skips the test at hand, or fails it where skips are not wanted."""
    message = f"{tool} is not here: {unchecked} stays unchecked"
    if STRICT:
        raise AssertionError(message)
    raise unittest.SkipTest(message)


def need_terraform(unchecked):
    if shutil.which("terraform") is None:
        missing("terraform", unchecked)
    if not MIRROR or not pathlib.Path(MIRROR).is_dir():
        missing("a provider mirror (MINATO_TERRAFORM_MIRROR)", unchecked)


class Terraform:
    """Terraform in one working directory, without any setting of the user's."""

    def __init__(self, workdir, **env):
        self.workdir = pathlib.Path(workdir)
        config = self.workdir.parent / "empty.tfrc"
        config.write_text("")
        self.env = {**os.environ, "TF_CLI_CONFIG_FILE": str(config), "TF_IN_AUTOMATION": "1",
                    "CHECKPOINT_DISABLE": "1", "TF_DATA_DIR": str(self.workdir.parent / "terraform-data"),
                    "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
                    **env}

    def __call__(self, *arguments, check=True):
        return run("terraform", *arguments, cwd=self.workdir, env=self.env, check=check)

    def init(self):
        self("init", f"-plugin-dir={MIRROR}", "-input=false", "-no-color")


class Moto:
    """A moto_server of one test's own, an AWS that nobody here wrote."""

    def __init__(self, directory):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = open(directory / "moto.log", "w")
        self.process = subprocess.Popen(["moto_server", "-H", "127.0.0.1", "-p", str(self.port)], stdout=self.log, stderr=self.log,
                                        env={**os.environ, "MOTO_ACM_VALIDATION_WAIT": "1", "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"})
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("moto_server does not listen")

    def close(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


class Scratch(unittest.TestCase):
    """A test with a directory of its own."""

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="minato-render-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)


CHOICES = {
    "network": ("", "eks: {vpc: {nat: one}}",
                "eks: {vpc: {id: vpc-1, public_subnets: [s-1, s-2, s-3], private_subnets: [s-4, s-5, s-6]}}"),
    "secrets": ("", "secrets: {A: 'ssm:/x/a'}", "secrets: {A: 'secretsmanager:x#k', B: 'ssm:b', C: 'generated:'}\neks: {secrets: csi}",
                "secrets: {A: 'secretsmanager:arn:aws:secretsmanager:us-east-1:1:secret:x-1'}",
                "secrets: {A: 'ssm:/x/a'}\neks: {secrets: plain}"),
    "nodes": ("", "nodes: {scaling: {types: [m7g.large], min: 0, max: 9, spot: 100%}}",
              "nodes: {master: {types: [t3.medium, t3.large], min: 3}, scaling: {types: [m5.large, m6i.large], spot: 50%, on_demand_base: 1}}"),
    "eks": ("", "eks: {version: '1.34', protect: false, api_access: [203.0.113.0/24, 198.51.100.7/32]}\n"
            "alerts: [{email: a@example.com}, {email: b@example.com}, {sns: 'arn:aws:sns:us-east-1:123456789012:x'}]",
            "eks: {admins: ['arn:aws:iam::123456789012:role/a'], policies: ['arn:aws:iam::123456789012:policy/p'], log_retention_days: 7}"),
    "choices": ("", "eks: {node_image: bottlerocket}\nnetwork_policy: {egress: [10.0.0.0/8]}", "eks: {identity: irsa, account: '123456789012'}",
                "nodes: {scaling: {types: [m5.large, m6i.large], min: 4, max: 9, spot: 100%, on_demand_base: 1}}\neks: {split_groups: true, target_health: service}",
                "eks: {node_image: bottlerocket, identity: irsa, prometheus: true}\nnetwork_policy: {}\n"
                "alerts: [{slack: 'env:S'}, {webhook: 'env:W'}]\nuser: 1000\nvolumes: {tmp: {size: 8Mi, memory: true}}\n"
                "mounts: {/tmp: tmp}\nsidecars: {agent: {image: x/agent:1, runs: beside, check: [/ok]}}"),
    "controllers": ("", "eks: {controller_image: 'registry.example.com/minato:1'}"),
    "domain": ("", "eks: {certificate: 'arn:aws:acm:us-east-1:123456789012:certificate/x'}",
               "eks: {hosted_zone: example.com, certificate: 'arn:aws:acm:us-east-1:123456789012:certificate/x'}"),
}


def variants():
    """Every pair of choices at least once, each as the texts of a base and its overlays; but for pairs
    that speak of the same nodes, where the second would only replace the first."""
    base = example("small").read_text()
    seen = set()
    for first, second in itertools.combinations(CHOICES, 2):
        for a, b in itertools.product(CHOICES[first], CHOICES[second]):
            overlays = tuple(text for text in (a, b) if text)
            if overlays not in seen and not ("nodes:" in a and "nodes:" in b):
                seen.add(overlays)
                yield [base, *(overlay + "\n" for overlay in overlays)]


def main(module):
    program = unittest.main(module=module, exit=False, verbosity=2)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(SKIPPED if result.skipped and len(result.skipped) == result.testsRun else 0)
