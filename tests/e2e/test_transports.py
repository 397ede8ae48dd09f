"""Connections of other kinds, and many: multipath TCP, IPv4 on an IPv6 socket, half-closed, short."""

import pytest

from harness.services import APPS, PYTHON
from harness.spans import CLIENT, SERVER
from harness.truth import expect_exchanges, expect_joined
from apps.status_server import status_of


def run(lab, listen, mode, count, host="127.0.0.1"):
    server = lab.python_app("status_server.py", *listen)
    child, result = lab.trace(["--pid", str(server.pid)],
                              [PYTHON, APPS / "status_client.py", str(server.port), str(count), mode, host])
    assert child.stdout.text == "done\n", child.describe()
    exchanges = [("GET", path, status_of(path)) for path in (f"/{mode}/{number}" for number in range(count))]
    expect_exchanges(result.spans, SERVER, exchanges)
    expect_exchanges(result.spans, CLIENT, exchanges)
    assert expect_joined(result.spans) == []
    return server, result


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"], ids=["ipv4", "ipv6"])
def test_multipath_tcp(lab, host):
    with open("/proc/sys/net/mptcp/enabled", encoding="ascii") as file:
        assert file.read().strip() == "1", "this kernel has multipath TCP switched off"
    run(lab, (host, "mptcp"), "mptcp", 100, host)


def test_multipath_server_with_an_ordinary_client(lab):
    """As recent Go servers listen: the connection falls back to TCP."""
    run(lab, ("127.0.0.1", "mptcp"), "keep-alive", 100)


def test_ipv4_client_of_a_dual_stack_server(lab):
    server, result = run(lab, ("::",), "keep-alive", 100)
    for span in result.servers:
        assert span.attributes["network.peer.address"] == "127.0.0.1", span.attributes
    for span in result.spans:
        assert span.attributes["server.port"] == server.port, span.attributes


def test_ipv4_mapped_client(lab):
    """The client's socket is the IPv6 one."""
    run(lab, ("127.0.0.1",), "keep-alive", 100, "::ffff:127.0.0.1")


def test_half_closed_by_both(lab):
    run(lab, ("127.0.0.1", "finish"), "finish", 100)


def test_thousands_of_short_connections(lab):
    run(lab, ("127.0.0.1",), "short", 3000)
