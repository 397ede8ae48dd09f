"""A ring buffer too small for a pause of the agent: what did not fit is counted, to the exchange, and no answer
is paired with another request."""

import signal
from collections import Counter
from contextlib import ExitStack

import pytest

from harness.truth import account_for, expect_same
from harness.wire import Wire

CONNECTIONS = 16
LOSSES = ("requests_ring_full", "requests_unpaired", "ring_full", "stream_gaps", "exchanges_hidden")
PREFIXES = {"": 200, "/missing": 404, "/empty": 204}


class Load:
    """Requests one by one on kept connections; the status depends on the path."""

    def __init__(self, port):
        self.port = port
        self.answers = {}
        self._stack = ExitStack()
        self._wires = [self._stack.enter_context(Wire("127.0.0.1", port)) for _ in range(CONNECTIONS)]

    def ask(self, wire):
        number = len(self.answers)
        prefix, status = list(PREFIXES.items())[number % 7 % 3]
        path = f"{prefix}/{number}"
        assert wire.get(path).code == status, path
        self.answers[path] = status

    def on_kept_connections(self, count):
        for number in range(count):
            self.ask(self._wires[number % CONNECTIONS])

    def on_new_connections(self, count):
        for _ in range(count):
            with Wire("127.0.0.1", self.port) as wire:
                self.ask(wire)

    def close(self):
        self._stack.close()


def overflow(lab, pauses):
    """Runs the load, stopping the agent in between: (result, answers by path)."""
    nginx = lab.nginx(workers=2, keepalive_requests=1_000_000)
    config = lab.directory / "clew.yaml"
    config.write_text("capture:\n  ring_buffer: 64KiB\n", encoding="utf-8")
    agent = lab.agent("--config", config, "--port", nginx.port)
    load = Load(nginx.port)
    for _ in range(pauses):
        load.on_kept_connections(500)
        agent.child.process.send_signal(signal.SIGSTOP)
        load.on_kept_connections(1500 // pauses)
        load.on_new_connections(200 // pauses)
        load.on_kept_connections(500 // pauses)
        agent.child.process.send_signal(signal.SIGCONT)
    load.on_kept_connections(500)
    load.on_new_connections(50)
    load.close()
    nginx.stop()
    result = agent.stop(losses=LOSSES)
    expect_same(load.answers.items(), ((line.path, line.code) for line in nginx.log()), "what nginx logged")
    assert result.clients == []
    assert result.summary.causes.get("requests_ring_full", 0) > 0, \
        f"nothing was lost, so that nothing was tested: {result.summary}"
    return result, load.answers


@pytest.mark.parametrize("pauses", [1, 4])
def test_every_exchange_is_a_span_or_counted(lab, pauses):
    result, answers = overflow(lab, pauses)
    account_for(result.spans, "their paths are compared here")
    twice = [path for path, count in Counter(span.path for span in result.servers).items() if count > 1]
    assert twice == [], "paths with two spans"
    assert {span.path for span in result.servers} <= set(answers)
    causes = result.summary.causes
    assert result.summary.lost == causes["requests_ring_full"] + causes.get("requests_unpaired", 0), result.summary
    assert len(result.servers) + result.summary.lost == len(answers), result.summary


@pytest.mark.parametrize("pauses", [1, 4])
def test_no_request_gets_the_answer_of_another(lab, pauses):
    result, answers = overflow(lab, pauses)
    account_for(result.spans, "each is compared with its own answer here")
    wrong = [str(span) for span in result.servers if span.code not in (answers[span.path], None)]
    assert wrong == []
    assert [str(span) for span in result.servers if span.code is None and not span.incomplete] == []
