#!/usr/bin/env bash
# Builds the OpenTelemetry Collector that the tests export to, outside the tree, once. Needs Go.
# Prints the path of the binary on stdout, progress on stderr.
set -euo pipefail

version=0.155.0
go_needed=1.25 # what the collector's modules ask for

usage() {
  cat <<'USAGE'
usage: tests/e2e/collector/build.sh [--print-path]
  --print-path  only say where the binary is (or would be)
The cache folder is $CLEW_TEST_CACHE, or clew-tests in $XDG_CACHE_HOME or ~/.cache.
USAGE
}

say() { echo "collector: $*" >&2; }
fail() { say "$*"; exit 1; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${CLEW_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/clew-tests}/collector-$version
binary=$cache/clew-test-collector

case ${1:-} in
  -h | --help) usage; exit 0 ;;
  --print-path) echo "$binary"; exit 0 ;;
  '') ;;
  *) usage >&2; exit 2 ;;
esac

if [ -x "$binary" ]; then echo "$binary"; exit 0; fi
# Go's own archive installs there, and sudo's secure_path leaves it out.
command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
command -v go >/dev/null || fail "Go is missing (Go $go_needed or newer builds the collector)"

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9 # two runs may start at once
if [ -x "$binary" ]; then echo "$binary"; exit 0; fi

quietly() { # step command...: output only if it fails
  say "$1"
  shift
  "$@" >"$cache/log" 2>&1 </dev/null || { tail -n 20 "$cache/log" >&2; fail "failed: $*"; }
}

quietly "installing the collector builder $version" \
  env GOBIN="$cache/bin" go install "go.opentelemetry.io/collector/cmd/builder@v$version"
rm -rf "$cache/source"
cd "$cache"
# The builder's tidy step fails on a test-only dependency after it has written the sources: go on then.
say "generating the collector's sources"
"$cache/bin/builder" --config "$here/manifest.yaml" --skip-compilation >"$cache/log" 2>&1 </dev/null || true
[ -s "$cache/source/main.go" ] || { tail -n 20 "$cache/log" >&2; fail "the builder wrote no sources"; }
cd "$cache/source"
quietly "compiling the collector (minutes)" \
  go build -mod=mod -trimpath -ldflags='-s -w' -o "$binary.new" .
mv "$binary.new" "$binary"
rm -rf "$cache/bin" "$cache/log" "$cache/source"
echo "$binary"
