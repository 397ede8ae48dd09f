"""Redis beyond a command and its answer: transactions, blocking, messages pushed, silence, secrets."""

import time

import pytest

from harness.calls import command_of, expect_calls, of_kind
from harness.spans import SERVER
from harness.truth import account_for, expect_same
from harness.wire import Wire
from test_redis import answer, ask, command, expect, fill, get


class Traced:
    """A connection by hand, and the agent on the server's side."""

    def __init__(self, lab, redis, texts="sanitized"):
        self.redis = redis
        self.agent = lab.agent(*lab.texts(texts), *redis.select)
        self.wires = []

    def wire(self):
        self.wires.append(Wire(self.redis.host, self.redis.port))
        return self.wires[-1]

    def finish(self):
        for wire in self.wires:
            wire.close()
        return self.agent.stop()


def named(span):
    return span.name.partition(" ")[0], span.response_code


def test_transactions(lab, redis):
    """One span for each command; the queued ones are told from those that ran at once."""
    fill(redis, 10)
    traced = Traced(lab, redis)
    wire = traced.wire()
    ask(wire, command("MULTI"), b"+OK\r\n")
    for n in range(3):
        ask(wire, command("SET", f"t{n}", "v"), b"+QUEUED\r\n")
    ask(wire, command("EXEC"), b"*3\r\n", b"+OK\r\n" * 3)
    batch = [command("MULTI"), command("GET", "k1"), command("NOPE", "x"), command("EXEC"), command("GET", "k2")]
    wire.send(b"".join(batch))
    expect(wire, b"+OK\r\n+QUEUED\r\n-ERR unknown command 'NOPE', with args beginning with: 'x' \r\n"
                 b"-EXECABORT Transaction discarded because of previous errors.\r\n", answer(2))
    ask(wire, command("MULTI") + command("SET", "t9", "v") + command("DISCARD"), b"+OK\r\n+QUEUED\r\n+OK\r\n")
    result = traced.finish()
    spans = expect_calls(result.spans, SERVER, [
        ("MULTI", None), *[("SET", None)] * 3, ("EXEC", None), ("MULTI", None), ("GET", None), ("UNKNOWN", "ERR"),
        ("EXEC", "EXECABORT"), ("GET", get(2)[1]), ("MULTI", None), ("SET", None), ("DISCARD", None)], named)
    keys = {frozenset(span.attributes) - {"db.response.status_code", "error.type", "clew.link"} for span in spans
            if span.text in ("SET t0 ?", "SET t1 ?", "SET t2 ?", "SET t9 ?", "GET k1")}
    others = {frozenset(span.attributes) - {"db.response.status_code", "error.type", "clew.link"} for span in spans
              if span.text in ("GET k2", "MULTI", "EXEC")}
    assert len(keys) == 1 and len(others) == 1 and keys != others, (keys, others)


def test_blocking(lab, redis):
    """The wait is the duration."""
    traced = Traced(lab, redis)
    waiting, other = traced.wire(), traced.wire()
    waiting.send(command("BLPOP", "queue", "10"))
    time.sleep(0.3)  # what the span's duration must show
    ask(other, command("RPUSH", "queue", "v"), b":1\r\n")
    expect(waiting, b"*2\r\n$5\r\nqueue\r\n$1\r\nv\r\n")
    ask(waiting, command("BLPOP", "queue", "0.2"), b"*-1\r\n")
    spans = expect_calls(traced.finish().spans, SERVER, [("BLPOP", None), ("RPUSH", None), ("BLPOP", None)], named)
    long, short, last = spans
    assert long.seconds >= 0.3 and short.seconds < 0.2 and last.seconds >= 0.2, [span.seconds for span in spans]


