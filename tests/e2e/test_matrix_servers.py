"""Servers that nobody here wrote: their spans are exactly what a client by hand did with them, and what
wrk counted."""

import pytest

from harness.programs import SERVERS, go, java, nginx, node_http
from harness.services import LOAD_SECONDS
from harness.spans import CLIENT, SERVER
from harness.truth import compare_with_wrk, expect_exchanges, expect_joined
from harness.visitor import Visitor


def spans_of(result, kind, child):
    """The spans of a program that is one process."""
    return [span for span in result.spans if span.kind == kind and span.pid == child.pid]


def legs(result, server):
    """The spans that the same exchanges have: at the front, from the front to the backend, and there."""
    if server.backend is None:
        assert result.clients == [], result.draw()
        return [result.servers]
    front, back = server.child, server.backend.child
    found = [spans_of(result, SERVER, front), spans_of(result, CLIENT, front), spans_of(result, SERVER, back)]
    assert sum(map(len, found)) == len(result.spans), "spans of nobody known"
    never_read = expect_joined(found[1] + found[2])
    assert all(span.marked for span in never_read), f"answered, yet without a server span: {never_read[0]}"
    return found


@pytest.mark.parametrize("name", SERVERS)
def test_exchanges(lab, name):
    server = SERVERS[name](lab)
    agent = lab.agent(*server.select)
    visitor = Visitor(server.host, server.port)
    visitor.mixed(server)
    visitor.at_once()
    if server.pipelines:
        visitor.pipelined()
    visitor.short()
    result = agent.stop()
    for leg in legs(result, server):
        expect_exchanges(leg, leg[0].kind, visitor.exchanges)
    assert not any(span.marked for span in result.spans), result.draw()
    roots = [span for span in result.spans if span.parent_id == "" and span.kind == SERVER]
    assert len({span.trace_id for span in roots}) == len(visitor.exchanges), "exchanges share traces"


@pytest.mark.parametrize("name", SERVERS)
def test_load(lab, name):
    server = SERVERS[name](lab)
    agent = lab.agent(*server.select)
    wrk = lab.wrk(server.url, connections=8, threads=1, seconds=min(LOAD_SECONDS, 1), prefix="/item/w")
    result = agent.stop()
    for leg in legs(result, server):
        compare_with_wrk(leg, wrk)


@pytest.mark.parametrize("name", ["haproxy", "envoy"])
def test_parents_within_a_proxy(lab, name):
    """The parent of what a proxy asks its backend may be missing, but is never another request."""
    server = SERVERS[name](lab)
    agent = lab.agent(*server.select)
    wrk = lab.wrk(server.url, connections=8, threads=1, seconds=1, prefix="/item/w")
    result = agent.stop()
    for leg in legs(result, server):
        compare_with_wrk(leg, wrk)
    by_id = {span.span_id: span for span in result.spans}
    wrong = [(span, by_id[span.parent_id]) for span in result.clients
             if span.parent_id in by_id and by_id[span.parent_id].path != span.path]
    assert not wrong, f"{len(wrong)} parents of another request, first: {wrong[0][0]}\nunder {wrong[0][1]}"


@pytest.mark.parametrize("start", [nginx, node_http, go, java], ids=lambda start: start.__name__)
def test_dual_stack(lab, start):
    """A listener on :: reached over IPv6, and over IPv4 by mapped addresses."""
    server = start(lab, "::")
    agent = lab.agent(*server.select)
    exchanges = []
    for host in ("::1", "127.0.0.1"):
        visitor = Visitor(host, server.port)
        with visitor.session() as session:
            for number in range(3):
                session.item(f"{'six' if ':' in host else 'four'}-{number}")
        exchanges += visitor.exchanges
    spans = expect_exchanges(agent.stop().spans, SERVER, exchanges)
    for span in spans:
        address = "::1" if "six" in span.path else "127.0.0.1"
        assert span.attributes["client.address"] == address, span.attributes
        assert span.attributes["network.peer.address"] == address, span.attributes


def test_one_write_of_many_buffers(lab):
    """Node gathers what a handler writes in one turn into one writev, several buffers for each chunk."""
    server = node_http(lab)
    agent = lab.agent(*server.select)
    visitor = Visitor(server.host, server.port)
    with visitor.session() as session:
        session.size("stream", 40, 40_000)
        session.item("after")
    expect_exchanges(agent.stop().spans, SERVER, visitor.exchanges)
