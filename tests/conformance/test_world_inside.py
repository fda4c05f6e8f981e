"""kubectl with Pods of its own in a local world: what they may ask the API, and ways into them."""
import json
import os
import socket
import ssl
import subprocess
import sys

import world_kubectl
from world_kubectl import KubectlWorld, Terminal, images, wait_until, world

PROGRAMS = ("/bin/sh", "/bin/cat", "/bin/ls", "/bin/mkdir", "/bin/sleep", "/bin/stty", "/bin/tar", "/usr/bin/curl", "/usr/bin/stat")
ACCESS = "/var/run/secrets/kubernetes.io/serviceaccount"


class InsideTest(KubectlWorld):
    THEME = "inside"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.image = images.Layout(world.IMAGE, f"{cls.world.directory}/shell").with_programs(*PROGRAMS)
        # kubectl takes names of registries only; this one is where the world fetches images from.
        registry = subprocess.Popen(["nsenter", "-t", str(cls.world.control()), "-n", sys.executable,
                                     f"{os.path.dirname(os.path.abspath(__file__))}/registry.py", f"{cls.world.directory}/shell", "5000"])
        cls.addClassCleanup(registry.wait)
        cls.addClassCleanup(registry.kill)
        cls.named_image = "127.0.0.1:5000/shell:1"

    def make_pod(self, name, container=None, **spec):
        """A Pod in "default" that waits; it runs when this returns."""
        container = {"name": "main", "image": self.image, "command": ["/bin/sleep", "1000000"], **(container or {})}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
               "spec": {"terminationGracePeriodSeconds": 1, **spec, "containers": [container]}}
        self.kubectl("apply", "-f", "-", input=json.dumps(pod))
        self.addCleanup(self.kubectl.run, "delete", "-n", "default", "pod", name, "--ignore-not-found", "--now")
        self.kubectl("wait", "-n", "default", "--for=condition=Ready", f"pod/{name}", "--timeout=60s", timeout=70)

    def inside(self, pod, *command, **options):
        return self.kubectl("exec", "-n", "default", pod, "--", *command, **options)

    def ask(self, pod, path, server="kubernetes.default.svc", token=f"$(cat {ACCESS}/token)"):
        """The status that a Pod gets from the API; curl believes no one but the Pod's authority."""
        return self.inside(pod, "/bin/sh", "-c", f'curl -sS --max-time 20 --cacert {ACCESS}/ca.crt -H "Authorization: Bearer {token}" '
                                                 f'-o /dev/null -w "%{{http_code}}" https://{server}{path}')

    def test_1_a_pod_asks_the_api(self):
        self.make_pod("asker")
        pods, secrets = "/api/v1/namespaces/default/pods", "/api/v1/namespaces/default/secrets"
        self.assertEqual("403", self.ask("asker", pods))
        self.kubectl("create", "-n", "default", "role", "reader", "--verb=get,list", "--resource=pods")
        self.kubectl("create", "-n", "default", "rolebinding", "readers", "--role=reader", "--serviceaccount=default:default")
        for server in ("kubernetes.default.svc", "kubernetes", "kubernetes.default.svc.cluster.local",
                       "$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT"):
            self.assertEqual("200", self.ask("asker", pods, server=server), server)
        self.assertEqual("403", self.ask("asker", secrets))
        self.assertEqual("403", self.ask("asker", "/api/v1/namespaces/kube-system/pods"))
        self.assertEqual("401", self.ask("asker", pods, token="forged"))
        self.assertEqual("default", self.inside("asker", "cat", f"{ACCESS}/namespace"))
        self.assertRegex(self.kubectl("get", "-n", "default", "service,endpointslices"), r"(?s)service/kubernetes .*443/TCP.*10\.77\.0\.3")
        # Outside of the world nobody of its authority is there (some networks answer for every address).
        context = ssl.create_default_context(cafile=f"{self.world.state}/authority/ca.crt")
        with self.assertRaises(OSError), socket.create_connection(("10.77.0.3", 443), timeout=2) as plain:
            context.wrap_socket(plain, server_hostname="kubernetes").close()

    def test_1_a_token_ends_with_its_pod(self):
        self.make_pod("mortal")
        token = self.inside("mortal", "cat", f"{ACCESS}/token")
        as_pod = ("auth", "whoami", "--token", token, "-o", "jsonpath={.status.userInfo.username}")
        # Without the administrator's own token in the configuration.
        bare = f"{self.world.directory}/bare"
        with open(bare, "w") as file:
            file.write(self.kubectl("config", "view", "--raw", "--minify", "--flatten"))
        environment = {"KUBECONFIG": bare}
        for user in self.kubectl("config", "get-users", environment=environment).split()[1:]:
            self.kubectl("config", "delete-user", user, environment=environment)
        self.assertEqual("system:serviceaccount:default:default", self.kubectl(*as_pod, environment=environment))
        self.kubectl("delete", "-n", "default", "pod", "mortal", "--now")
        self.assertRegex(self.kubectl.fails(*as_pod, environment=environment), "Unauthorized|must be logged in")

    def test_1_a_pod_that_wants_no_token_gets_none(self):
        self.make_pod("quiet", automountServiceAccountToken=False)
        self.assertEqual(2, self.kubectl.run("exec", "-n", "default", "quiet", "--", "ls", ACCESS).returncode)
        own = self.pods()[0]
        self.assertNotIn("kube-api-access", self.kubectl("get", own, "-o", "jsonpath={.spec.volumes[*].name}"), "least privilege")

    def test_2_modes_and_groups_of_volumes(self):
        self.kubectl("create", "-n", "default", "configmap", "modes", "--from-literal=a=1", "--from-literal=b=2")
        volumes = [{"name": "modes", "configMap": {"name": "modes", "defaultMode": 0o400, "items": [
            {"key": "a", "path": "a"}, {"key": "b", "path": "sub/b", "mode": 0o640}]}}, {"name": "scratch", "emptyDir": {}}]
        mounts = [{"name": "modes", "mountPath": "/modes"}, {"name": "scratch", "mountPath": "/scratch"}]
        show = ("stat", "-L", "-c", "%a %u %g", "/modes/a", "/modes/sub/b", f"{ACCESS}/token", "/scratch")
        self.make_pod("modes", container={"volumeMounts": mounts}, volumes=volumes)
        self.assertEqual(["400 0 0", "640 0 0", "644 0 0", "777 0 0"], self.inside("modes", *show).splitlines())
        self.make_pod("grouped", container={"volumeMounts": mounts}, volumes=volumes, securityContext={"runAsUser": 1000, "fsGroup": 2000})
        self.assertEqual(["440 0 2000", "640 0 2000", "640 1000 2000", "2777 0 2000"], self.inside("grouped", *show).splitlines())
        self.assertEqual("1", self.inside("grouped", "cat", "/modes/a"), "by its group")

    def test_3_cp(self):
        self.make_pod("files")
        here = f"{self.world.directory}/cp"
        os.makedirs(f"{here}/deep", exist_ok=True)
        content = os.urandom(3 << 20)
        with open(f"{here}/deep/data", "wb") as file:
            file.write(content)
        self.kubectl("cp", "-n", "default", here, "files:/copied")
        self.assertEqual(str(len(content)), self.inside("files", "stat", "-c", "%s", "/copied/deep/data").strip())
        self.kubectl("cp", "-n", "default", "files:/copied/deep/data", f"{here}/back")
        with open(f"{here}/back", "rb") as file:
            self.assertEqual(content, file.read())
        missing = self.kubectl.run("cp", "-n", "default", "files:/nothing", f"{here}/nothing")
        self.assertIn("No such file", missing.stdout + missing.stderr)

    def test_3_exec_on_a_terminal(self):
        self.make_pod("tty")
        for more in ({}, {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"}):  # WebSocket, then SPDY.
            with Terminal(self.kubectl, "exec", "-n", "default", "-it", "tty", "--", "/bin/sh", rows=40, columns=120, environment=more) as shell:
                shell.expect("# ")
                self.has_size(shell, 40, 120)
                shell.resize(50, 100)
                self.has_size(shell, 50, 100)
                # Told by the command itself: before it there is nobody in front to be interrupted.
                shell.send("/bin/sh -c 'echo rea''dy; exec sleep 1000'\n")
                shell.expect("ready\r\n")
                shell.send("\x03")
                shell.expect("# ")
                shell.send("echo ended with $?\n")
                shell.expect("\nended with 130")
                shell.send("exit 7\n")
                self.assertEqual(7, shell.finish())

    def test_3_attach(self):
        script = "while read line; do echo heard $line; done; echo over; sleep 1000"
        self.make_pod("listener", container={"command": ["/bin/sh", "-c", script], "stdin": True, "stdinOnce": True})
        attached = subprocess.Popen(["kubectl", "attach", "-n", "default", "-i", "listener"], env=self.kubectl.environment,
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            attached.stdin.write("one\ntwo\n")
            attached.stdin.close()
            attached.stdin = None
            self.assertEqual(["heard one\n", "heard two\n", "over\n"], [attached.stdout.readline() for _ in range(3)])
        finally:
            attached.kill()
            attached.communicate()

    def test_3_attach_on_a_terminal(self):
        self.make_pod("talker", container={"command": ["/bin/sh"], "stdin": True, "tty": True}, restartPolicy="Never")
        for more in ({}, {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"}):
            with Terminal(self.kubectl, "attach", "-n", "default", "-it", "talker", rows=33, columns=99, environment=more) as shell:
                shell.send("\n")
                shell.expect("# ")
                self.has_size(shell, 33, 99)
                shell.send("word=kept$word; echo now $word\n")
                shell.expect(r"now (kept)+\r")
        with Terminal(self.kubectl, "attach", "-n", "default", "-it", "talker") as shell:
            shell.send("echo $word\n")
            shell.expect("keptkept")
            shell.send("exit 5\n")
            shell.finish()
        self.kubectl("wait", "-n", "default", "--for=jsonpath={.status.phase}=Failed", "pod/talker", "--timeout=30s", timeout=40)
        self.assertEqual("5", self.kubectl("get", "-n", "default", "pod", "talker", "-o", "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}"))

    def test_4_run_on_a_terminal(self):
        self.addCleanup(self.kubectl.run, "delete", "-n", "default", "pod", "once", "--ignore-not-found", "--now")
        with Terminal(self.kubectl, "run", "-n", "default", "once", "-it", "--rm", "--restart=Never", f"--image={self.named_image}",
                      "--image-pull-policy=IfNotPresent", "--command", "--", "/bin/sh") as shell:
            shell.send("\n")  # The first prompt may have come before anybody was there to see it.
            shell.expect("# ")
            shell.send("echo i am $HOSTNAME\n")
            shell.expect("\ni am once")
            shell.send("exit 3\n")
            self.assertEqual(3, shell.finish())
        self.assertIn("not found", self.kubectl.fails("get", "-n", "default", "pod", "once"))

    def test_4_debug(self):
        own = self.pods()[0]
        before = self.kubectl("get", own, "-o", "jsonpath={.status.containerStatuses[*].restartCount} {.status.podIP}")
        target = self.kubectl("get", own, "-o", "jsonpath={.spec.containers[0].name}")
        with Terminal(self.kubectl, "debug", own, "-it", f"--image={self.named_image}", "--image-pull-policy=IfNotPresent", f"--target={target}",
                      "-c", "looker", "--", "/bin/sh") as shell:
            shell.send("\n")
            shell.expect("# ")
            shell.send("cat /proc/1/cmdline; echo; cat /etc/hosts\n")
            shell.expect("/hello")
            shell.expect(before.split()[-1])
            shell.send("exit 4\n")
            shell.finish()
        looker = "jsonpath={.status.ephemeralContainerStatuses[0].state.terminated.exitCode}"
        wait_until("the ephemeral container has ended", lambda: self.kubectl("get", own, "-o", looker) == "4", 20)
        self.assertEqual(before, self.kubectl("get", own, "-o", "jsonpath={.status.containerStatuses[*].restartCount} {.status.podIP}"))
        self.assertIn("Ephemeral Containers:", self.kubectl("describe", own))
        self.assertIn("/hello", self.kubectl("logs", own, "-c", "looker"))
        self.assertEqual(0, self.kubectl.run("get", own).returncode)

    def has_size(self, shell, rows, columns):
        def asked():
            shell.send("stty size\n")
            return shell.expect(r"(\d+) (\d+)\r\n").groups() == (str(rows), str(columns))
        wait_until(f"the terminal is {rows} by {columns}", asked, 20)


if __name__ == "__main__":
    world_kubectl.main()