@pytest.mark.parametrize("resp", [2, 3])
def test_pubsub(lab, redis, resp):
    """Messages are nobody's answers."""
    fill(redis, 20)
    traced = Traced(lab, redis)
    subscriber, publisher = traced.wire(), traced.wire()
    expected = []
    push = b">3\r\n" if resp == 3 else b"*3\r\n"
    if resp == 3:
        subscriber.send(command("HELLO", "3"))
        assert subscriber.read(4) == b"%7\r\n"
        expected.append(("HELLO", None))
        # The rest of the answer ends with an empty list of modules.
        got = b""
        while not got.endswith(b"modules\r\n*0\r\n"):
            got += subscriber.read(1)
    ask(subscriber, command("SUBSCRIBE", "news"), push, b"$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n")
    expected.append(("SUBSCRIBE", None))
    for n in range(20):
        ask(publisher, command("PUBLISH", "news", f"m{n}"), b":1\r\n")
        message = b"m%d" % n
        expect(subscriber, push, b"$7\r\nmessage\r\n$4\r\nnews\r\n$%d\r\n%s\r\n" % (len(message), message))
        expected.append(("PUBLISH", None))
        if resp == 3:  # commands and messages on one connection
            ask(subscriber, command("GET", f"k{n}"), answer(n))
            expected.append(("GET", get(n)[1]))
        else:
            ask(subscriber, command("PING"), b"*2\r\n$4\r\npong\r\n$0\r\n\r\n")
            expected.append(("PING", None))
    ask(subscriber, command("UNSUBSCRIBE", "news"), push, b"$11\r\nunsubscribe\r\n$4\r\nnews\r\n:0\r\n")
    ask(subscriber, command("GET", "k1"), answer(1))
    spans = expect_calls(traced.finish().spans, SERVER, [*expected, ("UNSUBSCRIBE", None), ("GET", get(1)[1])], named)
    if resp == 3:
        gets = [(span.text, span.response_code) for span in spans if span.name == "GET"]
        assert gets[:20] == list(map(get, range(20)))


def test_client_reply(lab, redis):
    """Commands that get no answer take nobody else's."""
    fill(redis, 40)
    traced = Traced(lab, redis)
    wire = traced.wire()
    ask(wire, command("GET", "k0"), answer(0))
    ask(wire, command("CLIENT", "REPLY", "OFF") + command("SET", "silent1", "v") + command("SET", "silent2", "v") +
        command("CLIENT", "REPLY", "ON") + command("GET", "k1"), b"+OK\r\n", answer(1))
    ask(wire, command("CLIENT", "REPLY", "SKIP") + command("SET", "silent3", "v") + command("GET", "k2"), answer(2))
    for n in range(3, 40):
        ask(wire, command("GET", f"k{n}"), answer(n))
    spans = traced.finish().spans
    answered = [span for span in spans if span.name == "GET"]
    expect_calls(answered, SERVER, map(get, range(40)), command_of)
    others = [span for span in spans if span.name != "GET"]
    expect_same(["CLIENT"] * 3 + ["SET"] * 3, [named(span)[0] for span in others], "silent commands")
    assert not any(span.marked or span.response_code for span in others), others
    account_for(others, "are the commands without an answer, and those that ask for that")


def test_monitor(lab, redis):
    """What a monitor is told answers nothing."""
    traced = Traced(lab, redis)
    monitor, other = traced.wire(), traced.wire()
    ask(monitor, command("MONITOR"), b"+OK\r\n")
    for n in range(20):
        ask(other, command("SET", f"s{n}", "v"), b"+OK\r\n")
        line = b""
        while not line.endswith(b"\r\n"):
            line += monitor.read(1)
        assert b"s%d" % n in line
    expect_calls(traced.finish().spans, SERVER, [("MONITOR", None), *[("SET", None)] * 20], named)


