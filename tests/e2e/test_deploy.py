"""New versions under constant load: nobody may notice, whatever becomes of the new version."""
import os
import subprocess
import time
import unittest

import world
from world import DONE, FAILED, IMAGE, USAGE, Load, World, log, wait_until

RPS = 500
SECONDS = int(os.environ.get("MINATO_E2E_LOAD_SECONDS", 40))


class DeployTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World("deploy")
        cls.enterClassContext(cls.world)
        cls.world.start()

    def deploy(self, *arguments):
        began = time.monotonic()
        out = self.world.do("deploy", *arguments)
        self.world.observe()
        log(f"deploy {' '.join(arguments)}: exit {out.returncode} in {time.monotonic() - began:.1f} s")
        return out

    def versions(self):
        return {answer["version"] for answer in self.world.answers(30)}

    def assert_none_failed(self, report):
        log(f"{report['sent']} sent, {report['failed']} failed {report['failures'] or ''}, p99 {report['p99Ms']:.1f} ms, max {report['maxMs']:.1f} ms")
        self.assertEqual(report["failed"], 0, report)
        self.assertEqual(report["sent"], report["ok"])

    def settle(self):
        """The service runs version 1 at rest."""
        if self.world.status()["service"]["image"] != f"oci:{IMAGE}:1":
            self.assertEqual(self.deploy(self.world.file).returncode, DONE)
        wait_until("the service is at rest", self.world.is_whole)

    def test_1_deploy_and_rollback_lose_no_request(self):
        load = Load(self.world, RPS, SECONDS)
        time.sleep(1)
        deployed = self.deploy("--image", f"oci:{IMAGE}:2")
        self.assertEqual(deployed.returncode, DONE, deployed.stderr)
        self.assertEqual(self.versions(), {"2"})
        self.assertEqual(self.world.status()["service"]["revision"], "2")
        began = time.monotonic()
        back = self.world.do("rollback")
        log(f"rollback: exit {back.returncode} in {time.monotonic() - began:.1f} s")
        self.assertEqual(back.returncode, DONE, back.stderr)
        self.assertEqual(self.versions(), {"1"})
        self.assertEqual(self.world.status()["service"]["revision"], "3")
        self.assertTrue(load.running(), "the load ended before the rollback: give it more seconds")
        self.assert_none_failed(load.result())

    def test_2_changed_file_and_followed_logs(self):
        self.settle()
        text = world.read(self.world.file)
        with open(f"{self.world.directory}/log", "w+") as output:
            follower = self.world.spawn("logs", "--name", self.world.name, "-f", stdout=output)
            changed = f"{self.world.directory}/changed.yaml"
            with open(changed, "w") as file:
                file.write(text.replace("LOG_LEVEL: info", "LOG_LEVEL: debug"))
            load = Load(self.world, RPS, 60)
            self.assertEqual(self.deploy(changed).returncode, DONE)
            self.assert_none_failed(load.finish())
            self.assertIn("LOG_LEVEL=debug", self.world.get("/env").body)
            lines = lambda: world.read(output.name)
            wait_until("the end of every old Pod and the start of every new one are shown",
                       lambda: lines().count("hello: stopped") == 6 and lines().count("hello: version 1") == 12, 10)
            follower.kill()
        self.assertEqual(self.deploy(self.world.file).returncode, DONE)
        self.assertIn("LOG_LEVEL=info", self.world.get("/env").body)

    def test_3_what_cannot_be_deployed_leaves_the_service_alone(self):
        self.settle()
        before = self.world.containers()
        time.sleep(1)  # What is there at one moment only is a runtime's helper.
        before = {pod: processes & before.get(pod, set()) for pod, processes in self.world.containers().items()}
        other = f"{self.world.directory}/other.yaml"
        wrong = f"{self.world.directory}/wrong.yaml"
        with open(other, "w") as file:
            file.write(world.read(self.world.file).replace(self.world.name, "another"))
        with open(wrong, "w") as file:
            file.write(world.read(self.world.file).replace("replicas:", "replica:"))
        for arguments, code, words in (
                (["--image", "oci:"], USAGE, ["image"]),
                (["--image", "no such image"], USAGE, ["image"]),
                (["--image", f"oci:{IMAGE}:none"], FAILED, ["none", "available"]),
                ([other], USAGE, ["another", self.world.name]),
                ([wrong], USAGE, ["wrong.yaml", "unknown key 'replica'", "did you mean 'replicas'?"]),
                ([f"{self.world.directory}/absent.yaml"], FAILED, ["absent.yaml"]),
                ([], USAGE, ["--image"])):
            with self.subTest(arguments=arguments):
                began = time.monotonic()
                try:
                    out = self.world.do("deploy", *arguments, timeout=20)
                except subprocess.TimeoutExpired:
                    self.assertEqual(self.world.do("rollback").returncode, DONE)
                    raise AssertionError(f"deploy {arguments} did not end") from None
                log(f"deploy {' '.join(arguments)}: exit {out.returncode} in {time.monotonic() - began:.1f} s: {out.stderr.strip()[-200:]}")
                self.assertEqual(out.returncode, code, out.stderr)
                for word in words:
                    self.assertIn(word, out.stderr)
                self.assertEqual(self.versions(), {"1"})
        wait_until("the service is at rest", self.world.is_whole, 10)
        for pod, processes in before.items():
            self.assertLessEqual(processes, self.world.containers().get(pod, set()), "no container was touched")

    def test_4_broken_version_goes_back_by_itself(self):
        self.settle()
        # The shortest patience: the deadline is a minute after the time to start.
        impatient = f"{self.world.directory}/impatient.yaml"
        with open(impatient, "w") as file:
            file.write(world.read(self.world.file).replace("startup: 20s", "startup: 2s").replace(":1\n", ":broken\n"))
        load = Load(self.world, RPS, 170)
        out = self.deploy(impatient)
        self.assertEqual(out.returncode, FAILED, out.stdout + out.stderr)
        self.assertIn("rolled back to revision", out.stderr)
        self.assertEqual(self.versions(), {"1"})
        self.assertEqual(self.world.status()["service"]["image"], f"oci:{IMAGE}:1")
        self.assert_none_failed(load.finish())
        wait_until("the service is at rest", self.world.is_whole)


if __name__ == "__main__":
    world.main()
