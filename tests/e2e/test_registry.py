"""Images from a registry: Debian's docker-registry on loopback, filled with skopeo."""
import os
import shutil
import subprocess
import tempfile
import unittest

import world
from world import DONE, FAILED, IMAGE, World, run, wait_until


@unittest.skipUnless(shutil.which("docker-registry") and shutil.which("skopeo"),
                     "docker-registry or skopeo is missing: registry images stay unchecked")
class RegistryTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.port = world.free_ports(1)[0]
        cls.directory = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="minato-e2e-"))
        with open(f"{cls.directory}/config.yml", "w") as file:
            file.write(f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {cls.directory}/data}}}}\n"
                       f"http: {{addr: 127.0.0.1:{cls.port}}}\n")
        cls.start()
        for version in (1, 2):
            subprocess.run(["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{IMAGE}:{version}",
                            f"docker://{cls.name(version)}"], check=True)

    @classmethod
    def start(cls):
        cls.registry = subprocess.Popen(["docker-registry", "serve", f"{cls.directory}/config.yml"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until("the registry listens", lambda: not world.port_is_free(cls.port))

    @classmethod
    def tearDownClass(cls):
        cls.stop()

    @classmethod
    def stop(cls):
        cls.registry.terminate()
        cls.registry.wait()

    @classmethod
    def name(cls, tag):
        return f"127.0.0.1:{cls.port}/team/hello:{tag}"

    def test_1_up_deploy_and_a_registry_that_is_away(self):
        with World("registry", replicas=2, nodes=2, image=f"docker://{self.name(1)}") as here:
            out = here.up()
            self.assertEqual(out.returncode, DONE, out.stderr)
            self.assertEqual(here.get().json()["version"], "1")
            out = here.do("deploy", "--image", f"docker://{self.name(2)}")
            self.assertEqual(out.returncode, DONE, out.stderr)
            self.assertEqual(here.get().json()["version"], "2")
            self.stop()
            self.addCleanup(self.start)
            out = here.do("deploy", "--image", f"docker://{self.name(1)}")
            self.assertEqual(out.returncode, DONE, out.stderr)
            self.assertIn("what was pulled before is used", out.stderr)
            self.assertEqual(here.get().json()["version"], "1")

    def test_2_what_the_registry_does_not_have(self):
        with World("noregistry", replicas=1, nodes=1, image=f"docker://{self.name('none')}") as here:
            out = here.up(timeout=20)
            self.assertEqual(out.returncode, FAILED)
            self.assertIn(self.name("none"), out.stderr)
            self.assertFalse(os.path.exists(here.state), "it is known before anything is made")

    def test_3_pull(self):
        out = run("pull", f"docker://{self.name(1)}")
        self.assertEqual(out.returncode, DONE, out.stderr)
        self.assertIn("sha256:", out.stderr)


if __name__ == "__main__":
    world.main()