def test_databases_and_scripts(lab, redis):
    """SELECT changes the namespace of what comes behind it."""
    traced = Traced(lab, redis)
    wire = traced.wire()
    ask(wire, command("SET", "a", "1") + command("SELECT", "3") + command("SET", "b", "1"), b"+OK\r\n" * 3)
    ask(wire, command("SELECT", "99"), b"-ERR DB index is out of range\r\n")
    ask(wire, command("EVAL", "return redis.call('GET', KEYS[1])", "1", "b"), b"$1\r\n1\r\n")
    ask(wire, command("EVALSHA", "0" * 40, "0"), b"-NOSCRIPT No matching script. Please use EVAL.\r\n")
    spans = expect_calls(traced.finish().spans, SERVER, [
        ("SET", None), ("SELECT", None), ("SET", None), ("SELECT", "ERR"), ("EVAL", None),
        ("EVALSHA", "NOSCRIPT")], named)
    where = {span.text: span.attributes.get("db.namespace") for span in spans}
    assert where["SET a ?"] in ("0", None) and where["SET b ?"] == "3", where
    assert [span.attributes.get("db.namespace") for span in spans if span.name == "EVAL"] == ["3"]


@pytest.mark.parametrize("texts", ["sanitized", "raw", "off"])
def test_secrets_are_never_shown(lab, redis, texts):
    secret = "hunter2-never-shown"
    redis.cli("ACL", "SETUSER", "alice", "on", f">{secret}", "~*", "+@all")
    traced = Traced(lab, redis, texts)
    wire = traced.wire()
    ask(wire, command("AUTH", "alice", secret), b"+OK\r\n")
    ask(wire, command("AUTH", "alice", secret + "x"),
        b"-WRONGPASS invalid username-password pair or user is disabled.\r\n")
    ask(wire, command("auth", secret),
        b"-ERR AUTH <password> called without any password configured for the default user. "
        b"Are you sure your configuration is correct?\r\n")
    wire.send(f"AUTH alice {secret}\r\n".encode())
    expect(wire, b"+OK\r\n")
    wire.send(command("HELLO", "2", "AUTH", "alice", secret, "SETNAME", "me"))
    got = b""
    while not got.endswith(b"modules\r\n*0\r\n"):
        got += wire.read(1)
    ask(wire, command("ACL", "SETUSER", "bob", f">{secret}"), b"+OK\r\n")
    ask(wire, command("CONFIG", "SET", "masterauth", secret), b"+OK\r\n")
    ask(wire, command("CONFIG", "SET", "masterauth", ""), b"+OK\r\n")
    for words in (("AUTH", secret), ("AUTH2", "alice", secret)):
        ask(wire, command("MIGRATE", "127.0.0.1", "1", "nokey", "0", "10", *words), b"+NOKEY\r\n")
    ask(wire, command("ACL", "DELUSER", "bob"), b":1\r\n")
    result = traced.finish()
    expect_calls(result.spans, SERVER, [
        ("AUTH", None), ("AUTH", "WRONGPASS"), ("AUTH", "ERR"), ("AUTH", None), ("HELLO", None), ("ACL", None),
        ("CONFIG", None), ("CONFIG", None), ("MIGRATE", None), ("MIGRATE", None), ("ACL", None)],
        lambda span: (named(span)[0].upper(), span.response_code))
    said = result.stderr + result.span_file.read_text(encoding="utf-8")
    assert "hunter2" not in said
    assert (texts == "off") == all(span.text is None for span in result.spans)


def test_texts(lab, redis):
    """Raw shows the values, sanitised the keys alone."""
    for texts, text in (("sanitized", "SET k1 ?"), ("raw", "SET k1 v1"), ("off", None)):
        traced = Traced(lab, redis, texts)
        ask(traced.wire(), command("SET", "k1", "v1"), b"+OK\r\n")
        expect_calls(traced.finish().spans, SERVER, [(text, None)], command_of)


def test_not_redis_after_all(lab, redis):
    """A stream that breaks the protocol is given up, without garbage."""
    fill(redis, 3)
    traced = Traced(lab, redis)
    wire, other = traced.wire(), traced.wire()
    ask(wire, command("GET", "k1"), answer(1))
    wire.send(b"*1\r\n$-5\r\n")
    assert b"Protocol error" in wire.rest()
    ask(other, command("GET", "k2"), answer(2))
    result = traced.finish()
    good = [span for span in result.spans if span.name == "GET"]
    expect_calls(good, SERVER, [get(1), get(2)], command_of)
    account_for(result.spans, "no more than one beside these, for what broke the protocol")
    assert len(result.spans) <= 3, result.draw()
