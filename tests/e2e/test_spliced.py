"""Bodies that no program reads: splice moves them from socket to socket. Receiving so fires no hook; the
stream's numbers tell the gap."""

import time

import pytest

from harness.processes import free_port, wait_for_port
from harness.services import APPS, PYTHON
from harness.spans import CLIENT, SERVER
from harness.truth import expect_exchanges
from harness.wire import Wire, request
from apps.status_server import status_of

SIZES = [1, 100, 1_000, 4_096, 20_000, 65_536, 1_000_000]
# What must never be taken for messages.
INSIDE = b"HTTP/1.1 500 Inside\r\nContent-Length: 0\r\n\r\nGET /inside HTTP/1.1\r\nHost: x\r\n\r\n"


def body_of(size):
    return (INSIDE * (size // len(INSIDE) + 1))[:size]


def exchange(wire, path, size):
    body = body_of(size)
    wire.send(request(path, method="POST", body=body))
    response = wire.response()
    assert (response.code, response.body) == (status_of(path), body), (path, response.code, len(response.body))


def upload_all(port, sizes):
    """Several exchanges on each of three connections, the last of every size: the paths."""
    paths = []
    for turn, order in enumerate((sizes, sizes[::-1], sizes[3:] + sizes[:3])):
        with Wire("127.0.0.1", port) as wire:
            for number, size in enumerate(order):
                paths.append(f"/{turn}/{number}/{size}")
                exchange(wire, paths[-1], size)
    return paths


def expect_proxied(result, paths):
    """The proxy's server and client spans, and the server's; each the parent of the next."""
    expected = [("POST", path, status_of(path)) for path in paths]
    expect_exchanges(result.spans, CLIENT, expected)
    expect_exchanges(result.spans, SERVER, expected * 2)
    assert [str(span) for span in result.spans if span.marked] == []
    by_id = {span.span_id: span for span in result.spans}
    inner = [span for span in result.servers if span.parent_id]
    assert sorted(span.path for span in inner) == sorted(paths), result.draw()
    for span in inner:
        call = by_id[span.parent_id]
        assert (call.kind, call.path, span.link) == (CLIENT, span.path, "stream"), result.draw()
        outer = by_id[call.parent_id]
        assert (outer.kind, outer.path) == (SERVER, span.path), result.draw()
    return result.spans


@pytest.mark.parametrize("way", ["peek", "greedy"])
@pytest.mark.parametrize("order", ["growing", "last large"])
def test_proxy_that_splices(lab, way, order):
    server = lab.python_app("status_server.py")
    proxy = lab.python_app("splice_proxy.py", server.port, way)
    agent = lab.agent("--pid", server.pid, "--pid", proxy.pid)
    paths = upload_all(proxy.port, SIZES if order == "growing" else [1_000_000])
    proxy.child.expect("(^closed\n){3}")  # what a splice took last is told by the close
    expect_proxied(agent.stop(), paths)


def test_the_pause_after_a_spliced_body_is_not_part_of_the_exchange(lab):
    server = lab.python_app("status_server.py")
    proxy = lab.python_app("splice_proxy.py", server.port, "peek")
    agent = lab.agent("--pid", server.pid, "--pid", proxy.pid)
    with Wire("127.0.0.1", proxy.port) as wire:
        exchange(wire, "/first", 20_000)
        time.sleep(1)  # an idle connection
        exchange(wire, "/second", 20_000)
    proxy.child.expect("^closed$")
    spans = expect_proxied(agent.stop(), ["/first", "/second"])
    assert [str(span) for span in spans if span.seconds > 0.5] == []


HAPROXY = """
global
  maxconn 100
  nbthread 2
defaults
  mode http
  timeout connect 10s
  timeout client 30s
  timeout server 30s
  option splice-request
  option splice-response
frontend in
  bind 127.0.0.1:{port}
  default_backend out
backend out
  http-reuse always
  server s {server}
"""


def haproxy(lab, server):
    folder = lab.folder("haproxy")
    port = free_port()
    (folder / "haproxy.cfg").write_text(HAPROXY.format(port=port, server=server), encoding="utf-8")
    child = lab.start(["haproxy", "-db", "-f", folder / "haproxy.cfg"], name="haproxy")
    wait_for_port(child, "127.0.0.1", port)
    return child, port


def test_haproxy(lab):
    server = lab.python_app("status_server.py")
    proxy, port = haproxy(lab, f"127.0.0.1:{server.port}")
    agent = lab.agent("--pid", server.pid, "--pid", proxy.pid)
    paths = upload_all(port, SIZES)
    proxy.stop()
    expect_proxied(agent.stop(), paths)


@pytest.mark.parametrize("way", ["peek", "greedy", "haproxy"])
def test_out_of_a_unix_socket(lab, way):
    """A UNIX stream has no numbers: the gap is what the peer has sent and nobody has read."""
    path = lab.directory / "server.sock"
    server = lab.start([PYTHON, APPS / "status_server.py", path])
    server.expect("^listening$")
    if way == "haproxy":
        proxy, port = haproxy(lab, f"unix@{path}")
    else:
        app = lab.python_app("splice_proxy.py", path, way)
        proxy, port = app.child, app.port
    agent = lab.agent("--pid", server.pid, "--pid", proxy.pid)
    paths = upload_all(port, SIZES)
    if way == "haproxy":
        proxy.stop()
    else:
        proxy.expect("(^closed\n){3}")
    expect_proxied(agent.stop(), paths)
