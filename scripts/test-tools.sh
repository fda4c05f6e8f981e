#!/usr/bin/env bash
# Makes a Python environment with the tools that judge what is rendered (build/tools-venv), in the
# versions the tests were written with. Optional: without it those tests are skipped aloud.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${1:-build/tools-venv}

python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check \
  'moto[server]==5.2.1' 'boto3>=1.43,<2' 'kubernetes-validate==1.37.0' 'PyYAML>=6,<7' 'checkov>=3,<4'
echo "Now: MINATO_TERRAFORM_MIRROR=<directory of providers> ctest --test-dir build -L tools"
