#!/usr/bin/env python3
"""The load generator beside h2load and wrk, against one HTTPS server that does next to nothing.

The server is HAProxy answering by itself on loopback. Rounds go through the generators in turn, so
that all meet the same machine. Prints what was sent and answered, latencies and the processor time
of generator and server per request. At a set rate minato and h2load send it; wrk sends as fast as
it can and shows that the server is not the limit.
"""
import argparse
import json
import os
import pathlib
import re
import resource
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

CONFIG = """global
  nbthread {threads}
  maxconn 4000
defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 5s
  timeout http-keep-alive 30s
frontend bench
  bind 127.0.0.1:{port} ssl crt {folder}/server.pem
  http-request return status 200 content-type text/plain string "hello"
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{folder}/key.pem",
                    "-out", f"{folder}/ca.pem"], check=True, stderr=subprocess.DEVNULL)
    pem = pathlib.Path(folder, "server.pem")
    pem.write_text(pathlib.Path(folder, "ca.pem").read_text() + pathlib.Path(folder, "key.pem").read_text())


def start_server(folder, threads):
    port = free_port()
    config = pathlib.Path(folder, "haproxy.cfg")
    config.write_text(CONFIG.format(port=port, folder=folder, threads=threads))
    server = subprocess.Popen(["haproxy", "-db", "-f", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server, port
        time.sleep(0.05)
    raise SystemExit("haproxy did not start")


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def timed(command, server):
    """What it printed, its processor seconds and the server's."""
    theirs = processor_seconds(server.pid)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return out, own, processor_seconds(server.pid) - theirs


def by_minato(minato, port, folder, rate, seconds, connections, server):
    out, own, theirs = timed([minato, "load", "--url", f"https://127.0.0.1:{port}/", "--ca", f"{folder}/ca.pem", "--rps", str(rate),
                              "--for", f"{seconds}s", "--connections", str(connections), "-o", "json"], server)
    report = json.loads(out[out.index("{"):])
    return report, own / report["sent"] * 1e6, theirs / report["sent"] * 1e6


def by_h2load(port, rate, seconds, connections, server):
    out, own, theirs = timed(["h2load", "--h1", f"-c{connections}", "-t2", f"--rps={rate / connections}", f"-D{seconds}",
                              f"https://127.0.0.1:{port}/"], server)
    done = int(re.search(r"requests: \d+ total, \d+ started, (\d+) done", out).group(1))
    mean = re.search(r"time for request:\s+\S+\s+\S+\s+(\S+)", out).group(1)
    return done, mean, own / max(done, 1) * 1e6, theirs / max(done, 1) * 1e6


def by_wrk(port, seconds, connections, server):
    out, own, theirs = timed(["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--latency", f"https://127.0.0.1:{port}/"], server)
    done = int(re.search(r"(\d+) requests in", out).group(1))
    return done / seconds, own / done * 1e6, theirs / done * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", nargs="?", default="build")
    parser.add_argument("--rates", type=int, nargs="+", default=[10000, 20000])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--connections", type=int, default=200)
    arguments = parser.parse_args()
    missing = [name for name in ("haproxy", "h2load", "wrk", "openssl") if not shutil.which(name)]
    if missing:
        print(f"skipped: {', '.join(missing)} not installed (Debian: haproxy nghttp2-client wrk openssl)")
        return
    minato = pathlib.Path(arguments.build).resolve() / "apps/minato/minato"
    with tempfile.TemporaryDirectory() as folder:
        make_certificate(folder)
        server, port = start_server(folder, 1)
        try:
            compare(minato, port, folder, arguments, server)
        finally:
            server.terminate()
            server.wait()


def compare(minato, port, folder, arguments, server):
    seconds, connections = arguments.seconds, arguments.connections
    print(f"HTTPS with keep-alive, {connections} connections, {seconds} s each, {arguments.repetitions} repetitions")
    for _ in range(arguments.repetitions):
        rate, own, theirs = by_wrk(port, seconds, connections, server)
        print(f"wrk      full throttle  {rate:8.0f}/s  processor per request {own:5.1f} us, server {theirs:5.1f} us")
    for rate in arguments.rates:
        shares = []
        for _ in range(arguments.repetitions):
            report, own, theirs = by_minato(minato, port, folder, rate, seconds, connections, server)
            generator = report["generator"]
            print(f"minato   {rate:6}/s       ok {report['ok']} of {report['sent']}, p50 {report['p50Ms']:.1f} ms, p99 {report['p99Ms']:.1f} ms, "
                  f"late p99 {generator['lateP99Ms']:.1f} ms, is the limit: {'yes' if generator['isLimit'] else 'no'}, "
                  f"processor per request {own:5.1f} us, server {theirs:5.1f} us")
            done, mean, own, theirs = by_h2load(port, rate, seconds, connections, server)
            print(f"h2load   {rate:6}/s       ok {done}, mean {mean}, "
                  f"processor per request {own:5.1f} us, server {theirs:5.1f} us")
            shares.append(report["ok"] / done if done else 0)
        print(f"minato's answered requests by h2load's at {rate}/s: median {statistics.median(shares):.3f}")


if __name__ == "__main__":
    main()
