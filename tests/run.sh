#!/usr/bin/env bash
# Installs what is needed, builds clew and passes all its tests.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: sudo tests/run.sh [--unit-only | --e2e-only] [-k EXPR] [--tidy] [--fuzz SECONDS] [--no-install]
  --unit-only   checks of the sources and unit tests; no end-to-end tests
  --e2e-only    end-to-end tests only (the build happens in any case)
  -k EXPR       only the tests that match: a regular expression for the unit tests, pytest's -k for the
                end-to-end tests; no checks of the sources
  --tidy        clang-tidy, too, over everything but tests (several minutes; CI does it)
  --fuzz SECONDS  the fuzz targets, too, each for that long beyond its corpus (preset fuzz, in build/fuzz;
                CI does it)
  --no-install  do not install packages (deploy/install-deps.sh build services checks)
Environment: CLEW_E2E_SECONDS (length of each load, default 5), CLEW_TEST_CACHE (where what
the tests need besides Debian's packages is built or fetched once, default ~/.cache/clew-tests).
All output goes to stderr but the last line, `N passed, N failed, N skipped`; the line before it names
what failed, if anything did. The exit code is 0 only if nothing failed.
USAGE
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build/release
step='starting'
work=
running=
passed=0 failed=0 skipped=0
failures=()

say() { echo "tests: $*" >&2; }
fail() { step=$*; exit 1; }

at_exit() {
  local code=$?
  trap - EXIT
  trap '' INT TERM HUP
  # The test runner ends its own children; wait for it.
  [ -z "$running" ] || { kill -TERM "$running" 2>/dev/null && wait "$running" 2>/dev/null; } || true
  [ -z "$work" ] || rm -rf "$work"
  [ "$code" = 0 ] || [ -z "$step" ] || say "failed: $step"
  exit "$code"
}

# Under sudo the tree belongs to another user, and HOME may, too.
be_root_in_a_users_tree() {
  if [ "$(id -u)" = 0 ]; then
    local home
    home=$(getent passwd root | cut -d: -f6)
    if [ -n "${SUDO_USER:-}" ] || [ ! -w "${HOME:-/nonexistent}" ]; then export HOME=$home; fi
  fi
  local count=${GIT_CONFIG_COUNT:-0}
  export "GIT_CONFIG_KEY_$count=safe.directory" "GIT_CONFIG_VALUE_$count=$root" GIT_CONFIG_COUNT=$((count + 1))
}

mount_if_missing() { # type, where
  step="mounting $1 on $2"
  local kind
  kind=$(stat -f -c %T "$2" 2>/dev/null || true)
  [ "$kind" = "$1" ] || [ "$kind" = "${1}_fs" ] && return
  say "mounting $1 on $2, where clew looks for it"
  mount -t "$1" nodev "$2"
}

prepare() {
  if [ "$install" = yes ]; then
    step='installing packages (deploy/install-deps.sh build services checks)'
    say 'installing what is needed (once)'
    "$root/deploy/install-deps.sh" build services checks
  fi
  [ "$e2e" = no ] || { mount_if_missing tracefs /sys/kernel/tracing; mount_if_missing bpf /sys/fs/bpf; }
}

quietly() { # command...: its output only if it fails
  "$@" >"$work/log" 2>&1 || { tail -n 40 "$work/log" >&2; return 1; }
}

build_release() {
  step='configuring the release preset'
  say 'configuring and building (preset release, in build/release)'
  cd "$root"
  quietly cmake --preset release
  step='building the release preset'
  quietly cmake --build --preset release
}

count_one() { # name, command...: one check, counted as a test
  local name=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    passed=$((passed + 1))
  else
    head -n 40 "$work/log" >&2
    failed=$((failed + 1))
    failures+=("$name")
    say "FAILED $name"
  fi
}

check_format() {
  find . \( -path ./build -o -path ./.git \) -prune -o -type f \
    \( -name '*.h' -o -name '*.hpp' -o -name '*.c' -o -name '*.cc' -o -name '*.cpp' \) -print0 |
    xargs -0 --no-run-if-empty clang-format-19 --dry-run --Werror
}

check_tidy() {
  find agent exporter probes symbolizer -name '*.cc' ! -name '*_test.cc' ! -name 'fuzz.cc' ! -name '*bench.cc' -print0 |
    xargs -0 -P "$(nproc)" -n 4 clang-tidy-19 -p "$build" --quiet
}

check_sources() {
  say 'checking format and layers'
  cd "$root"
  count_one check.clang-format check_format
  local rule
  while read -r rule; do
    count_one "check.$rule" tests/check_layers.sh "$rule"
  done < <(tests/check_layers.sh --list)
  if [ "$tidy" = yes ]; then
    say 'running clang-tidy'
    count_one check.clang-tidy check_tidy
  fi
}

# One target: its corpus from the tree, new finds in a folder that goes away.
fuzz_one() { # target
  local name corpus seeds=()
  name=$(basename "$1")
  for corpus in "$root/tests/fuzz/corpus/${name%_fuzz}" "$root/$(dirname "${1#"$root"/build/fuzz/}")/${name%_fuzz}/corpus" \
    "$root/$(dirname "${1#"$root"/build/fuzz/}")/corpus"; do
    [ ! -d "$corpus" ] || seeds+=("$corpus")
  done
  mkdir -p "$work/fuzz/$name"
  # libFuzzer prints an input that fails in base64.
  timeout $((fuzz + 120)) "$1" -max_total_time="$fuzz" -timeout=20 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 \
    -artifact_prefix="$work/fuzz/$name-" "$work/fuzz/$name" "${seeds[@]}" >"$work/fuzz/$name.log" 2>&1
}

fuzz_tests() {
  step='building the fuzz preset'
  say "building the fuzz targets (preset fuzz) and running each for $fuzz s"
  cd "$root"
  quietly cmake --preset fuzz
  local targets target name
  mapfile -t targets < <(ninja -C build/fuzz -t targets all | sed -n 's/^\(.*_fuzz\): CXX_EXECUTABLE_LINKER.*/\1/p')
  [ "${#targets[@]}" != 0 ] || fail 'no fuzz target was found'
  quietly ninja -C build/fuzz "${targets[@]}"
  step='running the fuzz targets'
  mkdir -p "$work/fuzz"
  local waiting=("${targets[@]}") batch=() at=0
  while [ "$at" -lt "${#waiting[@]}" ]; do
    batch=()
    for target in "${waiting[@]:at:$(nproc)}"; do
      fuzz_one "$root/build/fuzz/$target" &
      batch+=("$!:$(basename "$target")")
    done
    at=$((at + $(nproc)))
    for target in "${batch[@]}"; do
      name=${target#*:}
      if wait "${target%%:*}"; then
        passed=$((passed + 1))
        say "fuzz.$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/fuzz/$name.log") inputs, no failure"
      else
        failed=$((failed + 1))
        failures+=("fuzz.$name")
        say "FAILED fuzz.$name"
        tail -n 60 "$work/fuzz/$name.log" | cut -c1-2000 >&2
        grep '^Base64:' "$work/fuzz/$name.log" >&2 || true
      fi
    done
  done
}

# Adds up a JUnit file: passed, failed (and errors), skipped; appends the names of what failed.
add_junit() { # file
  local counts
  counts=$(/usr/bin/python3 - "$1" "$work/failed" <<'PYTHON'
import sys
import xml.etree.ElementTree as xml
passed = failed = skipped = 0
names = []
for case in xml.parse(sys.argv[1]).getroot().iter("testcase"):
    tags = {child.tag for child in case}
    if "failure" in tags or "error" in tags:
        failed += 1
        names.append(case.get("name"))
    elif "skipped" in tags or case.get("status") in ("notrun", "disabled"):
        skipped += 1
    else:
        passed += 1
print(passed, failed, skipped)
with open(sys.argv[2], "w", encoding="utf-8") as file:
    file.writelines(name + "\n" for name in names)
PYTHON
  )
  local p f s name
  read -r p f s <<<"$counts"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  while read -r name; do failures+=("$name"); done <"$work/failed"
}

# Runs a test runner in the background, so that a signal reaches this script at once.
run_tests() { # name, junit file, command...
  local name=$1 junit=$2 code=0
  shift 2
  step="running the $name"
  "$@" >&2 &
  running=$!
  wait "$running" || code=$?
  running=
  # The runner's exit code says less than its report, but a missing report is a failure of its own.
  [ -s "$junit" ] || fail "the $name left no report (exit code $code)"
  local before=$failed
  add_junit "$junit"
  if [ "$code" != 0 ] && [ "$failed" = "$before" ] && [ "$code" != "$no_tests_code" ]; then
    fail "the $name ended with exit code $code, though no test failed"
  fi
}

unit_tests() {
  say 'running the unit tests'
  cd "$root"
  local select=()
  [ -z "$expression" ] || select=(-R "$expression")
  no_tests_code=-
  run_tests 'unit tests' "$work/ctest.xml" ctest --test-dir "$build" --no-tests=ignore --progress \
    --output-on-failure --timeout 300 -j "$(nproc)" --output-junit "$work/ctest.xml" "${select[@]}"
}

e2e_tests() {
  say "running the end-to-end tests (loads of ${CLEW_E2E_SECONDS:-5} s)"
  cd "$root/tests/e2e"
  local select=()
  [ -z "$expression" ] || select=(-k "$expression")
  no_tests_code=5 # pytest's code for an expression that chose nothing
  run_tests 'end-to-end tests' "$work/pytest.xml" /usr/bin/python3 -B -m pytest -p no:cacheprovider -v -rs \
    --tb=short -o junit_family=xunit1 --junit-xml="$work/pytest.xml" "${select[@]}" .
}

report() {
  local code=0
  if [ "$failed" != 0 ]; then
    local more=''
    [ "$failed" -le 10 ] || more=" and $((failed - 10)) more"
    say "failed: $(IFS=,; echo "${failures[*]:0:10}")$more"
    code=1
  elif [ $((passed + skipped)) = 0 ]; then
    say 'failed: no test was chosen'
    code=1
  fi
  echo "$passed passed, $failed failed, $skipped skipped"
  step=
  exit "$code"
}

main() {
  install=yes unit=yes e2e=yes tidy=no fuzz= expression=
  while [ $# -gt 0 ]; do
    case $1 in
      -h | --help) usage; exit 0 ;;
      --unit-only) e2e=no ;;
      --e2e-only) unit=no ;;
      --no-install) install=no ;;
      --tidy) tidy=yes ;;
      --fuzz)
        [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || { usage >&2; echo 'tests: --fuzz needs a number of seconds' >&2; exit 2; }
        fuzz=$2
        shift
        ;;
      -k)
        [ $# -ge 2 ] || { usage >&2; echo 'tests: -k needs an expression' >&2; exit 2; }
        expression=$2
        shift
        ;;
      *) usage >&2; echo "tests: unknown option '$1'" >&2; exit 2 ;;
    esac
    shift
  done
  [ "$unit$e2e" != nono ] || { usage >&2; echo 'tests: nothing is left to run' >&2; exit 2; }
  trap at_exit EXIT
  trap 'step=interrupted; exit 130' INT
  trap 'step=terminated; exit 143' TERM HUP
  [ "$(id -u)" = 0 ] || [ "$e2e$install" = nono ] || fail 'it must run as root (try: sudo tests/run.sh)'
  work=$(mktemp -d "${TMPDIR:-/tmp}/clew-tests.XXXXXX")
  be_root_in_a_users_tree
  prepare
  build_release
  [ "$unit" = no ] || [ -n "$expression" ] || check_sources
  [ "$unit" = no ] || unit_tests
  [ -z "$fuzz" ] || fuzz_tests
  [ "$e2e" = no ] || e2e_tests
  report
}
main "$@"
