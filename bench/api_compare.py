"""The API benchmark against this server and against kube-apiserver with its etcd, one after the other.

    api_compare.py BUILD [--pods=N]

MINATO_UPSTREAM names the directory of kube-apiserver and etcd (tests/conformance/prepare_clients.sh
builds them); without it only this server is measured. What is acknowledged survives the end of the
process in both, not a loss of power: etcd runs without fsync.
"""
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "conformance"))

import upstream  # noqa: E402


def main():
    program, more = os.path.join(sys.argv[1], "bench", "minato_api_bench"), sys.argv[2:]
    print("== this server", flush=True)
    subprocess.run([program, *more], check=True)
    if not upstream.DIRECTORY:
        print("MINATO_UPSTREAM is not set: nothing to compare with")
        return
    print("== kube-apiserver and etcd", flush=True)
    start = time.monotonic()
    with upstream.processes("--unsafe-no-fsync") as (port, _, pids):
        print(f"ready after             {(time.monotonic() - start) * 1e3:.0f} ms", flush=True)
        subprocess.run([program, *more, f"--port={port}", "--token=admin-token-of-the-test", *(f"--pid={pid}" for pid in pids)], check=True)


if __name__ == "__main__":
    main()
