"""PostgreSQL drivers that nobody here wrote: the spans on both sides are what the server logged, and the
calls that the client says it made are among them, with their rows."""

import json
from collections import Counter

import pytest

from harness import clients
from harness.calls import call_of, expect_calls, expect_calls_joined, of_kind
from harness.spans import CLIENT, SERVER

CASES = [(name, transport) for name in clients.POSTGRES for transport in ("tcp", "unix")
         if transport == "tcp" or name not in clients.TCP_ONLY]


@pytest.mark.parametrize("name, transport", CASES)
def test_client(lab, postgres, name, transport):
    command = clients.command(clients.POSTGRES, name, postgres.at(transport), postgres.port)
    child, result = lab.trace([*lab.texts("raw"), *postgres.select], command)
    calls = [json.loads(line) for line in child.stdout.text.splitlines()]
    said = Counter((call["text"], call["code"], call["rows"]) for call in calls)
    assert said.total() >= 37, child.describe()
    logged = [(text.rstrip("; \n"), code) for text, code in postgres.logged()]
    for kind in (CLIENT, SERVER):
        expect_calls(result.spans, kind, logged, lambda span: call_of(span)[:2])
        missing = said - Counter(map(call_of, of_kind(result.spans, kind)))
        assert not missing, f"no span has these (text, code, rows): {missing}\n{result.draw()[:20000]}"
    expect_calls_joined(result.spans)
