#!/bin/sh
# curl: the matrix's exchanges against $1, its account on stdout.
set -eu
body=$(mktemp)
trap 'rm -f "$body"' EXIT
head -c 1000000 /dev/zero >"$body"

ask() { curl -sS --max-time 60 -w '%{method} %{url_effective} %{response_code}\n' "$@"; }

{
  ask -o /dev/null "$1/item/k[0-9]"
  ask -I -o /dev/null "$1/item/head"
  for code in 204 304 404 500; do ask -o /dev/null "$1/item/s$code?status=$code"; done
  ask -o /dev/null "$1/bytes/0" -o /dev/null "$1/bytes/1000000" -o /dev/null "$1/stream/5"
  ask -o /dev/null --data-binary "@$body" "$1/upload/length"
  ask -o /dev/null --data-binary "@$body" -H 'Transfer-Encoding: chunked' "$1/upload/chunked"
  ask -o /dev/null --no-keepalive -H 'Connection: close' "$1/item/x[1-20]"
  ask -o /dev/null --parallel --parallel-max 8 "$1/item/c[0-7]-[0-24]"
} | sed "s| $1| |; s|?status=[0-9]*||"
