#!/usr/bin/env bash
# Builds clew, starts five services that know nothing of tracing, and shows their traces.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: sudo deploy/demo.sh [--keep] [--no-install]
  --keep        leave the services running until Ctrl-C, to try clew on them by hand
  --no-install  do not install packages (deploy/install-deps.sh build services)

Starts nginx in front of a Python service ("shop") and a Node service ("prices") that call each other, and
PostgreSQL and Redis, which the shop asks, on free ports of 127.0.0.1; traces a few requests through them with
`clew trace`, and stops all of it. What is stored lies in a folder that goes with the demo.
USAGE
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
clew=$root/build/release/clew
step='starting'
work=
pids=()
postgres_bin=/usr/lib/postgresql/15/bin
as_postgres=(setpriv --reuid postgres --regid postgres --clear-groups)

say() { echo "demo: $*" >&2; }
fail() { step=$*; exit 1; }

stop_services() {
  local pid
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  # nginx's master and PostgreSQL's postmaster wait for their children, so this ends after them.
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  pids=()
}

at_exit() {
  local code=$?
  trap - EXIT
  trap '' INT TERM HUP
  stop_services
  [ -z "$work" ] || rm -rf "$work"
  [ "$code" = 0 ] || say "failed: $step"
  exit "$code"
}

install_and_mount() {
  if [ "$install" = yes ]; then
    step='installing packages (deploy/install-deps.sh build services)'
    say 'installing what is needed (once)'
    "$root/deploy/install-deps.sh" build services
  fi
  mount_if_missing tracefs /sys/kernel/tracing
  mount_if_missing bpf /sys/fs/bpf
}

mount_if_missing() { # type, where
  step="mounting $1 on $2"
  [ "$(stat -f -c %T "$2" 2>/dev/null)" = "${1/%bpf/bpf_fs}" ] && return
  say "mounting $1 on $2, where clew looks for it"
  mount -t "$1" nodev "$2"
}

build() {
  step='building clew'
  say 'building clew (preset release, in build/release)'
  local log=$work/build.log
  if ! (cd "$root" && cmake --preset release && cmake --build --preset release --target clew) \
    >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    return 1
  fi
}

free_ports() { # how many
  /usr/bin/python3 - "$1" <<'PYTHON'
import socket, sys
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(s.getsockname()[1] for s in sockets))
PYTHON
}

start() { # name, port, command...
  local name=$1 port=$2
  shift 2
  step="starting $name"
  "$@" </dev/null >"$work/$name.log" 2>&1 &
  local pid=$!
  pids+=("$pid")
  local tries
  for ((tries = 0; tries < 100; tries++)); do
    (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && { say "$name: pid $pid, port $port"; return; }
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  cat "$work/$name.log" >&2
  fail "$name did not come up on port $port"
}

# PostgreSQL refuses to run as root: it gets Debian's user, and a folder of that user's.
start_postgres() { # port
  local data=$work/postgres
  step='creating a database for the shop'
  chmod 711 "$work"
  install -d -m 700 -o postgres -g postgres "$data"
  (cd "$data" && "${as_postgres[@]}" "$postgres_bin/initdb" --no-sync --no-locale -E UTF8 -U shop -A trust -D "$data") \
    >"$work/initdb.log" 2>&1 || { cat "$work/initdb.log" >&2; return 1; }
  start postgres "$1" "${as_postgres[@]}" "$postgres_bin/postgres" -D "$data" -p "$1" -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories= -c fsync=off
  step='creating the tables of the shop'
  local psql=("$postgres_bin/psql" -X -q -h 127.0.0.1 -p "$1" -U shop) tries
  for ((tries = 0; tries < 100; tries++)); do
    "$postgres_bin/pg_isready" -q -h 127.0.0.1 -p "$1" && break
    sleep 0.1
  done
  "${psql[@]}" -d postgres -c 'CREATE DATABASE shop'
  "${psql[@]}" -d shop -v ON_ERROR_STOP=1 -f "$root/deploy/demo/shop.sql"
}

start_redis() { # port
  start redis "$1" redis-server --port "$1" --bind 127.0.0.1 --save '' --appendonly no --daemonize no --dir "$work"
  step='filling Redis'
  redis-cli -h 127.0.0.1 -p "$1" set discount:lamp 1 >/dev/null
}

start_services() {
  step='finding free ports'
  local ports
  ports=$(free_ports 5)
  read -r front_port shop_port prices_port postgres_port redis_port <<<"$ports"
  sed -e "s|@DIR@|$work|; s|@PORT@|$front_port|; s|@SHOP_PORT@|$shop_port|" \
    "$root/deploy/demo/nginx.conf.in" >"$work/nginx.conf"
  start_postgres "$postgres_port"
  start_redis "$redis_port"
  start prices "$prices_port" node "$root/deploy/demo/prices.js" "$prices_port" "$shop_port"
  start shop "$shop_port" /usr/bin/python3 "$root/deploy/demo/shop.py" "$shop_port" "$prices_port" \
    "$postgres_port" "$redis_port"
  start nginx "$front_port" nginx -e "$work/nginx-error.log" -p "$work" -c "$work/nginx.conf"
}

trace() {
  step='tracing the requests with clew trace'
  selection=()
  local port
  for port in "$front_port" "$shop_port" "$prices_port" "$postgres_port" "$redis_port"; do
    selection+=(--port "$port")
  done
  local command=("$clew" trace "${selection[@]}")
  say "${command[*]} -- deploy/demo/requests.sh $front_port"
  "${command[@]}" -- "$root/deploy/demo/requests.sh" "$front_port"
}

closing_words() {
  if [ "$keep" = no ]; then
    say 'next: deploy/demo.sh --keep, then in another terminal: sudo build/release/clew trace --all'
    return
  fi
  say "the services run until Ctrl-C. Try in another terminal:"
  say "  sudo build/release/clew trace ${selection[*]}"
  say "  curl 'http://127.0.0.1:$front_port/checkout?item=bundle'"
  # Ctrl-C is how this ends well; sleep is a job of ours like the services.
  trap 'exit 0' INT TERM
  sleep infinity &
  pids+=($!)
  wait $!
}

main() {
  keep=no install=yes
  while [ $# -gt 0 ]; do
    case $1 in
      -h | --help) usage; exit 0 ;;
      --keep) keep=yes ;;
      --no-install) install=no ;;
      *) usage >&2; echo "demo: unknown option '$1'" >&2; exit 2 ;;
    esac
    shift
  done
  trap at_exit EXIT
  trap 'step=interrupted; exit 130' INT
  trap 'step=terminated; exit 143' TERM HUP
  [ "$(id -u)" = 0 ] || fail "it must run as root (try: sudo deploy/demo.sh)"
  work=$(mktemp -d "${TMPDIR:-/tmp}/clew-demo.XXXXXX")
  install_and_mount
  build
  start_services
  trace
  closing_words
}
main "$@"
