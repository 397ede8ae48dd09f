#!/usr/bin/env bash
# Measures clew under a clock that counts instructions: figures repeat within 1% whatever else the machine does.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: tests/bench/instruction_clock.sh [--scenario NAME]... [--kernel SERIES] [--rounds N] [--seconds N] [--out FOLDER]
                                        [--no-install]
  --scenario NAME  nginx (wrk), redis (redis-benchmark, one command and 16 at a time) or postgres (pgbench -S, simple
                   and prepared); all of them otherwise
  --kernel SERIES  start of the version of a Debian cloud kernel, as for vmtests/run.sh (default 6.12)
  --rounds N       how often each load is repeated (default 2)
  --seconds N      virtual seconds of each load (default 1); of redis and postgres, a fixed number of calls
  --out FOLDER     where clock.md and clock.json go (default build/bench)
  --no-install     do not install packages (deploy/install-deps.sh build vm services; needs root)
QEMU emulates one CPU whose time is the number of its instructions, 4 ns each; server, client (16 connections) and
clew share it. Builds clew (preset release) unless CLEW_BINARY names one. All of it takes about 10 minutes.
USAGE
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$(dirname "$here")")
cache=${CLEW_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/clew-tests}/vm
work=

say() { echo "bench: $*" >&2; }
fail() { say "failed: $*"; exit 1; }
. "$root/vmtests/machine.sh"

make_initramfs() { # clew
  local guest=$work/guest scenario
  mkdir -p "$guest"/{bin,proc,sys,dev,run,tmp,etc}
  cp /bin/busybox "$guest/bin/busybox"
  strip -g -o "$work/clew" "$1"
  add_program "$work/clew"
  mv "$guest$work/clew" "$guest/bin/clew"
  cp "$here"/guest/{init,loads,nginx.conf} "$guest"
  printf 'SCENARIOS="%s"\nROUNDS=%s\nSECONDS_OF_LOAD=%s\n' "${scenarios[*]}" "$rounds" "$seconds" >"$guest/settings"
  grep -E '^(root|postgres):' /etc/passwd >"$guest/etc/passwd"
  grep -E '^(root|postgres):' /etc/group >"$guest/etc/group"
  for scenario in "${scenarios[@]}"; do "add_$scenario"; done
  (cd "$guest" && find . | cpio --quiet -o -H newc) >"$work/initramfs"
}

add_nginx() {
  mkdir -p "$work"/guest/var/{lib,log}/nginx
  add_program /usr/sbin/nginx
  add_program "$(command -v wrk)"
}

add_redis() {
  local program
  for program in server benchmark cli; do add_program "/usr/bin/redis-$program"; done
}

# A cluster with pgbench's tables is made here, as user postgres, and packed.
add_postgres() {
  local bin=/usr/lib/postgresql/15/bin data=$work/guest/postgres
  local as=(setpriv --reuid postgres --regid postgres --clear-groups)
  add_program $bin/postgres
  add_program $bin/pgbench
  mkdir -p "$work"/guest/usr/{share,lib}/postgresql/15 "$work/guest/usr/lib/postgresql/15/lib"
  cp -r /usr/share/postgresql/15/timezonesets "$work/guest/usr/share/postgresql/15/"
  install -d -o postgres -g postgres -m 700 "$data"
  chmod 711 "$work"
  (
    cd "$data"
    "${as[@]}" $bin/initdb --no-sync --no-locale -E UTF8 -A trust --wal-segsize=1 -D "$data"
    install -o postgres -g postgres -m 600 "$here/guest/postgresql.conf" "$data/postgresql.conf"
    "${as[@]}" $bin/postgres -D "$data" -c listen_addresses= -c unix_socket_directories="$data" &
    postmaster=$!
    until grep -q ready postmaster.pid || ! kill -0 $postmaster; do sleep 0.1; done
    "${as[@]}" $bin/pgbench -h "$data" -i -s 1 postgres
    kill -INT $postmaster
    wait $postmaster
  ) >"$work/log" 2>&1 || { tail -n 40 "$work/log" >&2; fail 'no PostgreSQL cluster'; }
}

# sleep=off: idle time passes at once.
boot() { # kernel
  timeout --foreground $((300 + 300 * rounds * seconds)) qemu-system-x86_64 -accel tcg -icount shift=2,sleep=off \
    -cpu max,-cx16,-erms,-fsrm -smp 1 -m 1G -no-reboot -display none -monitor none -nic none \
    -serial "file:$work/console.txt" -serial "file:$work/results.tar" \
    -kernel "$1" -initrd "$work/initramfs" -append 'console=ttyS0 quiet panic=-1' </dev/null >&2 &
  wait $! || { tail -n 40 "$work/console.txt" >&2; fail "QEMU ended with code $?"; }
  mkdir -p "$work/results"
  tar -xmf "$work/results.tar" -C "$work/results" || { tail -n 40 "$work/console.txt" >&2; fail 'no results'; }
}

at_exit() {
  local code=$?
  trap - EXIT
  jobs -p | xargs -r kill 2>/dev/null || true
  [ -z "$work" ] || rm -rf "$work"
  exit "$code"
}

scenarios=() series=6.12 rounds=2 seconds=1 out=$root/build/bench install=yes
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --scenario)
      case $2 in
        nginx | redis | postgres) scenarios+=("$2") ;;
        *) usage >&2; echo "bench: no scenario '$2'" >&2; exit 2 ;;
      esac
      shift
      ;;
    --kernel) series=$2; shift ;;
    --rounds) rounds=$2; shift ;;
    --seconds) seconds=$2; shift ;;
    --out) out=$2; shift ;;
    --no-install) install=no ;;
    *) usage >&2; echo "bench: unknown option '$1'" >&2; exit 2 ;;
  esac
  shift
done
[ ${#scenarios[@]} -gt 0 ] || scenarios=(nginx redis postgres)
trap at_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
work=$(mktemp -d "${TMPDIR:-/tmp}/clew-clock.XXXXXX")
mkdir -p "$cache"
[ "$install" = no ] || "$root/deploy/install-deps.sh" build vm services
clew=${CLEW_BINARY:-}
if [ -z "$clew" ]; then
  (cd "$root" && cmake --preset release && cmake --build --preset release --target clew) >"$work/log" 2>&1 ||
    { tail -n 40 "$work/log" >&2; fail 'clew does not build'; }
  clew=$root/build/release/clew
fi
kernel=$(fetch_kernel "$series") || exit 1
make_initramfs "$clew"
boot "$kernel"
/usr/bin/python3 -B "$here/clock.py" "$work/results" "$out"
