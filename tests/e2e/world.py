"""What the end-to-end tests share: one world per test, the program as a user runs it, and a strict
account of what a world may leave behind (nothing).

A test makes a `World`, uses it in a `with` block, and the block's end takes it down and checks. All
processes that are looked at or ended belong to that world: they are found by its state directory in
their command line or as descendants of its holder.
"""
import contextlib
import ctypes
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MINATO = os.environ.get("MINATO_E2E_PROGRAM", f"{ROOT}/build/apps/minato/minato")
IMAGE = os.environ.get("MINATO_E2E_IMAGE", f"{ROOT}/build/examples/hello/image")
SEED = int(os.environ.get("MINATO_E2E_SEED", random.SystemRandom().randrange(1 << 32)))
SKIPPED = 77  # ctest's SKIP_RETURN_CODE.
# Exit codes that apps/minato/commands.h promises.
DONE, FAILED, USAGE, NOT_UP, CANNOT, INTERRUPTED = 0, 1, 2, 3, 4, 130

STATE_ROOT = "/var/lib/minato/worlds"
RUN_ROOT = "/run/minato"


# ---- Small things -----------------------------------------------------------------------------


def wait_until(what, condition, timeout=30.0, interval=0.05):
    """The first true value of condition(); fails with `what` and the last value seen."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"within {timeout:g} s: {what}; last seen: {value!r}")
        time.sleep(interval)


def log(text):
    print(f"    {text}", flush=True)


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def command_line(pid):
    return read(f"/proc/{pid}/cmdline").replace("\0", " ").strip()


def parent(pid):
    fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[1] if len(fields) > 1 else None


def start_ticks(pid):
    """When a process started; with its pid, an identity. None when it is gone or a zombie."""
    fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return int(fields[19]) if len(fields) > 19 and fields[0] != "Z" else None


def free_ports(count):
    """Below the ephemeral range, so that no client's port takes them meanwhile."""
    found = []
    while len(found) < count:
        port = random.SystemRandom().randrange(20000, 30000)
        if port not in found and port_is_free(port):
            found.append(port)
    return found


def port_is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def links():
    """Interfaces of the host's network namespace: names and numbers."""
    return sorted(socket.if_nameindex())


def cgroup_roots():
    mounts = [line.split() for line in read("/proc/self/mounts").splitlines()]
    return [mount[1] for mount in mounts if mount[2] in ("cgroup", "cgroup2")]


