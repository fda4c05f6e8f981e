"""What dies comes back: containers, Nodes, the load balancer and minato itself.

MINATO_E2E_KILLS is how often the control process is killed in each of the two long tests (50 for
the full bar); MINATO_E2E_SEED repeats the random choices of a run.
"""
import os
import random
import re
import signal
import time
import unittest

import world
from world import DONE, IMAGE, Load, World, log, wait_until

KILLS = int(os.environ.get("MINATO_E2E_KILLS", 10))


def pods_of(objects):
    return {key: value for key, value in objects.items() if key[0] == "pods"}


def life(pod):
    """What must not change while a container lives on; None for a Pod that does not run (any more)."""
    status = pod.get("status", {})
    containers = status.get("containerStatuses", [])
    if pod["metadata"].get("deletionTimestamp") or status.get("phase") != "Running" or not containers:
        return None
    return (pod["metadata"]["uid"], status.get("startTime"), pod["spec"]["nodeName"],
            tuple((one["name"], one["restartCount"], one.get("containerID"),
                   one.get("state", {}).get("running", {}).get("startedAt")) for one in containers))


class ContainerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World("crash")
        cls.enterClassContext(cls.world)
        cls.world.start()

    def pod(self, name):
        return next((pod for pod in self.world.status()["pods"] if pod["name"] == name), {})

    def assert_recovers(self, since, timeout=40):
        wait_until("the service is at rest", self.world.is_whole, timeout)
        log(f"at rest after {time.monotonic() - since:.1f} s")

    def events_of(self, pod):
        return {event["reason"] for event in self.world.events() if event["object"] == f"Pod/{pod}"}

    def test_1_crashed_container_is_restarted_and_counted(self):
        name = self.world.get().json()["pod"]
        uids = {key for key in self.world.containers()}
        began = time.monotonic()
        victim = next(pod for pod in self.world.status()["pods"] if pod["name"] == name)
        self.crash(name)
        wait_until("the restart is counted", lambda: self.pod(name).get("restarts") == victim["restarts"] + 1)
        self.assert_recovers(began)
        self.assertEqual(set(self.world.containers()), uids, "the Pod is the same")
        self.assertIn("version 1", self.world.do("logs", "--previous", name).stdout)

    def crash(self, name):
        """Requests to /crash until the Pod has had one: which one answers is not ours to choose, so
        its container is killed through the control socket instead."""
        _, error = self.world.ask_control("kill-container", pod=name)
        self.assertIsNone(error)

    def test_2_crash_by_the_program_itself(self):
        restarts = lambda: sum(pod["restarts"] for pod in self.world.status()["pods"])
        before, began = restarts(), time.monotonic()
        self.assertEqual(self.world.get("/crash").body, "crashing\n")
        wait_until("a restart is counted", lambda: restarts() == before + 1)
        self.assert_recovers(began)

    def test_3_crash_loop_backs_off(self):
        name = self.world.status()["pods"][0]["name"]
        began = time.monotonic()
        seen = set()

        def keep_crashing():
            pod = self.pod(name)
            seen.add(pod["status"])
            if pod["status"] == "Running":
                self.world.ask_control("kill-container", pod=name)
            return "CrashLoopBackOff" in seen

        wait_until("the status says CrashLoopBackOff", keep_crashing)
        self.assertIn("BackOff", self.events_of(name))
        for _ in range(20):
            self.assertEqual(self.world.get().status, 200)
        self.assert_recovers(began)

    def test_4_leak_is_ended_as_out_of_memory(self):
        began = time.monotonic()
        self.assertEqual(self.world.get("/leak").body, "leaking\n")

        def killed():
            for pod in pods_of(self.world.committed()[0]).values():
                for status in pod["status"].get("containerStatuses", []):
                    for state in (status.get("state", {}), status.get("lastState", {})):
                        if state.get("terminated", {}).get("reason") == "OOMKilled":
                            return state["terminated"]
            return None

        self.assertEqual(wait_until("a container is OOMKilled", killed, interval=0.2)["exitCode"], 137)
        self.assert_recovers(began)

    def test_5_load_balancer_is_restarted(self):
        proxies = self.world.processes(r"^\S*haproxy ")
        self.assertEqual(len(proxies), 1)
        before, began = self.world.containers(), time.monotonic()
        for pid in proxies:
            os.kill(pid, signal.SIGKILL)
        wait_until("another HAProxy runs", lambda: set(self.world.processes(r"^\S*haproxy ")) - set(proxies))
        wait_until("it serves", self.world.serves)
        log(f"serves again after {time.monotonic() - began:.2f} s")
        self.assert_recovers(began)
        self.assertEqual(self.world.containers(), before)

    def test_6_dns_server_is_restarted(self):
        servers = self.world.processes(r"^dnsmasq ")
        self.assertEqual(len(servers), 2, "one in each DNS Pod")
        for pid in servers:
            os.kill(pid, signal.SIGKILL)
        wait_until("others run in their place", lambda: len(set(self.world.processes(r"^dnsmasq ")) - set(servers)) == 2, 20)

    def test_7_dead_instance_is_replaced(self):
        status = self.world.status()
        victim = random.Random(world.SEED).choice(status["targets"])
        load = Load(self.world, 100, 60)
        began = time.monotonic()
        _, error = self.world.ask_control("kill-instance", id=victim["id"])
        self.assertIsNone(error)

        def replaced():
            nodes = [node["name"] for node in self.world.status()["nodes"]]
            return victim["node"] not in nodes and len(nodes) == len(status["nodes"])

        wait_until("another instance stands for it", replaced, 60)
        log(f"replaced after {time.monotonic() - began:.1f} s")
        self.assert_recovers(began, 60)
        report = load.finish()
        log(f"{report['failed']} of {report['sent']} requests failed {report['failures']}")
        # A third of the targets, until health checks have found out.
        self.assertLess(report["failed"], 200, report)
        again = Load(self.world, 100, 3).result()
        self.assertEqual(again["failed"], 0, again)
        _, error = self.world.ask_control("kill-instance", id="i-0000")
        self.assertEqual(error["reason"], "NotFound")

    def test_8_holder_killed_ends_the_world(self):
        holder = self.world.holder()
        os.kill(holder, signal.SIGKILL)
        wait_until("all of its processes are gone", lambda: not self.world.remains(), 10)
        status = self.world.do("status")
        self.assertNotEqual(status.returncode, DONE)
        self.assertEqual(self.world.down().returncode, DONE)
        self.assertEqual(self.world.left_behind(), [])
        self.world.start()


