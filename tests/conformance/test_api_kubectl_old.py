"""An old kubectl (Debian's, 1.20) through the API alone: what people do every day."""
import os
import subprocess
import unittest

import api

KUBECTL = os.environ.get("MINATO_OLD_KUBECTL", "")

APP = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: app}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: app}}}}
  template:
    metadata: {{labels: {{app: app}}}}
    spec: {{containers: [{{name: main, image: "app:1", env: [{{name: MODE, value: slow}}]}}]}}
"""


class OldKubectlTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = cls.enterClassContext(api.server())
        cls.kubectl = api.Kubectl(f"{directory}/kubeconfig", directory, KUBECTL)

    def test_get_and_describe(self):
        self.assertRegex(self.kubectl("get", "namespaces"), r"default +Active")
        self.assertIn("kube-system", self.kubectl("get", "ns", "-o", "name"))
        self.assertIn("deployments.apps", self.kubectl("api-resources", "-o", "name"))
        self.assertIn("default", self.kubectl("describe", "namespace", "default"))
        self.assertIn("Server Version", self.kubectl("version"))

    def test_apply_and_change(self):
        self.kubectl("create", "namespace", "old")
        inside = ("-n", "old")
        self.kubectl("apply", *inside, "-f", "-", input=APP.format(replicas=1))
        self.assertIn("configured", self.kubectl("apply", *inside, "-f", "-", input=APP.format(replicas=2)))
        self.assertIn("unchanged", self.kubectl("apply", *inside, "-f", "-", input=APP.format(replicas=2)))
        self.kubectl("scale", *inside, "deployment/app", "--replicas=3")
        self.kubectl("set", "env", *inside, "deployment/app", "MORE=1")
        self.kubectl("label", *inside, "deployment/app", "tier=front")
        shown = "jsonpath={.spec.replicas} {.metadata.labels.tier} {.spec.template.spec.containers[0].env[*].name}"
        self.assertEqual("3 front MODE MORE", self.kubectl("get", *inside, "deployment", "app", "-o", shown))
        self.kubectl("delete", *inside, "deployment", "app", "--wait=false")

    def test_objects_of_the_command_line(self):
        self.kubectl("create", "configmap", "made", "--from-literal=a=1")
        self.kubectl("patch", "configmap", "made", "-p", '{"data":{"b":"2"}}')
        self.assertEqual("1 2", self.kubectl("get", "configmap", "made", "-o", "jsonpath={.data.a} {.data.b}"))
        self.kubectl("create", "serviceaccount", "robot")
        self.assertEqual("yes", self.kubectl("auth", "can-i", "create", "pods").strip())
        self.kubectl("delete", "configmap", "made")
        self.assertIn("NotFound", self.kubectl.fails("get", "configmap", "made"))


if __name__ == "__main__":
    if subprocess.call(["test", "-x", KUBECTL]) != 0:
        api.skip(f"MINATO_OLD_KUBECTL ({KUBECTL!r}) is not a program; prepare_clients.sh fetches Debian's")
    unittest.main(verbosity=2)
