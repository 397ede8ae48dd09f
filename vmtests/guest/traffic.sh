#!/bin/sh
# The command that is traced: each request has a path of its own (check.py knows them). Says so when an
# answer is not what it should be.
front=127.0.0.1:8080

expect() { # what, wanted, got
  if [ "$2" = "$3" ]; then echo "ok $1"; else echo "WRONG $1: wanted '$2', got '$3'"; fi
}

# Five requests over one connection.
answer=$(curl -s --max-time 30 "http://$front/keep/[1-5]" | tr '\n' ' ')
expect keep-alive '/keep/1 /keep/2 /keep/3 /keep/4 /keep/5 ' "$answer"

# Eight requests in one send; the last closes the connection.
batch=
for i in 1 2 3 4 5 6 7; do batch="${batch}GET /pipe/$i HTTP/1.1\r\nHost: $front\r\n\r\n"; done
batch="${batch}GET /pipe/8 HTTP/1.1\r\nHost: $front\r\nConnection: close\r\n\r\n"
answer=$(printf "$batch" | nc 127.0.0.1 8080 | grep -c '^/pipe/[1-8]')
expect pipelined 8 "$answer"

# 5 MB by sendfile, twice on a connection.
curl -s --max-time 60 -o /tmp/big1 "http://$front/file/big" -o /tmp/big2 "http://$front/file/big"
cmp /srv/big /tmp/big1 && cmp /srv/big /tmp/big2
expect sendfile 0 $?

# 5 MB to the server.
answer=$(curl -s --max-time 60 -H Expect: -w '%{http_code}' -T /srv/big "http://$front/upload/copy")
cmp /srv/big /srv/upload/copy
expect upload '201 0' "$answer $?"

expect IPv6 '/six' "$(curl -s --max-time 30 'http://[::1]:8080/six')"

# The server is a client, too.
expect proxied '/proxied' "$(curl -s --max-time 30 "http://$front/proxied")"

# MPTCP, whose sendfile takes another way through old kernels.
mptcp /srv/big
expect MPTCP 0 $?

# Commands of Redis in batches of 16, and values longer than a record.
answer=$(redis-benchmark -p 6399 -c 4 -P 16 -n 320 -t set -q | tr '\r' '\n' | grep -c 'requests per second')
expect batches 1 "$answer"
head -c 150000 /dev/zero | tr '\0' v >/tmp/value
expect 'long value' OK "$(redis-cli -p 6399 -x set long </tmp/value)"
redis-cli -p 6399 get long | head -c 150000 | cmp - /tmp/value
expect 'long answer' 0 $?
