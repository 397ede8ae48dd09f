#!/usr/bin/env bash
# Installs what clew needs from Debian's own packages. Needs root; safe to run again.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: deploy/install-deps.sh [build] [services] [checks] [vm]
  build      compilers and libraries that clew is built from (the default)
  services   the unmodified programs that the demo and the tests trace
  checks     pytest, clang-format, clang-tidy, fuzzing runtime
  vm         what vmtests/run.sh boots other kernels with
USAGE
}

build=(git ca-certificates cmake ninja-build ccache pkg-config g++ clang-19 llvm-19
  libelf-dev libdw-dev zlib1g-dev libprotobuf-dev protobuf-compiler libgrpc++-dev
  protobuf-compiler-grpc libspdlog-dev libfmt-dev libyaml-cpp-dev libcli11-dev nlohmann-json3-dev libprotozero-dev libabsl-dev
  libgtest-dev libgmock-dev libbenchmark-dev)
# Newer than Debian 12 itself has; libbpf 1.1 lacks what clew uses.
backports=(libbpf-dev bpftool libopentelemetry-proto-dev)
services=(nginx-light python3 curl wrk procps iproute2 psmisc
  apache2 haproxy gunicorn python3-gevent uvicorn python3-uvloop python3-httptools python3-flask
  python3-aiohttp python3-requests
  postgresql-15 postgresql-client-15 libpq-dev redis-server redis-tools
  python3-psycopg python3-psycopg2 python3-asyncpg python3-sqlalchemy python3-redis)
# For Debian's own node, which has no npm; where npm is, the tests take these from there.
node_modules=(node-express node-undici)
checks=(python3-pytest clang-format-19 clang-tidy-19 libclang-rt-19-dev)
vm=(qemu-system-x86 busybox-static cpio curl nginx-light redis-server redis-tools)

say() { echo "install-deps: $*" >&2; }
fail() { say "$*"; exit 1; }

apt_quiet() {
  local log; log=$(mktemp)
  if ! DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1; then
    tail -n 20 "$log" >&2; rm -f "$log"; fail "apt-get $1 failed"
  fi
  rm -f "$log"
}

# The backports suite is taken from the same mirror as the machine's own Debian packages.
enable_backports() {
  apt-get indextargets --format '$(RELEASE)' | grep -qx bookworm-backports && return
  local site
  site=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(SITE)' |
    awk '$1 == "bookworm" && $2 == "main" { print $3; exit }')
  [ -n "$site" ] || fail "no Debian 12 (bookworm) source is configured in apt; clew is built on Debian 12"
  say "enabling bookworm-backports"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site bookworm-backports main" \
    >/etc/apt/sources.list.d/clew-backports.list
  apt_quiet update
}

# Debian's maintainer scripts start a service right after they install it (nginx takes port 80), unless
# policy-rc.d refuses. A policy that is there already is kept. Runs in a subshell, so that whatever ends
# the installation removes it.
without_starting_services() (
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ] && [ ! -L "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  "$@"
)

missing() {
  local package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || echo "$package"
  done
}

install_packages() { # options -- packages
  local options=()
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  local wanted; mapfile -t wanted < <(missing "$@")
  [ ${#wanted[@]} -gt 0 ] || return 0
  say "installing ${wanted[*]}"
  apt_quiet install -y --no-install-recommends "${options[@]}" "${wanted[@]}"
}

main() {
  local sets=("$@")
  [ ${#sets[@]} -gt 0 ] || sets=(build)
  local name
  for name in "${sets[@]}"; do
    case $name in
      -h | --help) usage; exit 0 ;;
      build | services | checks | vm) ;;
      *) usage >&2; fail "unknown set '$name'" ;;
    esac
  done
  [ "$(id -u)" = 0 ] || fail "must run as root (try: sudo $0)"
  command -v apt-get >/dev/null || fail "apt-get is missing: clew's own scripts know Debian 12 only"
  local lists=(/var/lib/apt/lists/*_Packages*)
  [ -e "${lists[0]}" ] || apt_quiet update
  for name in "${sets[@]}"; do
    case $name in
      build)
        enable_backports
        install_packages -- "${build[@]}"
        # libbpf-dev may be there in Debian's older version: ask for the backport by name.
        if ! dpkg --compare-versions "$(dpkg-query -W -f '${Version}' libbpf-dev 2>/dev/null || echo 0)" ge 1:1.4 ||
          [ -n "$(missing "${backports[@]}")" ]; then
          say "installing ${backports[*]} from backports"
          apt_quiet install -y --no-install-recommends -t bookworm-backports "${backports[@]}"
        fi
        ;;
      services)
        without_starting_services install_packages -- "${services[@]}"
        command -v node >/dev/null || install_packages -- nodejs
        command -v npm >/dev/null || install_packages -- "${node_modules[@]}"
        ;;
      checks) install_packages -- "${checks[@]}" ;;
      vm)
        enable_backports # newer kernels come from there
        without_starting_services install_packages -- "${vm[@]}"
        ;;
    esac
  done
}
main "$@"
