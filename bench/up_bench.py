#!/usr/bin/env python3
"""How long `minato up` takes to the first HTTPS 200, what it keeps in memory, and how long a Pod takes.

Repeats the whole start (images present), then prints machine, repetitions, median and spread.
"""
import argparse
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


def resident_mib(marker):
    total = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if marker not in line:
                continue
            rollup = (entry / "smaps_rollup").read_text()
        except OSError:
            continue
        role = "shims" if " shim " in line else "control" if " control " in line else "other"
        total[role] = total.get(role, 0) + int(re.search(r"^Pss:\s+(\d+)", rollup, re.M).group(1)) / 1024
    return total


def first_answer(url, context, deadline):
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, context=context, timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.01)
    raise SystemExit("the service never answered")


def run_once(minato, image, number):
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
            memory = resident_mib(f"/{name}")
            status = json.loads(subprocess.check_output([minato, "status", "--name", name, "-o", "json"]))
            assert len(status["pods"]) == 6, status
            return first, memory
        finally:
            process.wait(timeout=60)
            subprocess.run([minato, "down", "--name", name], check=True, stdout=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", nargs="?", default="build")
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    build = pathlib.Path(arguments.build).resolve()
    runs = [run_once(str(build / "apps/minato/minato"), build / "examples/hello/image", i)
            for i in range(arguments.repetitions)]
    seconds = sorted(first for first, _ in runs)
    print(f"up to first HTTPS 200 (6 Nodes, 6 Pods, image present), {len(runs)} repetitions: "
          f"median {statistics.median(seconds):.2f} s, {seconds[0]:.2f} to {seconds[-1]:.2f} s (budget 5 s)")
    for role in ("control", "shims"):
        values = sorted(memory.get(role, 0) for _, memory in runs)
        print(f"memory of {role} (Pss): median {statistics.median(values):.1f} MiB, "
              f"{values[0]:.1f} to {values[-1]:.1f} MiB (budget 100 MiB in all)")


if __name__ == "__main__":
    main()
