"""Connections passed to another process, by SCM_RIGHTS and by fork."""

import pytest

from harness.services import APPS, PYTHON
from harness.spans import CLIENT, SERVER
from harness.truth import expect_exchanges, expect_joined
from harness.wire import Wire
from apps.status_server import status_of

PROGRAM = APPS / "handing_over.py"
CONNECTIONS, REQUESTS = 5, 6


def ask_all(port):
    """The paths of all requests, by their number within the connection."""
    paths = [[] for _ in range(REQUESTS)]
    for turn in range(CONNECTIONS):
        with Wire("127.0.0.1", port) as wire:
            for number in range(REQUESTS):
                path = f"/{turn}/{number}"
                assert wire.get(path).code == status_of(path)
                paths[number].append(path)
    return paths


def exchanges(paths):
    return [("GET", path, status_of(path)) for path in paths]


@pytest.mark.parametrize("served_before", [0, 2], ids=["untouched", "after two requests"])
@pytest.mark.parametrize("followed", ["both", "worker", "acceptor"])
def test_passed_on(lab, followed, served_before):
    path = lab.directory / "channel"
    worker = lab.start([PYTHON, PROGRAM, "worker", path], name="worker")
    worker.expect("^listening$")
    acceptor = lab.python_app("handing_over.py", "acceptor", path, served_before)
    pids = {"worker": worker.pid, "acceptor": acceptor.pid}
    agent = lab.agent(*(part for name, pid in pids.items() if followed in ("both", name) for part in ("--pid", pid)))
    paths = ask_all(acceptor.port)
    worker.expect("(^closed\n){%d}" % CONNECTIONS)
    result = agent.stop()
    if followed == "acceptor" and not served_before:
        return result.expect_nothing()
    by_acceptor = sum(paths[:served_before], []) if followed != "worker" else []
    by_worker = sum(paths[served_before:], []) if followed != "acceptor" else []
    spans = expect_exchanges(result.spans, SERVER, exchanges(by_acceptor + by_worker))
    assert [str(span) for span in spans if span.marked] == []
    assert {span.pid for span in spans if span.path in by_worker} == ({worker.pid} if by_worker else set())
    assert {span.pid for span in spans if span.path in by_acceptor} == ({acceptor.pid} if by_acceptor else set())


def test_parent_reads_and_children_answer(lab):
    server = lab.python_app("handing_over.py", "forker")
    agent = lab.agent("--pid", server.pid)
    paths = sum(ask_all(server.port), [])
    server.child.expect("(^closed\n){%d}" % CONNECTIONS)
    spans = expect_exchanges(agent.stop().spans, SERVER, exchanges(paths))
    assert [str(span) for span in spans if span.failed and span.attributes["error.type"] != str(span.code)] == []


def test_client_connection_inherited(lab):
    server = lab.python_app("status_server.py")
    client = lab.start([PYTHON, PROGRAM, "inherited", server.port, 30])
    agent = lab.agent("--pid", server.pid, "--pid", client.pid)
    client.tell("go\n")
    client.expect("^done$")
    client.wait()
    result = agent.stop()
    expected = exchanges(f"/{who}/{number}" for who in ("parent", "child", "again") for number in range(10))
    expect_exchanges(result.spans, SERVER, expected)
    spans = expect_exchanges(result.spans, CLIENT, expected)
    assert expect_joined(result.spans) == []
    children = {span.pid for span in spans if span.path.startswith("/child/")}
    assert len(children) == 1 and children != {client.pid}, children
