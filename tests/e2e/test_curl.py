"""One request at a time: every attribute of both sides, and the link between them."""

import os
import socket
import time

import pytest

from harness.spans import CLIENT, ERROR, SERVER, UNSET, Forest
from harness.truth import expect_attributes, expect_exchanges, expect_joined

CLOCK_SLACK_NS = 50_000_000

# Opt-in attributes of the stable HTTP conventions: allowed, with any value.
OPT_IN = {"network.transport", "network.type", "network.local.address", "network.local.port", "client.port",
          "network.protocol.name", "http.request.body.size", "http.response.body.size", "http.request.size",
          "http.response.size", "url.scheme", "user_agent.original", "http.route"}


def traced_curl(lab, nginx, path, *options):
    before = time.time_ns()
    child, result = lab.trace(
        ["--port", str(nginx.port)],
        ["curl", "-s", "-o", os.devnull, "-w", "%{local_port}", *options, nginx.url + path])
    after = time.time_ns()
    for span in result.spans:
        assert before - CLOCK_SLACK_NS <= span.start_ns <= span.end_ns <= after + CLOCK_SLACK_NS, \
            f"not within {before} and {after}: {span}"
    return int(child.stdout.text), result


def expect_both(result, *paths):
    for kind in (SERVER, CLIENT):
        expect_exchanges(result.spans, kind, [("GET", path, 200) for path in paths])


def expected_attributes(nginx, local_port, path, query, code, version="1.1", agent="clew-test/1"):
    common = {"http.request.method": "GET", "http.response.status_code": code, "server.address": "127.0.0.1",
              "server.port": nginx.port, "network.protocol.version": version, "network.peer.address": "127.0.0.1"}
    server = {**common, "url.path": path, "url.scheme": "http", "client.address": "127.0.0.1",
              "network.peer.port": local_port, "user_agent.original": agent, "clew.link": "stream"}
    if query:
        server["url.query"] = query
    client = {**common, "url.full": f"{nginx.url}{path}" + (f"?{query}" if query else ""),
              "network.peer.port": nginx.port}
    if code >= 400:
        client["error.type"] = str(code)
    if code >= 500:
        server["error.type"] = str(code)
    return server, client


@pytest.mark.parametrize("path, code, server_status, client_status", [
    ("/hello", 200, UNSET, UNSET), ("/missing", 404, UNSET, ERROR), ("/broken", 500, ERROR, ERROR)])
def test_attributes_of_both_sides(lab, path, code, server_status, client_status):
    nginx = lab.nginx()
    local_port, result = traced_curl(lab, nginx, path + "?a=1&b=x%20y", "-A", "clew-test/1")
    server, = expect_exchanges(result.spans, SERVER, [("GET", path, code)])
    client, = expect_exchanges(result.spans, CLIENT, [("GET", path, code)])
    for_server, for_client = expected_attributes(nginx, local_port, path, "a=1&b=x%20y", code)
    expect_attributes(server.attributes, for_server, OPT_IN)
    expect_attributes(client.attributes, for_client, OPT_IN)
    assert (server.status, client.status) == (server_status, client_status), result.draw()


def test_resource_of_both_sides(lab):
    nginx = lab.nginx(workers=2)
    _, result = traced_curl(lab, nginx, "/")
    server, = expect_exchanges(result.spans, SERVER, [("GET", "/", 200)])
    client, = expect_exchanges(result.spans, CLIENT, [("GET", "/", 200)])
    assert server.pid in nginx.worker_pids(), f"{server} is of no worker {nginx.worker_pids()}"
    for span, name in ((server, "nginx"), (client, "curl")):
        assert span.service == name, span.resource
        assert span.resource["process.executable.name"] == name, span.resource
        assert span.resource["host.name"] == socket.gethostname(), span.resource
    assert client.pid != server.pid


def test_server_is_child_of_client(lab):
    _, result = traced_curl(lab, lab.nginx(), "/")
    expect_both(result, "/")
    assert expect_joined(result.spans) == [], result.draw()
    client, = Forest(result.spans).roots()
    assert client.kind == CLIENT and client.link is None, result.draw()


def test_duration_is_the_time_it_took(lab):
    app = lab.node_app("node_app.js")
    _, result = lab.trace(["--port", str(app.port)], ["curl", "-s", app.url + "/slow"])
    for span in result.spans:
        assert 0.29 < span.seconds < 1.5, f"the answer took 0.3 s: {span}"
    expect_both(result, "/slow")


def test_separate_requests_are_separate_traces(lab):
    nginx = lab.nginx()
    command = " && ".join(f"curl -s {nginx.url}/{number}" for number in range(5))
    _, result = lab.trace(["--port", str(nginx.port)], ["sh", "-c", command])
    expect_both(result, *(f"/{number}" for number in range(5)))
    assert len({span.trace_id for span in result.spans}) == 5, result.draw()
