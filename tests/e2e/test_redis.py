"""Redis and what its own tools ask it: each command is one span on each side, with its own key and error.
Of the keys k0, k1, ... some are lists, by no pattern that a shift would repeat: GET of those is an error, so an
answer that was given to another command shows."""

import re

import pytest

from harness.calls import command_of, expect_both, expect_calls, expect_calls_joined, expect_counts, of_kind
from harness.spans import CLIENT, SERVER
from harness.truth import account_for
from harness.wire import Wire

FAR = ["tcp", "unix"]


def is_list(n):
    return n * 2654435761 % 2**32 >> 31 == 1


def fill(redis, count):
    redis.cli("EVAL", """for n = 0, tonumber(ARGV[1]) - 1 do
        if math.floor((n * 2654435761 % 4294967296) / 2147483648) == 1 then redis.call('RPUSH', 'k' .. n, 'v')
        else redis.call('SET', 'k' .. n, 'v' .. n) end end""", "0", str(count))


def get(n):
    """What the span of GET kN shows."""
    return f"GET k{n}", "WRONGTYPE" if is_list(n) else None


def answer(n):
    value = b"v%d" % n
    return b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n" if is_list(n) else \
        b"$%d\r\n%s\r\n" % (len(value), value)


def command(*words):
    words = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def ask(wire, sent, *answers):
    """Sends bytes in one write and reads exactly these answers."""
    wire.send(sent)
    expect(wire, *answers)


def expect(wire, *answers):
    wanted = b"".join(answers)
    got = wire.read(len(wanted))
    assert got == wanted, f"{got[:200]} instead of {wanted[:200]}"


def benchmark(redis, *options, transport="tcp"):
    return ["redis-benchmark", *redis.where(transport), "-q", *options]


def expect_counted(redis, result, kinds, **exactly):
    calls = redis.calls()
    for name, count in exactly.items():
        assert calls[name] == count, calls
    for kind in kinds:
        expect_counts(result.spans, kind, calls, lambda span: span.name.partition(" ")[0])


def test_pipelined_load(lab, redis):
    """100,000 commands, 16 at a time: within what the defaults hold, even if the agent gets no CPU meanwhile."""
    agent = lab.agent(*redis.select)
    done = lab.run(benchmark(redis, "-P", "16", "-n", "100000", "-t", "get", "-r", "1000"))
    assert done.process.returncode == 0, done.describe()
    result = agent.stop()
    expect_counted(redis, result, [SERVER], GET=100_000)
    texts = {span.text for span in result.servers if span.name == "GET"}
    assert len(texts) == 1000 and all(re.fullmatch(r"GET key:\d{12}", text) for text in texts), sorted(texts)[:5]


@pytest.mark.parametrize("depth, count, transport", [(1, 2000, "tcp"), (1, 2000, "unix"), (16, 4800, "unix"),
                                                     (256, 7680, "tcp")])
def test_benchmark(lab, redis, depth, count, transport):
    """Every kind of command, on both sides."""
    kinds = "ping_inline,ping_mbulk,set,get,incr,lpush,rpop,sadd,hset,spop,zadd,mset,lrange_100" if depth == 1 else \
        "set,get,mset,ping_inline"
    command_line = benchmark(redis, "-P", str(depth), "-n", str(count), "-c", "10", "-t", kinds, transport=transport)
    _, result = lab.trace([*lab.room(), *redis.select], command_line)
    expect_counted(redis, result, [SERVER, CLIENT], GET=count, SET=count, MSET=count)
    expect_calls_joined(result.spans)


@pytest.mark.parametrize("transport", FAR)
@pytest.mark.parametrize("protocol", ["-2", "-3"])
def test_redis_cli(lab, redis, protocol, transport):
    fill(redis, 50)
    redis.cli("HSET", "h", "a", "1", "b", "2")
    redis.cli("ZADD", "z", "1.5", "m")
    script = lab.directory / "commands"
    script.write_text("".join(f"GET k{n}\n" for n in range(50)) + "HGETALL h\nZSCORE z m\nSMEMBERS none\nGET none\n"
                      "LRANGE none 0 -1\nX17 a b\nPING\n", encoding="utf-8")
    _, result = lab.trace(redis.select, ["sh", "-c", f"exec redis-cli {protocol} {' '.join(redis.where(transport))}"
                                                     f" < {script}"])
    # redis-cli asks for the list of all commands first, which is long.
    own = [("COMMAND", None), ("HGETALL", None), ("ZSCORE", None), ("SMEMBERS", None), ("GET none", None),
           ("LRANGE", None), ("UNKNOWN", "ERR"), ("PING", None), *([("HELLO", None)] if protocol == "-3" else [])]
    expect_both(result, [*map(get, range(50)), *own], key_or_name)


