"""What the tests against the API alone share: a server of their own, and the reasons to skip."""
import contextlib
import os
import subprocess
import sys
import tempfile
import time

SERVER = os.environ.get("MINATO_CONFORMANCE_SERVER", "")
SKIPPED = 77  # ctest's SKIP_RETURN_CODE.


def skip(why):
    print(f"skipped: {why}", flush=True)
    sys.exit(SKIPPED)


@contextlib.contextmanager
def server(*options):
    """A running API; gives the directory with kubeconfig (admin) and kubeconfig-user (nobody)."""
    if not os.access(SERVER, os.X_OK):
        skip(f"MINATO_CONFORMANCE_SERVER ({SERVER!r}) is not a program; build conformance_server")
    with tempfile.TemporaryDirectory(prefix="minato-conformance-") as directory:
        process = subprocess.Popen([SERVER, directory, *options])
        try:
            deadline = time.monotonic() + 20
            while not os.path.exists(f"{directory}/kubeconfig"):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError("the server did not start")
                time.sleep(0.02)
            yield directory
        finally:
            process.terminate()
            process.wait(10)


class Kubectl:
    """kubectl with a kubeconfig and a cache of its own."""

    def __init__(self, kubeconfig, home, program="kubectl"):
        self.program = program
        self.environment = {**os.environ, "KUBECONFIG": kubeconfig, "HOME": home}

    def run(self, *arguments, input=None, timeout=60, environment=None):
        return subprocess.run([self.program, *arguments], input=input, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=timeout, env={**self.environment, **(environment or {})})

    def __call__(self, *arguments, **options):
        """Its output; fails when kubectl does."""
        out = self.run(*arguments, **options)
        if out.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)}: exit {out.returncode}\n{out.stdout}{out.stderr}")
        return out.stdout

    def fails(self, *arguments, **options):
        """What it says on standard error; fails when kubectl does not."""
        out = self.run(*arguments, **options)
        if out.returncode == 0:
            raise AssertionError(f"kubectl {' '.join(arguments)} succeeded:\n{out.stdout}")
        return out.stderr
