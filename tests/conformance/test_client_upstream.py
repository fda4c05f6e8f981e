"""The client of our own controllers (kube_http) against kube-apiserver: what every kube::Client keeps."""
import base64
import os
import subprocess
import sys
import tempfile

import api
import upstream

PROGRAM = os.environ.get("MINATO_CLIENT_CONTRACT", "")


def kubeconfig(port, authority, token="admin-token-of-the-test"):
    with open(authority, "rb") as file:
        data = base64.b64encode(file.read()).decode()
    return ("apiVersion: v1\nkind: Config\ncurrent-context: test\n"
            f"clusters: [{{name: test, cluster: {{server: \"https://127.0.0.1:{port}\", certificate-authority-data: {data}}}}}]\n"
            f"users: [{{name: test, user: {{token: {token}}}}}]\n"
            "contexts: [{name: test, context: {cluster: test, user: test}}]\n")


def main():
    upstream.program("kube-apiserver"), upstream.program("etcd")
    if not os.access(PROGRAM, os.X_OK):
        api.skip(f"MINATO_CLIENT_CONTRACT ({PROGRAM!r}) is not a program; build client_contract")
    with upstream.server() as (port, authority), tempfile.TemporaryDirectory(prefix="minato-client-") as directory:
        with open(f"{directory}/kubeconfig", "w") as file:
            file.write(kubeconfig(port, authority))
        sys.exit(subprocess.run([PROGRAM], env={**os.environ, "MINATO_TEST_KUBECONFIG": f"{directory}/kubeconfig"}).returncode)


if __name__ == "__main__":
    main()
