"""Runs every client's checks and writes the table of docs/COMPATIBILITY.md.

    tests/conformance/table.py BUILD_DIRECTORY [--world] [test_NAME.py …]

Only what ran is in the table. Clients beside the installed ones come from prepare_clients.sh
(BUILD_DIRECTORY/clients). --world brings up a local world too (as root). With names only those tests run; the rows of all other
clients stay as they are.
"""
import os
import re
import shutil
import subprocess
import sys

import side_by_side_table

HERE = os.path.dirname(os.path.abspath(__file__))
DOCUMENT = os.path.join(HERE, "..", "..", "docs", "COMPATIBILITY.md")
HEAD = """# Compatibility

Clients that nobody here wrote, against the API. Written by `tests/conformance/table.py`; do not edit.

| client | check | result |
|---|---|---|
"""


def output(*command):
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60).stdout
    except OSError:
        return ""


def kubectl_client(program):
    found = re.search(r"v(\d+\.\d+\.\d+)", output(program, "version", "--client"))
    return f"kubectl {found[1]}" if found else None


def python_client(python):
    version = output(python, "-c", "import kubernetes; print(kubernetes.__version__)").strip()
    return f"Python kubernetes {version}" if re.fullmatch(r"[\d.]+", version) else None


def node_client(directory):
    found = re.search(r'"version": "([\d.]+)"', output("cat", f"{directory}/node_modules/@kubernetes/client-node/package.json"))
    return f"JavaScript client-node {found[1]}" if found and shutil.which("node") else None


def go_client(program):
    if not os.access(program, os.X_OK):
        return None
    modules = dict(re.findall(r"^\tdep\t(\S+)\tv(\S+)", output("go", "version", "-m", program), re.M))
    return f"client-go {modules.get('k8s.io/client-go')}, controller-runtime {modules.get('sigs.k8s.io/controller-runtime')}"


def module_version(name, program, module):
    """The name and the version of the module that a Go program is built from."""
    found = re.search(rf"^\t(?:dep|mod)\t{re.escape(module)}\tv(\S+)", output("go", "version", "-m", program), re.M)
    return f"{name} {found[1]}" if found else None


def checks(text):
    """(name, result) of unittest's and client.mjs's lines."""
    for line in text.splitlines():
        if found := re.match(r"test_(\w+) \(.*\.\.\. (ok|FAIL|ERROR)", line):
            yield found[1], "pass" if found[2] == "ok" else "**fails**"
        elif found := re.match(r"(not ok|ok) (\w+)", line):
            yield found[2], "pass" if found[1] == "ok" else "**fails**"


def kept_rows(clients):
    """The document's rows of clients other than these."""
    with open(DOCUMENT) as document:
        rows = [line for line in document.read().partition(side_by_side_table.TITLE)[0].splitlines() if line.startswith("| ")]
    return [row for row in rows[1:] if row.split(" | ")[0][2:] not in clients]


def main():
    build = os.path.abspath(sys.argv[1])
    clients = f"{build}/clients"
    old_kubectl = f"{clients}/debian/usr/bin/kubectl"
    os.environ.update(MINATO_OLD_KUBECTL=old_kubectl, MINATO_CONFORMANCE_SERVER=f"{build}/tests/conformance/conformance_server",
                      MINATO_NODE_CLIENT=f"{clients}/node",
                      MINATO_GO_CLIENT=f"{clients}/go/conformance", MINATO_HELM=f"{clients}/go/helm", MINATO_UPSTREAM=f"{clients}/upstream",
                      MINATO_E2E_PROGRAM=f"{build}/apps/minato/minato", MINATO_E2E_IMAGE=f"{build}/examples/hello/image", PYTHONDONTWRITEBYTECODE="1")
    kubectl, old = kubectl_client("kubectl"), kubectl_client(old_kubectl)
    runs = [(kubectl, sys.executable, "test_api_kubectl.py"), (old, sys.executable, "test_api_kubectl_old.py"),
            (python_client(sys.executable), sys.executable, "test_api_python.py"),
            (python_client(f"{clients}/python/bin/python"), f"{clients}/python/bin/python", "test_api_python.py"),
            (node_client(f"{clients}/node"), sys.executable, "test_api_javascript.py")]
    runs.append((go_client(f"{clients}/go/conformance"), sys.executable, "test_api_go.py"))
    runs.append((module_version("kube-scheduler", f"{clients}/upstream/kube-scheduler", "k8s.io/kubernetes"), sys.executable, "test_scheduler_upstream.py"))
    runs.append((module_version("Helm", f"{clients}/go/helm", "helm.sh/helm/v3"), sys.executable, "test_helm.py"))
    if "--world" in sys.argv:
        runs += [(kubectl and f"{kubectl}, local world", sys.executable, f"test_world_{part}.py") for part in ("kubectl", "inside")]
    only = [argument for argument in sys.argv[2:] if argument.endswith(".py")]
    if only:
        runs = [run for run in runs if run[2] in only]
    rows, failed = kept_rows([client for client, _, _ in runs]) if only else [], False
    for client, python, script in runs:
        if client is None:
            print(f"skipped: {script}: its client is not there ({python})")
            continue
        run = subprocess.run([python, os.path.join(HERE, script)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900)
        results = list(checks(run.stdout))
        if not results or run.returncode != 0:
            print(run.stdout)
        failed = failed or run.returncode not in (0, 77)
        rows += [f"| {client} | {name.replace('_', ' ')} | {result} |" for name, result in results]
    measured = side_by_side_table.kept()
    with open(DOCUMENT, "w") as document:
        document.write(HEAD + "\n".join(rows) + "\n" + measured)
    print(f"{len(rows)} checks, {sum('fails' in row for row in rows)} fail")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