def run(*arguments, timeout=120, **options):
    return subprocess.run([MINATO, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=timeout, text=True, **options)


def own_mounts():
    """From here on what this process mounts is seen by it and its children only."""
    CLONE_NEWNS = 0x00020000
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    mount("--make-rprivate", "/")


def mount(*words):
    subprocess.run(["mount", *words], check=True)


@contextlib.contextmanager
def mounted(*words):
    """`mount WORDS`, whose last is the target, for a while; own_mounts() comes before."""
    mount(*words)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", words[-1]], check=True)


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Load:
    """`minato load` beside the test; result() is its report."""

    def __init__(self, world, rps, seconds, path="/"):
        self.process = subprocess.Popen(
            [MINATO, "load", "--name", world.name, "--rps", str(rps), "--for", f"{seconds}s", "--path", path, "-o", "json"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        world.clients.append(self.process)

    def running(self):
        return self.process.poll() is None

    def finish(self):
        """Ends it early; what is in flight still ends."""
        if self.running():
            self.process.send_signal(signal.SIGINT)
        return self.result()

    def result(self):
        out, err = self.process.communicate(timeout=180)
        if not out.strip():
            raise AssertionError(f"minato load exited {self.process.returncode}: {err}")
        return json.loads(out)


# ---- A world ----------------------------------------------------------------------------------

YAML = """service: {name}
image: {image}
port: 8080
health: /healthz
cpu: 100m
memory: 64Mi
replicas: {{min: {replicas}, max: 12, cpu: 60%}}
env: {{LOG_LEVEL: info}}
region: ap-northeast-1
zones: [a, c, d]
nodes:
  master: {{types: [t3.medium], min: 1}}
  scaling: {{types: [m6i.large], min: {nodes}, max: 8}}
stop: {{drain: 3s, timeout: 5s}}
startup: 20s
"""


class World:
    def __init__(self, theme, replicas=6, nodes=3, image=None, more=""):
        self.name = f"e2e-{theme}-{os.getpid() % 100000}"
        self.https, self.http = free_ports(2)
        self.state = f"{STATE_ROOT}/{self.name}"
        self.run_dir = f"{RUN_ROOT}/{self.name}"
        self.replicas = replicas
        self.directory = tempfile.mkdtemp(prefix="minato-e2e-")
        self.file = f"{self.directory}/minato.yaml"
        self.write(YAML.format(name=self.name, image=image or f"oci:{IMAGE}:1", replicas=replicas, nodes=nodes) + more)
        self.ports = ["--https-port", str(self.https), "--http-port", str(self.http)]
        self.host_links = links()
        self.known = set()  # (pid, start) of processes that were seen to be this world's.
        self.clients = []
        self.who = {}  # Options of run() for whose world it is; root's unless told.

    def write(self, text):
        with open(self.file, "w") as file:
            file.write(text)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self.explain()
        self.observe()
        crashes = self.crashes()
        for client in self.clients:
            if client.poll() is None:
                client.kill()
            client.communicate()
        down = self.down()
        try:
            left = self.left_behind()
            if kind is None and left:
                raise AssertionError(f"left behind after 'minato down' (exit {down.returncode}, {down.stderr.strip()}): " + "; ".join(left))
            if kind is None and crashes:
                raise AssertionError("control ended by itself:\n" + crashes)
            if left:
                print(f"left behind: {left}", file=sys.stderr)
        finally:
            for pid in self.remains():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            shutil.rmtree(self.directory, ignore_errors=True)

    def crashes(self):
        """The log around every end of control that no test brought about (those send SIGKILL)."""
        lines = read(f"{self.state}/minato.log").splitlines()
        ends = [i for i, line in enumerate(lines) if re.search(r"control (was ended by signal (?!9\b)|ended with)", line)]
        return "\n".join(line for i in ends for line in lines[max(0, i - 8):i + 1])

    def explain(self):
        """What a failed test needs to be understood."""
        print(f"---- {self.name}: status, then the end of its log", file=sys.stderr)
        with contextlib.suppress(subprocess.TimeoutExpired):
            print(self.do("status", timeout=10).stdout, file=sys.stderr)
            print("\n".join(self.do("events", timeout=10).stdout.splitlines()[-80:]), file=sys.stderr)
        print("\n".join(read(f"{self.state}/minato.log").splitlines()[-40:]), file=sys.stderr)

    # Commands.

    def up(self, *options, timeout=60, **more):
        """`up -d`; remembers whose processes are this world's. Returns the finished process."""
        out = run("up", "-d", self.file, *self.ports, "--timeout", str(timeout), *options, timeout=timeout + 60, **self.who, **more)
        self.observe()
        return out

    def start(self, *options):
        began = time.monotonic()
        out = self.up(*options)
        assert out.returncode == DONE, f"up exited {out.returncode}:\n{out.stdout}\n{out.stderr}"
        log(f"up in {time.monotonic() - began:.1f} s")
        return out

    def spawn(self, *arguments, **options):
        """A command that runs beside the test; ended with the world."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, **options}
        client = subprocess.Popen([MINATO, *arguments], **options)
        self.clients.append(client)
        return client

    def do(self, command, *arguments, timeout=180):
        return run(command, "--name", self.name, *arguments, timeout=timeout, **self.who)

    def down(self):
        return run("down", "--name", self.name, **self.who)

    def status(self):
        """None while nobody answers."""
        out = self.do("status", "-o", "json", timeout=10)
        return json.loads(out.stdout) if out.returncode == DONE else None

    def events(self):
        out = self.do("events", "-o", "json")
        return [json.loads(line) for line in out.stdout.splitlines()]

    def ask_control(self, verb, **arguments):
        """One request on the control socket: (data lines, error or None)."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(f"{self.run_dir}/control.sock")
            connection.sendall(json.dumps({"verb": verb, "arguments": arguments}).encode() + b"\n")
            lines = [json.loads(line) for line in connection.makefile()]
        return [line["data"] for line in lines if "data" in line], lines[-1].get("error")

    # Requests.

    def get(self, path="/", timeout=5.0, context=None):
        """Over HTTPS with a verified certificate."""
        context = context or ssl.create_default_context(cafile=f"{self.state}/authority/ca.crt")
        domain = f"{self.name}.localhost"
        with socket.create_connection(("127.0.0.1", self.https), timeout=timeout) as plain:
            with context.wrap_socket(plain, server_hostname=domain) as secure:
                return exchange(secure, f"{domain}:{self.https}", path)

    def get_plain(self, path="/"):
        with socket.create_connection(("127.0.0.1", self.http), timeout=5) as plain:
            return exchange(plain, f"{self.name}.localhost:{self.http}", path)

    def serves(self):
        try:
            return self.get().status == 200
        except (OSError, http.client.HTTPException):
            return False

    def answers(self, count=60):
        return [self.get().json() for _ in range(count)]

    def is_whole(self, status=None):
        """At rest: what was asked for is there, ready, and nothing else is."""
        status = status or self.status()
        if not status or "desired" not in status["service"]:
            return False
        service, pods = status["service"], status["pods"]
        return (service["desired"] == service["ready"] == service["updated"] == service["available"] == len(pods)
                and all(pod["status"] == "Running" and pod["image"] == service["image"] for pod in pods)
                and all(node["status"] == "Ready" for node in status["nodes"])
                and len(status["targets"]) > 0 and all(target["state"] == "healthy" for target in status["targets"]))

    # Processes.

    def processes(self, pattern=""):
        """This world's processes, by pid, whose command line matches."""
        return {pid: command_line(pid) for pid in self.observe() if re.search(pattern, command_line(pid))}

    def holder(self):
        """Its pid from the record in the state directory; None when it is gone."""
        words = read(f"{self.state}/holder").split()
        if not words or not words[0].isdigit():
            return None
        pid = int(words[0])
        return pid if "minato holder" in command_line(pid) else None

    def observe(self):
        """The holder and all below it; remembered by pid and start, to be looked for at the end."""
        holder = self.holder()
        if holder is None:
            return []
        children = {}
        for pid in pids():
            fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
            if len(fields) > 1:
                children.setdefault(int(fields[1]), []).append(pid)
        found, todo = [], [holder]
        while todo:
            pid = todo.pop()
            todo += children.get(pid, [])
            found.append(pid)
            self.known.add((pid, start_ticks(pid)))
        return found

    def control(self):
        """The control process; None while there is none."""
        for pid in pids():
            line = command_line(pid)
            if f" control --state-dir {self.state} " in line + " " and start_ticks(pid) is not None:
                return pid
        return None

    def containers(self):
        """Identity of the processes that containers began with: {Pod uid: {(pid, start)}}. Their own
        children come and go: dnsmasq has one for each connection."""
        found = {}
        for root in cgroup_roots():
            for directory, _, files in os.walk(root):
                pod = re.search(rf"/minato-{self.name}/[^/]+/pod-([0-9a-f-]+)", directory)
                if not pod or "cgroup.procs" not in files:
                    continue
                together = set(read(f"{directory}/cgroup.procs").split())
                for pid in together:
                    if start_ticks(pid) is not None and parent(pid) not in together:
                        found.setdefault(pod[1], set()).add((int(pid), start_ticks(pid)))
        return found

    # What is on disk.

    def committed(self, pid=None):
        """The objects in the database: {(kind, namespace, name): object}, and the highest version.

        The control process has the file for itself, so it is stopped (not ended) while a copy is
        made; with `pid` the caller has stopped it already."""
        stopped = pid or self.control()
        with tempfile.TemporaryDirectory(prefix="minato-e2e-") as copy:
            try:
                if pid is None:
                    stop(stopped)
                for suffix in ("", "-wal"):
                    with contextlib.suppress(FileNotFoundError):
                        shutil.copy(f"{self.state}/cluster.db{suffix}", copy)
            finally:
                if pid is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(stopped, signal.SIGCONT)
            database = sqlite3.connect(f"{copy}/cluster.db")
            with contextlib.closing(database):
                rows = database.execute("SELECT kind, namespace, name, json FROM objects").fetchall()
                # The highest version is an object's, or was that of one that is gone.
                highest = database.execute("SELECT MAX(v) FROM (SELECT resource_version AS v FROM objects UNION SELECT value FROM versions WHERE name = 'highest')").fetchone()
        return {tuple(row[:3]): json.loads(row[3]) for row in rows}, highest[0] or 0

    # What must not be left.

    def left_behind(self):
        def look():
            out = [f"process {pid}: {line or read(f'/proc/{pid}/comm').strip()}" for pid, line in self.remains().items()]
            for root in cgroup_roots():
                for directory, names, _ in os.walk(root):
                    out += [f"cgroup {directory}/{name}" for name in names if name == f"minato-{self.name}"]
            out += [f"directory {path}" for path in (self.state, self.run_dir) if os.path.lexists(path)]
            out += [f"mount {line}" for line in read("/proc/self/mountinfo").splitlines() if f"/{self.name}" in line]
            out += [f"port {port} is taken" for port in (self.https, self.http) if not port_is_free(port)]
            if links() != self.host_links:
                out.append(f"host links changed: {self.host_links} to {links()}")
            return out

        # `down` promises that all of it is gone when it returns: one look, no patience.
        return look()

    def remains(self):
        """Processes of this world that live, known or not: numbers of namespaces would not do, as
        the next world gets them again."""
        found = {}
        words = (f"{self.state}", f"{self.run_dir}", f"--name {self.name}")
        for pid in pids():
            started, line = start_ticks(pid), command_line(pid)
            if pid == os.getpid() or started is None:
                continue
            if (pid, started) in self.known or any(word in line for word in words) or self.holds_files(pid):
                found[pid] = line
        return found

    def holds_files(self, pid):
        """A holder whose record is lost is known by its lock."""
        with contextlib.suppress(OSError):
            for name in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    if os.readlink(f"/proc/{pid}/fd/{name}").startswith((f"{self.state}/", f"{self.run_dir}/")):
                        return True
        return False


def exchange(connection, host, path):
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return Response(answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), answer.read().decode())


def stop(pid):
    """SIGSTOP, and wait until it has stopped: from then on nothing is written."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(f"process {pid} has stopped",
               lambda: read(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] in (["T"], [], ["Z"]), 5, 0.001)


# ---- The runner -------------------------------------------------------------------------------


def why_not():
    """Why worlds cannot run here; "" when they can."""
    if os.geteuid() != 0:
        return "needs root (run the tests with sudo)"
    if not os.access(MINATO, os.X_OK):
        return f"{MINATO} is not built"
    if not os.path.exists(f"{IMAGE}/index.json"):
        return f"the image of examples/hello is not built ({IMAGE})"
    doctor = run("doctor", "-o", "json")
    if doctor.returncode == DONE:
        return ""
    missing = [row for row in json.loads(doctor.stdout) if row["level"] == "missing"]
    return "; ".join(f"{row['name']}: {row['why']} (fix: {row['fix']})" for row in missing)


class Result(unittest.TextTestResult):
    def startTest(self, test):
        self.began = time.monotonic()
        super().startTest(test)
        print(f"[ {test.id().removeprefix('__main__.')}", flush=True)

    def stopTest(self, test):
        print(f"] {time.monotonic() - self.began:.1f} s", flush=True)
        super().stopTest(test)


def main():
    reason = why_not()
    if reason:
        print(f"SKIPPED: {reason}")
        sys.exit(SKIPPED)
    print(f"MINATO_E2E_SEED={SEED}", flush=True)
    # `ctest --timeout` sends SIGTERM first on request only: an interrupt must still clean up.
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=0, resultclass=Result)
    unittest.main(module="__main__", testRunner=runner, verbosity=0)
