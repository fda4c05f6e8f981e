"""What is rendered, before tools that hold opinions: promtool, checkov, kubeconform, kube-score, and
the embedded API server; and the IAM policies against what the programs call.

A check that fails here for a reason is waived below, each with the reason. Of the tools that one might
miss: kube-linter and polaris are not to be had as Go modules (the proxy has none of their versions), and
what they would find is among lint's own rules (docs/LINT.md); cfn-lint reads CloudFormation, of which
nothing is rendered.
"""
import glob
import json
import os
import pathlib
import re
import shutil
import sys
import unittest

import tools
from tools import EXAMPLES, ROOT, Scratch, example, missing, render, run

sys.path.insert(0, str(ROOT / "tests/conformance"))
import api

# checkov's id: why it stays.
CHECKOV_WAIVERS = {
    "CKV_AWS_26": "alarms of CloudWatch cannot publish to a topic under the key alias/aws/sns, and the messages hold no secrets",
    "CKV_AWS_37": "api, audit and authenticator answer who did what; the other two are bulk",
    "CKV_AWS_39": "open to the blocks of eks.api_access only; without them it is closed",
    "CKV_AWS_58": "EKS encrypts objects by envelope with a key of its own since 1.28",
    "CKV_AWS_91": "access logs need a bucket and its life cycle; requests are counted by CloudWatch",
    "CKV_AWS_136": "encrypted with AES-256; a key of one's own changes who pays, not who reads",
    "CKV_AWS_149": "encrypted with the account's key",
    "CKV_AWS_158": "encrypted with CloudWatch's own key",
    "CKV_AWS_260": "port 80 answers with a redirect to HTTPS, nothing else",
    "CKV_AWS_338": "eks.log_retention_days says how long; a year is not everyone's",
    "CKV_AWS_339": "checkov's list of versions ends before those that EKS supports; rule V1 knows the calendar",
    "CKV_AWS_356": "Describe has no resources, and what changes groups is bound to the cluster's tag by a condition",
    "CKV2_AWS_11": "flow logs are a cost that people choose, not one to begin with",
    "CKV2_AWS_28": "a firewall's rules are the service's own affair",
    "CKV2_AWS_57": "rotation needs a function that knows the secret's other side",
}

KUBE_SCORE_WAIVERS = {
    "container-ephemeral-storage-request-and-limit": "the service writes to its own storage, not to the node's disk",
    "container-image-pull-policy": "images are pinned; pulling again at every start makes starts depend on the registry",
    "container-resources": "a limit of CPU slows a Pod beside an idle one (EKS Best Practices Guide)",
    "container-security-context-readonlyrootfilesystem": "read_only_root: true, where the service or the sidecar bears it",
    "container-security-context-user-group-id": "user, where it is not the image's own",
    "deployment-has-host-podantiaffinity": "topologySpreadConstraints spread over zones and nodes",
    "pod-networkpolicy": "network_policy, where the VPC CNI enforces it",
    "pod-probes-identical": "the same path, laxer in time: liveness bears what readiness does not",
    "service-type": "a fixed NodePort is what the target group sends to",
}

# Of Pods that only hold room.
HEADROOM_WAIVERS = {"deployment-has-poddisruptionbudget": "they serve nobody, and must not hold up a drain"}

# What cluster-autoscaler calls on AWS, by its interfaces autoScalingI, ec2I and eksI.
# Source: kubernetes/autoscaler cluster-autoscaler/cloudprovider/aws/aws_wrapper.go, 1.35.
AUTOSCALER_CALLS = {
    "autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeLaunchConfigurations",
    "autoscaling:DescribeScalingActivities", "autoscaling:SetDesiredCapacity",
    "autoscaling:TerminateInstanceInAutoScalingGroup", "ec2:DescribeImages", "ec2:DescribeInstanceTypes",
    "ec2:DescribeLaunchTemplateVersions", "ec2:GetInstanceTypesFromInstanceRequirements", "eks:DescribeNodegroup",
}
# What External Secrets and the CSI driver's provider call for one value by name.
# Source: external-secrets.io, "AWS Secrets Manager" and "Parameter Store"; the provider's README.
SECRET_CALLS = {"ssm": {"ssm:GetParameter", "ssm:GetParameters"},
                "secretsmanager": {"secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"}}


class TerraformPolicy(Scratch):
    def test_checkov_finds_nothing_that_is_not_explained(self):
        if shutil.which("checkov") is None:
            missing("checkov", "Terraform against common policies")
        seen = set()
        for name in EXAMPLES:
            out = self.directory / name
            render(out, example(name))
            done = run("checkov", "-d", out / "terraform", "--framework", "terraform", "--output", "json", "--quiet",
                       "--skip-download", check=False)
            report = json.loads(done.stdout)
            failed = report["results"]["failed_checks"]
            self.assertGreater(report["summary"]["passed"], 100)
            for check in failed:
                with self.subTest(example=name, resource=check["resource"]):
                    self.assertIn(check["check_id"], CHECKOV_WAIVERS, check["check_name"])
                seen.add(check["check_id"])
        self.assertEqual(set(), set(CHECKOV_WAIVERS) - seen, "these waivers waive nothing")

    def actions(self, text, document):
        block = re.search(rf'data "aws_iam_policy_document" "{document}" {{\n(.*?)\n}}', text, re.S).group(1)
        return set(re.findall(r'"((?:autoscaling|ec2|eks|ssm|secretsmanager):\w+)"', block))

    def test_policies_allow_what_is_called_and_nothing_else(self):
        out = self.directory / "out"
        render(out, example("typical"))
        self.assertEqual(AUTOSCALER_CALLS, self.actions((out / "terraform/identity.tf").read_text(), "cluster_autoscaler"))
        self.assertEqual(SECRET_CALLS["ssm"] | SECRET_CALLS["secretsmanager"],
                         self.actions((out / "terraform/secrets.tf").read_text(), "read_secrets"))


