"""Several threads on one socket: offsets order what they send and receive, not the time at which it was
recorded. The status of an answer depends on its path, so that a wrong pair shows."""

import pytest

from harness.services import APPS, PYTHON
from harness.spans import CLIENT, SERVER
from harness.truth import expect_exchanges, expect_joined
from apps.status_server import status_of


def expect_both(result, paths, method="GET"):
    exchanges = [(method, path, status_of(path)) for path in paths]
    expect_exchanges(result.spans, SERVER, exchanges)
    expect_exchanges(result.spans, CLIENT, exchanges)
    assert expect_joined(result.spans) == []


@pytest.mark.parametrize("answers", ["one thread", "pool"])
@pytest.mark.parametrize("mode", ["halves", "exchanges"])
def test_two_threads_of_a_client(lab, mode, answers):
    server = lab.python_app("status_server.py", "127.0.0.1", answers)
    child, result = lab.trace(["--pid", str(server.pid)],
                              [PYTHON, APPS / "shared_client.py", str(server.port), "1000", mode])
    assert child.stdout.text == "done\n"
    expect_both(result, [f"/{number}" for number in range(1000)])


@pytest.mark.parametrize("answers", ["one thread", "pool"])
@pytest.mark.parametrize("threads", [2, 4])
def test_threads_that_send_without_a_lock(lab, threads, answers):
    server = lab.python_app("status_server.py", "127.0.0.1", answers)
    child, result = lab.trace(["--pid", str(server.pid)],
                              [lab.native("unlocked_senders"), str(server.port), str(threads), "2000"])
    assert child.stdout.text == "done\n"
    expect_both(result, [f"/{thread}/{number}" for thread in range(threads) for number in range(2000)])
