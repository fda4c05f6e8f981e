"""A world of somebody who is not root: a user made for the test, with subordinate ids of its own."""
import os
import pwd
import shutil
import subprocess
import unittest

import images
import registry
import world
from world import DONE, IMAGE, World, run, wait_until

NEEDED = ["useradd", "userdel", "newuidmap", "newgidmap"]


def make_user():
    """(name, home); skips the test where that is not to be had."""
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        raise unittest.SkipTest(f"{', '.join(missing)} missing: worlds of ordinary users stay unchecked")
    name = f"minato-e2e-{os.getpid() % 100000}"
    subprocess.run(["useradd", "--create-home", "--shell", "/bin/sh", name], check=True)
    return name, pwd.getpwnam(name).pw_dir


class OrdinaryUserTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not registry.programs_are_here():
            raise unittest.SkipTest(registry.MISSING)
        name, cls.home = make_user()
        cls.addClassCleanup(subprocess.run, ["userdel", "--remove", name], check=True, stderr=subprocess.DEVNULL)
        cls.who = {"user": name, "group": name, "extra_groups": [], "cwd": "/",
                   "env": {"HOME": cls.home, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "XDG_RUNTIME_DIR": f"{cls.home}/run"}}
        if not any(line.startswith(f"{name}:") for line in world.read("/etc/subuid").splitlines()):
            raise unittest.SkipTest("useradd gives no subordinate ids here")
        try:
            doctor = run("doctor", **cls.who)
        except PermissionError:
            raise unittest.SkipTest(f"{world.MINATO} is closed to ordinary users") from None
        if doctor.returncode != DONE:
            raise unittest.SkipTest(f"an ordinary user cannot run worlds here: {doctor.stdout}")
        cls.registry = cls.enterClassContext(registry.Registry())

    def world(self, image, **more):
        here = World("user", replicas=2, nodes=2, image=image, **more)
        here.who = self.who
        here.state = f"{self.home}/.local/state/minato/worlds/{here.name}"
        here.run_dir = f"{self.home}/run/minato/{here.name}"
        os.chmod(here.directory, 0o755)
        return here

    def test_1_a_world_from_a_registry(self):
        with self.world(f"docker://{self.registry.name(1)}") as here:
            here.start()
            self.assertEqual(here.get().json()["version"], "1")
            out = here.do("deploy", "--image", f"docker://{self.registry.name(2)}")
            self.assertEqual(out.returncode, DONE, out.stderr)
            self.assertEqual(here.get().json()["version"], "2")
            self.assertIn("version 2", here.do("logs").stdout)
            out = here.do("drill", "process-crash")
            self.assertEqual(out.returncode, DONE, out.stdout + out.stderr)
            node = next(one["name"] for one in here.status()["nodes"] if one["group"] == "scaling")
            out = here.do("drain", node)
            self.assertEqual(out.returncode, DONE, out.stderr)
            wait_until("it serves from the other Node", here.serves)

    def test_2_files_of_other_users_in_an_image_keep_them_and_can_be_removed(self):
        layout = images.Layout(IMAGE, f"{self.registry.directory}/owned")
        layout.with_layer([("srv/data", None), ("srv/data/file", b"of 1234")], owner=1234)
        self.registry.put(layout.reference, "owned")
        out = run("pull", f"docker://{self.registry.name('owned')}", **self.who)
        self.assertEqual(out.returncode, DONE, out.stderr)
        found = subprocess.run(["find", f"{self.home}/.cache/minato", "-path", "*/srv/data/file", "-printf", "%U"],
                               stdout=subprocess.PIPE, text=True, check=True)
        first = next(int(line.split(":")[1]) for line in world.read("/etc/subuid").splitlines()
                     if line.startswith(f"{self.who['user']}:"))
        self.assertEqual(int(found.stdout), first + 1234 - 1)
        out = run("down", "--images", **self.who)
        self.assertEqual(out.returncode, DONE, out.stderr)
        self.assertFalse(os.path.exists(f"{self.home}/.cache/minato/images"))


if __name__ == "__main__":
    world.main()
