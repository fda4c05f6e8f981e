"""kube-apiserver with its etcd, as prepare_clients.sh builds them from go-upstream/."""
import contextlib
import os
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.request

import api

DIRECTORY = os.environ.get("MINATO_UPSTREAM", "")
TOKENS = "admin-token-of-the-test,admin,1,system:masters\nuser-token-of-the-test,ann,2\n"
STARTS_WITHIN_SECONDS = 90


def program(name):
    path = os.path.join(DIRECTORY, name)
    if not os.access(path, os.X_OK):
        api.skip(f"{name} is not built; tests/conformance/prepare_clients.sh builds it where there is a Go")
    return path


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def wait_for(what, is_there, process):
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while not is_there():
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"{what} did not start")
        time.sleep(0.2)


def answers(url):
    context = ssl._create_unverified_context()  # Its certificate is its own; nothing secret goes there.
    try:
        with urllib.request.urlopen(url, context=context, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


@contextlib.contextmanager
def running(command, log):
    with open(log, "w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def api_server_command(directory, port, etcd_port):
    with open(f"{directory}/tokens.csv", "w") as tokens:
        tokens.write(TOKENS)
    subprocess.run(["openssl", "genrsa", "-out", f"{directory}/accounts.key", "2048"], check=True, stderr=subprocess.DEVNULL)
    # Left out is what needs kube-controller-manager: it would take the taints away.
    return [program("kube-apiserver"), f"--etcd-servers=http://127.0.0.1:{etcd_port}", f"--secure-port={port}", "--bind-address=127.0.0.1",
            f"--cert-dir={directory}/certificates", f"--token-auth-file={directory}/tokens.csv", "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={directory}/accounts.key",
            f"--service-account-signing-key-file={directory}/accounts.key", "--service-cluster-ip-range=10.100.0.0/16",
            "--disable-admission-plugins=TaintNodesByCondition"]


@contextlib.contextmanager
def server():
    """A fresh kube-apiserver; gives its port and the file of its authority. The tokens are those of api.server()."""
    with processes("--unsafe-no-fsync") as (port, authority, _):
        yield port, authority


@contextlib.contextmanager
def processes(*more_of_etcd):
    """The same; gives the pids of it and its etcd, too."""
    with tempfile.TemporaryDirectory(prefix="minato-upstream-") as directory:
        etcd_port, peer_port, port = free_port(), free_port(), free_port()
        client, peer = f"http://127.0.0.1:{etcd_port}", f"http://127.0.0.1:{peer_port}"
        etcd = [program("etcd"), f"--data-dir={directory}/etcd", f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
                f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}", *more_of_etcd]
        with running(etcd, f"{directory}/etcd.log") as database:
            wait_for("etcd", lambda: answers_plain(f"{client}/health"), database)
            with running(api_server_command(directory, port, etcd_port), f"{directory}/kube-apiserver.log") as process:
                wait_for("kube-apiserver", lambda: answers(f"https://127.0.0.1:{port}/readyz"), process)
                yield port, f"{directory}/certificates/apiserver.crt", [process.pid, database.pid]


def answers_plain(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False
