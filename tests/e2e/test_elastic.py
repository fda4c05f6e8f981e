#!/usr/bin/env python3
"""Pods and Nodes scale with load; machines and zones are taken away and the service goes on."""
import json
import subprocess
import sys
import time
import unittest

import world
from world import DONE, Load, World, log, wait_until

# An instance's vCPU is worth a fifth of a real one, so that a small machine can show a fleet.
YAML = """service: {name}
image: oci:{image}:1
port: 8080
health: /healthz
cpu: 500m
memory: 64Mi
replicas: {{min: 4, max: 12, cpu: 60%}}
region: ap-northeast-1
zones: [a, c, d]
nodes:
  master: {{types: [t3.medium], min: 2}}
  scaling: {{types: [m6i.large, m5.large, m5a.large], min: 3, max: 6, spot: 100%}}
load_balancer: {{deregistration_delay: 10s}}
stop: {{drain: 2s, timeout: 3s}}
startup: 20s
local: {{cpu_scale: 20%}}
"""


class Elastic(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World("elastic", replicas=4)
        cls.world.write(YAML.format(name=cls.world.name, image=world.IMAGE))
        cls.enterClassContext(cls.world)
        cls.world.start()
        wait_until("the service is at rest", cls.world.is_whole, 60)

    def try_cloud(self, verb, *arguments):
        return world.run("cloud", verb, "--name", self.world.name, *arguments, "-o", "json")

    def cloud(self, *arguments):
        out = self.try_cloud(*arguments)
        self.assertEqual(out.returncode, DONE, out.stderr)
        return json.loads(out.stdout)

    def instances(self, group="scaling"):
        return [i for i in self.cloud("show")["instances"] if i["group"].endswith(group) and i["state"] == "InService"]

    def settle(self):
        wait_until("the service is at rest", lambda: self.world.is_whole() and not [
            i for i in self.cloud("show")["instances"] if i["state"] != "InService" or "notice" in i], 120)
        # Connections that the load balancer keeps open to a Pod that died fail one by one still.
        wait_until("no request fails", lambda: Load(self.world, 300, 2).result()["failed"] == 0, 90)

    def assert_no_failure(self, report):
        if report["failed"]:
            self.world.explain()
        self.assertEqual(report["failed"], 0, report)

    def reasons(self):
        return [event["reason"] for event in self.world.events()]


class ScalingTest(Elastic):
    def test_1_load_makes_pods_and_nodes_and_their_end_takes_them_away(self):
        before = len(self.instances())
        heavy = Load(self.world, 120, 45, "/burn?ms=6")
        most_pods = most_nodes = 0
        while heavy.running():
            status = self.world.status()
            most_pods = max(most_pods, status["service"]["desired"])
            most_nodes = max(most_nodes, len(self.instances()))
            time.sleep(1)
        log(f"{heavy.result()['failed']} failed under load; at most {most_pods} Pods on {most_nodes} Nodes")
        self.assertGreater(most_pods, 4)
        self.assertGreater(most_nodes, before)
        light = Load(self.world, 100, 120)
        began = time.monotonic()
        wait_until("Pods and Nodes are as few as before",
                   lambda: self.world.status()["service"]["desired"] == 4 and len(self.instances()) == before, 110)
        log(f"shrunk {time.monotonic() - began:.0f} s after the load")
        report = light.finish()
        self.assertEqual(report["failed"], 0, report)
        for reason in ("SuccessfulRescale", "TriggeredScaleUp", "ScaleDown"):
            self.assertIn(reason, self.reasons())


class InterruptionTest(Elastic):
    def test_1_noticed_spot_interruption_loses_no_request(self):
        self.settle()
        victim = self.instances()[0]["id"]
        load = Load(self.world, 300, 120)
        began = time.monotonic()
        self.cloud("interrupt", "--instance", victim)
        wait_until("the instance is gone", lambda: victim not in [i["id"] for i in self.cloud("show")["instances"]], 90)
        self.settle()
        log(f"replaced after {time.monotonic() - began:.0f} s")
        report = load.finish()
        self.assert_no_failure(report)

    def test_2_half_of_all_instances_with_notice(self):
        self.settle()
        load = Load(self.world, 300, 120)
        taken = self.cloud("interrupt", "--share", "50%")["instances"]
        self.assertGreaterEqual(len(taken), 2)
        wait_until("they are gone", lambda: not set(taken) & {i["id"] for i in self.cloud("show")["instances"]}, 90)
        self.settle()
        report = load.finish()
        self.assert_no_failure(report)

    def test_3_killed_without_notice_recovers(self):
        self.settle()
        victim = self.instances()[0]
        load = Load(self.world, 100, 120)
        began = time.monotonic()
        self.cloud("kill", victim["id"])
        wait_until("its Node is gone", lambda: victim["node"] not in [n["name"] for n in self.world.status()["nodes"]], 60)
        self.settle()
        log(f"whole again after {time.monotonic() - began:.0f} s")
        report = load.finish()
        log(f"{report['failed']} of {report['sent']} failed {report['failures']}")
        self.assertLess(report["failed"], 100 * 8 / 3 + 50, "failures outside of the detection window")

    def test_4_a_lost_zone_and_its_return(self):
        self.settle()
        load = Load(self.world, 100, 240)
        self.cloud("fail-zone", "a")
        wait_until("the service is whole in two zones", lambda: self.world.is_whole() and not [
            i for i in self.instances() if i["zone"].endswith("a")], 90)
        began = time.monotonic()
        # Connections that the load balancer keeps open to a dead Pod fail one by one still.
        wait_until("no request fails any more", lambda: Load(self.world, 100, 2).result()["failed"] == 0, 60)
        log(f"no request fails any more {time.monotonic() - began:.1f} s after it was whole")
        self.cloud("restore-zone", "a")
        report = load.finish()
        log(f"{report['failed']} of {report['sent']} failed {report['failures']}")

    def test_5_without_spot_capacity_on_demand_instances_serve(self):
        self.settle()
        for kind in ("m6i.large", "m5.large", "m5a.large"):
            self.cloud("no-capacity", kind, "--market", "spot")
        victim = self.instances()[0]["id"]
        self.cloud("interrupt", "--instance", victim)
        wait_until("an on-demand instance is in service",
                   lambda: [i for i in self.instances() if i["market"] == "on-demand"], 120)
        for kind in ("m6i.large", "m5.large", "m5a.large"):
            self.cloud("capacity", kind, "--market", "spot")

    def test_6_draining_a_node_loses_no_request_and_can_be_undone(self):
        self.settle()
        node = self.instances()[0]["node"]
        load = Load(self.world, 300, 120)
        out = self.world.do("drain", node)
        self.assertEqual(out.returncode, DONE, out.stderr)
        self.assertFalse([p for p in self.world.status()["pods"] if p["node"] == node])
        self.assertEqual(self.world.do("drain", node, "--undo").returncode, DONE)
        self.settle()
        report = load.finish()
        self.assert_no_failure(report)

    def test_7_what_cannot_be_done_says_why(self):
        for arguments, words in (
                (["interrupt"], ["--instance"]),
                (["interrupt", "--instance", "i-none"], ["i-none"]),
                (["interrupt", "--pool", "m9.large/a"], ["m9.large", "m5.large"]),
                (["fail-zone", "z"], ["'z'", "ap-northeast-1a"]),
                (["kill", "i-none"], ["i-none"])):
            out = self.try_cloud(*arguments)
            self.assertNotEqual(out.returncode, DONE, arguments)
            for word in words:
                self.assertIn(word, out.stderr)


class MetadataTest(Elastic):
    """By clients that nobody here wrote, inside an instance."""

    def inside(self, *command):
        agents = self.world.processes(r"minato agent")
        pid = next(iter(agents))
        return subprocess.run(["nsenter", "-t", str(pid), "-n", *command], capture_output=True, text=True, timeout=30)

    def test_1_curl(self):
        token = self.inside("curl", "-s", "-X", "PUT", "-H", "X-aws-ec2-metadata-token-ttl-seconds: 60",
                            "http://169.254.169.254/latest/api/token").stdout
        self.assertTrue(token)
        region = self.inside("curl", "-s", "-H", f"X-aws-ec2-metadata-token: {token}",
                             "http://169.254.169.254/latest/meta-data/placement/region").stdout
        self.assertEqual(region, "ap-northeast-1")
        without = self.inside("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}",
                              "http://169.254.169.254/latest/meta-data/instance-id").stdout
        self.assertEqual(without, "401")

    def test_2_botocore(self):
        script = ("from botocore.utils import InstanceMetadataFetcher as F, InstanceMetadataRegionFetcher as R;"
                  "c = F(timeout=2, num_attempts=1).retrieve_iam_role_credentials();"
                  "print(c['role_name'], bool(c['access_key']), R().retrieve_region())")
        python = sys.executable
        if subprocess.run([python, "-c", "import botocore"], capture_output=True).returncode != 0:
            self.skipTest("SKIPPED: botocore is not installed")
        out = self.inside(python, "-c", script)
        self.assertEqual(out.returncode, 0, out.stderr)
        self.assertRegex(out.stdout, r"\S+ True ap-northeast-1")


del Elastic

if __name__ == "__main__":
    world.main()
