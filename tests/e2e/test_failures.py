"""What went wrong becomes a span that says what: connections that were not made, resets, requests without
an answer, answers cut short, processes that died, an agent that was stopped."""

import signal
import socket
import struct

import pytest

from harness.processes import free_port, wait_for_port
from harness.services import PYTHON
from harness.spans import CLIENT, SERVER
from harness.truth import account_for, expect_exchanges
from harness.wire import Wire, request

# Connects, and says what came of it.
CONNECT = """
import socket, sys
sock = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
sock.settimeout(float(sys.argv[3]))
try:
    sock.connect((sys.argv[1], int(sys.argv[2])))
except OSError as error:
    print(type(error).__name__)
"""


def connects(result):
    spans = [span for span in result.spans if span.name == "connect"]
    account_for(spans, "are compared by the test")
    return spans


def only_connect(result, error, address, port):
    span, = connects(result)
    assert (span.kind, span.status, span.code) == (CLIENT, 2, None), span
    found = {key: span.attributes.get(key) for key in
             ("error.type", "server.address", "server.port", "network.peer.address", "network.transport")}
    assert found == {"error.type": error, "server.address": address, "server.port": port,
                     "network.peer.address": address, "network.transport": "tcp"}
    return span


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"], ids=["ipv4", "ipv6"])
def test_refused(lab, host):
    port = free_port(host)
    _, result = lab.trace([], [PYTHON, "-c", CONNECT, host, port, "5"])
    only_connect(result, "connection_refused", host, port)


def test_refused_by_curl(lab):
    port = free_port()
    _, result = lab.trace([], ["curl", "-s", f"http://127.0.0.1:{port}/"], expect_code=7)
    only_connect(result, "connection_refused", "127.0.0.1", port)


@pytest.fixture
def blackhole(lab):
    """An address whose packets go nowhere, in a network namespace of the test's own."""
    name = "clew-hole"
    lab.run(["ip", "netns", "del", name])
    for arguments in (["netns", "add", name], ["-n", name, "link", "set", "lo", "up"],
                      ["-n", name, "link", "add", "hole", "type", "veth", "peer", "name", "deep"],
                      ["-n", name, "addr", "add", "192.0.2.1/24", "dev", "hole"],
                      ["-n", name, "link", "set", "hole", "up"], ["-n", name, "link", "set", "deep", "up"]):
        done = lab.run(["ip", *arguments])
        assert done.process.returncode == 0, done.describe()
    # A neighbour that exists and never answers.
    done = lab.run(["ip", "-n", name, "neigh", "add", "192.0.2.9", "lladdr", "02:00:00:00:00:09", "dev", "hole"])
    assert done.process.returncode == 0, done.describe()
    done = lab.run(["ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv4.tcp_syn_retries=1"])
    assert done.process.returncode == 0, done.describe()
    yield ["ip", "netns", "exec", name]
    lab.run(["ip", "netns", "del", name])


def test_timed_out(lab, blackhole):
    _, result = lab.trace([], [*blackhole, PYTHON, "-c", CONNECT, "192.0.2.9", "80", "30"])
    span = only_connect(result, "timed_out", "192.0.2.9", 80)
    assert span.seconds > 1, span


def test_given_up_by_the_caller(lab, blackhole):
    _, result = lab.trace([], [*blackhole, PYTHON, "-c", CONNECT, "192.0.2.9", "80", "0.2"])
    span = only_connect(result, "abandoned", "192.0.2.9", 80)
    assert 0.1 < span.seconds < 5, span


def test_failed_call_belongs_to_the_request_that_made_it(lab):
    """A proxy whose upstream is gone: its server span has the failed connect for a child."""
    app = lab.python_app("threaded.py")
    gone = free_port()
    conf = lab.folder("proxy") / "nginx.conf"
    port = free_port()
    conf.write_text(f"""worker_processes 1; daemon off; master_process off; pid {conf.parent}/pid;
error_log {conf.parent}/error.log;
events {{}}
http {{ access_log off; client_body_temp_path {conf.parent}; proxy_temp_path {conf.parent};
 fastcgi_temp_path {conf.parent}; uwsgi_temp_path {conf.parent}; scgi_temp_path {conf.parent};
 server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{gone}; }} }} }}
""", encoding="utf-8")
    nginx = lab.start(["nginx", "-e", conf.parent / "error.log", "-c", conf], name="nginx")
    wait_for_port(nginx, "127.0.0.1", port)
    agent = lab.agent("--pid", nginx.pid, "--pid", app.pid)
    with Wire("127.0.0.1", port) as wire:
        assert wire.get("/one").code == 502
    result = agent.stop()
    server, = expect_exchanges(result.spans, SERVER, [("GET", "/one", 502)])
    call = only_connect(result, "connection_refused", "127.0.0.1", gone)
    assert call.parent_id == server.span_id and call.trace_id == server.trace_id, result.draw()


