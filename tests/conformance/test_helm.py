"""Helm on the API: a small chart is installed, upgraded, rolled back and uninstalled."""
import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import api

HELM = os.environ.get("MINATO_HELM", "")
CHART = os.path.join(os.path.dirname(os.path.abspath(__file__)), "chart")


class HelmTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        directory = cls.stack.enter_context(api.server())
        home = cls.stack.enter_context(tempfile.TemporaryDirectory(prefix="minato-helm-"))
        cls.kubectl = api.Kubectl(f"{directory}/kubeconfig", home)
        cls.environment = {**os.environ, "KUBECONFIG": f"{directory}/kubeconfig", "HOME": home}

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def run_helm(self, *arguments):
        return subprocess.run([HELM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, env=self.environment)

    def helm(self, *arguments):
        out = self.run_helm(*arguments)
        self.assertEqual(out.returncode, 0, out.stdout + out.stderr)
        return out.stdout

    def object(self, kind, name):
        return json.loads(self.kubectl("get", kind, name, "-o", "json"))

    def gone(self, kind, name):
        return "NotFound" in self.kubectl.fails("get", kind, name)

    def test_1_install(self):
        self.assertIn("STATUS: deployed", self.helm("install", "shop", CHART))
        deployment = self.object("deployment", "shop")
        self.assertEqual(deployment["spec"]["replicas"], 2)
        self.assertEqual(deployment["metadata"]["annotations"]["meta.helm.sh/release-name"], "shop")
        data = self.object("configmap", "shop")["data"]
        self.assertEqual((data["GREETING"], data["HAS_DEPLOYMENTS"]), ("hello", "true"))
        self.assertTrue(data["CLUSTER"])

    def test_2_install_again_is_refused(self):
        self.assertIn("cannot re-use a name", self.run_helm("install", "shop", CHART).stderr)

    def test_3_upgrade(self):
        # What somebody else has changed stays unless the chart says otherwise.
        self.kubectl("annotate", "deployment", "shop", "example.com/by-hand=yes")
        self.helm("upgrade", "shop", CHART, "--set", "image=shop:2,greeting=moin,canary=true")
        deployment = self.object("deployment", "shop")
        self.assertEqual(deployment["spec"]["template"]["spec"]["containers"][0]["image"], "shop:2")
        self.assertEqual(deployment["metadata"]["annotations"]["example.com/by-hand"], "yes")
        self.assertEqual(self.object("configmap", "shop")["data"]["GREETING"], "moin")
        self.object("configmap", "shop-canary")

    def test_4_rollback(self):
        self.helm("rollback", "shop", "1")
        self.assertEqual(self.object("deployment", "shop")["spec"]["template"]["spec"]["containers"][0]["image"], "shop:1")
        self.assertTrue(self.gone("configmap", "shop-canary"))
        history = json.loads(self.helm("history", "shop", "-o", "json"))
        self.assertEqual([one["revision"] for one in history], [1, 2, 3])
        self.assertEqual(history[-1]["status"], "deployed")

    def test_5_an_upgrade_that_is_refused(self):
        out = self.run_helm("upgrade", "shop", CHART, "--set", "replicas=-1")
        self.assertNotEqual(out.returncode, 0)
        self.assertIn("spec.replicas", out.stderr)
        self.assertEqual(self.object("deployment", "shop")["spec"]["replicas"], 2)
        self.helm("rollback", "shop")

    def test_6_dry_run_and_list(self):
        self.helm("upgrade", "shop", CHART, "--set", "replicas=5", "--dry-run=server")
        self.assertEqual(self.object("deployment", "shop")["spec"]["replicas"], 2)
        self.assertRegex(self.helm("list"), re.compile(r"^shop\s+default", re.M))
        self.assertIn("GREETING", self.helm("get", "manifest", "shop"))

    def test_7_uninstall(self):
        self.helm("uninstall", "shop")
        for kind in ("deployment", "service", "configmap"):
            self.assertTrue(self.gone(kind, "shop"))
        self.assertEqual(json.loads(self.kubectl("get", "secrets", "-l", "owner=helm", "-o", "json"))["items"], [])


if __name__ == "__main__":
    if not os.access(HELM, os.X_OK):
        api.skip("helm is not built; tests/conformance/prepare_clients.sh builds it where there is a Go")
    if shutil.which("kubectl") is None:
        api.skip("kubectl is not installed")
    unittest.main(verbosity=2)
