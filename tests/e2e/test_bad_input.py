"""What is wrong is said at once, with its place, its cause and the way out; and nothing is left."""
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import world
from images import Layout
from world import CANNOT, DONE, FAILED, IMAGE, USAGE, YAML, Load, World, log, wait_until

NOBODY = 65534


class FileTest(unittest.TestCase):
    """Known to be wrong before anything is made."""

    def assert_refused(self, text, *words, code=USAGE, more=()):
        with World("file") as here:
            if text is not None:
                here.write(text)
            began = time.monotonic()
            out = world.run("up", "-d", here.file, *(more or here.ports), timeout=30)
            self.assertEqual(out.returncode, code, out.stderr)
            for word in words:
                self.assertIn(word, out.stderr)
            self.assertNotIn("terminate", out.stderr)
            self.assertLess(time.monotonic() - began, 5)
            self.assertEqual(here.left_behind(), [], "a refused file leaves nothing")

    def good(self, **changes):
        text = YAML.format(name="e2e-file", image=f"oci:{IMAGE}:1", replicas=2, nodes=1)
        for old, new in changes.values():
            assert old in text
            text = text.replace(old, new)
        return text

    def test_unknown_key(self):
        self.assert_refused(self.good(key=("replicas:", "replica:")), "minato.yaml:7:1: unknown key 'replica'; did you mean 'replicas'?")

    def test_all_errors_at_once(self):
        self.assert_refused(self.good(a=("replicas:", "replica:"), b=("port: 8080", "port: 808080")), "minato.yaml:3:7", "minato.yaml:7:1")

    def test_wrong_units_and_types(self):
        for old, new, place in (("port: 8080", "port: web", "3:7"),
                                ("port: 8080", "port: 0", "3:7"),
                                ("cpu: 100m", "cpu: 100q", "5:6"),
                                ("cpu: 100m", "cpu: -1", "5:6"),
                                ("memory: 64Mi", "memory: 64", "6:9"),
                                ("memory: 64Mi", "memory: lots", "6:9"),
                                ("cpu: 60%", "cpu: 600%", "7:"),
                                ("region: ap-northeast-1", "region: [1]", "9:9"),
                                ("[a, c, d]", "{a: c}", "10:8"),
                                ("startup: 20s", "startup: 20 parsecs", "15:10")):
            with self.subTest(new=new):
                self.assert_refused(self.good(change=(old, new)), f"minato.yaml:{place}")

    def test_hostile_yaml(self):
        bombs = {
            "aliases": "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)),
            "depth": "[" * 100_000,
            "deep maps": "".join(" " * i + f"k{i}:\n" for i in range(3000)),
            "binary": "\x01\x02\x7f",
            "zero byte": "service: a\0b\n",
            "tabs": "service:\n\t- x\n",
            "two documents": self.good() + "---\nservice: other\n",
            "a list": "- service\n",
            "a scalar": "service",
            "empty": "",
            "repeated key": self.good() + "port: 9090\n",
            "tag": "service: !!python/object/apply:os.system ['true']\nimage: x\nport: 1\n",
            "name that is a path": self.good(name=("service: e2e-file", "service: ../../etc")),
            "name with a line": self.good(name=("service: e2e-file", 'service: "a\\nb"')),
            "long name": self.good(name=("service: e2e-file", "service: " + "a" * 300)),
        }
        for what, text in bombs.items():
            with self.subTest(what):
                self.assert_refused(text, "minato.yaml")

    def test_huge_file(self):
        self.assert_refused("# " + "x" * (4 << 20) + "\n" + self.good(), "minato.yaml", "larger than")

    def test_missing_file(self):
        out = world.run("up", "-d", "/nowhere/minato.yaml")
        self.assertIn(out.returncode, (FAILED, USAGE))
        self.assertIn("/nowhere/minato.yaml", out.stderr)
        out = world.run("up", "-d", "/")
        self.assertIn(out.returncode, (FAILED, USAGE))

    def test_port_out_of_range(self):
        for port in ("0", "65536", "-1", "http"):
            with self.subTest(port=port), World("port") as here:
                out = world.run("up", "-d", here.file, "--https-port", port, "--http-port", str(here.http), "--timeout", "20")
                self.assertEqual(out.returncode, USAGE, out.stdout + out.stderr)

    def test_port_taken(self):
        with World("taken") as here, socket.socket() as other:
            other.bind(("127.0.0.1", here.https))
            other.listen()
            out = here.up()
            self.assertEqual(out.returncode, FAILED)
            for word in (str(here.https), "--https-port", "taken"):
                self.assertIn(word, out.stderr)
            other.close()
            self.assertEqual(here.left_behind(), [])

    def test_secret_that_is_not_set(self):
        with World("secret", more="secrets: {TOKEN: env:E2E_NOT_SET}\n") as here:
            out = here.up()
            self.assertEqual(out.returncode, USAGE)
            self.assertIn("TOKEN", out.stderr)
            self.assertIn("E2E_NOT_SET", out.stderr)
            self.assertEqual(here.left_behind(), [])


