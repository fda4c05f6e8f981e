"""up, status, logs, events and down as a user meets them, and that nothing is ever left."""
import os
import random
import signal
import ssl
import subprocess
import time
import unittest

import world
from world import DONE, FAILED, NOT_UP, World, log, wait_until


class ServingTest(unittest.TestCase):
    """One world, looked at from all sides."""

    @classmethod
    def setUpClass(cls):
        cls.world = World("serve")
        cls.enterClassContext(cls.world)
        cls.output = cls.world.start().stdout

    def test_up_says_how_to_reach_it_and_where_things_are(self):
        for text in (f"https://{self.world.name}.localhost:{self.world.https}/", "--cacert", self.world.state, "minato.log"):
            self.assertIn(text, self.output)

    def test_https_with_a_verified_certificate(self):
        answer = self.world.get()
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json()["version"], "1")
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.world.get(context=ssl.create_default_context())

    def test_http_redirects_to_https(self):
        answer = self.world.get_plain("/a/b?c=d")
        self.assertEqual(answer.status, 301)
        self.assertEqual(answer.headers["location"], f"https://{self.world.name}.localhost:{self.world.https}/a/b?c=d")

    def test_answers_come_from_all_pods_nodes_and_zones(self):
        answers = self.world.answers(100)
        status = self.world.status()
        self.assertGreaterEqual(len({answer["pod"] for answer in answers}), 3)
        self.assertLessEqual({answer["pod"] for answer in answers}, {pod["name"] for pod in status["pods"]})
        self.assertEqual({answer["node"] for answer in answers}, {pod["node"] for pod in status["pods"]})
        self.assertEqual({answer["zone"] for answer in answers}, {f"ap-northeast-1{zone}" for zone in "acd"})

    def test_status_as_json(self):
        wait_until("the service is at rest", self.world.is_whole)
        status = self.world.status()
        service = status["service"]
        self.assertEqual(service["name"], self.world.name)
        self.assertEqual([service[key] for key in ("desired", "ready", "updated", "available")], [self.world.replicas] * 4)
        self.assertRegex(service["digest"], r"^sha256:[0-9a-f]{64}$")
        self.assertEqual(service["url"], f"https://{self.world.name}.localhost:{self.world.https}/")
        self.assertEqual(sorted(node["group"] for node in status["nodes"]), ["master"] + ["scaling"] * 3)
        self.assertEqual({node["status"] for node in status["nodes"]}, {"Ready"})
        self.assertEqual(len(status["pods"]), self.world.replicas)
        self.assertEqual({target["state"] for target in status["targets"]}, {"healthy"})
        self.assertTrue(self.world.is_whole(status))

    def test_status_as_text(self):
        text = self.world.do("status").stdout
        for word in ("NODE", "POD", "TARGET", "HEALTH", "6 desired, 6 ready, 6 updated, 6 available", "revision 1"):
            self.assertIn(word, text)
        for pod in self.world.status()["pods"]:
            self.assertIn(pod["name"], text)

    def test_logs_of_one_pod_and_of_all(self):
        pods = [pod["name"] for pod in self.world.status()["pods"]]
        self.assertEqual(self.world.do("logs", pods[0]).stdout, "hello: version 1, port 8080\n")
        everything = self.world.do("logs").stdout
        for pod in pods:
            self.assertIn(f"[{pod}] hello: version 1", everything)
        unknown = self.world.do("logs", "no-such-pod")
        self.assertNotEqual(unknown.returncode, DONE)
        self.assertIn("no-such-pod", unknown.stderr)

    def test_events(self):
        self.assertLessEqual({"Scheduled", "Pulled", "Created", "Started"}, {event["reason"] for event in self.world.events()})
        self.assertRegex(self.world.do("events").stdout, r"Normal +Started +Pod/")

    def test_second_up_of_the_same_name(self):
        again = self.world.up()
        self.assertEqual(again.returncode, FAILED)
        self.assertIn(f"{self.world.name} is up already", again.stderr)
        self.assertIn("minato down", again.stderr)
        self.assertTrue(self.world.serves())

    def test_trust_tells_how_and_changes_nothing(self):
        trust = self.world.do("trust")
        self.assertEqual(trust.returncode, DONE)
        self.assertIn(f"{self.world.state}/authority/ca.crt", trust.stdout)

    def test_zz_followed_logs_show_new_lines(self):
        # Last by name: it ends a container.
        with open(f"{self.world.directory}/log", "w+") as output:
            follower = self.world.spawn("logs", "--name", self.world.name, "-f", stdout=output)
            wait_until("old lines are shown", lambda: world.read(output.name).count("version 1") == 6)
            self.world.get("/crash")
            wait_until("the line of the new container is shown", lambda: world.read(output.name).count("version 1") == 7, 10)
            follower.send_signal(signal.SIGINT)
            follower.wait(10)


