#!/usr/bin/env bash
# The main job end to end: a real image, real containers on Nodes in three zones, a real HTTPS load
# balancer, a crash, a rolling update under load, and what is broken on purpose with the time that
# each failure takes to heal. Ends by itself; exit code 0 only if all of it held.
set -euo pipefail

build=$(cd "${1:-build}" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
minato=$build/apps/minato/minato
example=$root/examples/hello/minato.yaml
image=$build/examples/hello/image
rate=500
seconds=20
url=https://hello.localhost:8443

step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
failed() { echo "demo: $*" >&2; exit 1; }

step "Can this machine run it?"
code=0
"$minato" doctor || code=$?
if [ "$code" = 4 ]; then
  echo "Containers cannot run here (reasons above), so the same service runs in the simulated world instead."
  step "A hard life in virtual time: deploys, crashes, dead machines"
  exec "$minato" simulate "$example" --seed 1 --seeds 3
fi
[ "$code" = 0 ] || failed "doctor failed"

"$minato" down --name hello >/dev/null 2>&1 || true
trap '"$minato" down --name hello >/dev/null 2>&1 || true' EXIT

step "minato up examples/hello/minato.yaml"
"$minato" up -d "$example" "$(dirname "$example")/spot.yaml"
state=$("$minato" status --name hello -o json | sed -n 's/.*"stateDir":"\([^"]*\)".*/\1/p' | sed 's#\\/#/#g')
ask() { curl -sS --max-time 5 --cacert "$state/authority/ca.crt" "$url$1"; }

step "Requests through HTTPS reach different Pods, Nodes and zones"
answers=$(for _ in $(seq 40); do ask /; done)
printf '%s\n' "$answers" | sort | uniq -c | sort -rn
pods=$(printf '%s\n' "$answers" | grep -o '"pod": "[^"]*"' | sort -u | wc -l)
nodes=$(printf '%s\n' "$answers" | grep -o '"node": "[^"]*"' | sort -u | wc -l)
zones=$(printf '%s\n' "$answers" | grep -o '"zone": "[^"]*"' | sort -u | wc -l)
echo "$pods Pods, $nodes Nodes, $zones zones answered"
[ "$pods" -ge 3 ] && [ "$nodes" -ge 2 ] && [ "$zones" -ge 3 ] || failed "requests were not spread"

step "One container crashes and comes back"
ask /crash || true
for _ in $(seq 100); do
  restarts=$("$minato" status --name hello -o json | grep -o '"restarts":[1-9][0-9]*' || true)
  ready=$("$minato" status --name hello -o json | grep -o '"ready":[0-9]*' | head -n 1)
  if [ -n "$restarts" ] && [ "$ready" = '"ready":6' ]; then break; fi
  sleep 0.3
done
[ -n "$restarts" ] && [ "$ready" = '"ready":6' ] || failed "the container did not come back"
"$minato" status --name hello | sed -n '/POD /,/^$/p'

step "Version 1 to version 2 under $rate requests per second for $seconds s"
"$minato" load --name hello --rps $rate --for ${seconds}s -o json >"$build/demo-load.json" &
load=$!
sleep 3
"$minato" deploy --name hello --image "oci:$image:2"
wait $load || { cat "$build/demo-load.json"; failed "requests failed during the rolling update"; }
cat "$build/demo-load.json"
echo "failed requests: 0"
ask / | grep -q '"version": "2"' || failed "version 2 does not answer"

step "Drills: what breaks, how long it takes to heal, what it costs"
report=$build/drill-report
"$minato" drill --name hello --rate $rate --hold 3s --seeds 50 --report "$report" || failed "a drill did not keep its bound"

step "minato status"
"$minato" status --name hello

step "minato down"
"$minato" down --name hello
trap - EXIT
[ ! -e "$state" ] || failed "state was left behind"
! ps -eo args | grep -v grep | grep -q "$state" || failed "processes were left behind"
step "Everything held."
