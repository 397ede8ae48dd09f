"""Load with unique paths: the access log, the client's own count and the spans are the same set.
The rules, exact also for what is cut off when wrk stops, stand in harness/truth.py."""

import pytest

from harness.truth import compare_with_access_log, compare_with_client, compare_with_wrk, expect_joined

# nginx closes a connection after this many requests; those pipelined behind would never be logged.
NO_LIMIT = 1_000_000_000


def finish(agent, nginx):
    nginx.stop()
    return agent.stop()


@pytest.mark.parametrize("depth", [1, 16], ids=["plain", "pipelined16"])
def test_server_spans_equal_access_log(lab, depth):
    nginx = lab.nginx(workers=2, keepalive_requests=1000 if depth == 1 else NO_LIMIT)
    agent = lab.agent("--port", nginx.port)
    wrk = lab.wrk(nginx.url, depth=depth)
    result = finish(agent, nginx)
    assert result.clients == [], "wrk is not selected"
    compare_with_access_log(nginx.log(), result.servers, wrk.in_flight)


@pytest.mark.parametrize("depth", [1, 16], ids=["plain", "pipelined16"])
def test_both_sides_agree(lab, depth):
    # Copies: the machine may run other wrks and nginxes.
    nginx = lab.nginx(workers=2, keepalive_requests=NO_LIMIT, program=lab.copy("nginx"))
    wrk_program = lab.copy("wrk")
    agent = lab.agent("--exe", f"{lab.directory}/bin/*")
    wrk = lab.wrk(nginx.url, depth=depth, program=wrk_program)
    result = finish(agent, nginx)
    clients = [span for span in result.clients if span.service == "wrk"]
    compare_with_access_log(nginx.log(), result.servers, wrk.in_flight)
    compare_with_client(wrk.completed, clients, result.servers)
    never_read = expect_joined(clients + result.servers)
    assert all(span.marked for span in never_read), f"answered, yet without a server span: {never_read[0]}"
    assert len(never_read) <= wrk.in_flight
    assert len({span.trace_id for span in clients}) == len(clients), "requests of wrk share traces"


@pytest.mark.parametrize("app", ["threaded.py", "node_app.js"])
def test_python_and_node_servers(lab, app):
    server = lab.python_app(app) if app.endswith(".py") else lab.node_app(app)
    agent = lab.agent("--pid", server.pid)
    wrk = lab.wrk(server.url, connections=8, threads=1, seconds=2)
    result = agent.stop()
    assert result.clients == [], result.draw()
    compare_with_wrk(result.servers, wrk)
