#!/usr/bin/env bash
# Measures what clew costs the servers it traces, and what it needs itself.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: tests/bench/run.sh [--scenario NAME]... [--rounds N] [--seconds N] [--quick] [--out FOLDER] [--no-build]
  --scenario NAME  nginx_200, nginx_64k, service_1ms, pgbench_select, redis_p1, redis_p16 or memory;
                   all of them otherwise
  --rounds N       pairs of a load without and a load with clew (default 7)
  --seconds N      length of a load (default 2)
  --quick          two rounds of one second, and at most 1,000 connections
  --out FOLDER     where results.md and results.json go (default build/bench)
  --no-build       neither install packages nor build: measure build/release/clew (or CLEW_BINARY)
Needs root and Debian 12. All of it takes about 10 minutes, --quick two. Everything it starts listens on
loopback and is ended with it. tests/bench/README.md tells how to read the figures; pipeline_bench and
instruction_clock.sh measure what this cannot.
USAGE
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=yes
arguments=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --no-build) build=no ;;
    *) arguments+=("$1") ;;
  esac
  shift
done
[ "$(id -u)" = 0 ] || { echo 'bench: needs root' >&2; exit 2; }
if [ "$build" = yes ]; then
  "$root/deploy/install-deps.sh" build services
  log=$(mktemp)
  (cd "$root" && cmake --preset release && cmake --build --preset release --target clew) >"$log" 2>&1 ||
    { tail -n 40 "$log" >&2; rm -f "$log"; echo 'bench: clew does not build' >&2; exit 1; }
  rm -f "$log"
fi
exec /usr/bin/python3 -B "$root/tests/bench/measure.py" "${arguments[@]}"
