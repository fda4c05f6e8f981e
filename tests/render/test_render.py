"""`minato render` as people use it, and its output before the tools that will read it."""
import itertools
import json
import os
import pathlib
import random
import shutil
import subprocess
import unittest

import tools
from tools import EXAMPLES, Scratch, Terraform, example, missing, need_terraform, render, run


def tree(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


class Directory(Scratch):
    def test_rendering_again_changes_nothing(self):
        render(self.directory / "out", example("typical"))
        before = tree(self.directory / "out")
        again = render(self.directory / "out", example("typical"))
        self.assertIn("0 files new, 0 changed, 0 removed", again.stdout)
        self.assertEqual(before, tree(self.directory / "out"))
        self.assertEqual("Nothing would change.\n", render(self.directory / "out", example("typical"), options=["--diff"]).stdout)

    def test_the_manifest_is_one_that_sha256sum_reads(self):
        render(self.directory / "out", example("small"))
        run("sha256sum", "--check", "--strict", ".minato-rendered.sha256", cwd=self.directory / "out")

    def test_hand_edits_are_never_lost_silently(self):
        out = self.directory / "out"
        render(out, example("typical"))
        edited = out / "terraform/nodes.tf"
        edited.write_text(edited.read_text() + "# mine\n")
        (self.directory / "overlay.yaml").write_text("replicas: {max: 50}\n")
        files = (example("typical"), self.directory / "overlay.yaml")
        before = tree(out)
        refused = render(out, *files, check=False)
        self.assertEqual(1, refused.returncode)
        self.assertIn("terraform/nodes.tf", refused.stderr)
        self.assertEqual(before, tree(out))

        shown = render(out, *files, options=["--diff"], check=False)
        self.assertEqual(1, shown.returncode)
        self.assertIn("-# mine", shown.stdout)
        self.assertIn("+  maxReplicas: 50", shown.stdout)
        self.assertEqual(before, tree(out))

        render(out, *files, options=["--keep-edited"])
        self.assertTrue(edited.read_text().endswith("# mine\n"))
        self.assertIn("maxReplicas: 50", (out / "kubernetes/base/horizontal-pod-autoscaler.yaml").read_text())
        self.assertEqual(1, render(out, *files, check=False).returncode, "it is still known as edited")
        render(out, *files, options=["--overwrite"])
        self.assertNotIn("# mine", edited.read_text())

    def test_a_file_that_is_no_longer_rendered_goes(self):
        out = self.directory / "out"
        render(out, example("typical"))
        self.assertTrue((out / "terraform/secrets.tf").exists())
        (self.directory / "overlay.yaml").write_text("eks: {secrets: plain}\n")
        render(out, example("typical"), self.directory / "overlay.yaml")
        self.assertFalse((out / "terraform/secrets.tf").exists())

    def test_the_diff_is_one_that_patch_applies(self):
        if shutil.which("patch") is None:
            missing("patch", "the form of --diff")
        out, target = self.directory / "out", self.directory / "target"
        chance = random.Random(7)
        for _ in range(5):
            shutil.rmtree(out, ignore_errors=True)
            shutil.rmtree(target, ignore_errors=True)
            a, b = chance.sample(list(tools.variants()), 2)
            files = {}
            for name, texts in (("a", a), ("b", b)):
                files[name] = [self.directory / f"{name}{i}.yaml" for i in range(len(texts))]
                for path, text in zip(files[name], texts):
                    path.write_text(text)
            render(out, *files["a"])
            render(target, *files["b"])
            diff = render(out, *files["b"], options=["--diff"], check=False).stdout
            done = subprocess.run(["patch", "-p1", "-E", "--quiet", "--fuzz=0"], cwd=out, input=diff, text=True, capture_output=True)
            self.assertEqual(0, done.returncode, done.stdout)
            patched, wanted = tree(out), tree(target)
            patched.pop(".minato-rendered.sha256"), wanted.pop(".minato-rendered.sha256")
            self.assertEqual(wanted, patched)


TASK = """{"taskDefinition": {"family": "web", "cpu": "512", "memory": "1024", "containerDefinitions": [
  {"name": "web", "image": "registry.example.com/web:1", "portMappings": [{"containerPort": 8080}], "essential": true,
   "healthCheck": {"command": ["CMD-SHELL", "wget -q http://127.0.0.1:8080/up || exit 1"]},
   "ulimits": [{"name": "nofile", "softLimit": 1024, "hardLimit": 4096}]}]}}"""


class ImportAndLint(Scratch):
    def test_from_a_task_definition_to_manifests(self):
        (self.directory / "task.json").write_text(TASK)
        file = self.directory / "minato.yaml"
        done = run(tools.MINATO, "import", "ecs", self.directory / "task.json", "-f", file)
        self.assertRegex(done.stdout, r"lost +containerDefinitions\[web\]\.ulimits")
        self.assertIn("health: /up", file.read_text())
        again = run(tools.MINATO, "import", "ecs", self.directory / "task.json", "-f", file, check=False)
        self.assertEqual(1, again.returncode)
        self.assertIn("--overwrite", again.stderr)
        file.write_text(file.read_text() + "domain: web.example.com\n")
        render(self.directory / "out", file)
        self.assertIn("port: http", (self.directory / "out/kubernetes/base/deployment.yaml").read_text())

    def test_a_service_as_people_run_it_keeps_the_rules(self):
        """Four containers, secrets from two stores, EFS, firelens, spot, two scaling policies, and a
        target group with AWS's defaults."""
        inputs = pathlib.Path(__file__).parent / "ecs"
        file = self.directory / "minato.yaml"
        done = run(tools.MINATO, "import", "ecs", inputs / "task.json", "--service", inputs / "service.json",
                   "--target-group", inputs / "target-group.json", "-f", file, "-o", "json")
        report = {(e["fate"], e["field"]) for e in json.loads(done.stdout)}
        task = json.loads((inputs / "task.json").read_text())["taskDefinition"]
        app, = (c for c in task["containerDefinitions"] if c["name"] == "app")
        named = " ".join(field for _, field in report)
        for field, value in app.items():
            if value and field not in ("name", "essential"):
                self.assertIn(f"containerDefinitions[app].{field}", named)
        self.assertIn(("changed", "targetGroup.Attributes[deregistration_delay.timeout_seconds]"), report)
        self.assertIn(("changed", "containerDefinitions[migrate]"), report)
        self.assertIn(("lost", "containerDefinitions[log-router]"), report)
        self.assertIn("runs: first", file.read_text())
        file.write_text(file.read_text() + "domain: checkout.example.com\n")
        self.assertEqual(set(), self.errors(file))
        render(self.directory / "out", file)

    def test_what_cannot_be_is_named_with_its_line(self):
        file = self.directory / "minato.yaml"
        file.write_text(example("small").read_text() + "load_balancer:\n  slow_start: 3s\n")
        line = len(file.read_text().splitlines())
        refused = render(self.directory / "out", file, check=False)
        self.assertIn(f"minato.yaml:{line}: 'load_balancer.slow_start'", refused.stderr)
        done = run(tools.MINATO, "lint", file, check=False)
        self.assertRegex(done.stdout, r"D10 +\S+minato.yaml:3: image")

    def test_bad_json_is_named(self):
        (self.directory / "task.json").write_text("{")
        done = run(tools.MINATO, "import", "ecs", self.directory / "task.json", "-f", self.directory / "x.yaml", check=False)
        self.assertEqual(2, done.returncode)
        self.assertIn("task.json", done.stderr)
        self.assertFalse((self.directory / "x.yaml").exists())

    def errors(self, *paths):
        """Rules that are broken and not waived. V1 is not counted: it depends on the day."""
        done = run(tools.MINATO, "lint", *paths, "-o", "json", check=False)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        found = json.loads(done.stdout)["findings"]
        return {f["rule"] for f in found if f["severity"] == "error" and not f["waived"]} - {"V1"}

    def test_lint_judges_what_is_rendered_and_what_was_edited(self):
        for name in EXAMPLES:
            self.assertEqual(set(), self.errors(example(name)))
        out = self.directory / "out"
        render(out, example("typical"))
        self.assertEqual(set(), self.errors(example("typical"), out))
        service = out / "kubernetes/base/service.yaml"
        service.write_text(service.read_text().replace("nodePort: 30080", "nodePort: 30081"))
        self.assertEqual({"X1"}, self.errors(example("typical"), out))
        self.assertEqual(1, run(tools.MINATO, "lint", example("typical"), out, check=False).returncode)


class TerraformReads(Scratch):
    def setUp(self):
        super().setUp()
        need_terraform("whether Terraform takes what is rendered")

    def test_examples_are_formatted_and_valid(self):
        for name in EXAMPLES:
            with self.subTest(example=name):
                out = self.directory / name
                render(out, example(name))
                terraform = Terraform(out / "terraform")
                terraform("fmt", "-check", "-recursive", "-diff")
                terraform.init()
                terraform("validate", "-no-color")

    def test_variants_are_formatted_and_valid(self):
        out = self.directory / "out"
        terraform = None
        count = 0
        # Cheap ones whole, dear ones by a fixed sample: a validation takes seconds.
        every = list(tools.variants())
        chosen = random.Random(11).sample(every, int(os.environ.get("MINATO_RENDER_VARIANTS", "36")))
        for number, texts in enumerate(every):
            paths = []
            for i, text in enumerate(texts):
                paths.append(self.directory / f"{i}.yaml")
                paths[-1].write_text(text)
            render(out, *paths, options=["--overwrite"])
            if terraform is None:
                terraform = Terraform(out / "terraform")
                terraform.init()
            with self.subTest(variant=number, texts=texts[1:]):
                terraform("fmt", "-check", "-recursive", "-diff")
                if texts in chosen:
                    terraform("validate", "-no-color")
                    count += 1
        print(f"{len(every)} variants formatted, {count} of them validated")

    def test_the_whole_plan_stands_with_a_mocked_provider(self):
        """Every resource, also those that moto lacks, is planned and applied: expressions, references
        and the order of things."""
        for name in EXAMPLES:
            with self.subTest(example=name):
                out = self.directory / name
                (self.directory / "overlay.yaml").write_text("eks: {protect: false}\n")  # The test destroys it.
                render(out, example(name), self.directory / "overlay.yaml")
                (out / "terraform/all.tftest.hcl").write_text(MOCK_TEST)
                terraform = Terraform(out / "terraform")
                terraform.init()
                terraform("test", "-no-color")


MOCK_TEST = """
mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_eks_addon_version" {
    defaults = { version = "v1.20.0-eksbuild.1" }
  }
  mock_data "aws_ssm_parameter" {
    defaults = { insecure_value = "ami-0123456789abcdef0" }
  }
  mock_resource "aws_eks_cluster" {
    defaults = {
      certificate_authority = [{ data = "Q0E=" }]
      vpc_config            = { cluster_security_group_id = "sg-1" }
    }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/x" }
  }
  mock_resource "aws_iam_instance_profile" {
    defaults = { arn = "arn:aws:iam::123456789012:instance-profile/x" }
  }
  mock_resource "aws_launch_template" {
    defaults = { id = "lt-0123456789abcdef0" }
  }
  mock_resource "aws_lb" {
    defaults = { arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/x/1" }
  }
  mock_resource "aws_lb_target_group" {
    defaults = { arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/x/1" }
  }
  mock_resource "aws_acm_certificate" {
    defaults = {
      arn = "arn:aws:acm:us-east-1:123456789012:certificate/x"
      domain_validation_options = [{
        domain_name           = "shop.example.com"
        resource_record_name  = "_x.shop.example.com."
        resource_record_type  = "CNAME"
        resource_record_value = "_y.acm-validations.aws."
      }]
    }
  }
  mock_resource "aws_acm_certificate_validation" {
    defaults = { certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/x" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:us-east-1:123456789012:x" }
  }
}

run "everything" {
  command = apply

  assert {
    condition     = aws_lb_target_group.this.port == local.node_port && aws_lb_target_group.this.target_type == "instance"
    error_message = "the target group is not on the NodePort"
  }
  assert {
    condition     = aws_eks_cluster.this.access_config[0].authentication_mode == "API"
    error_message = "access is not by access entries"
  }
  assert {
    condition     = alltrue([for template in [aws_launch_template.master, aws_launch_template.scaling] : template.metadata_options[0].http_tokens == "required" && template.metadata_options[0].http_put_response_hop_limit == 1])
    error_message = "the metadata are open to Pods"
  }
}
"""


class KubernetesReads(Scratch):
    def test_kustomize_builds_and_pins(self):
        if shutil.which("kubectl") is None:
            missing("kubectl", "whether Kustomize takes what is rendered")
        for name in EXAMPLES:
            with self.subTest(example=name):
                render(self.directory / name, example(name))
                built = run("kubectl", "kustomize", self.directory / name / "kubernetes/overlays/eks").stdout
                self.assertIn("kind: Deployment", built)
                self.assertRegex(built, r"image: 123456789012\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/[a-z/-]+[:@]")
                for document in built.split("\n---\n"):
                    if "\nkind: Deployment\n" in document and "-headroom\n" not in document:
                        self.assertNotRegex(document, r"(?m)^  replicas:")

    def test_every_yaml_file_is_yaml(self):
        try:
            import yaml
        except ImportError:
            missing("PyYAML", "the YAML files one by one")
        for name in EXAMPLES:
            render(self.directory / name, example(name))
            for path in (self.directory / name).rglob("*.yaml"):
                with self.subTest(path=str(path)):
                    self.assertTrue(all(isinstance(d, dict) for d in yaml.safe_load_all(path.read_text())))
        data = yaml.safe_load((self.directory / "everything/kubernetes/base/config-map.yaml").read_text())["data"]
        self.assertEqual({"GREETING": 'says: "hello" # to all', "FEATURES": "yes", "MAX_ITEMS": "0100",
                          "MOTD": "line one\n  line two\n", "EMPTY": ""}, data)

    def test_objects_are_valid_by_the_upstream_schema(self):
        try:
            import kubernetes_validate
            import yaml
        except ImportError:
            missing("kubernetes-validate", "the objects against the schema of Kubernetes")
        version = kubernetes_validate.latest_version()
        count = 0
        for name in EXAMPLES:
            render(self.directory / name, example(name))
            kubernetes = self.directory / name / "kubernetes"
            for path in itertools.chain(kubernetes.glob("base/*.yaml"), kubernetes.glob("controllers/*.yaml")):
                for document in yaml.safe_load_all(path.read_text()):
                    if document["kind"] != "Kustomization":
                        kubernetes_validate.validate(document, version, strict=True)
                        count += 1
        print(f"{count} objects are valid in Kubernetes {version}")

    def test_user_data_is_mime_with_a_node_config(self):
        try:
            import yaml
        except ImportError:
            missing("PyYAML", "the node's user data")
        import email
        render(self.directory / "out", example("small"))
        text = (self.directory / "out/terraform/templates/user-data.tftpl").read_text()
        for name, value in (("cluster", "shop"), ("endpoint", "https://x"), ("certificate_authority", "Q0E="),
                            ("service_cidr", "10.100.0.0/16"), ("labels", "a=b"), ("taints", "a=b:NoSchedule")):
            text = text.replace("${" + name + "}", value)
        text = "".join(line for line in text.splitlines(True) if not line.startswith("%{"))
        parts = email.message_from_string(text).get_payload()
        self.assertEqual(["application/node.eks.aws"], [part.get_content_type() for part in parts])
        config = yaml.safe_load(parts[0].get_payload())
        self.assertEqual({"name", "apiServerEndpoint", "certificateAuthority", "cidr"}, set(config["spec"]["cluster"]))
        self.assertEqual(["--node-labels=a=b", "--register-with-taints=a=b:NoSchedule"], config["spec"]["kubelet"]["flags"])


if __name__ == "__main__":
    tools.main("__main__")
