"""Go's clients (client-go, controller-runtime) through the API alone; go/ has the checks."""
import os
import subprocess
import sys

import api

PROGRAM = os.environ.get("MINATO_GO_CLIENT", "")

if __name__ == "__main__":
    if not os.access(PROGRAM, os.X_OK):
        api.skip("the Go program is not built; tests/conformance/prepare_clients.sh builds it where there is a Go")
    with api.server() as directory:
        sys.exit(subprocess.run([PROGRAM, f"{directory}/kubeconfig"], timeout=240).returncode)
