"""Images from a registry: Debian's docker-registry on loopback, filled with skopeo."""
import json
import os
import subprocess
import tempfile
import unittest

import registry
import world
from world import DONE, FAILED, World, run


@unittest.skipUnless(registry.programs_are_here(), registry.MISSING)
class RegistryTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = cls.enterClassContext(registry.Registry())

    def test_1_up_deploy_and_a_registry_that_is_away(self):
        with World("registry", replicas=2, nodes=2, image=f"docker://{self.registry.name(1)}") as here:
            out = here.up()
            self.assertEqual(out.returncode, DONE, out.stderr)
            self.assertEqual(here.get().json()["version"], "1")
            out = here.do("deploy", "--image", f"docker://{self.registry.name(2)}")
            self.assertEqual(out.returncode, DONE, out.stderr)
            self.assertEqual(here.get().json()["version"], "2")
            self.registry.stop()
            self.addCleanup(self.registry.start)
            out = here.do("deploy", "--image", f"docker://{self.registry.name(1)}")
            self.assertEqual(out.returncode, DONE, out.stderr)
            self.assertIn("what was pulled before is used", out.stderr)
            self.assertEqual(here.get().json()["version"], "1")

    def test_2_what_the_registry_does_not_have(self):
        with World("noregistry", replicas=1, nodes=1, image=f"docker://{self.registry.name('none')}") as here:
            out = here.up(timeout=20)
            self.assertEqual(out.returncode, FAILED)
            self.assertIn(self.registry.name("none"), out.stderr)
            self.assertFalse(os.path.exists(here.state), "it is known before anything is made")

    def test_3_pull(self):
        out = run("pull", f"docker://{self.registry.name(1)}")
        self.assertEqual(out.returncode, DONE, out.stderr)
        self.assertIn("sha256:", out.stderr)

    def test_4_minatos_own_image_can_be_pushed_and_run(self):
        with tempfile.TemporaryDirectory() as folder:
            out = run("image", f"{folder}/own", "--output", "json")
            self.assertEqual(out.returncode, DONE, out.stderr)
            image = json.loads(out.stdout)
            name = f"{self.registry.address}/minato"
            subprocess.run(["skopeo", "copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false", image["reference"],
                            f"docker://{name}"], check=True)
            pulled = run("pull", f"docker://{name}@{image['digest']}")
            self.assertEqual(pulled.returncode, DONE, pulled.stderr)
            again = run("image", f"{folder}/own")
            self.assertEqual(again.returncode, FAILED)
            self.assertIn("give a new or an empty directory", again.stderr)


if __name__ == "__main__":
    world.main()
