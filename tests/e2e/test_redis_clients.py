"""Redis drivers that nobody here wrote: spans on both sides are as many of each command as the server
counted, and what the client says it did is among them, by key and error."""

import json
from collections import Counter

import pytest

from harness import clients
from harness.calls import expect_calls_joined, expect_counts, of_kind
from harness.spans import CLIENT, SERVER

CASES = [(name, transport) for name in clients.REDIS for transport in ("tcp", "unix")
         if transport == "tcp" or name not in clients.TCP_ONLY]


def command(span):
    return span.name.partition(" ")[0].upper()


def unknown_to_the_server(span):
    """Newer drivers tell their name by CLIENT SETINFO, which Redis 7.0 neither knows nor counts."""
    return command(span) == "CLIENT" and span.response_code == "ERR"


@pytest.mark.parametrize("name, transport", CASES)
def test_client(lab, redis, name, transport):
    where = (redis.host, redis.port) if transport == "tcp" else (redis.socket, 0)
    child, result = lab.trace(redis.select, clients.command(clients.REDIS, name, *where))
    lines = [json.loads(line) for line in child.stdout.text.splitlines()]
    said = Counter((line["command"], line["key"], line["code"]) for line in lines)
    assert said.total() == 126, child.describe()
    calls = redis.calls()
    for kind in (CLIENT, SERVER):
        spans = of_kind(result.spans, kind)
        own = [span for span in spans if unknown_to_the_server(span)]
        expect_counts(spans, kind, calls + Counter(map(command, own)), command)
        seen = Counter((command(span), (span.text.split(" ") + [None])[1], span.response_code) for span in spans)
        missing = said - seen
        assert not missing, f"no span has these (command, key, code): {missing}\n{result.draw()[:20000]}"
    expect_calls_joined(result.spans)
