#!/usr/bin/env bash
# Guards the arrows between the folders (docs: dependencies point right along the flow). Prints one line
# per violation, `FILE:LINE: RULE`, and exits 1 if there is any.
# usage: tests/check_layers.sh [--list | RULE]   (default: all rules)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rules=(libbpf-only-in-probes protocols-are-pure only-bpf-abi-is-shared)
cpp_folders=(agent exporter probes symbolizer tests)
include='^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]'

# grep over the C and C++ files of folders; no match is fine, an error of grep is not.
search() { # pattern, folders...
  local pattern=$1 folder folders=()
  shift
  for folder in "$@"; do [ ! -d "$folder" ] || folders+=("$folder"); done
  [ ${#folders[@]} -gt 0 ] || return 0
  grep -rnE --include='*.h' --include='*.hpp' --include='*.cc' --include='*.cpp' --include='*.c' \
    "$pattern" "${folders[@]}" || [ $? = 1 ]
}

report() { # rule: reads grep's lines
  sed -E "s/^([^:]+:[0-9]+):(.*)/\1: $1:\2/"
}

check() {
  case $1 in
    libbpf-only-in-probes)
      # The skeletons that bpftool generates include libbpf.
      search "$include"'(bpf/(libbpf|bpf|btf|libbpf_[a-z]+)\.h|[^>"]*\.skel\.h)' agent exporter symbolizer tests
      ;;
    protocols-are-pure)
      # No clock, no I/O, no kernel interfaces in what is fed bytes and returns messages. Its tests,
      # fuzz targets and benchmarks may read files.
      search "$include"'(chrono|ctime|time\.h|sys/|fstream|iostream|cstdio|stdio\.h|unistd\.h|fcntl\.h|filesystem|thread|mutex|atomic|netinet/|arpa/|linux/|bpf/|probes/|spdlog/|grpc)' \
        agent/protocols | grep -vE '^[^:]*(_test|test_support|fuzz|bench)\.(cc|h):' || true
      ;;
    only-bpf-abi-is-shared)
      # libbpf's own headers live in <bpf/...>, and skeletons are generated from bpf/: where those may
      # be included is the first rule's business.
      search "$include"'([^>"]*/)?bpf/' "${cpp_folders[@]}" | grep -vE '[<"]bpf/abi/|<bpf/|\.skel\.h' || true
      ;;
    *) echo "check_layers: unknown rule '$1'" >&2; exit 2 ;;
  esac | report "$1"
}

case ${1:-} in
  -h | --help) sed -n '2,4s/^# //p' "${BASH_SOURCE[0]}"; exit 0 ;;
  --list) printf '%s\n' "${rules[@]}"; exit 0 ;;
  '') ;;
  *) rules=("$1") ;;
esac

found=no
for rule in "${rules[@]}"; do
  violations=$(check "$rule")
  [ -z "$violations" ] || { echo "$violations"; found=yes; }
done
[ "$found" = no ]
