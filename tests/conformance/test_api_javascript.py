"""The JavaScript client (@kubernetes/client-node) through the API alone; javascript/client.mjs has the checks."""
import os
import shutil
import subprocess
import sys

import api

CLIENT = os.environ.get("MINATO_NODE_CLIENT", "")

if __name__ == "__main__":
    if shutil.which("node") is None:
        api.skip("node is not installed")
    if not os.path.isdir(f"{CLIENT}/node_modules/@kubernetes/client-node"):
        api.skip("@kubernetes/client-node is not there; tests/conformance/prepare_clients.sh fetches it")
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "javascript", "client.mjs")
    with api.server() as directory:
        environment = {**os.environ, "KUBECONFIG": f"{directory}/kubeconfig"}
        sys.exit(subprocess.run(["node", script], env=environment, timeout=120).returncode)
