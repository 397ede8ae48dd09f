"""Each family of system calls that moves bytes, on both sides, over IPv4 and IPv6."""

import sys

import pytest

from harness.services import APPS, PYTHON
from harness.spans import CLIENT, SERVER
from harness.truth import expect_exchanges, expect_joined

sys.path.insert(0, str(APPS))
from io_pair import CALLS, HIDDEN_CALLS  # noqa: E402

EXCHANGES = 5


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("family", CALLS)
def test_family(lab, family, host):
    server = lab.python_app("io_pair.py", "server", family, host)
    child, result = lab.trace(
        ["--pid", str(server.pid)],
        [PYTHON, APPS / "io_pair.py", "client", family, host, str(server.port), str(EXCHANGES)])
    assert child.stdout.bytes == b"done\n"
    expected = [("POST", f"/{family}/{number}", 200) for number in range(1, EXCHANGES + 1)]
    expect_exchanges(result.spans, SERVER, expected)
    expect_exchanges(result.spans, CLIENT, expected)
    assert expect_joined(result.spans) == []


@pytest.mark.parametrize("family", HIDDEN_CALLS)
def test_family_that_cannot_be_read(lab, family):
    """Each socket is counted once; the bytes are made into nothing."""
    server = lab.python_app("io_pair.py", "server", family, "127.0.0.1")
    agent = lab.agent("--pid", server.pid)
    for _ in range(3):
        child = lab.run([PYTHON, APPS / "io_pair.py", "client", family, "127.0.0.1", server.port, EXCHANGES])
        assert child.stdout.bytes == b"done\n", child.describe()
    result = agent.stop(losses=("unreadable_socket", "stream_gaps"))
    result.expect_nothing()
    assert result.summary.lost == 0 and result.summary.causes["unreadable_socket"] == 3, result.summary
