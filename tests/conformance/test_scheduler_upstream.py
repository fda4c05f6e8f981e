"""kube-scheduler of upstream on this API, in the place of ours: it elects itself and binds Pods."""
import contextlib
import json
import shutil
import tempfile
import time
import unittest

import api
import upstream

WITHIN_SECONDS = 60
CONFIGURATION = """
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {{kubeconfig: "{kubeconfig}", contentType: application/vnd.kubernetes.protobuf}}
leaderElection: {{leaderElect: true, leaseDuration: 6s, renewDeadline: 4s, retryPeriod: 1s}}
"""


def node(name, zone, cpu, **spec):
    amounts = {"cpu": cpu, "memory": "8Gi", "pods": "110"}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"topology.kubernetes.io/zone": zone, "kubernetes.io/hostname": name}}, "spec": spec,
            "status": {"capacity": amounts, "allocatable": amounts, "conditions": [{"type": "Ready", "status": "True"}]}}


def pod(name, cpu="100m", **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name.rsplit("-", 1)[0]}},
            "spec": {"containers": [{"name": "main", "image": "app:1", "resources": {"requests": {"cpu": cpu}}}], **spec}}


def spread(app):
    return [{"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": app}}}]


class SchedulerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        directory = cls.stack.enter_context(api.server())
        home = cls.stack.enter_context(tempfile.TemporaryDirectory(prefix="minato-scheduler-"))
        cls.kubectl = api.Kubectl(f"{directory}/kubeconfig", home)
        with open(f"{home}/scheduler.yaml", "w") as configuration:
            configuration.write(CONFIGURATION.format(kubeconfig=f"{directory}/kubeconfig"))
        for one in (node("node-a", "a", "2"), node("node-b", "b", "2"), node("node-c", "b", "2", unschedulable=True, taints=[{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}])):
            cls.apply(one)
        command = [upstream.program("kube-scheduler"), f"--config={home}/scheduler.yaml", "--secure-port=0", "--authentication-skip-lookup", "--v=2"]
        cls.log = f"{home}/scheduler.log"
        cls.process = cls.stack.enter_context(upstream.running(command, cls.log))

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    @classmethod
    def apply(cls, *objects):
        cls.kubectl("create", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))

    def pods(self, app):
        return json.loads(self.kubectl("get", "pods", "-l", f"app={app}", "-o", "json"))["items"]

    def until(self, what, holds):
        deadline = time.monotonic() + WITHIN_SECONDS
        while not holds():
            if time.monotonic() > deadline or self.process.poll() is not None:
                with open(self.log) as log:
                    self.fail(f"{what}; kube-scheduler said:\n{log.read()[-3000:]}")
            time.sleep(0.2)

    def nodes_of(self, app, count):
        self.until(f"{count} Pods of {app} are not bound", lambda: sum(bool(one["spec"].get("nodeName")) for one in self.pods(app)) == count)
        return [one["spec"]["nodeName"] for one in self.pods(app)]

    def test_1_leader_election(self):
        self.until("nobody leads", lambda: self.kubectl.run("get", "lease", "-n", "kube-system", "kube-scheduler", "-o", "jsonpath={.spec.holderIdentity}").stdout)

    def test_2_pods_are_bound(self):
        self.apply(*(pod(f"plain-{i}") for i in range(20)))
        self.assertEqual(set(self.nodes_of("plain", 20)), {"node-a", "node-b"})
        events = json.loads(self.kubectl("get", "events", "-A", "-o", "json"))["items"]
        self.assertTrue(any(event.get("reason") == "Scheduled" for event in events))

    def test_3_zones_are_spread(self):
        self.apply(*(pod(f"spread-{i}", cpu="10m", topologySpreadConstraints=spread("spread")) for i in range(4)))
        nodes = self.nodes_of("spread", 4)
        self.assertEqual(sorted(nodes), ["node-a", "node-a", "node-b", "node-b"])

    def test_4_what_fits_nowhere_says_why_and_is_bound_later(self):
        self.apply(pod("large-0", cpu="3"))

        def condition():
            return next((one for one in self.pods("large")[0]["status"].get("conditions", []) if one["type"] == "PodScheduled"), {})
        self.until("no reason is given", lambda: condition().get("reason") == "Unschedulable")
        self.assertIn("Insufficient cpu", condition()["message"])
        self.apply(node("node-d", "a", "4"))
        self.assertEqual(self.nodes_of("large", 1), ["node-d"])

    def test_5_a_more_important_pod_takes_its_place(self):
        self.apply({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "important"}, "value": 1000})
        self.apply(pod("filler-0", cpu="900m", nodeSelector={"kubernetes.io/hostname": "node-d"}, terminationGracePeriodSeconds=0))
        self.nodes_of("filler", 1)
        self.apply(pod("important-0", cpu="800m", priorityClassName="important", nodeSelector={"kubernetes.io/hostname": "node-d"}))

        def ending():
            return [one["metadata"]["name"] for app in ("filler", "large") for one in self.pods(app) if one["metadata"].get("deletionTimestamp")]
        self.until("nobody makes room", ending)
        for name in ending():  # No kubelet is there to end it.
            self.kubectl.run("delete", "pod", name, "--force", "--grace-period=0")
        self.assertEqual(self.nodes_of("important", 1), ["node-d"])


if __name__ == "__main__":
    upstream.program("kube-scheduler")
    if shutil.which("kubectl") is None:
        api.skip("kubectl is not installed")
    unittest.main(verbosity=2)
