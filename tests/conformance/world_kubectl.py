"""What the tests of kubectl against a local world share: the world, kubectl, and a terminal for it."""
import fcntl
import os
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

import api  # noqa: E402
import images  # noqa: E402, F401
import world  # noqa: E402
from world import World, wait_until  # noqa: E402, F401


class KubectlWorld(unittest.TestCase):
    THEME = "conform"

    @classmethod
    def setUpClass(cls):
        cls.world = World(cls.THEME)
        cls.enterClassContext(cls.world)
        cls.world.start()
        config = f"{cls.world.directory}/kubeconfig"
        merged = world.run("kubeconfig", "--name", cls.world.name, "--merge", "--file", config)
        assert merged.returncode == 0, merged.stderr
        assert os.stat(config).st_mode & 0o077 == 0, "others can read the kubeconfig"
        cls.kubectl = api.Kubectl(config, cls.world.directory)
        cls.deployment = f"deploy/{cls.world.name}"

    def pods(self):
        return self.kubectl("get", "pods", "-o", "name").split()


class Terminal:
    """kubectl on a pseudo-terminal, as people have it in front of them."""

    def __init__(self, kubectl, *arguments, rows=24, columns=80, environment=None):
        self.master, slave = os.openpty()
        self.resize(rows, columns)
        self.text = ""
        self.process = subprocess.Popen(["kubectl", *arguments], env={**kubectl.environment, **(environment or {})},
                                        preexec_fn=lambda: os.login_tty(slave))
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, text):
        os.write(self.master, text.encode())

    def expect(self, pattern, timeout=30):
        """What comes up to the pattern and with it is taken; gives the match."""
        deadline = time.monotonic() + timeout
        while not (found := re.search(pattern, self.text)):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0] or not self._read():
                raise AssertionError(f"no {pattern!r} in {self.text!r}")
        self.text = self.text[found.end():]
        return found

    def _read(self):
        try:
            data = os.read(self.master, 65536)
        except OSError:  # The last user of the other side has gone.
            data = b""
        self.text += data.decode(errors="replace")
        return bool(data)

    def finish(self, timeout=30):
        return self.process.wait(timeout)


def main():
    if shutil.which("kubectl") is None:
        api.skip("kubectl is not installed")
    if os.geteuid() != 0:
        api.skip("local worlds are brought up as root here")
    unittest.main(module="__main__", verbosity=2)