# Sends what is in argv as one request, and says what came of it.
CALL = """
import socket, sys
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
sock.sendall(f"GET {sys.argv[3]} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n".encode())
try:
    while sock.recv(65536): pass
    print("end")
except OSError as error:
    print(type(error).__name__)
"""


class Peer:
    """A server in the test's own process, for one connection."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def accept_request(self):
        connection, _ = self.listener.accept()
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        return connection


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


PART = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"


@pytest.mark.parametrize("ending, before, code, error", [
    (reset, b"", None, "connection_reset"), (reset, PART, 200, "connection_reset"),
    (socket.socket.close, b"", None, "no_response"), (socket.socket.close, PART, 200, "response_cut"),
], ids=["reset before the answer", "reset within the answer", "closed without an answer", "answer cut short"])
def test_ended_by_the_server(lab, ending, before, code, error):
    peer = Peer()
    child = lab.start([PYTHON, "-c", "import sys; sys.stdin.readline();" + CALL, "127.0.0.1", peer.port, "/ended"])
    agent = lab.agent("--pid", child.pid)
    child.tell("go\n")
    connection = peer.accept_request()
    if before:
        connection.sendall(before)
    ending(connection)
    child.expect("ConnectionResetError" if ending is reset else "end")
    span, = expect_exchanges(agent.stop().spans, CLIENT, [("GET", "/ended", code)])
    assert span.attributes.get("error.type") == error and span.status == 2, span


def test_client_gives_up(lab):
    peer = Peer()
    child, result = lab.trace([], ["curl", "-s", "--max-time", "0.5", f"http://127.0.0.1:{peer.port}/slow"],
                              expect_code=28)
    span, = expect_exchanges(result.spans, CLIENT, [("GET", "/slow", None)])
    assert span.attributes.get("error.type") == "no_response", span
    assert 0.4 < span.seconds < 5, span


@pytest.mark.parametrize("side", ["server", "client"])
def test_killed_in_the_middle_of_an_exchange(lab, side):
    app = lab.python_app("raw_server.py")
    child = lab.start([PYTHON, "-c", "import sys; sys.stdin.readline();" + CALL, "127.0.0.1", app.port, "/held"])
    agent = lab.agent("--pid", app.pid, "--pid", child.pid)
    child.tell("go\n")
    app.child.expect("^held$")
    killed, other = (app.child, child) if side == "server" else (child, app.child)
    killed.process.send_signal(signal.SIGKILL)
    killed.wait(10)
    if side == "server":
        other.wait(10)
    else:
        app.child.tell("go\n")
        app.child.expect("^answered$")
    result = agent.stop()
    server, = expect_exchanges(result.spans, SERVER, [("GET", "/held", None if side == "server" else 200)])
    client, = expect_exchanges(result.spans, CLIENT, [("GET", "/held", None)])
    dead, alive = (server, client) if side == "server" else (client, server)
    assert dead.attributes.get("error.type") == "process_ended" and dead.status == 2, dead
    assert alive.attributes.get("error.type") != "process_ended", alive
    assert server.parent_id == client.span_id


def test_agent_stopped_in_the_middle_of_an_exchange(lab):
    app = lab.python_app("raw_server.py")
    agent = lab.agent("--pid", app.pid)
    with Wire("127.0.0.1", app.port) as wire:
        wire.send(request("/held"))
        app.child.expect("^held$")
        span, = expect_exchanges(agent.stop().spans, SERVER, [("GET", "/held", None)])
        app.child.tell("go\n")
        assert wire.response().code == 200
    assert span.incomplete and not span.failed, span
