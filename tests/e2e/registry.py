"""Debian's docker-registry on loopback, filled with skopeo from the example's image."""
import shutil
import subprocess
import tempfile

import world
from world import IMAGE, wait_until

MISSING = "docker-registry or skopeo is missing: registry images stay unchecked"


def programs_are_here():
    return bool(shutil.which("docker-registry") and shutil.which("skopeo"))


class Registry:
    """Has team/hello:1 and :2; gone with the `with` block."""

    def __enter__(self):
        self.port = world.free_ports(1)[0]
        self.directory = tempfile.mkdtemp(prefix="minato-e2e-")
        with open(f"{self.directory}/config.yml", "w") as file:
            file.write(f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {self.directory}/data}}}}\n"
                       f"http: {{addr: 127.0.0.1:{self.port}}}\n")
        self.start()
        for version in (1, 2):
            self.put(f"oci:{IMAGE}:{version}", version)
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.directory)

    def start(self):
        self.process = subprocess.Popen(["docker-registry", "serve", f"{self.directory}/config.yml"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until("the registry listens", lambda: not world.port_is_free(self.port))

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def put(self, source, tag):
        subprocess.run(["skopeo", "copy", "-q", "--dest-tls-verify=false", source, f"docker://{self.name(tag)}"],
                       check=True)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def name(self, tag):
        return f"{self.address}/team/hello:{tag}"