def key_or_name(span):
    return span.text if span.name == "GET" else span.name.partition(" ")[0], span.response_code


@pytest.mark.parametrize("transport", FAR)
@pytest.mark.parametrize("side", ["server", "client"])
def test_one_side(lab, redis, side, transport):
    fill(redis, 300)
    script = lab.directory / "commands"
    script.write_bytes(b"".join(command("GET", f"k{n}") for n in range(300)))
    pipe = ["sh", "-c", f"redis-cli {' '.join(redis.where(transport))} --pipe < {script} || true"]
    if side == "client":
        _, result = lab.trace([], pipe)
        mine, others = result.clients, result.servers
    else:
        agent = lab.agent(*redis.select)
        lab.run(pipe)
        result = agent.stop()
        mine, others = result.servers, result.clients
    assert others == []
    # --pipe marks the end of its input by an ECHO of its own.
    echo = [span for span in mine if span.name == "ECHO"]
    assert len(echo) == 1
    account_for(echo, "is redis-cli's own")
    kind = CLIENT if side == "client" else SERVER
    expect_calls([span for span in mine if span.name != "ECHO"], kind, map(get, range(300)), command_of)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_commands_in_pieces(lab, redis, size):
    """The client sends a few bytes at a time, across commands."""
    fill(redis, 40)
    data = b"".join(command("GET", f"k{n}") for n in range(40)) + b"GET k1\r\nPING\r\n"
    agent = lab.agent(*redis.select)
    with Wire(redis.host, redis.port) as wire:
        for at in range(0, len(data), size):
            wire.send(data[at:at + size])
        expect(wire, *map(answer, range(40)), answer(1), b"+PONG\r\n")
    expect_calls(agent.stop().spans, SERVER, [*map(get, range(40)), get(1), ("PING", None)], command_of)


def test_batch_of_any_depth(lab, redis):
    """5,000 commands in one write."""
    fill(redis, 5000)
    agent = lab.agent(*redis.select)
    with Wire(redis.host, redis.port) as wire:
        ask(wire, b"".join(command("GET", f"k{n}") for n in range(5000)), *map(answer, range(5000)))
        ask(wire, command("GET", "k7"), answer(7))
    expect_calls(agent.stop().spans, SERVER, [*map(get, range(5000)), get(7)], command_of)


def test_large_values(lab, redis):
    """Values are not copied, yet what comes behind them is placed."""
    fill(redis, 30)
    agent = lab.agent(*redis.select)
    value = b"$3\r\nGET\r\n" * 100_000  # what looks like commands is a value
    expected = []
    with Wire(redis.host, redis.port) as wire:
        for n in range(10):
            ask(wire, command("SET", f"big{n}", value), b"+OK\r\n")
            ask(wire, command("GET", f"big{n}"), b"$%d\r\n%s\r\n" % (len(value), value))
            ask(wire, command("GET", f"k{n}"), answer(n))
            expected += [(f"SET big{n} ?", None), (f"GET big{n}", None), get(n)]
        # Within a batch, too.
        ask(wire, command("GET", "k1") + command("SET", "big", value) + command("GET", "k2") + command("GET", "big") +
            command("GET", "k4"),
            answer(1), b"+OK\r\n", answer(2), b"$%d\r\n%s\r\n" % (len(value), value), answer(4))
        expected += [get(1), ("SET big ?", None), get(2), ("GET big", None), get(4)]
    expect_calls(agent.stop().spans, SERVER, expected, command_of)


def test_older_than_the_agent(lab, redis):
    fill(redis, 60)
    with Wire(redis.host, redis.port) as wire:
        ask(wire, command("GET", "k0"), answer(0))
        agent = lab.agent(*redis.select)
        for n in range(1, 40):
            ask(wire, command("GET", f"k{n}"), answer(n))
        ask(wire, b"".join(command("GET", f"k{n}") for n in range(40, 60)), *map(answer, range(40, 60)))
    expect_calls(agent.stop().spans, SERVER, map(get, range(1, 60)), command_of)


def test_the_server_has_its_own_name(lab, redis):
    """On Debian redis-server is a link to redis-check-rdb."""
    _, result = lab.trace(redis.select, ["redis-cli", *redis.where(), "GET", "k"])
    expect_both(result, [("GET k", None)], command_of)
    assert {span.service for span in result.servers} == {"redis-server"}
    assert {span.service for span in result.clients} == {"redis-cli"}
    for span in result.spans:
        assert span.attributes["server.port"] == redis.port
        assert (span.database, span.operation, span.name) == ("redis", "GET", "GET"), span.attributes
