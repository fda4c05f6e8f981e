#!/usr/bin/env bash
# Makes a Python environment with the tools that judge what is rendered and a gRPC server (build/tools-venv) and, where
# there is a Go of 1.24 or newer, two more beside it (build/tools-go), in the versions the tests were
# written with. Optional: without them those tests are skipped aloud.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${1:-build/tools-venv}

python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check \
  'moto[server]==5.2.1' 'boto3>=1.43,<2' 'kubernetes-validate==1.37.0' 'PyYAML>=6,<7' 'checkov>=3,<4' \
  'grpcio>=1.60,<2' 'grpcio-health-checking>=1.60,<2'
if command -v go >/dev/null; then
  GOBIN=$(realpath "$(dirname "$venv")")/tools-go
  export GOBIN
  go install github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0
  go install github.com/zegl/kube-score/cmd/kube-score@v1.20.0
else
  echo "no Go: kubeconform and kube-score are left out"
fi
echo "Now: MINATO_TERRAFORM_MIRROR=<directory of providers> ctest --test-dir build -L tools"
