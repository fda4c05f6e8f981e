"""kubectl against a local world: what only a running cluster can answer."""
import os
import signal
import subprocess
import urllib.request

import world_kubectl
from world_kubectl import KubectlWorld, wait_until


class WorldTest(KubectlWorld):
    def test_1_nodes_pods_and_what_they_use(self):
        self.assertRegex(self.kubectl("get", "nodes", "-o", "wide"), r"Ready .* v1\.\d+")
        self.assertRegex(self.kubectl("get", "pods", "-o", "wide"), "1/1 +Running")
        self.assertIn("Non-terminated Pods", self.kubectl("describe", "nodes"))
        self.assertIn("Scheduled", self.kubectl("describe", *self.pods()[:1]))
        self.assertIn("Started", self.kubectl("get", "events"))
        wait_until("nodes are measured", lambda: self.kubectl.run("top", "nodes").returncode == 0, 60)

    def test_2_logs(self):
        self.assertTrue(self.kubectl("logs", self.deployment, "--tail=5"))
        follow = subprocess.Popen(["kubectl", "logs", "-f", self.pods()[0]], env=self.kubectl.environment, stdout=subprocess.PIPE, text=True)
        try:
            self.assertTrue(follow.stdout.readline())
        finally:
            follow.kill()
            follow.communicate()
        self.assertIn("previous terminated container", self.kubectl.fails("logs", "-p", self.pods()[0]))

    def role_pod(self):
        """A Pod of the image that is made from the running program: its command takes arguments."""
        return self.kubectl("get", "pods", "-n", "kube-system", "--field-selector=status.phase=Running", "-o", "name").split()[0]

    def test_2_exec(self):
        pod = self.role_pod()
        program = "/usr/bin/minato"
        execute = ("exec", "-n", "kube-system", pod)
        for more in ({}, {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"}):  # WebSocket, then SPDY.
            self.assertIn("minato ", self.kubectl(*execute, "--", program, "--version", environment=more))
            out = self.kubectl.run(*execute, "--", program, "nonsense", environment=more)
            self.assertIn("no command 'nonsense'", out.stdout + out.stderr)
            self.assertEqual(out.returncode, 2)
            self.assertEqual(self.kubectl.run(*execute, "--", "/nope", environment=more).returncode, 127)
        self.assertIn("not found", self.kubectl.fails("exec", "nope", "--", "x"))
        self.assertIn("is not valid for pod", self.kubectl.fails(*execute, "-c", "nope", "--", "x"))

    def test_2_port_forward(self):
        port = self.kubectl("get", self.pods()[0], "-o", "jsonpath={.spec.containers[0].ports[0].containerPort}")
        for more in ({}, {"KUBECTL_PORT_FORWARD_WEBSOCKETS": "false"}):
            forward = subprocess.Popen(["kubectl", "port-forward", self.pods()[0], f":{port}"], env={**self.kubectl.environment, **more},
                                       stdout=subprocess.PIPE, text=True)
            try:
                local = forward.stdout.readline().split(":")[1].split()[0]
                for _ in range(3):
                    with urllib.request.urlopen(f"http://127.0.0.1:{local}/", timeout=10) as answer:
                        self.assertEqual(answer.status, 200)
            finally:
                forward.kill()
                forward.communicate()

    def test_2_attach(self):
        attached = subprocess.Popen(["kubectl", "attach", self.pods()[0]], env=self.kubectl.environment,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            self.assertTrue(attached.stdout.readline())
        finally:
            attached.kill()
            attached.communicate()

    def test_3_rollout(self):
        self.kubectl("set", "env", self.deployment, "CONFORMANCE=1")
        self.kubectl("rollout", "status", self.deployment, "--timeout=120s", timeout=130)
        self.assertIn("2", self.kubectl("rollout", "history", self.deployment))
        self.kubectl("rollout", "undo", self.deployment)
        self.kubectl("rollout", "status", self.deployment, "--timeout=120s", timeout=130,
                     environment={"KUBE_FEATURE_WatchListClient": "true"})

    def test_4_nodes_out_of_service_and_back(self):
        node = self.kubectl("get", "pods", "-o", "jsonpath={.items[0].spec.nodeName}")
        self.kubectl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=120s", timeout=130)
        self.assertIn("SchedulingDisabled", self.kubectl("get", "node", node))
        self.kubectl("uncordon", node)
        self.kubectl("taint", "node", node, "a=b:NoSchedule")
        self.kubectl("taint", "node", node, "a-")
        self.kubectl("wait", "--for=condition=Available", self.deployment, "--timeout=60s", timeout=70)

    def test_5_the_api_comes_back_where_it_was(self):
        before = self.kubectl("get", "ns", "-o", "name")
        os.kill(self.world.control(), signal.SIGKILL)
        wait_until("the API answers again", lambda: self.kubectl.run("get", "ns", "-o", "name").stdout == before, 30)


if __name__ == "__main__":
    world_kubectl.main()
