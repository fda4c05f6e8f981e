#!/usr/bin/env bash
# All benchmarks, with the machine they ran on.
set -euo pipefail
build=$(cd "${1:-build}" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
echo "machine: $(nproc) processors, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), $(awk '/MemTotal/{printf "%d GiB", $2/1048576}' /proc/meminfo), Linux $(uname -r), load $(cut -d' ' -f1 /proc/loadavg)"
echo "build: $(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo unknown)"
echo
echo "== store"
"$build/bench/minato_store_bench" --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
echo
echo "== scheduling"
"$build/bench/minato_scheduling_bench"
echo
echo "== autoscaler"
"$build/bench/minato_autoscaler_bench"
echo
echo "== render and lint"
"$build/bench/minato_render_bench" --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
echo
echo "== API"
python3 "$root/bench/api_compare.py" "$build"
echo
echo "== up"
if "$build/apps/minato/minato" doctor >/dev/null; then
  python3 "$root/bench/up_bench.py" "$build"
else
  echo "skipped: this machine cannot run a local world (minato doctor says why)"
fi
echo
echo "== load"
python3 "$root/bench/load_bench.py" "$build"
