"""The tour of kubectl through the API alone: objects, discovery, patches, tables, dry runs."""
import json
import shutil
import subprocess
import unittest

import api

APP = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, labels: {app: app}}
spec:
  replicas: 1
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      containers: [{name: main, image: "app:1", ports: [{containerPort: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {selector: {app: app}, ports: [{port: 80}]}
"""


WIDGETS = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, kind: Widget, shortNames: [wd], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.size, statusReplicasPath: .status.size}}
    additionalPrinterColumns: [{name: Size, type: integer, jsonPath: .spec.size}]
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [color]
            properties:
              size: {type: integer, minimum: 1, default: 2, description: How many there are.}
              color: {type: string, enum: [red, blue]}
              parts:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items: {type: object, required: [name], properties: {name: {type: string}, value: {type: string}}}
          status: {type: object, properties: {size: {type: integer}}}
"""


def widget(name="w", **spec):
    return json.dumps({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name}, "spec": spec})


class KubectlTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = cls.enterClassContext(api.server())
        cls.kubectl = api.Kubectl(f"{directory}/kubeconfig", directory)
        cls.nobody = api.Kubectl(f"{directory}/kubeconfig-user", directory)

    def setUp(self):
        self.kubectl("apply", "-f", "-", input=APP)

    def tearDown(self):
        self.kubectl("delete", "--ignore-not-found", "-f", "-", input=APP)

    def image(self):
        return self.kubectl("get", "deploy", "app", "-o", "jsonpath={.spec.template.spec.containers[0].image}")

    def test_version_health_and_discovery(self):
        self.assertIn("Server Version: v1.32", self.kubectl("version"))
        self.assertEqual(self.kubectl("get", "--raw", "/readyz"), "ok")
        resources = self.kubectl("api-resources", "-o", "wide")
        for name in ("deployments", "horizontalpodautoscalers", "poddisruptionbudgets", "leases"):
            self.assertIn(name, resources)
        self.assertIn("apps/v1", self.kubectl("api-versions"))

    def test_get_in_every_form(self):
        self.assertRegex(self.kubectl("get", "deploy", "app"), r"NAME +READY +UP-TO-DATE +AVAILABLE +AGE\napp +0/1 ")
        self.assertRegex(self.kubectl("get", "deploy", "-o", "wide"), r"CONTAINERS +IMAGES +SELECTOR\napp .* main +app:1 +app=app")
        self.assertEqual(json.loads(self.kubectl("get", "deploy", "app", "-o", "json"))["spec"]["replicas"], 1)
        self.assertIn("kind: Service", self.kubectl("get", "svc", "app", "-o", "yaml"))
        self.assertEqual(self.kubectl("get", "deploy", "-l", "app=other").strip(), "")
        self.assertIn("deployment.apps/app", self.kubectl("get", "all", "-o", "name"))
        self.assertIn("NotFound", self.kubectl.fails("get", "pod", "nope"))
        self.assertRegex(self.kubectl("get", "ns", "--sort-by=.metadata.name"), "(?s)default.*kube-system")

    def test_watch_sees_changes(self):
        for features in ({}, {"KUBE_FEATURE_WatchListClient": "true"}):
            watching = subprocess.Popen(["kubectl", "get", "cm", "-w", "-o", "name"], env={**self.kubectl.environment, **features},
                                        stdout=subprocess.PIPE, text=True)
            try:
                self.kubectl("create", "configmap", "seen")
                self.assertEqual(watching.stdout.readline().strip(), "configmap/seen")
            finally:
                watching.kill()
                watching.communicate()
            self.kubectl("delete", "configmap", "seen")

    def test_apply_diff_and_replace(self):
        self.assertIn("unchanged", self.kubectl("apply", "-f", "-", input=APP))
        changed = APP.replace("app:1", "app:2")
        different = self.kubectl.run("diff", "-f", "-", input=changed)
        self.assertEqual(different.returncode, 1, different.stderr)
        self.assertIn("+      - image: app:2", different.stdout)
        self.assertIn("server dry run", self.kubectl("apply", "--dry-run=server", "-f", "-", input=changed))
        self.assertEqual(self.image(), "app:1")
        self.assertIn("configured", self.kubectl("apply", "-f", "-", input=changed))
        self.assertEqual(self.image(), "app:2")
        self.kubectl("replace", "-f", "-", input=APP)
        self.assertEqual(self.image(), "app:1")
        self.assertIn('unknown field "spec.replica"', self.kubectl.fails("apply", "-f", "-", input=APP.replace("replicas", "replica")))

    def test_server_side_apply_and_its_conflicts(self):
        self.kubectl("delete", "deploy", "app")
        self.assertIn("serverside-applied", self.kubectl("apply", "--server-side", "-f", "-", input=APP))
        self.kubectl("set", "image", "deploy/app", "main=app:9")
        conflict = self.kubectl.fails("apply", "--server-side", "-f", "-", input=APP)
        self.assertIn("conflict with \"kubectl-set\"", conflict)
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=APP)
        self.assertEqual(self.image(), "app:1")

    def test_server_side_apply_takes_over_from_client_side(self):
        self.kubectl("apply", "--server-side", "-f", "-", input=APP.replace("app:1", "app:3"))
        self.assertEqual(self.image(), "app:3")

    def test_changes(self):
        self.kubectl("scale", "deploy", "app", "--replicas=4")
        self.kubectl.fails("scale", "deploy", "app", "--replicas=5", "--current-replicas=1")
        self.kubectl("set", "image", "deploy/app", "main=app:3")
        self.kubectl("label", "deploy", "app", "tier=x")
        self.kubectl("annotate", "deploy", "app", "note=y")
        self.kubectl("rollout", "restart", "deploy/app")
        self.kubectl("rollout", "pause", "deploy/app")
        self.kubectl("patch", "deploy", "app", "--type=json", "-p", '[{"op":"add","path":"/metadata/labels/j","value":"1"}]')
        found = json.loads(self.kubectl("get", "deploy", "app", "-o", "json"))
        self.assertEqual(found["spec"]["replicas"], 4)
        self.assertTrue(found["spec"]["paused"])
        self.assertEqual(found["metadata"]["labels"], {"app": "app", "tier": "x", "j": "1"})
        self.assertIn("kubectl.kubernetes.io/restartedAt", found["spec"]["template"]["metadata"]["annotations"])
        self.assertIn("Replicas:               4 desired", self.kubectl("describe", "deploy", "app"))

    def test_create_of_what_goes_over_the_wire_as_protobuf(self):
        self.kubectl("create", "ns", "made")
        self.kubectl("create", "deployment", "made", "--image=x", "-n", "made", "--replicas=2")
        self.kubectl("create", "configmap", "made", "--from-literal=a=b", "-n", "made")
        self.kubectl("create", "secret", "generic", "made", "--from-literal=a=b", "-n", "made")
        self.kubectl("create", "sa", "made", "-n", "made")
        self.kubectl("create", "pdb", "made", "--selector=a=b", "--min-available=1", "-n", "made")
        self.kubectl("create", "priorityclass", "made", "--value=5")
        self.assertEqual(self.kubectl("get", "deploy", "made", "-n", "made", "-o", "jsonpath={.spec.replicas}"), "2")
        self.assertEqual(self.kubectl("get", "secret", "made", "-n", "made", "-o", "jsonpath={.data.a}"), "Yg==")

    def test_delete_in_every_way(self):
        self.kubectl("run", "p", "--image=x")
        self.assertIn("server dry run", self.kubectl("delete", "pod", "p", "--dry-run=server"))
        self.kubectl("get", "pod", "p")
        self.kubectl("delete", "pod", "p")
        self.kubectl("wait", "--for=delete", "pod/p", "--timeout=10s")
        self.kubectl("create", "configmap", "a")
        self.kubectl("label", "configmap", "a", "gone=yes")
        self.kubectl("delete", "configmap", "-l", "gone=yes")
        self.assertIn("NotFound", self.kubectl.fails("get", "configmap", "a"))

    def test_explain(self):
        self.assertIn("maxSurge", self.kubectl("explain", "deployment.spec.strategy.rollingUpdate"))
        self.assertIn("terminationMessagePath", self.kubectl("explain", "pod.spec.containers"))

    def test_who_may_what(self):
        self.assertEqual(self.kubectl("auth", "can-i", "delete", "nodes").strip(), "yes")
        self.assertIn("admin", self.kubectl("auth", "whoami"))
        self.assertIn("*.*", self.kubectl("auth", "can-i", "--list"))
        self.assertEqual(self.nobody.run("auth", "can-i", "list", "pods").stdout.strip(), "no")
        self.assertIn('User "ann" cannot list resource "secrets"', self.nobody.fails("get", "secrets"))
        self.assertIn("Forbidden", self.nobody.fails("get", "pods", "--as", "admin", "--as-group", "system:masters"))

    def test_roles_and_tokens(self):
        self.kubectl("create", "ns", "team")
        self.kubectl("create", "sa", "robot", "-n", "team")
        self.kubectl("create", "role", "reader", "--verb=get,list", "--resource=configmaps", "-n", "team")
        self.kubectl("create", "rolebinding", "robot", "--role=reader", "--serviceaccount=team:robot", "-n", "team")
        self.assertIn("Role/reader", self.kubectl("get", "rolebinding", "robot", "-n", "team"))
        robot = ("--as", "system:serviceaccount:team:robot")
        self.assertEqual(self.kubectl("auth", "can-i", "list", "configmaps", "-n", "team", *robot).strip(), "yes")
        self.assertEqual(self.kubectl.run("auth", "can-i", "list", "secrets", "-n", "team", *robot).stdout.strip(), "no")
        self.assertIn("configmaps", self.kubectl("auth", "can-i", "--list", "-n", "team", *robot))
        token = self.kubectl("create", "token", "robot", "-n", "team", "--duration=20m").strip()
        with_token = ("--token", token, "-n", "team")
        self.assertIn("system:serviceaccount:team:robot", self.nobody("auth", "whoami", *with_token))
        self.nobody("get", "configmaps", *with_token)
        self.assertIn("Forbidden", self.nobody.fails("get", "secrets", *with_token))
        self.assertIn("Unauthorized", self.nobody.fails("get", "configmaps", "--token", token + "x", "-n", "team"))
        self.kubectl("create", "clusterrolebinding", "viewers", "--clusterrole=view", "--user=ann")
        self.nobody("get", "pods", "-A")
        self.assertIn("forbidden", self.nobody.fails("create", "clusterrolebinding", "mine", "--clusterrole=cluster-admin", "--user=ann"))
        self.kubectl("delete", "clusterrolebinding", "viewers")
        self.kubectl("delete", "ns", "team", "--wait=false")

    def test_autoscale_in_both_versions(self):
        self.kubectl("autoscale", "deploy", "app", "--min=2", "--max=5", "--cpu-percent=70")
        self.assertRegex(self.kubectl("get", "hpa", "app"), "Deployment/app +cpu: <unknown>/70% +2 +5")
        old = json.loads(self.kubectl("get", "horizontalpodautoscalers.v1.autoscaling", "app", "-o", "json"))
        self.assertEqual((old["apiVersion"], old["spec"]["targetCPUUtilizationPercentage"]), ("autoscaling/v1", 70))
        self.kubectl("patch", "horizontalpodautoscalers.v1.autoscaling", "app", "--type=merge", "-p", '{"spec":{"maxReplicas":9}}')
        new = json.loads(self.kubectl("get", "horizontalpodautoscalers.v2.autoscaling", "app", "-o", "json"))
        self.assertEqual((new["apiVersion"], new["spec"]["maxReplicas"]), ("autoscaling/v2", 9))
        self.assertEqual(new["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 70)
        self.kubectl("delete", "hpa", "app")

    def test_events_in_both_groups(self):
        event = {"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "e", "namespace": "default"},
                 "regarding": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app", "namespace": "default"}, "reason": "Tested", "note": "by a client",
                 "type": "Normal", "action": "Test", "reportingController": "test.io/c", "reportingInstance": "c-1", "eventTime": "2026-01-02T03:04:05.000006Z"}
        self.kubectl("create", "-f", "-", input=json.dumps(event))
        self.assertEqual(self.kubectl("get", "ev", "e", "-o", "jsonpath={.involvedObject.name} {.message}"), "app by a client")
        self.assertEqual(self.kubectl("get", "events.events.k8s.io", "e", "-o", "jsonpath={.regarding.name} {.note}"), "app by a client")
        self.assertIn("Tested", self.kubectl("events", "--for", "deployment/app"))
        self.kubectl("delete", "event", "e")

    def test_kinds_that_are_stored_only(self):
        made = self.kubectl.run("create", "job", "j", "--image=x")
        self.assertIn("job.batch/j created", made.stdout)
        self.assertIn("stored only", made.stderr)
        self.assertRegex(self.kubectl("get", "job", "j"), "j +Running +0/1")
        self.kubectl("create", "cronjob", "c", "--image=x", "--schedule=*/5 * * * *")
        self.assertRegex(self.kubectl("get", "cj"), r"\*/5 \* \* \* \* +<none> +False +0 +<none>")
        self.kubectl("create", "quota", "q", "--hard=pods=4")
        self.kubectl("create", "ingress", "i", "--rule=shop.example/*=app:80")
        self.assertRegex(self.kubectl("get", "ing"), r"i +<none> +shop.example +80")
        self.kubectl("delete", "job/j", "cj/c", "quota/q", "ing/i")
        for kind in ("statefulsets", "pvc", "pv", "netpol", "storageclasses", "csinodes", "csidrivers", "csistoragecapacities",
                     "volumeattachments", "rc", "limits", "ingressclasses", "csr", "controllerrevisions"):
            self.kubectl("get", kind)
        self.assertIn("schedule", self.kubectl("explain", "cronjob.spec"))

    def define_widgets(self):
        self.kubectl("apply", "-f", "-", input=WIDGETS)
        self.addCleanup(self.kubectl, "delete", "crd", "widgets.example.com", "--ignore-not-found")
        self.kubectl("wait", "--for=condition=established", "crd/widgets.example.com", "--timeout=10s")

    def test_custom_objects_in_every_way(self):
        self.define_widgets()
        self.kubectl("apply", "-f", "-", input=widget(color="red"))
        self.assertRegex(self.kubectl("get", "wd"), r"NAME +SIZE\nw +2\n")
        self.assertIn("How many there are.", self.kubectl("explain", "widget.spec.size"))
        self.assertIn("widget.example.com/w", self.kubectl("get", "all", "-o", "name"))
        self.kubectl("apply", "-f", "-", input=widget(color="blue", size=3))
        self.assertEqual(self.kubectl("get", "wd/w", "-o", "jsonpath={.spec.color} {.spec.size} {.metadata.generation}"), "blue 3 2")
        self.kubectl("scale", "widget/w", "--replicas=5")
        self.assertEqual(self.kubectl("get", "wd/w", "-o", "jsonpath={.spec.size}"), "5")
        self.kubectl("patch", "wd", "w", "--type=merge", "--subresource=status", "-p", '{"status":{"size":5}}')
        self.kubectl("wait", "wd/w", "--for=jsonpath={.status.size}=5", "--timeout=5s")
        self.kubectl("label", "wd", "w", "tier=one")
        self.assertIn("w", self.kubectl("get", "wd", "-l", "tier=one", "-o", "name"))
        self.assertIn("Size", self.kubectl("describe", "wd", "w"))
        self.kubectl("delete", "wd", "w")
        self.assertEqual(self.kubectl("get", "wd", "-o", "name"), "")

    def test_custom_objects_that_are_wrong(self):
        self.define_widgets()
        self.assertIn('spec.color: Unsupported value: "green"', self.kubectl.fails("apply", "-f", "-", input=widget(color="green")))
        self.assertIn("spec.color: Required value", self.kubectl.fails("create", "-f", "-", input=widget()))
        self.assertIn('unknown field "spec.sise"', self.kubectl.fails("create", "-f", "-", input=widget(color="red", sise=1)))
        self.kubectl("create", "-f", "-", input=widget(color="red"))
        self.assertIn("application/strategic-merge-patch+json is not supported by example.com/v1", self.kubectl.fails("patch", "wd", "w", "--type=strategic", "-p", "{}"))

    def test_custom_objects_applied_by_two(self):
        self.define_widgets()
        self.kubectl("apply", "--server-side", "--field-manager=a", "-f", "-", input=widget(color="red", parts=[{"name": "x", "value": "1"}]))
        self.kubectl("apply", "--server-side", "--field-manager=b", "-f", "-", input=widget(color="red", parts=[{"name": "y", "value": "2"}]))
        self.assertEqual(self.kubectl("get", "wd", "w", "-o", "jsonpath={.spec.parts[*].name}"), "x y")
        self.assertIn("conflict", self.kubectl.fails("apply", "--server-side", "--field-manager=b", "-f", "-", input=widget(color="blue")))

    def test_definitions_go_with_their_objects(self):
        self.define_widgets()
        self.kubectl("create", "-f", "-", input=widget(color="red"))
        watch = subprocess.Popen(["kubectl", "get", "wd", "-w", "--no-headers"], env=self.kubectl.environment, stdout=subprocess.PIPE, text=True)
        self.assertIn("w", watch.stdout.readline())
        self.kubectl("delete", "crd", "widgets.example.com", "--timeout=20s")
        self.assertEqual(watch.wait(20), 0)
        watch.stdout.close()
        self.assertIn("could not find the requested resource", self.kubectl.fails("get", "widgets"))

    def test_pages(self):
        for i in range(5):
            self.kubectl("create", "configmap", f"page-{i}")
        self.assertEqual(self.kubectl("get", "cm", "--chunk-size=2", "-o", "name").count("page-"), 5)
        self.kubectl("delete", "cm", "--all")


if __name__ == "__main__":
    if shutil.which("kubectl") is None:
        api.skip("kubectl is not installed")
    unittest.main(verbosity=2)
