#!/usr/bin/env python3
"""How long `minato up` takes to the first HTTPS 200, what it keeps in memory, and how long a Pod takes.

Repeats the whole start (images present), then prints machine, repetitions, median and spread.
"""
import argparse
import base64
import json
import os
import pathlib
import re
import ssl
import statistics
import subprocess
import tempfile
import time
import urllib.request

SPEC = """service: {name}
image: oci:{image}:1
port: 8080
health: /healthz
cpu: 250m
memory: 64Mi
replicas: {{ min: 6 }}
region: ap-northeast-1
zones: [a, c, d]
nodes: {{ master: {{ types: [t3.medium], min: 2 }}, scaling: {{ types: [m6i.large], min: 4 }} }}
stop: {{ drain: 1s, timeout: 5s }}
local: {{ https_port: {https}, http_port: {http} }}
"""


def processes():
    """(pid, parent, command line) of all that can be read."""
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            yield int(entry.name), int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]), command
        except OSError:
            continue


def resident_mib(state):
    """Proportional set size of control and shims: all that the world's holder has started."""
    found = list(processes())
    holders = {parent for _, parent, command in found if " control " in command and f"{state} " in command}
    total = {"control": 0, "shims": 0}
    for pid, parent, command in found:
        role = "control" if " control " in command else "shims" if " shim " in command else None
        if parent not in holders or role is None:
            continue
        try:
            rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total[role] += int(re.search(r"^Pss:\s+(\d+)", rollup, re.M).group(1)) / 1024
    return total


class Api:
    """The world's Kubernetes API, as its kubeconfig says."""

    def __init__(self, minato, name):
        config = subprocess.check_output([minato, "kubeconfig", "--name", name], text=True)
        self.server, token, authority = (re.search(rf"{key}: (\S+)", config).group(1)
                                         for key in ("server", "token", "certificate-authority-data"))
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.context = ssl.create_default_context(cadata=base64.b64decode(authority).decode())

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.server + path, method=method, headers=self.headers,
                                         data=None if body is None else json.dumps(body).encode())
        return urllib.request.urlopen(request, context=self.context, timeout=30)


def pod_ready_seconds(api, namespace, image, name):
    """From sending the Pod until a watch tells that it is Ready; it has no probes. Then it is removed."""
    pods = f"/api/v1/namespaces/{namespace}/pods"
    container = {"name": "hello", "image": image, "resources": {"requests": {"cpu": "50m", "memory": "32Mi"}}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
           "spec": {"containers": [container], "terminationGracePeriodSeconds": 1}}
    with api.ask("GET", f"{pods}?watch=true&timeoutSeconds=30&fieldSelector=metadata.name={name}") as events:
        began = time.monotonic()
        api.ask("POST", pods, pod).close()
        ready = None
        for line in events:
            event = json.loads(line)
            conditions = {c["type"]: c["status"] for c in event["object"].get("status", {}).get("conditions", [])}
            if ready is None and conditions.get("Ready") == "True":
                ready = time.monotonic() - began
                api.ask("DELETE", f"{pods}/{name}").close()
            if event["type"] == "DELETED":
                return ready
    raise SystemExit(f"{name} did not become Ready and go again in 30 s")


def first_answer(url, context, deadline):
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, context=context, timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.01)
    raise SystemExit("the service never answered")


def service_image(api, name):
    with api.ask("GET", f"/apis/apps/v1/namespaces/{name}/deployments/{name}") as answer:
        return json.load(answer)["spec"]["template"]["spec"]["containers"][0]["image"]


def run_once(minato, image, number, pods):
    name, https, http = f"bench-{os.getpid()}-{number}", 18443, 18080
    state = pathlib.Path("/var/lib/minato/worlds" if os.geteuid() == 0 else
                         os.path.expanduser("~/.local/state/minato/worlds")) / name
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "minato.yaml"
        path.write_text(SPEC.format(name=name, image=image, https=https, http=http))
        began = time.monotonic()
        process = subprocess.Popen([minato, "up", "-d", str(path)], stdout=subprocess.DEVNULL)
        try:
            authority = state / "authority" / "ca.crt"
            while not authority.exists() or authority.stat().st_size == 0:
                time.sleep(0.01)
            context = ssl.create_default_context(cafile=str(authority))
            first_answer(f"https://localhost:{https}/", context, began + 60)
            first = time.monotonic() - began
            process.wait(timeout=60)
            memory = resident_mib(state)
            status = json.loads(subprocess.check_output([minato, "status", "--name", name, "-o", "json"]))
            assert len(status["pods"]) == 6, status
            api = Api(minato, name)
            ready = [pod_ready_seconds(api, name, service_image(api, name), f"timed-{i}") for i in range(pods)]
            return first, memory, ready
        finally:
            process.wait(timeout=60)
            subprocess.run([minato, "down", "--name", name], check=True, stdout=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", nargs="?", default="build")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--pods", type=int, default=20, help="Pods timed in each repetition, one after the other")
    arguments = parser.parse_args()
    build = pathlib.Path(arguments.build).resolve()
    runs = [run_once(str(build / "apps/minato/minato"), build / "examples/hello/image", i, arguments.pods)
            for i in range(arguments.repetitions)]
    seconds = sorted(first for first, _, _ in runs)
    print(f"up to first HTTPS 200 (6 Nodes, 6 Pods, image present), {len(runs)} repetitions: "
          f"median {statistics.median(seconds):.2f} s, {seconds[0]:.2f} to {seconds[-1]:.2f} s (budget 5 s)")
    for role in ("control", "shims"):
        values = sorted(memory.get(role, 0) for _, memory, _ in runs)
        print(f"memory of {role} (Pss): median {statistics.median(values):.1f} MiB, "
              f"{values[0]:.1f} to {values[-1]:.1f} MiB (budget 100 MiB in all)")
    ready = sorted(1000 * value for _, _, values in runs for value in values)
    if ready:
        print(f"Pod create to Ready (image present, no probes), {len(ready)} Pods: median {statistics.median(ready):.0f} ms, "
              f"p99 {ready[min(len(ready) - 1, int(0.99 * len(ready)))]:.0f} ms, worst {ready[-1]:.0f} ms (budget p99 500 ms)")


if __name__ == "__main__":
    main()
