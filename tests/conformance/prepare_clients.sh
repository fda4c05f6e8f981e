#!/bin/sh
# Fetches the client libraries that the conformance tests use beside those that are installed, into
# DIRECTORY (default build/clients): the newest Python client, the JavaScript client, where there is a
# Go the program of go/, Helm and the servers of go-upstream/ (kube-apiserver, etcd, kube-scheduler), and on Debian its kubectl. What cannot be fetched is said, and its tests are skipped.
#   tests/conformance/prepare_clients.sh [DIRECTORY]
set -u
directory=$(realpath -m "${1:-build/clients}")
here=$(dirname "$(realpath "$0")")
mkdir -p "$directory/node" "$directory/go"
if python3 -m venv "$directory/python" && "$directory/python/bin/pip" -q install --upgrade kubernetes; then
  "$directory/python/bin/pip" list 2>/dev/null | grep '^kubernetes '
else
  echo "no Python client from the package index" >&2
fi
if command -v node >/dev/null && command -v npm >/dev/null; then
  # Version 2 needs Node 22.
  major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
  [ "$major" -ge 22 ] && version=latest || version=1.4.0
  (cd "$directory/node" && npm install --silent --no-save --prefix . "@kubernetes/client-node@$version") &&
    grep -m1 '"version"' "$directory/node/node_modules/@kubernetes/client-node/package.json" ||
    echo "no JavaScript client" >&2
else
  echo "no JavaScript client: node or npm is not installed" >&2
fi
if command -v go >/dev/null; then
  (cd "$here/go" && go build -o "$directory/go/conformance" .) || echo "no Go clients" >&2
  (cd "$here/go-helm" && go build -o "$directory/go/helm" helm.sh/helm/v3/cmd/helm) || echo "no Helm" >&2
  # The servers of upstream take a processor some ten minutes; two packages at a time leave room for others.
  version=$(cd "$here/go-upstream" && go list -m -f '{{.Version}}' k8s.io/kubernetes)
  (cd "$here/go-upstream" && mkdir -p "$directory/upstream" && GOFLAGS="${GOFLAGS:-} -p=2" &&
    export GOFLAGS && go build -o "$directory/upstream/etcd" go.etcd.io/etcd/server/v3 &&
    go build -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version" -o "$directory/upstream/" \
      k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-scheduler) ||
    echo "no servers of upstream" >&2
else
  echo "no Go clients: go is not installed" >&2
fi
if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
  mkdir -p "$directory/debian"
  (cd "$directory/debian" && apt-get -qq -o APT::Sandbox::User=root download kubernetes-client && dpkg-deb -x kubernetes-client_*.deb .) ||
    echo "no kubectl of Debian" >&2
else
  echo "no kubectl of Debian: apt-get or dpkg-deb is not installed" >&2
fi
