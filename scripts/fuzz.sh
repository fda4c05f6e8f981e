#!/usr/bin/env bash
# Runs every fuzz target for FUZZ_SECONDS (default 60), or those that are named, from the seeds of the
# tree and what earlier runs found. What makes one fail is kept beside its corpus and named.
#   scripts/fuzz.sh BUILD_DIRECTORY [TARGET…]
set -euo pipefail
build=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
shift
seconds=${FUZZ_SECONDS:-60}
failed=0
[ $# -gt 0 ] || set -- $(cd "$build/fuzz" && ls fuzz_* | sed -n 's/^fuzz_\([a-z_]*\)$/\1/p')
for target in "$@"; do
  corpus=$build/fuzz/corpus/$target
  mkdir -p "$corpus" "$build/fuzz/findings"
  code=0
  "$build/fuzz/fuzz_$target" "$corpus" "$root/fuzz/corpus/$target" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 -artifact_prefix="$build/fuzz/findings/$target-" \
    >"$build/fuzz/$target.log" 2>&1 || code=$?
  if [ "$code" = 0 ]; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/fuzz/$target.log")
    printf '%-16s %9s inputs in %s s, nothing found\n' "$target" "$runs" "$seconds"
  else
    printf '%-16s found: %s\n' "$target" "$(grep -m1 -E 'ERROR|runtime error|CHECK|Test unit written' "$build/fuzz/$target.log")"
    failed=1
  fi
done
exit $failed
