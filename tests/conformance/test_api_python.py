"""The Python client (package kubernetes) through the API alone."""
import unittest

import api

try:
    from kubernetes import client, config, dynamic, watch
except ImportError:
    api.skip("the Python package 'kubernetes' is not installed")


class PythonClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = cls.enterClassContext(api.server())
        config.load_kube_config(f"{directory}/kubeconfig")
        cls.core = client.CoreV1Api()

    def setUp(self):
        self.core.create_namespaced_config_map("default", {"metadata": {"name": "m"}, "data": {"a": "1"}})

    def tearDown(self):
        self.core.delete_collection_namespaced_config_map("default")

    def test_read_list_and_errors(self):
        self.assertEqual(self.core.read_namespaced_config_map("m", "default").data, {"a": "1"})
        self.assertIn("default", [space.metadata.name for space in self.core.list_namespace().items])
        page = self.core.list_namespace(limit=2)
        self.assertEqual(len(page.items), 2)
        rest = self.core.list_namespace(_continue=page.metadata._continue)
        self.assertEqual(len(rest.items), page.metadata.remaining_item_count)
        with self.assertRaises(client.ApiException) as raised:
            self.core.read_namespaced_config_map("nope", "default")
        self.assertEqual(raised.exception.status, 404)

    def test_patches(self):
        merged = self.core.patch_namespaced_config_map("m", "default", {"data": {"b": "2"}})
        self.assertEqual(merged.data, {"a": "1", "b": "2"})
        patched = self.core.patch_namespaced_config_map("m", "default", [{"op": "remove", "path": "/data/a"}])
        self.assertEqual(patched.data, {"b": "2"})

    def test_update_conflicts(self):
        found = self.core.read_namespaced_config_map("m", "default")
        found.data = {"a": "2"}
        self.core.replace_namespaced_config_map("m", "default", found)
        with self.assertRaises(client.ApiException) as raised:
            self.core.replace_namespaced_config_map("m", "default", found)
        self.assertEqual(raised.exception.status, 409)

    def test_watch(self):
        seen = []
        for event in watch.Watch().stream(self.core.list_namespaced_config_map, "default", timeout_seconds=5):
            seen.append((event["type"], event["object"].metadata.name))
            if len(seen) == 1:
                self.core.create_namespaced_config_map("default", {"metadata": {"name": "later"}})
            if len(seen) == 2:
                break
        self.assertEqual(seen, [("ADDED", "m"), ("ADDED", "later")])

    def test_dry_run_and_delete(self):
        self.core.delete_namespaced_config_map("m", "default", dry_run="All")
        self.core.read_namespaced_config_map("m", "default")
        self.core.delete_namespaced_config_map("m", "default", propagation_policy="Background")
        with self.assertRaises(client.ApiException) as raised:
            self.core.read_namespaced_config_map("m", "default")
        self.assertEqual(raised.exception.status, 404)

    def test_workloads_and_scale(self):
        apps = client.AppsV1Api()
        apps.create_namespaced_deployment("default", {"metadata": {"name": "web"}, "spec": {
            "replicas": 1, "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}})
        self.assertEqual(apps.read_namespaced_deployment_scale("web", "default").spec.replicas, 1)
        self.assertEqual(apps.patch_namespaced_deployment_scale("web", "default", {"spec": {"replicas": 3}}).spec.replicas, 3)
        apps.delete_namespaced_deployment("web", "default")

    def test_dynamic_client_and_reviews(self):
        found = dynamic.DynamicClient(client.ApiClient()).resources.get(api_version="v1", kind="ConfigMap")
        self.assertEqual(found.get(name="m", namespace="default").data.a, "1")
        review = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}
        self.assertTrue(client.AuthorizationV1Api().create_self_subject_access_review(review).status.allowed)


if __name__ == "__main__":
    unittest.main(verbosity=2)