class ForegroundTest(unittest.TestCase):
    def start(self, here):
        output = open(f"{here.directory}/up", "w+")
        self.addCleanup(output.close)
        up = here.spawn("up", here.file, *here.ports, stdout=output, stderr=subprocess.STDOUT)
        wait_until("up prints that it is up", lambda: " is up: " in world.read(output.name) or up.poll() is not None, 60)
        self.assertTrue(here.serves(), world.read(output.name))
        here.observe()
        return up, output.name

    def test_interrupt_leaves_nothing(self):
        with World("int") as here:
            up, output = self.start(here)
            began = time.monotonic()
            up.send_signal(signal.SIGINT)
            self.assertEqual(up.wait(30), DONE, world.read(output))
            log(f"ended in {time.monotonic() - began:.1f} s")
            self.assertEqual(here.left_behind(), [])

    def test_killed_up_leaves_a_serving_world_that_down_ends(self):
        with World("kill") as here:
            up, _ = self.start(here)
            up.kill()
            up.wait()
            for _ in range(20):
                self.assertEqual(here.get().status, 200)
            wait_until("the service is at rest", here.is_whole, 15)
            began = time.monotonic()
            self.assertEqual(here.down().returncode, DONE)
            log(f"down in {time.monotonic() - began:.1f} s")
            self.assertEqual(here.left_behind(), [])


class DownTest(unittest.TestCase):
    def test_down_of_something_half_made(self):
        """`up` is killed at a random early instant; `down` ends whatever there is by then."""
        random_instants = random.Random(world.SEED)
        rounds = int(os.environ.get("MINATO_E2E_HALF_MADE", 10))
        with World("half") as here:
            for round_ in range(rounds):
                delay = random_instants.choice([0.0, 0.02, 0.1, 0.5, 2.0]) + random_instants.random() * 0.1
                up = here.spawn("up", "-d", here.file, *here.ports)
                time.sleep(delay)
                up.kill()
                up.wait()
                here.observe()
                stage = f"round {round_}, killed after {delay * 1000:.0f} ms"
                down = here.down()
                # Before anything was made there is nothing to end, which is said.
                self.assertIn(down.returncode, (DONE, NOT_UP), f"{stage}: {down.stderr}")
                self.assertEqual(here.left_behind(), [], stage)
            here.start()

    def test_two_ups_at_once(self):
        """One wins, and the other leaves it alone."""
        for together in (0.0, 0.01, 0.03):
            with World("race", replicas=1, nodes=1) as here:
                first = here.spawn("up", "-d", here.file, *here.ports)
                time.sleep(together)
                second = here.spawn("up", "-d", here.file, *here.ports)
                said = [up.communicate(timeout=60)[0] for up in (first, second)]
                here.observe()
                with self.subTest(apart=together):
                    self.assertEqual(sorted(up.returncode for up in (first, second)), [DONE, FAILED], said)
                    self.assertTrue(here.serves())

    def test_up_again_after_a_killed_up(self):
        """What was half made does not keep a second `up` from working, without `down` in between."""
        with World("again", replicas=1, nodes=1) as here:
            up = here.spawn("up", "-d", here.file, *here.ports)
            wait_until("something is there", lambda: os.path.exists(f"{here.state}/world.json"), 10, 0.001)
            up.kill()
            up.wait()
            out = here.up()
            if out.returncode == FAILED:
                self.assertIn("is up already", out.stderr)
                wait_until("it serves all the same", here.serves)
            else:
                self.assertTrue(here.serves())

    def test_down_twice(self):
        with World("twice", replicas=1, nodes=1) as here:
            here.start()
            self.assertEqual(here.down().returncode, DONE)
            self.assertEqual(here.left_behind(), [])
            again = here.down()
            self.assertEqual(again.returncode, NOT_UP)
            self.assertIn(here.name, again.stderr)

    def test_commands_without_a_world(self):
        for command in (["status"], ["logs"], ["events"], ["trust"], ["rollback"], ["deploy", "--image", "oci:/x:1"]):
            out = world.run(*command, "--name", "e2e-nobody")
            self.assertEqual(out.returncode, NOT_UP, command)
            self.assertIn("nothing named 'e2e-nobody' is up", out.stderr)


if __name__ == "__main__":
    world.main()
