"""NetworkPolicies as the file has them, asked by real connections from within real Pods: what is
allowed, what is dropped, and that names, probes and the load balancer do not suffer."""
import os
import random
import signal
import subprocess
import sys
import unittest

import world
from world import DONE, Load, World, log, wait_until

# Run in a Pod's network: connects to each "ADDRESS:PORT" and prints what came of it.
KNOCK = """
import socket, sys
for target in sys.argv[1:]:
    address, port = target.rsplit(":", 1)
    try:
        socket.create_connection((address, int(port)), 1.5).close()
        print("connected")
    except ConnectionRefusedError:
        print("refused")
    except TimeoutError:
        print("dropped")
"""
# A question for a name's address over UDP; prints the code of the answer.
ASK = """
import socket, sys
name = b"".join(bytes([len(part)]) + part.encode() for part in sys.argv[2].split("."))
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
    asking.settimeout(5)
    asking.sendto(b"\\x12\\x34\\x01\\x00\\x00\\x01" + bytes(6) + name + b"\\x00\\x00\\x01\\x00\\x01", (sys.argv[1], 53))
    print(asking.recv(512)[3] & 15)
"""
DNS, API, METADATA = "10.100.0.10", "10.100.0.1:443", "169.254.169.254:80"
NOBODYS = "192.0.2.0/24"


class NetworkPolicyTest(unittest.TestCase):
    def in_pod(self, pid, program, *arguments):
        done = subprocess.run(["nsenter", "-t", str(pid), "-n", sys.executable, "-c", program, *arguments],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout.split()

    def pods(self):
        """(pid, address) of the service's Pods."""
        addresses = {pod["ip"] for pod in self.shop.status()["pods"]}
        found = []
        for processes in self.shop.containers().values():
            pid = min(pid for pid, _ in processes)
            of_pod = subprocess.run(["nsenter", "-t", str(pid), "-n", "ip", "-4", "-o", "addr", "show", "eth0"],
                                    capture_output=True, text=True).stdout.split()
            address = of_pod[3].split("/")[0] if len(of_pod) > 3 else ""
            if address in addresses:
                found.append((pid, address))
        return found

    def deploy(self, policy):
        with open(self.shop.file) as file:
            before = file.read().split("network_policy:")[0]
        self.shop.write(before + policy + "\n")
        done = self.shop.do("deploy", self.shop.file)
        self.assertEqual(DONE, done.returncode, done.stderr)

    def becomes(self, pid, outcomes, *targets):
        wait_until(f"{targets} are {outcomes}", lambda: self.in_pod(pid, KNOCK, *targets) == outcomes)

    def check_what_always_works(self, pid):
        self.assertEqual(["0"], self.in_pod(pid, ASK, DNS, f"{self.shop.name}.{self.shop.name}.svc.cluster.local"), "names")
        self.assertEqual(["connected"], self.in_pod(pid, KNOCK, f"{DNS}:53"))
        self.assertEqual(200, self.shop.get().status)
        self.assertTrue(all(pod["restarts"] == 0 for pod in self.shop.status()["pods"]), "probes arrive")

    def test_what_the_file_says_holds_and_changes_under_load(self):
        with World("policy", replicas=4, nodes=2, more="network_policy: {egress: any}\n") as self.shop:
            self.shop.start()
            wait_until("the service is at rest", self.shop.is_whole)
            pods = self.pods()
            self.assertEqual(4, len(pods))
            for pid, address in pods:
                other = random.Random(address).choice([ip for _, ip in pods if ip != address])
                self.assertEqual(["connected", "dropped", "connected", "dropped"],
                                 self.in_pod(pid, KNOCK, f"{other}:8080", f"{other}:8081", API, METADATA), f"{address} to {other}")
                self.check_what_always_works(pid)
            log("of anyone: the service's port, names and the API; not other ports, nor the instance metadata")

            load = Load(self.shop, rps=50, seconds=60)
            self.deploy(f"network_policy: {{egress: [{NOBODYS}]}}")
            pid, address = self.pods()[0]
            other = next(ip for _, ip in self.pods() if ip != address)
            self.becomes(pid, ["dropped", "dropped"], f"{other}:8080", API)
            self.check_what_always_works(pid)
            os.kill(self.shop.control(), signal.SIGKILL)
            self.assertEqual(["dropped", "dropped"], self.in_pod(pid, KNOCK, f"{other}:8080", API), "without a control process")
            wait_until("control is back", self.shop.is_whole)
            self.deploy("")
            self.becomes(pid, ["refused", "connected", "connected"], f"{other}:8081", API, METADATA)
            report = load.finish()
            self.assertGreater(report["sent"], 0)
            self.assertEqual(0, report["failed"], report)
            log(f"blocks of nobody, control killed, no policy: of {report['sent']} requests meanwhile none was lost")


if __name__ == "__main__":
    world.main()
