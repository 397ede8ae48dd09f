"""redis-py: HOST PORT (or the socket's path and 0) [RESP version]. See README.md."""

import json
import sys

import redis

HOST, PORT, *VERSION = sys.argv[1:]
where = {"unix_socket_path": HOST} if PORT == "0" else {"host": HOST, "port": int(PORT)}
client = redis.Redis(**where, **({"protocol": int(VERSION[0])} if VERSION else {}), decode_responses=True)


def note(command, key, error=None):
    # redis-py takes the word ERR off its errors.
    code = None if error is None else "WRONGTYPE" if "WRONGTYPE" in str(error) else "ERR"
    print(json.dumps({"command": command, "key": key, "code": code}))


def is_list(n):
    return n % 3 == 0


def check(n, got):
    error = got if isinstance(got, redis.ResponseError) else None
    assert (error is not None) == is_list(n), (n, got)
    assert error or got == f"v{n}", (n, got)
    note("GET", f"k{n}", error)


for n in range(40):
    if is_list(n):
        client.rpush(f"k{n}", f"v{n}")
    else:
        client.set(f"k{n}", f"v{n}")
    note("RPUSH" if is_list(n) else "SET", f"k{n}")
for n in range(40):
    try:
        check(n, client.get(f"k{n}"))
    except redis.ResponseError as refused:
        check(n, refused)
batch = client.pipeline(transaction=False)
for n in range(40):
    batch.get(f"k{n}")
for n, answer in enumerate(batch.execute(raise_on_error=False)):
    check(n, answer)
transaction = client.pipeline(transaction=True)
for n in range(3):
    transaction.set(f"t{n}", f"v{n}")
assert transaction.execute() == [True] * 3
note("MULTI", None)
for n in range(3):
    note("SET", f"t{n}")
note("EXEC", None)
try:
    client.execute_command("INCR", "k1")  # its incr() is an INCRBY
    raise AssertionError("INCR of a text")
except redis.ResponseError as refused:
    note("INCR", "k1", refused)
client.close()
