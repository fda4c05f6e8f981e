#!/usr/bin/env bash
# Installs the Debian or Ubuntu packages that minato needs and that are not there yet; says which
# and why before it does. `--check` only reports (exit code 1 when something is missing), `--fuzz`
# adds what `make fuzz` needs.
set -euo pipefail

fuzz=
[ "${1:-}" != --fuzz ] || fuzz=yes

# package[|alternative…]  why
packages() {
  cat <<'EOF'
g++                                     the compiler (GCC 12 or newer)
cmake                                   the build
ninja-build                             the build
pkg-config                              finds libnftables and libnghttp2
libboost1.81-dev|libboost-dev           event loop (Asio) and JSON headers
libboost-json1.81-dev|libboost-json-dev JSON
libfmt-dev                              text formatting
libyaml-cpp-dev                         reads minato.yaml
libcli11-dev                            command line
libssl-dev                              TLS certificates, digests
libsqlite3-dev                          durable store
libcurl4-openssl-dev                    image registries
libarchive-dev                          image layers
libexpat1-dev                           XML of AWS's answers
zlib1g-dev                              image layers
libzstd-dev                             image layers
libnftables-dev                         Service rules
libnghttp2-dev                          gRPC probes
mold                                    links quickly
ccache                                  rebuilds quickly
libgtest-dev                            tests
libgmock-dev                            tests
libbenchmark-dev                        benchmarks
crun                                    runs containers
haproxy                                 the local load balancer
dnsmasq-base                            Service DNS in the local world
uidmap                                  user namespaces without root
python3                                 tests: end to end, and the rules of the code
docker-registry                         tests: a real registry on loopback
skopeo                                  tests: pushes images to it
curl                                    the demo's client
EOF
  [ -z "$fuzz" ] || cat <<'EOF'
clang-19                                fuzzing: the compiler with libFuzzer
libclang-rt-19-dev                      fuzzing: libFuzzer and AddressSanitizer
EOF
}

installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'; }
available() { apt-cache show "$1" >/dev/null 2>&1; }

missing() {
  local names why name found
  while read -r names why; do
    found=
    for name in ${names//|/ }; do
      if installed "$name"; then found=yes; break; fi
    done
    [ -n "$found" ] || printf '%s %s\n' "$names" "$why"
  done < <(packages)
}

if ! command -v dpkg-query >/dev/null; then
  echo "install-deps: this is neither Debian nor Ubuntu; install the equivalents of:" >&2
  packages >&2
  exit 1
fi

list=$(missing)
if [ -z "$list" ]; then
  exit 0
fi
echo "minato needs these packages, which are not installed:"
printf '%s\n' "$list" | while read -r names why; do printf '  %-42s %s\n' "${names%%|*}" "$why"; done
[ "${1:-}" != --check ] || exit 1

sudo=
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "install-deps: not root and no sudo; install the packages above and run again" >&2
    exit 1
  fi
  sudo=sudo
fi
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
chosen=()
while read -r names _; do
  for name in ${names//|/ }; do
    if available "$name"; then chosen+=("$name"); break; fi
  done
done <<<"$list"
echo "Installing: ${chosen[*]}"
# RUNLEVEL=1: the programs are wanted, not their system services.
$sudo env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${chosen[@]}" >/dev/null
list=$(missing)
if [ -n "$list" ]; then
  echo "install-deps: still missing after the installation:" >&2
  printf '%s\n' "$list" >&2
  exit 1
fi
