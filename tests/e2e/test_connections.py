"""Connections and processes older than the agent, and newer."""

import pytest

from harness.processes import wait_for_port
from harness.services import APPS, PYTHON
from harness.spans import CLIENT, SERVER
from harness.truth import expect_exchanges, expect_joined
from harness.wire import Wire, request


def exchanges(*paths):
    return [("GET", path, 200) for path in paths]


def keepalive_client(lab, port):
    client = lab.start([PYTHON, APPS / "keepalive_client.py", "127.0.0.1", port])
    client.expect(r"^connected (\d+)$")
    return client


def get(client, path):
    client.tell(path + "\n")
    client.expect(rf"^200 {path}$")


@pytest.mark.parametrize("app", ["nginx", "threads", "node"])
def test_server_and_connection_older_than_the_agent(lab, app):
    server = {"nginx": lab.nginx, "threads": lambda: lab.python_app("threaded.py"),
              "node": lambda: lab.node_app("node_app.js")}[app]()
    with Wire("127.0.0.1", server.port) as wire:
        for path in ("/before1", "/before2"):
            assert wire.get(path).code == 200
        agent = lab.agent("--port", server.port)
        for path in ("/after1", "/after2", "/after3"):
            assert wire.get(path).code == 200
        spans = expect_exchanges(agent.stop().spans, SERVER, exchanges("/after1", "/after2", "/after3"))
        for span in spans:
            assert span.attributes["server.port"] == server.port
            assert span.attributes["network.peer.port"] == wire.local_port


def test_both_sides_older_than_the_agent(lab):
    app = lab.python_app("threaded.py")
    client = keepalive_client(lab, app.port)
    get(client, "/before")
    agent = lab.agent("--pid", app.pid, "--pid", client.pid)
    for number in range(5):
        get(client, f"/after{number}")
    spans = agent.stop().spans
    expected = exchanges(*(f"/after{number}" for number in range(5)))
    expect_exchanges(spans, SERVER, expected)
    expect_exchanges(spans, CLIENT, expected)
    assert expect_joined(spans) == []


def test_connected_but_unused_before_the_agent(lab):
    app = lab.python_app("threaded.py")
    client = keepalive_client(lab, app.port)
    agent = lab.agent("--pid", app.pid, "--pid", client.pid)
    get(client, "/first")
    spans = agent.stop().spans
    expect_exchanges(spans, SERVER, exchanges("/first"))
    expect_exchanges(spans, CLIENT, exchanges("/first"))


def test_agent_starts_in_the_middle_of_an_exchange(lab):
    """The answer to a request that was not seen belongs to no later request."""
    app = lab.python_app("raw_server.py")
    with Wire("127.0.0.1", app.port) as wire:
        wire.send(request("/held"))
        agent = lab.agent("--pid", app.pid)
        app.child.tell("go\n")
        assert wire.response().body == b"at last\n"
        wire.send(request("/head", method="HEAD"))
        assert wire.response("HEAD").code == 200
        assert wire.get("/after").code == 200
    expect_exchanges(agent.stop().spans, SERVER, [("HEAD", "/head", 200), ("GET", "/after", 200)])


def test_agent_starts_in_the_middle_of_an_upload(lab):
    app = lab.python_app("threaded.py")
    half = b"GET /inside HTTP/1.1\r\n\r\n" * 50
    with Wire("127.0.0.1", app.port) as wire:
        wire.send(request("/upload", method="POST", headers=[f"Content-Length: {2 * len(half)}"]) + half)
        agent = lab.agent("--pid", app.pid)
        wire.send(b"(" + half[1:])  # no method begins so
        assert wire.response().code == 201
        assert wire.get("/after").code == 200
    expect_exchanges(agent.stop().spans, SERVER, [("GET", "/after", 200)])


def test_server_newer_than_the_agent(lab):
    from harness.processes import free_port
    port = free_port()
    agent = lab.agent("--port", port)
    server = lab.start([PYTHON, "-m", "http.server", port, "--bind", "127.0.0.1", "--directory", lab.folder("www")])
    wait_for_port(server, "127.0.0.1", port)
    lab.curl(f"http://127.0.0.1:{port}/new", f"http://127.0.0.1:{port}/")
    expect_exchanges(agent.stop().spans, SERVER, [("GET", "/new", 404), ("GET", "/", 200)])


def test_agent_restarted(lab):
    """A second agent finds the kernel as the first one found it."""
    app = lab.python_app("threaded.py")
    with Wire("127.0.0.1", app.port) as wire:
        for round_number in range(3):
            agent = lab.agent("--pid", app.pid)
            assert wire.get(f"/{round_number}").code == 200
            expect_exchanges(agent.stop().spans, SERVER, exchanges(f"/{round_number}"))
            assert wire.get("/untraced").code == 200


def test_many_short_connections(lab):
    nginx = lab.nginx(workers=2)
    agent = lab.agent("--port", nginx.port)
    for number in range(500):
        with Wire("127.0.0.1", nginx.port) as wire:
            wire.send(request(f"/{number}", headers=["Connection: close"]))
            assert wire.response().code == 200
    expect_exchanges(agent.stop().spans, SERVER, exchanges(*(f"/{number}" for number in range(500))))
