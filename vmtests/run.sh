#!/usr/bin/env bash
# Boots Debian's kernels in QEMU and checks in each that clew captures, links and loses nothing.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: vmtests/run.sh [--list] [--no-install] [KERNEL...]
  KERNEL        a series of Debian's cloud kernels, by the start of its version: 6.1 (the default: Debian
                12's own) or 6.12 (bookworm-backports); the newest of it that apt knows is taken
  --list        print the kernels that apt knows, and boot none
  --no-install  do not install packages (deploy/install-deps.sh build vm; needs root)
Builds clew (preset release) unless CLEW_BINARY names one. Kernels are downloaded to
${CLEW_TEST_CACHE:-~/.cache/clew-tests}/vm, not installed; what a boot leaves behind lies there, too. QEMU
emulates the processor: no KVM is needed, and a kernel takes about 15 seconds.
All output goes to stderr but the last line, `N passed, N failed`. The exit code is 0 only if nothing
failed.
USAGE
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
cache=${CLEW_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/clew-tests}/vm
boot_seconds=300
work=
passed=0 failed=0

say() { echo "vmtests: $*" >&2; }
fail() { say "failed: $*"; exit 1; }
. "$here/machine.sh"

list_kernels() {
  local version
  for version in $(known_versions | sort -uV); do
    echo "$(cut -d. -f1,2 <<<"$version")  $(image_of "$version") $version"
  done
}

make_initramfs() { # clew
  local guest=$work/guest
  mkdir -p "$guest"/{bin,proc,sys,dev,run,tmp,srv,etc,var/lib/nginx,var/log/nginx}
  cp /bin/busybox "$guest/bin/busybox"
  add_program /usr/sbin/nginx
  add_program /usr/bin/curl
  add_program "$(command -v redis-server)"
  add_program "$(command -v redis-benchmark)"
  add_program "$(command -v redis-cli)"
  strip -g -o "$work/clew" "$1"
  add_program "$work/clew"
  mv "$guest$work/clew" "$guest/bin/clew"
  cc -O2 -Wall -D_GNU_SOURCE -static -o "$guest/bin/mptcp" "$here/guest/mptcp.c"
  cp "$here"/guest/{init,traffic.sh,nginx.conf} "$guest"
  echo 'root:x:0:0::/:/bin/sh' >"$guest/etc/passwd"
  echo 'root:x:0:' >"$guest/etc/group"
  (cd "$guest" && find . | cpio --quiet -o -H newc) >"$work/initramfs"
}

# Boots a kernel; the guest sends what it found as a tar archive over its second serial port.
boot() { # kernel, folder for the results
  # QEMU 7.2 emulates cmpxchg16b wrongly where an interrupt meets it: one boot of 6.12 in three broke.
  timeout --foreground "$boot_seconds" qemu-system-x86_64 -accel tcg -cpu max,-cx16 -smp 2 -m 1G -no-reboot \
    -display none -monitor none -nic none -serial "file:$2/console.txt" -serial "file:$2/results.tar" \
    -kernel "$1" -initrd "$work/initramfs" -append 'console=ttyS0 quiet panic=-1' </dev/null >&2 &
  wait $! || { say "QEMU ended with code $? (124: it took longer than $boot_seconds s)"; return 1; }
  tar -xf "$2/results.tar" -C "$2"
}

test_kernel() { # series
  local kernel results counts
  if ! kernel=$(fetch_kernel "$1"); then
    failed=$((failed + 1))
    return
  fi
  results=$cache/results-$1
  rm -rf "$results"
  mkdir -p "$results"
  say "booting $(basename "$(dirname "$kernel")")"
  local begin=$SECONDS
  if ! boot "$kernel" "$results"; then
    tail -n 40 "$results/console.txt" >&2 || true
    say "FAILED $1: the guest left no results"
    failed=$((failed + 1))
    return
  fi
  say "$1 ran for $((SECONDS - begin)) s"
  counts=$(/usr/bin/python3 -B "$here/check.py" "$1" "$results") || fail "the checks of $1 broke off"
  passed=$((passed + ${counts% *})) failed=$((failed + ${counts#* }))
}

at_exit() {
  local code=$?
  trap - EXIT
  jobs -p | xargs -r kill 2>/dev/null || true
  [ -z "$work" ] || rm -rf "$work"
  exit "$code"
}

main() {
  local install=yes kernels=()
  while [ $# -gt 0 ]; do
    case $1 in
      -h | --help) usage; exit 0 ;;
      --list) list_kernels; exit 0 ;;
      --no-install) install=no ;;
      -*) usage >&2; echo "vmtests: unknown option '$1'" >&2; exit 2 ;;
      *) kernels+=("$1") ;;
    esac
    shift
  done
  [ ${#kernels[@]} -gt 0 ] || kernels=(6.1)
  trap at_exit EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  work=$(mktemp -d "${TMPDIR:-/tmp}/clew-vmtests.XXXXXX")
  mkdir -p "$cache"
  if [ "$install" = yes ]; then
    [ "$(id -u)" = 0 ] || fail 'installing packages needs root (or --no-install)'
    "$root/deploy/install-deps.sh" build vm
  fi
  local clew=${CLEW_BINARY:-}
  if [ -z "$clew" ]; then
    say 'building clew (preset release)'
    (cd "$root" && cmake --preset release && cmake --build --preset release --target clew) >"$work/log" 2>&1 ||
      { tail -n 40 "$work/log" >&2; fail 'clew does not build'; }
    clew=$root/build/release/clew
  fi
  make_initramfs "$clew"
  local kernel
  for kernel in "${kernels[@]}"; do test_kernel "$kernel"; done
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
}
main "$@"
