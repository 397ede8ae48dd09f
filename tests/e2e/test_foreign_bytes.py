"""Bytes that are not HTTP cost nothing but a look; malformed HTTP gives no span or a marked one."""

import os

import pytest

from harness.services import APPS, PYTHON
from harness.spans import CLIENT, SERVER, draw
from harness.truth import account_for, expect_exchanges
from harness.wire import Wire, request

# Could be inline commands of Redis; the answer, which is the same, is none.
LINES = b"set key 0 0 5\r\nvalue\r\nget key\r\n" * 50
TLS_HELLO = (b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + bytes(range(32)) + b"\x20" + bytes(range(32)) +
             b"\x00\x04\x13\x01\x13\x02\x01\x00\x00\x77" + bytes(119))
HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" * 3

FOREIGN = {
    "random": os.urandom(200_000),
    "zeros": bytes(50_000),
    "lines of text": LINES,
    "tls": TLS_HELLO * 20,
    "http2": HTTP2,
    "almost": b"GETTING STARTED\nPOSTSCRIPT\nHTTP is not spoken here\n" * 200,
    "endless line": b"GET /" + b"a" * 300_000,
    "newlines": b"\r\n" * 20_000,
}


@pytest.mark.parametrize("size", [7, 4096])
@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_bytes_give_no_spans(lab, kind, size):
    data = FOREIGN[kind][:20_000] if size == 7 else FOREIGN[kind]
    (lab.directory / "data").write_bytes(data)
    echo = lab.python_app("raw_server.py", "127.0.0.1", "echo")
    nginx = lab.nginx()
    script = (f"{PYTHON} {APPS}/send_bytes.py {lab.directory}/data 127.0.0.1 {echo.port} {size} && "
              f"curl -s {nginx.url}/still-well")
    child, result = lab.trace(["--port", str(echo.port), "--port", str(nginx.port)], ["sh", "-c", script])
    assert child.stdout.text == f"echoed {len(data)}\nok\n"
    spans = [span for span in result.spans if span.path == "/still-well"]
    expect_exchanges(spans, SERVER, [("GET", "/still-well", 200)])
    expect_exchanges(spans, CLIENT, [("GET", "/still-well", 200)])
    others = [span for span in result.spans if span.path != "/still-well"]
    if kind == "endless line":
        # A request that began and never ended; the echo of it is no answer. A span that says so is fine.
        begun = [span for span in others if span.marked and span.code is None]
        account_for(begun, "a request that began and never ended")
        others = [span for span in others if span not in begun]
    assert others == [], draw(others)


MALFORMED = {
    "no version": b"GET /x\r\nHost: test\r\n\r\n",
    "version 9": b"GET /x HTTP/9.9\r\nHost: test\r\n\r\n",
    "header without colon": b"GET /x HTTP/1.1\r\nHost test\r\nbroken\r\n\r\n",
    "two lengths": b"POST /x HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length not a number": b"POST /x HTTP/1.1\r\nHost: t\r\nContent-Length: -5\r\n\r\n",
    "length beyond 64 bits": b"POST /x HTTP/1.1\r\nHost: t\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "broken chunk": b"POST /x HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nbad\r\n",
    "chunk size beyond 64 bits": b"POST /x HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 b"fffffffffffffffff\r\nbad\r\n",
    "bare newlines": b"GET /x HTTP/1.1\nHost: test\n\n",
    "nul in the path": b"GET /x\x00y HTTP/1.1\r\nHost: test\r\n\r\n",
    "huge header": b"GET /x HTTP/1.1\r\nHost: test\r\nX: " + b"h" * 100_000 + b"\r\n\r\n",
    "many headers": b"GET /x HTTP/1.1\r\nHost: test\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
    "not utf-8": b"GET /\xff\xfe\x80 HTTP/1.1\r\nHost: \xff\r\n\r\n",
    "cut off": b"GET /x HTTP/1.1\r\nHost: te",
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed_requests(lab, kind):
    nginx = lab.nginx()
    agent = lab.agent("--port", nginx.port)
    with Wire("127.0.0.1", nginx.port) as wire:
        wire.send(MALFORMED[kind])
        if kind == "cut off":
            wire.close()
    with Wire("127.0.0.1", nginx.port) as wire:
        assert wire.get("/after").code == 200
    nginx.stop()
    spans = agent.stop().spans
    expect_exchanges([span for span in spans if span.path == "/after"], SERVER, [("GET", "/after", 200)])
    others = [span for span in spans if span.path != "/after"]
    assert len(others) <= 1, others
    logged = {line.code for line in nginx.log()} | {None}
    assert all(span.code in logged for span in others), f"{others[0]}: nginx logged {logged}"
    account_for(others, "at most one for the malformed request, with what nginx answered")


def test_connection_goes_on_after_a_malformed_message(lab):
    """The server forgives; the connection is neither stuck nor does it upset the agent."""
    app = lab.python_app("raw_server.py")
    agent = lab.agent("--pid", app.pid)
    with Wire("127.0.0.1", app.port) as wire:
        wire.send(b"GET /forgiven HTTP/1.1\r\nno colon here\r\n\r\n")
        assert wire.response().code == 200
        for number in range(20):
            assert wire.get(f"/again{number}").code == 200
    with Wire("127.0.0.1", app.port) as wire:
        assert wire.get("/other").code == 200
    spans = agent.stop().spans
    # On the same connection spans may be missing or there, but each must be one of what happened.
    happened = {"/forgiven", "/other", *(f"/again{number}" for number in range(20))}
    paths = [span.path for span in spans]
    assert set(paths) <= happened and len(set(paths)) == len(paths), paths
    assert "/other" in paths
    account_for(spans, "each is one of what happened")


def test_both_ends_talk_at_once_without_http(lab):
    """Nothing is gained from bytes in both directions either, whoever speaks first."""
    app = lab.python_app("raw_server.py", "127.0.0.1", "echo")
    agent = lab.agent("--pid", app.pid)
    with Wire("127.0.0.1", app.port) as wire:
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")  # a response where a request belongs
        assert wire.read(38)
        wire.send(request("/echoed"))
        assert wire.read(len(request("/echoed")))
    result = agent.stop()
    if result.spans:
        assert all(span.marked for span in result.spans), result.draw()
        account_for(result.spans, "marked: no exchange was completed")
    else:
        result.expect_nothing()
