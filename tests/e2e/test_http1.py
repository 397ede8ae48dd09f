"""The shapes of HTTP/1: framing, lengths, interim answers, connections. Server spans are compared with
what the client by hand sent and got."""

import hashlib
import os

import pytest

from harness.spans import CLIENT, SERVER
from harness.truth import expect_exchanges
from harness.wire import Wire, request


@pytest.fixture
def raw(lab):
    """A raw_server and the agent that traces it."""
    server = lab.python_app("raw_server.py")
    server.agent = lab.agent("--pid", server.pid)
    return server


def wire(server):
    return Wire("127.0.0.1", server.port)


def expect(server, exchanges):
    return expect_exchanges(server.agent.stop().spans, SERVER, exchanges)


def test_keep_alive_with_curl(lab):
    nginx = lab.nginx()
    agent = lab.agent("--port", nginx.port)
    urls = [f"{nginx.url}/{number}" for number in range(10)]
    curl = lab.curl(*urls)
    assert sum(report["num_connects"] for report in curl.reports) == 1
    spans = expect_exchanges(agent.stop().spans, SERVER, [("GET", f"/{number}", 200) for number in range(10)])
    assert [span.path for span in spans] == [f"/{number}" for number in range(10)], "not in order of time"
    assert len({span.attributes["network.peer.port"] for span in spans}) == 1


def test_http_1_0_with_curl(lab):
    nginx = lab.nginx()
    agent = lab.agent("--port", nginx.port)
    lab.curl("-0", nginx.url + "/one", nginx.url + "/two")
    spans = expect_exchanges(agent.stop().spans, SERVER, [("GET", "/one", 200), ("GET", "/two", 200)])
    assert {span.attributes["network.protocol.version"] for span in spans} == {"1.0"}


def test_http_1_0_keep_alive(raw):
    with wire(raw) as client:
        for path in ("/a", "/b"):
            client.send(request(path, version="1.0", headers=["Connection: keep-alive"]))
            assert client.response().code == 200
    expect(raw, [("GET", "/a", 200), ("GET", "/b", 200)])


def test_answers_without_a_body(raw):
    with wire(raw) as client:
        client.send(request("/head", method="HEAD"))
        assert client.response("HEAD").code == 200
        client.send(request("/304"))
        assert client.response().code == 304
        assert client.get("/after").code == 200
    expect(raw, [("HEAD", "/head", 200), ("GET", "/304", 304), ("GET", "/after", 200)])


def test_node_framings(lab):
    app = lab.node_app("node_app.js")
    agent = lab.agent("--pid", app.pid)
    with Wire("127.0.0.1", app.port) as client:
        assert client.get("/204").code == 204
        assert client.get("/304").code == 304
        assert client.get("/chunked").body == b"onetwothree"
        client.send(request("/chunked", method="HEAD"))
        assert client.response("HEAD").code == 200
        assert client.get("/500").code == 500
        assert client.get("/plain").code == 200
    expect_exchanges(agent.stop().spans, SERVER, [
        ("GET", "/204", 204), ("GET", "/304", 304), ("GET", "/chunked", 200), ("HEAD", "/chunked", 200),
        ("GET", "/500", 500), ("GET", "/plain", 200)])


def test_nginx_204_and_head(lab):
    nginx = lab.nginx()
    agent = lab.agent("--port", nginx.port)
    with Wire("127.0.0.1", nginx.port) as client:
        assert client.get("/empty").code == 204
        client.send(request("/head", method="HEAD"))
        assert client.response("HEAD").code == 200
        assert client.get("/after").code == 200
    expect_exchanges(agent.stop().spans, SERVER,
                     [("GET", "/empty", 204), ("HEAD", "/head", 200), ("GET", "/after", 200)])


def test_chunked_both_ways(raw):
    with wire(raw) as client:
        assert b"Not a response" in client.get("/chunked").body
        client.send(request("/upload", method="POST", headers=["Transfer-Encoding: chunked"]))
        for chunk in (b"GET /not-a-request HTTP/1.1\r\n\r\n", b"y" * 3000):
            client.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        client.send(b"0\r\n\r\n")
        assert client.response().code == 200
        assert client.get("/after").code == 200
    expect(raw, [("GET", "/chunked", 200), ("POST", "/upload", 200), ("GET", "/after", 200)])


def test_close_delimited(raw):
    with wire(raw) as client:
        client.send(request("/close"))
        assert client.rest().count(b"ends with the stream") == 3
    expect(raw, [("GET", "/close", 200)])


def test_expect_100_continue(raw, lab):
    curl = lab.curl("-H", "Expect: 100-continue", "-d", "a body", raw.url + "/expected")
    assert curl.body == hashlib.sha256(b"a body").hexdigest().encode()
    expect(raw, [("POST", "/expected", 200)])


