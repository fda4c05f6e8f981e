"""Pods of several containers, as they come from Amazon ECS, and what the kernel says of them: users,
capabilities, privileges and system calls as the file has them."""
import json
import os
import unittest

import images
import world
from world import DONE, IMAGE, World, log, read, run, wait_until

# A service, a collector that starts before it, and an agent beside it. The images are nowhere: the
# overlay puts the example's in their place.
TASK = {"family": "shop", "cpu": "512", "memory": "512", "volumes": [{"name": "sockets"}],
        "containerDefinitions": [
            {"name": "web", "image": "registry.invalid/web:1", "cpu": 102, "memory": 64,
             "portMappings": [{"containerPort": 8080}], "user": "1000:2000", "readonlyRootFilesystem": True,
             "environment": [{"name": "LOG_LEVEL", "value": "info"}],
             "mountPoints": [{"sourceVolume": "sockets", "containerPath": "/run/sockets"}],
             "linuxParameters": {"capabilities": {"drop": ["ALL"]}},
             "healthCheck": {"command": ["CMD-SHELL", "curl -f http://localhost:8080/healthz"]},
             "dependsOn": [{"containerName": "collector", "condition": "START"}]},
            {"name": "collector", "image": "registry.invalid/collector:1", "cpu": 51, "memory": 64,
             "environment": [{"name": "PORT", "value": "9090"}], "user": "1001",
             "mountPoints": [{"sourceVolume": "sockets", "containerPath": "/run/sockets"}]},
            {"name": "agent", "image": "registry.invalid/agent:1", "cpu": 51, "memory": 64, "essential": False,
             "environment": [{"name": "PORT", "value": "9091"}]}]}

OVERLAY = """
image: oci:{image}:1
sidecars:
  collector: {{image: "oci:{image}:1", port: 9090, health: /healthz}}
  agent: {{image: "{root_image}"{agent}}}
replicas: {{min: 3, max: 6}}
nodes:
  master: {{types: [t3.medium], min: 1}}
  scaling: {{types: [m6i.large], min: 2, max: 4}}
stop: {{drain: 3s, timeout: 5s}}
startup: 10s
"""

# What containers have of root's powers by default, by their numbers in linux/capability.h; of them
# MKNOD (27) and NET_RAW (13) are taken away.
LEFT = sum(1 << number for number in (0, 1, 3, 4, 5, 6, 7, 8, 10, 18, 29, 31))


def status(pid):
    """Fields of /proc/PID/status."""
    return dict(line.split(":\t", 1) for line in read(f"/proc/{pid}/status").splitlines() if ":\t" in line)


class PodsTest(unittest.TestCase):
    def imported(self, agent=""):
        """A world whose file is imported and then overlaid."""
        out = self.enterContext(World("pods"))
        task, service = f"{out.directory}/task.json", f"{out.directory}/service.json"
        for path, content in ((task, TASK), (service, {"serviceName": out.name})):
            with open(path, "w") as file:
                json.dump(content, file)
        os.unlink(out.file)
        done = run("import", "ecs", task, "--service", service, "-f", out.file)
        self.assertEqual(DONE, done.returncode, done.stderr)
        layout = images.Layout(IMAGE, f"{out.directory}/root-image")
        layout.config["config"].pop("User", None)
        root_image = layout.save()
        self.overlay = f"{out.directory}/overlay.yaml"
        with open(self.overlay, "w") as file:
            file.write(OVERLAY.format(image=IMAGE, root_image=root_image, agent=agent))
        return out

    def programs(self, of):
        """The processes of the service's Pods, by the port they listen on."""
        found = {}
        for processes in of.containers().values():
            for pid, _ in processes:
                environment = dict(entry.split("=", 1) for entry in read(f"/proc/{pid}/environ").split("\0") if "=" in entry)
                if world.command_line(pid).endswith("/hello"):
                    found.setdefault(environment.get("PORT", "8080"), []).append(status(pid))
        return found

    def test_imported_from_ecs_it_runs_as_confined_as_it_says(self):
        shop = self.imported()
        out = shop.up(self.overlay, timeout=90)
        self.assertEqual(DONE, out.returncode, out.stdout + out.stderr)
        wait_until("the service is at rest", shop.is_whole)
        self.assertEqual(200, shop.get().status)
        found = self.programs(shop)
        self.assertEqual({"8080": 3, "9090": 3, "9091": 3}, {port: len(each) for port, each in found.items()})
        here = int(status("self")["CapBnd"], 16)
        expected = {"8080": ("1000", "2000", 0), "9090": ("1001", "0", 0), "9091": ("0", "0", LEFT & here)}
        for port, (user, group, powers) in expected.items():
            for each in found[port]:
                self.assertEqual(([user] * 4, [group] * 4), (each["Uid"].split(), each["Gid"].split()), port)
                self.assertEqual(powers, int(each["CapBnd"], 16), port)
                self.assertEqual(powers if user == "0" else 0, int(each["CapEff"], 16), port)
                self.assertEqual(("1", "2"), (each["NoNewPrivs"], each["Seccomp"]), port)
        log("users, capabilities, privileges and seccomp of nine processes are as the file says")

    def test_an_image_of_root_is_refused_where_root_is(self):
        shop = self.imported(agent=", non_root: true")
        out = shop.up(self.overlay, timeout=20)
        self.assertNotEqual(DONE, out.returncode)
        refusals = [event for event in shop.events() if "runAsNonRoot" in json.dumps(event)]
        self.assertTrue(refusals, "no event says why")


if __name__ == "__main__":
    world.main()