class MachineTest(unittest.TestCase):
    """What the machine lacks."""

    @classmethod
    def setUpClass(cls):
        world.own_mounts()

    def test_missing_programs(self):
        for missing in (["haproxy"], ["dnsmasq"], ["crun", "runc"]):
            with self.subTest(missing=missing), World("prog") as here, contextlib.ExitStack() as hidden:
                for program in missing:
                    for path in (f"{directory}/{program}" for directory in ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")):
                        if os.path.exists(path):
                            hidden.enter_context(world.mounted("--bind", "/dev/null", os.path.realpath(path)))
                out = here.up(timeout=10)
                log(f"exit {out.returncode}: {out.stderr.strip()}")
                self.assertEqual(out.returncode, CANNOT, out.stderr)
                self.assertIn(missing[0], out.stderr)
                self.assertIn("install the package", out.stderr)
                self.assertEqual(here.left_behind(), [])

    @contextlib.contextmanager
    def ordinary_user(self, name):
        """A function that runs minato as a user, who may read the program and the image."""
        with tempfile.TemporaryDirectory(prefix="minato-e2e-") as home:
            shutil.copy(world.MINATO, f"{home}/minato")
            Layout(IMAGE, f"{home}/image")
            os.chown(home, NOBODY, NOBODY)
            user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "env", "-i",
                    f"HOME={home}", f"XDG_RUNTIME_DIR={home}/run", "PATH=/usr/bin:/bin:/usr/sbin"]
            run = lambda *words: subprocess.run([*user, f"{home}/minato", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, cwd="/")
            try:
                yield home, run
            finally:
                down = run("down", "--name", name)
                left = [line for line in map(world.command_line, world.pids()) if f"{home}/" in line]
                worlds = f"{home}/.local/state/minato/worlds"
                left += os.listdir(worlds) if os.path.exists(worlds) else []
                log(f"down as the user: exit {down.returncode} {down.stderr.strip()}")
            self.assertEqual((down.returncode, left), (DONE, []), down.stderr)

    def try_as_user(self, here, home, run):
        here.write(world.read(here.file).replace(IMAGE, f"{home}/image"))
        os.chmod(here.directory, 0o755)
        doctor, up = run("doctor"), run("up", "-d", here.file, *here.ports, "--timeout", "10")
        log(f"doctor exit {doctor.returncode}, up exit {up.returncode}: {(up.stdout + up.stderr).strip()[-300:]}")
        if doctor.returncode == CANNOT:
            self.assertEqual(up.returncode, CANNOT)
            self.assertIn("fix: ", up.stderr)
        return doctor, up

    def test_ordinary_user_without_further_ids(self):
        """The image's own user cannot exist then: said exactly, with the way out."""
        with World("user", replicas=1, nodes=1) as here, self.ordinary_user(here.name) as (home, run):
            doctor, up = self.try_as_user(here, home, run)
            if doctor.returncode == DONE and up.returncode != DONE:
                self.assertIn("containers can run as root only", up.stderr)
                self.assertIn("/etc/subuid", up.stderr)
                self.assertIn("usermod --add-subuids", doctor.stdout)

    def test_ordinary_user_with_further_ids(self):
        if not shutil.which("newuidmap"):
            self.skipTest("SKIPPED: newuidmap is not installed")
        with World("ids", replicas=1, nodes=1) as here, contextlib.ExitStack() as ranges, self.ordinary_user(here.name) as (home, run):
            with open(f"{here.directory}/subid", "w") as file:
                file.write("nobody:100000:65536\n")
            for path in ("/etc/subuid", "/etc/subgid"):
                ranges.enter_context(world.mounted("--bind", file.name, path))
            doctor, up = self.try_as_user(here, home, run)
            if doctor.returncode == DONE:
                self.assertEqual(up.returncode, DONE, up.stdout + up.stderr)
                here.state = f"{home}/.local/state/minato/worlds/{here.name}"
                self.assertEqual(here.get().json()["version"], "1")

    def test_full_disk(self):
        """Says so, serves on, and goes on by itself when there is room again."""
        with world.mounted("-t", "tmpfs", "-o", "size=256m,mode=0755", "tmpfs", "/var/lib/minato"):
            with World("full", replicas=3) as here:
                here.start()
                with open("/var/lib/minato/filler", "wb", buffering=0) as filler:
                    try:
                        while True:
                            filler.write(bytes(4096))
                    except OSError:
                        pass
                load = Load(here, 100, 60)
                began = time.monotonic()
                out = here.do("deploy", "--no-wait", "--image", f"oci:{IMAGE}:2")
                log(f"deploy on a full disk: exit {out.returncode}: {(out.stdout + out.stderr).strip()[-300:]}")
                time.sleep(3)
                os.unlink("/var/lib/minato/filler")
                wait_until("control answers again", here.status, 30)
                log(f"answers {time.monotonic() - began:.1f} s after the disk was full")
                if out.returncode == DONE:
                    self.assertEqual(here.status()["service"]["image"], f"oci:{IMAGE}:2", "what was acknowledged is kept")
                else:
                    self.assertRegex(out.stderr, "(?i)no space|full|went away|no minato answers")
                wait_until("the service is at rest", here.is_whole, 60)
                self.assertIn("full", (world.read(f"{here.state}/minato.log") + out.stderr).lower().replace("no space", "full"))
                report = load.finish()
                self.assertEqual(report["failed"], 0, report)


class ImageTest(unittest.TestCase):
    """Images that cannot run: the cause is in the Pods' Warnings, and what serves goes on."""

    @classmethod
    def setUpClass(cls):
        cls.world = World("image", replicas=3)
        cls.enterClassContext(cls.world)
        cls.world.start()

    def layout(self, name):
        return Layout(IMAGE, f"{self.world.directory}/{name}")

    def assert_refused(self, image, *words):
        began = time.monotonic()
        out = self.world.do("deploy", "--no-wait", "--image", image)
        said = out.stderr

        def cause():
            nonlocal said
            said = out.stderr + "".join(event["message"] + "\n" for event in self.world.events() if event["type"] == "Warning" and image in event["message"])
            return all(word in said for word in words)

        try:
            wait_until(f"{image} is refused with {words}", cause, 15)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{said}") from None
        log(f"known after {time.monotonic() - began:.1f} s: {said.strip().splitlines()[-1][:200]}")
        for _ in range(5):
            self.assertEqual(self.world.get().json()["version"], "1")

    def test_missing_layout(self):
        self.assert_refused(f"oci:{self.world.directory}/nowhere:1", "nowhere")

    def test_missing_tag(self):
        self.assert_refused(f"oci:{IMAGE}:none", "none", "available: 1, 2, broken")

    def test_other_architecture(self):
        self.assert_refused(self.layout("arch").with_architecture("s390x"), "s390x")

    def test_damaged_layer(self):
        self.assert_refused(self.layout("layer").with_damaged_layer(), "damaged")

    def test_damaged_manifest(self):
        self.assert_refused(self.layout("manifest").with_damaged_manifest(), "damaged")

    def test_layer_that_leaves_the_root(self):
        mark = f"{self.world.directory}/escaped"
        up = "../" * 30
        for what, files in (("dots", [(f"{up}{mark[1:]}", b"x")]),
                            ("link", [("etc/out", ("symlink", self.world.directory)), ("etc/out/escaped", b"x")]),
                            ("hard", [("etc/stolen", ("link", f"{up}etc/shadow"))])):
            with self.subTest(what):
                image = self.layout(f"hostile-{what}").with_layer(files)
                if what == "link":
                    # Followed inside of the image's root, or refused: both are safe.
                    self.world.do("deploy", "--no-wait", "--image", image)
                    time.sleep(3)
                else:
                    self.assert_refused(image, "..")
                self.assertFalse(os.path.exists(mark), "a layer wrote outside of its root")

    def test_missing_entrypoint(self):
        self.assert_refused_container(self.layout("entry").with_entrypoint("/no-such-program"), "no-such-program")

    def assert_refused_container(self, image, word):
        out = self.world.do("deploy", "--no-wait", "--image", image)
        self.assertEqual(out.returncode, DONE, out.stderr)
        wait_until(f"a Warning names {word}", lambda: [event for event in self.world.events() if event["type"] == "Warning" and word in event["message"]], 15)
        self.assertEqual(self.world.get().json()["version"], "1")

    def test_up_with_a_missing_image(self):
        with World("noimage", replicas=1, nodes=1, image=f"oci:{IMAGE}:none") as here:
            out = here.up(timeout=8)
            self.assertEqual(out.returncode, FAILED)
            self.assertIn("available: 1, 2, broken", out.stderr)
            self.assertNotIn("nodes", out.stdout, "it is known before anything is made")


if __name__ == "__main__":
    world.main()
