"""Sockets driven by io_uring: what clew cannot read is counted, and no other bytes are taken for it."""

import pytest

from harness.services import APPS, PYTHON, App
from harness.spans import CLIENT, SERVER
from harness.truth import expect_exchanges, expect_joined

COUNT = 100
FOREIGN = b"HTTP/1.1 500 Foreign\r\nContent-Length: 0\r\n\r\nGET /foreign HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(params=[FOREIGN, FOREIGN[43:] + FOREIGN], ids=["file of answers", "file of requests"])
def file(lab, request):
    path = lab.directory / "file"
    path.write_bytes((request.param * 100)[:4096])
    return path


def paths():
    return [f"/uring/{number}" for number in range(COUNT)]


def exchanges():
    """The status is NUMBER's, so that a wrong pair shows."""
    return [("GET", path, 200 + number % 5) for number, path in enumerate(paths())]


def expect_hidden_clients(result):
    """What was sent is read where the kernel tells of it as it begins; the answers are not: each span says so."""
    clients = expect_exchanges(result.spans, CLIENT, [("GET", path, None) for path in paths()])
    assert [str(span) for span in clients if not span.incomplete or span.failed] == []
    assert result.summary.causes["exchanges_hidden"] == COUNT


def finish(agent, child, *losses):
    child.tell("go\n")
    child.wait()
    assert child.stdout.text == "done\n", child.describe()
    result = agent.stop(losses=losses)
    assert result.summary.lost == 0, result.summary
    return result


@pytest.mark.parametrize("mode", ["plain", "sqpoll"])
def test_both_ends(lab, mode, file):
    program = lab.native("uring_pair")
    server = App(lab.start, [program, "server", mode, file])
    child = lab.start([program, "client", mode, file, server.port, COUNT, "uring"])
    result = finish(lab.agent("--pid", server.pid, "--pid", child.pid), child, "exchanges_hidden", "unreadable_socket", "stream_gaps")
    expect_hidden_clients(result)
    assert result.servers == [], result.draw()
    # The server's socket: its first bytes could not be read.
    assert result.summary.causes["unreadable_socket"] == 1, result.summary


@pytest.mark.parametrize("mode", ["plain", "sqpoll"])
def test_client(lab, mode, file):
    program = lab.native("uring_pair")
    server = lab.python_app("uring_peer.py", "server")
    child = lab.start([program, "client", mode, file, server.port, COUNT, "uring"])
    result = finish(lab.agent("--pid", server.pid, "--pid", child.pid), child, "exchanges_hidden")
    expect_hidden_clients(result)
    expect_exchanges(result.spans, SERVER, exchanges())
    assert expect_joined(result.spans) == []


@pytest.mark.parametrize("mode", ["plain", "sqpoll"])
def test_server(lab, mode, file):
    program = lab.native("uring_pair")
    server = App(lab.start, [program, "server", mode, file])
    child = lab.start([PYTHON, APPS / "uring_peer.py", "client", server.port, COUNT])
    result = finish(lab.agent("--pid", server.pid, "--pid", child.pid), child, "unreadable_socket", "stream_gaps")
    expect_exchanges(result.spans, CLIENT, exchanges())
    assert result.servers == [], result.draw()
    assert result.summary.causes["unreadable_socket"] == 1, result.summary