class KubernetesPolicy(Scratch):
    def built(self, name):
        """The example's objects as Kustomize gives them, in a file."""
        if shutil.which("kubectl") is None:
            missing("kubectl", "the objects as Kustomize builds them")
        render(self.directory / name, example(name))
        path = self.directory / f"{name}.yaml"
        path.write_text(run("kubectl", "kustomize", self.directory / name / "kubernetes/overlays/eks").stdout)
        return path

    def test_promtool_reads_the_rules(self):
        if shutil.which("promtool") is None:
            missing("promtool", "the rules for Prometheus")
        try:
            import yaml
        except ImportError:
            missing("PyYAML", "the rules for Prometheus")
        render(self.directory / "out", example("everything"))
        rule = yaml.safe_load((self.directory / "out/kubernetes/overlays/eks/prometheus-rule.yaml").read_text())
        (self.directory / "rules.yaml").write_text(yaml.safe_dump(rule["spec"]))
        self.assertIn("12 rules found", run("promtool", "check", "rules", self.directory / "rules.yaml").stdout)

    def whole_schemas(self, source):
        """kubeconform follows no reference to another file: each schema gets the definitions itself."""
        definitions = json.loads((source / "_definitions.json").read_text())["$defs"]
        for kind in ("configmap-v1", "namespace-v1", "service-v1", "serviceaccount-v1", "deployment-apps-v1",
                     "horizontalpodautoscaler-autoscaling-v2", "poddisruptionbudget-policy-v1",
                     "priorityclass-scheduling-v1", "networkpolicy-networking-v1"):
            schema = json.loads((source / f"{kind}.json").read_text().replace("/api/_definitions.json#", "#"))
            (self.directory / f"{kind}.json").write_text(json.dumps({**schema, "$defs": definitions}))

    def test_kube_score_finds_nothing_that_is_not_explained(self):
        if shutil.which("kube-score") is None:
            missing("kube-score", "the objects against common practice")
        for name in EXAMPLES:
            done = run("kube-score", "score", "--output-format", "json", self.built(name), check=False)
            for row in json.loads(done.stdout):
                of_headroom = row["object_name"].endswith("-headroom")
                waived = {**KUBE_SCORE_WAIVERS, **(HEADROOM_WAIVERS if of_headroom else {})}
                for check in row["checks"]:
                    if not check["skipped"] and check["grade"] < 10:
                        with self.subTest(example=name, object=row["object_name"]):
                            self.assertIn(check["check"]["id"], waived, check["comments"])

    def test_kubeconform_knows_every_field(self):
        if shutil.which("kubeconform") is None:
            missing("kubeconform", "the objects against upstream's schema, strictly")
        schemas = glob.glob(f"{sys.prefix}/lib/python*/site-packages/kubernetes_validate/kubernetes-json-schema/v*-local-strict")
        if not schemas:
            missing("kubernetes-validate's schemas", "the objects against upstream's schema, strictly")
        newest = max(schemas, key=lambda path: [int(n) for n in re.findall(r"v(\d+)\.(\d+)", path)[-1]])
        self.whole_schemas(pathlib.Path(newest))
        for name in EXAMPLES:
            done = run("kubeconform", "-strict", "-summary", "-skip", "ExternalSecret,SecretStore,SecretProviderClass,PrometheusRule,AlertmanagerConfig",
                       "-schema-location", f"{self.directory}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json", self.built(name))
            self.assertIn("Invalid: 0, Errors: 0", done.stdout)

    def test_the_api_server_takes_them(self):
        """Server-side, dry and then for good; after that nothing differs."""
        if shutil.which("kubectl") is None:
            missing("kubectl", "the objects before an API server")
        if not os.access(api.SERVER, os.X_OK):
            missing("conformance_server (MINATO_CONFORMANCE_SERVER)", "the objects before an API server")
        for name in EXAMPLES:
            base = self.directory / name / "kubernetes/base"
            render(self.directory / name, example(name))
            with self.subTest(example=name), api.server() as directory:
                kubectl = api.Kubectl(f"{directory}/kubeconfig", directory)
                kubectl("apply", "--server-side", "-f", str(base / "namespace.yaml"))
                dry = kubectl("apply", "--server-side", "--dry-run=server", "-k", str(base))
                self.assertEqual(len(list(base.glob("*.yaml"))) - 1, dry.count("(server dry run)"))
                kubectl("apply", "--server-side", "-k", str(base))
                kubectl("diff", "--server-side", "-k", str(base))
                controllers = base.parent / "controllers"
                if controllers.exists():
                    dry = kubectl("apply", "--server-side", "--dry-run=server", "-k", str(controllers))
                    self.assertEqual(len(list(controllers.glob("*.yaml"))) - 1, dry.count("(server dry run)"))
                    kubectl("apply", "--server-side", "-k", str(controllers))
                    kubectl("diff", "--server-side", "-k", str(controllers))


if __name__ == "__main__":
    tools.main("__main__")