class KilledControlTest(unittest.TestCase):
    """kill -9 of `minato control` at random instants."""

    @classmethod
    def setUpClass(cls):
        cls.world = World("ctl")
        cls.enterClassContext(cls.world)
        cls.world.start()

    def setUp(self):
        self.random = random.Random(f"{world.SEED}/{self.id()}")
        self.dead = set()     # Nodes whose instance was killed.
        self.recoveries = []  # Seconds from the kill to the first answer.

    # The heart: what was committed when it was killed is what the next one knows.

    def kill_control(self):
        """Stops it where it is, keeps what is on disk, and kills it. Gives what was on disk."""
        pid = wait_until("there is a control process", self.world.control)
        world.stop(pid)
        before = self.world.committed(pid)
        containers = self.world.containers()
        os.kill(pid, signal.SIGKILL)
        killed = time.monotonic()
        wait_until("another control process answers", lambda: self.world.control() not in (None, pid) and self.world.status())
        self.recoveries.append(time.monotonic() - killed)
        return before, containers

    def assert_nothing_lost(self, before, containers):
        """Every object that was committed is there, and every Pod that ran runs on untouched."""
        (objects, highest), (now, later) = before, self.world.committed()
        self.assertGreaterEqual(later, highest, "versions never go back")
        for key, value in objects.items():
            kind, name = key[0], key[2]
            if kind in ("events", "leases.coordination.k8s.io") or value["metadata"].get("deletionTimestamp"):
                continue
            if kind in ("pods", "nodes", "replicasets.apps"):
                continue  # These may end for good reasons; see below.
            self.assertIn(key, now, f"{kind} {name} was committed and is lost")
            self.assertEqual(now[key]["metadata"]["uid"], value["metadata"]["uid"], key)
            self.assertGreaterEqual(now[key]["metadata"].get("generation", 0), value["metadata"].get("generation", 0), key)
        lived = 0
        running = self.world.containers()
        for key, pod in pods_of(objects).items():
            was = life(pod)
            if was is None or pod["spec"]["nodeName"] in self.dead:
                continue
            after = now.get(key)
            if after is None or after["metadata"].get("deletionTimestamp"):
                # Only a rollout or a lost Node ends a Pod.
                self.assertTrue(self.may_end(pod, now), f"Pod {key[2]} is gone and nobody asked for it")
                continue
            if life(after) is None and self.is_young(pod):
                continue
            self.assertEqual(life(after), was, f"Pod {key[2]} was not adopted")
            processes = containers.get(was[0])
            if processes:
                self.assertEqual(running.get(was[0]), processes, f"processes of Pod {key[2]}")
                lived += 1
        return lived

    def may_end(self, pod, now):
        owner = pod["metadata"]["ownerReferences"][0]["name"]
        replica_set = now.get(("replicasets.apps", self.world.name, owner))
        if replica_set is None:
            return True
        return replica_set["spec"]["replicas"] < self.world.replicas or self.dead

    def is_young(self, pod):
        return not any(one.get("ready") for one in pod["status"]["containerStatuses"])

    def report_recoveries(self):
        times = sorted(self.recoveries)
        log(f"{len(times)} kills; control answers again after {times[len(times) // 2]:.2f} s (median), {times[-1]:.2f} s (worst)")

    # The tests.

    def test_1_at_rest_nobody_notices(self):
        wait_until("the service is at rest", self.world.is_whole)
        load = Load(self.world, 300, 600)
        at_rest = {key: life(pod) for key, pod in pods_of(self.world.committed()[0]).items()}
        processes = self.world.containers()
        proxies = self.world.processes(r"^\S*haproxy |^dnsmasq ")
        for _ in range(max(3, KILLS // 3)):
            time.sleep(self.random.random() * 1.5)
            before, containers = self.kill_control()
            # The service's Pods, and those of the cluster's own roles.
            self.assertGreater(self.assert_nothing_lost(before, containers), self.world.replicas)
        self.report_recoveries()
        wait_until("the service is at rest", self.world.is_whole)
        self.assertEqual({key: life(pod) for key, pod in pods_of(self.world.committed()[0]).items()}, at_rest)
        self.assertEqual(self.world.containers(), processes)
        self.assertEqual(self.world.processes(r"^\S*haproxy |^dnsmasq "), proxies, "HAProxy and DNS were adopted")
        report = load.finish()
        log(f"{report['sent']} sent, {report['failed']} failed, max {report['maxMs']:.0f} ms")
        self.assertEqual(report["failed"], 0, report)

    def test_2_during_deploys(self):
        wait_until("the service is at rest", self.world.is_whole)
        load = Load(self.world, 300, 600)
        version = 1
        for round_ in range(KILLS):
            version = 3 - version
            deployed = self.world.do("deploy", "--no-wait", "--image", f"oci:{IMAGE}:{version}")
            self.assertEqual(deployed.returncode, DONE, deployed.stderr)
            delay = self.random.choice([0, self.random.random() * 0.3, self.random.random() * 4])
            time.sleep(delay)
            before, containers = self.kill_control()
            with self.subTest(round=round_, delay=round(delay, 3), seed=world.SEED):
                deployment = before[0][("deployments.apps", self.world.name, self.world.name)]
                self.assertEqual(deployment["spec"]["template"]["spec"]["containers"][0]["image"], f"oci:{IMAGE}:{version}",
                                 "a deploy that was acknowledged is on disk")
                self.assert_nothing_lost(before, containers)
                self.assertEqual(self.world.status()["service"]["image"], f"oci:{IMAGE}:{version}")
        self.report_recoveries()
        began = time.monotonic()
        try:
            wait_until("the cluster converges", self.world.is_whole, 60)
        except AssertionError:
            self.world.explain()
            raise
        log(f"converged {time.monotonic() - began:.1f} s after the last kill")
        self.assertEqual({answer["version"] for answer in self.world.answers(30)}, {str(version)})
        report = load.finish()
        log(f"{report['sent']} sent, {report['failed']} failed {report['failures'] or ''}, max {report['maxMs']:.0f} ms")
        self.assertEqual(report["failed"], 0, report)

    def test_3_during_instance_deaths(self):
        wait_until("the service is at rest", self.world.is_whole)
        size = len(self.world.status()["nodes"])
        load = Load(self.world, 300, 600)
        for round_ in range(max(2, KILLS // 4)):
            victim = self.random.choice(self.world.status()["targets"])
            self.dead.add(victim["node"])
            _, error = self.world.ask_control("kill-instance", id=victim["id"])
            self.assertIsNone(error)
            for _ in range(2):
                time.sleep(self.random.random() * 5)
                before, containers = self.kill_control()
                with self.subTest(round=round_, seed=world.SEED):
                    self.assert_nothing_lost(before, containers)
            wait_until("the cluster converges without the dead", lambda: self.world.is_whole()
                       and len(self.world.status()["nodes"]) == size
                       and victim["id"] not in [target["id"] for target in self.world.status()["targets"]], 90)
        self.report_recoveries()
        report = load.finish()
        log(f"{report['sent']} sent, {report['failed']} failed {report['failures'] or ''}")
        # Who is to be asked changes when control says so: while it is dead, a dead Node's share fails.
        self.assertLess(report["failed"], report["sent"] / 2)
        # Connections that the load balancer keeps open to a dead Pod fail one by one still.
        began = time.monotonic()
        wait_until("no request fails any more", lambda: Load(self.world, 300, 2).result()["failed"] == 0, 60)
        log(f"no request fails any more {time.monotonic() - began:.1f} s after it was whole")


if __name__ == "__main__":
    world.main()
