#!/bin/sh
# with_tools.sh VENV_PYTHON PYTHON TEST: runs the test with the environment's Python and tools where
# scripts/test-tools.sh has made them, else with the machine's.
venv=$1
python=$2
shift 2
if [ -x "$venv" ]; then
  PATH=$(dirname "$venv"):$(dirname "$venv")/../../tools-go:$PATH
  export PATH
  python=$venv
fi
exec "$python" "$@"