def test_interim_responses(raw):
    with wire(raw) as client:
        client.send(request("/interim"))
        assert client.read(0) == b""
        while client.response().code == 103:
            pass
        assert client.get("/after").code == 200
    expect(raw, [("GET", "/interim", 200), ("GET", "/after", 200)])


def test_upgrade_ends_http(raw):
    blob = os.urandom(3000) + request("/tunnelled")
    with wire(raw) as client:
        client.send(request("/upgrade", headers=["Connection: Upgrade", "Upgrade: echo"]))
        assert client.response().code == 101
        client.send(blob)
        assert client.read(len(blob)) == blob
    expect(raw, [("GET", "/upgrade", 101)])


def test_one_byte_at_a_time(raw):
    body = b"a body"
    with wire(raw) as client:
        for byte in request("/bytewise?x=1", method="POST", headers=["X-Long: " + "z" * 300], body=body):
            client.send(bytes([byte]))
        assert client.response().code == 202
        assert client.get("/after").code == 200
    expect(raw, [("POST", "/bytewise", 202), ("GET", "/after", 200)])


@pytest.mark.parametrize("split", ["one write", "odd writes"])
def test_pipelined_by_hand(raw, split):
    paths = [f"/p{number}" for number in range(40)]
    data = b"".join(request(path, method="POST", body=path.encode() * 20) for path in paths)
    size = len(data) if split == "one write" else 97
    with wire(raw) as client:
        for start in range(0, len(data), size):
            client.send(data[start:start + size])
        for path in paths:
            assert client.response().body == hashlib.sha256(path.encode() * 20).hexdigest().encode()
    expect(raw, [("POST", path, 200) for path in paths])


def test_large_upload(lab):
    app = lab.python_app("threaded.py")
    agent = lab.agent("--pid", app.pid)
    content = os.urandom(5_000_000)
    file = lab.directory / "upload"
    file.write_bytes(content)
    curl = lab.curl("--data-binary", f"@{file}", app.url + "/upload", "--next", app.url + "/after")
    assert hashlib.sha256(content).hexdigest().encode() in curl.body
    expect_exchanges(agent.stop().spans, SERVER, [("POST", "/upload", 201), ("GET", "/after", 200)])


def test_answer_before_the_upload_ends(lab):
    # nginx answers `return 200` at once and throws the body away.
    nginx = lab.nginx()
    agent = lab.agent("--port", nginx.port)
    with Wire("127.0.0.1", nginx.port) as client:
        body = b"GET /inside-the-body HTTP/1.1\r\n\r\n" * 1000
        head = request("/early", method="POST", headers=[f"Content-Length: {len(body)}"])
        client.send(head + body[:100])
        assert client.response().code == 200
        client.send(body[100:] + request("/after"))
        assert client.response().code == 200
    expect_exchanges(agent.stop().spans, SERVER, [("POST", "/early", 200), ("GET", "/after", 200)])


def test_large_download_by_sendfile(lab):
    nginx = lab.nginx()
    content = os.urandom(10_000_000)
    path = nginx.add_file("large", content)
    agent = lab.agent("--port", nginx.port)
    curl = lab.curl(nginx.url + path, nginx.url + "/after")
    assert curl.body == content + b"ok\n"
    spans = expect_exchanges(agent.stop().spans, SERVER, [("GET", path, 200), ("GET", "/after", 200)])
    assert spans[0].end_ns <= spans[1].start_ns, "the download ends before the next request begins"


def test_ipv6(lab):
    nginx = lab.nginx(host="::1")
    child, result = lab.trace(["--port", str(nginx.port)],
                              ["curl", "-s", "-o", os.devnull, "-w", "%{local_port}", nginx.url + "/six"])
    server, = expect_exchanges(result.spans, SERVER, [("GET", "/six", 200)])
    assert server.attributes["client.address"] == "::1"
    assert server.attributes["network.peer.address"] == "::1"
    assert server.attributes["network.peer.port"] == int(child.stdout.text)
    assert server.attributes["server.address"] in ("::1", "[::1]"), server.attributes
    client, = expect_exchanges(result.spans, CLIENT, [("GET", "/six", 200)])
    assert client.attributes["url.full"] == nginx.url + "/six"
    assert server.parent_id == client.span_id


@pytest.mark.parametrize("path, code", [("/cut", 200), ("/silent", None), ("/garbage", None)])
def test_what_was_not_completed_is_marked(raw, path, code):
    with wire(raw) as client:
        client.send(request(path))
        client.rest()
    span, = expect(raw, [("GET", path, code)])
    assert span.failed and not span.incomplete, span


def test_client_gone_before_the_answer(raw):
    """The client has closed: the kernel takes the whole answer, and the reset that it provokes closes the
    server's socket while the send is still under way. What was sent counts."""
    with wire(raw) as client:
        client.send(request("/held"))
    raw.child.tell("go\n")
    with wire(raw) as client:
        assert client.get("/after").code == 200
    spans = expect(raw, [("GET", "/held", 200), ("GET", "/after", 200)])
    assert not any(span.marked for span in spans), spans
