"""minato drill and load as a user runs them: a measured drill, its report, and what is refused."""
import json
import os
import signal
import subprocess
import time
import unittest

import world
from world import DONE, FAILED, NOT_UP, World, log, wait_until

USAGE = 2


class DrillTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World("drill")
        # Nodes with room for few Pods, so that few more need another Node.
        cls.world.write(world.read(cls.world.file).replace("cpu: 100m", "cpu: 450m"))
        cls.enterClassContext(cls.world)
        cls.world.start()

    def report(self, *arguments):
        folder = os.path.join(self.world.directory, "report")
        done = self.world.do("drill", "--rate", "200", "--hold", "2s", "--seeds", "5", "--report", folder, *arguments)
        with open(os.path.join(folder, "report.json"), encoding="utf-8") as file:
            return done, json.load(file), folder

    def test_1_a_crash_and_a_deleted_pod_are_measured(self):
        wait_until("the service is at rest", self.world.is_whole)
        done, report, folder = self.report("process-crash", "pod-deleted")
        self.assertEqual(done.returncode, DONE, done.stdout + done.stderr)
        crash, deleted = report["drills"]
        self.assertEqual([crash["kind"], deleted["kind"]], ["process-crash", "pod-deleted"])
        self.assertAlmostEqual(sum(crash["phases"].values()), crash["recoverySeconds"], places=3)
        self.assertLess(crash["recoverySeconds"], crash["bound"]["seconds"])
        self.assertEqual(deleted["requests"]["failed"], 0)
        self.assertEqual(crash["simulated"]["runs"], 5)
        log(f"crash healed in {crash['recoverySeconds']:.2f} s, {crash['requests']['failed']} requests failed")
        with open(os.path.join(folder, "report.html"), encoding="utf-8") as file:
            page = file.read()
        self.assertNotIn("http://", page)
        compared = self.world.do("drill", "--seeds", "0", "--hold", "2s", "--compare", os.path.join(folder, "report.json"), "pod-deleted")
        self.assertIn("Compared with", compared.stdout)
        wait_until("the world is as before", self.world.is_whole)

    def test_2_what_cannot_be_is_refused(self):
        unknown = self.world.do("drill", "process-crahs")
        self.assertEqual(unknown.returncode, USAGE)
        self.assertIn("did you mean process-crash?", unknown.stderr)
        nowhere = world.run("drill", "--name", "nothing-of-that-name", "process-crash")
        self.assertEqual(nowhere.returncode, NOT_UP)
        listed = world.run("drill", "--list")
        self.assertIn("spot-interruption", listed.stdout)

    def test_3_registry_that_is_away_keeps_new_nodes_waiting_and_nothing_else(self):
        wait_until("the service is at rest", self.world.is_whole)
        done, report, _ = self.report("registry-unreachable")
        self.assertEqual(done.returncode, DONE, done.stdout + done.stderr)
        drill = report["drills"][0]
        self.assertEqual(drill["requests"]["failed"], 0)
        self.assertGreater(drill["phases"]["started"], 5, "Pods on the new Node wait for the registry")
        waits = {event.get("detail") for event in drill["events"] if event["subject"] == "pod"}
        self.assertTrue({"ErrImagePull", "ImagePullBackOff"} <= waits, waits)
        log(f"registry back, healed after {drill['recoverySeconds']:.1f} s (at most {drill['bound']['seconds']:.1f})")
        wait_until("the world is as before", self.world.is_whole, 90)

    def test_4_interrupted_it_mends(self):
        wait_until("the service is at rest", self.world.is_whole)
        drill = self.world.spawn("drill", "--name", self.world.name, "--seeds", "0", "node-drained", stderr=subprocess.PIPE, text=True)
        wait_until("a Node is drained", lambda: "drain-node" in drill.stderr.readline(), 60)
        time.sleep(1)
        drill.send_signal(signal.SIGINT)
        drill.communicate(timeout=120)
        self.assertEqual(drill.returncode, 130)
        wait_until("the world is as before", self.world.is_whole, 60)

    def test_5_world_that_goes_down_ends_it_at_once(self):
        wait_until("the service is at rest", self.world.is_whole)
        drill = self.world.spawn("drill", "--name", self.world.name, "--seeds", "0", "node-killed", stderr=subprocess.PIPE, text=True)
        wait_until("a Node is killed", lambda: "kill-node" in drill.stderr.readline(), 60)
        self.assertEqual(self.world.down().returncode, DONE)
        _, errors = drill.communicate(timeout=10)
        self.assertEqual(drill.returncode, NOT_UP)
        self.assertIn("went down during the drill", errors)


if __name__ == "__main__":
    world.main()
