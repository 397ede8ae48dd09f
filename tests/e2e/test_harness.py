"""The harness itself: it must be able to fail. Needs neither root nor the agent."""

import json
import os
import signal
import time
from types import SimpleNamespace

import pytest

from harness.agent import Summary, settle
from harness.spans import CLIENT, ERROR, SERVER, Forest, Span, check_well_formed, parse_line, read_spans
from harness.truth import (Logged, account_for, compare_with_access_log, compare_with_client, compare_with_wrk,
                           difference, expect_attributes, expect_exchanges, expect_joined)


def span(path="/a", code=200, kind=SERVER, span_id=None, parent="", link=None, trace="1" * 32, start=10, end=20,
         incomplete=False):
    span.count = getattr(span, "count", 0) + 1
    attributes = {"http.request.method": "GET", "url.path": path}
    attributes |= {"http.response.status_code": code} if code else {"error.type": "unanswered"}
    attributes |= {"clew.link": link} if link else {}
    attributes |= {"clew.incomplete": True} if incomplete else {}
    return Span(trace, span_id or f"{span.count:016x}", parent, "GET", kind, start, end, 0 if code else ERROR, "",
                attributes, {"service.name": "test"})


def line_of(**changes):
    entry = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": "GET", "kind": 2,
             "startTimeUnixNano": "1700000000000000001", "endTimeUnixNano": "1700000000000000002",
             "attributes": [{"key": "http.response.status_code", "value": {"intValue": "204"}},
                            {"key": "url.path", "value": {"stringValue": "/x"}},
                            {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "a"}]}}}],
             **changes}
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [entry]}]}]})


def test_parse_line():
    parsed, = parse_line(line_of(parentSpanId="00f067aa0ba902b7", status={"code": 2, "message": "no"}))
    assert (parsed.path, parsed.code, parsed.service, parsed.status) == ("/x", 204, "shop", ERROR)
    assert parsed.attributes["list"] == ["a"]
    assert parsed.end_ns - parsed.start_ns == 1


def test_read_spans_notices_a_cut_line(world):
    file = world.directory / "spans"
    file.write_text(line_of() + "\n" + line_of()[:50], encoding="utf-8")
    with pytest.raises(AssertionError, match="cut off"):
        list(read_spans(file))
    assert len(list(read_spans(file, writer_was_killed=True))) == 1


@pytest.mark.parametrize("bad", [
    span(trace="0" * 32), span(span_id="xyz"), span(parent="1" * 16), span(start=30), span(link="thread"),
    span(kind=1)])
def test_ill_formed_spans(bad):
    check_well_formed([span()])
    with pytest.raises(AssertionError):
        check_well_formed([bad])


def test_span_ids_are_unique():
    with pytest.raises(AssertionError, match="twice"):
        check_well_formed([span(span_id="1" * 16), span(span_id="1" * 16)])


@pytest.mark.parametrize("line, expected", [
    ("clew: 12 segments seen, 3 spans exported, 0 lost", Summary(12, 3, 0, {})),
    ("clew: 1 segments seen, 1 spans exported, 15 lost (ring_full 12, queue_full 3)",
     Summary(1, 1, 15, {"ring_full": 12, "queue_full": 3}))])
def test_summary(line, expected):
    assert Summary.parse("clew: ready\n" + line + "\n") == expected
    with pytest.raises(AssertionError):
        Summary.parse(line + "\nclew: something else\n")


def test_summary_with_loss_fails():
    lossy = Summary(1, 1, 1, {"ring_full": 1})
    with pytest.raises(AssertionError, match="ring_full"):
        lossy.expect_losses()
    with pytest.raises(AssertionError, match="ring_full"):
        lossy.expect_losses("queue_full")
    with pytest.raises(AssertionError, match="causes"):
        Summary(1, 1, 2, {"ring_full": 1}).expect_losses("ring_full")
    lossy.expect_losses("ring_full")
    assert not lossy.accounted
    with pytest.raises(AssertionError, match="3 exchanges"):
        lossy.expect_balance(3, "ring_full")
    lossy.expect_balance(2, "ring_full")
    assert lossy.accounted


def run_of(world, count):
    """The Result of a run that left `count` spans, GET /x answered by 204."""
    file = world.folder("run") / "spans"
    file.write_text("".join(line_of(spanId=f"{number + 1:016x}", name="GET", attributes=[
        {"key": "http.response.status_code", "value": {"intValue": "204"}},
        {"key": "http.request.method", "value": {"stringValue": "GET"}},
        {"key": "url.path", "value": {"stringValue": "/x"}}]) + "\n" for number in range(count)), encoding="utf-8")
    return settle(Summary(count, count, 0), file, "")


def test_a_run_must_be_accounted_for(world):
    result = run_of(world, 3)
    assert "3 spans were never compared" in result.unaccounted()
    with pytest.raises(AssertionError, match="expected 2, got 3"):
        expect_exchanges(result.spans, SERVER, [("GET", "/x", 204)] * 2)
    expect_exchanges(result.spans[:1], SERVER, [("GET", "/x", 204)])
    assert "2 spans were never compared" in result.unaccounted()
    account_for(result.spans, "enough of this")
    assert result.unaccounted() == ""
    with pytest.raises(AssertionError):
        result.expect_nothing()


def test_a_run_without_spans_must_be_accounted_for(world):
    result = run_of(world, 0)
    assert "expect_nothing" in result.unaccounted()
    result.expect_nothing()
    assert result.unaccounted() == ""
    with pytest.raises(AssertionError, match="2 spans exported"):
        settle(Summary(2, 2, 0), result.span_file, "")


@pytest.fixture
def through(world):
    return world


def test_a_test_that_does_not_compare_fails(through, request):
    through.expect_accounted()
    through._runs.append(run := run_of(through, 1))
    with pytest.raises(AssertionError, match="1 spans were never compared"):
        # As conftest.py does it after each test that uses the lab, through whatever fixture.
        request.config.pluginmanager.subset_hook_caller(
            "pytest_runtest_call", [plugin for plugin in request.config.pluginmanager.get_plugins()
                                    if not str(getattr(plugin, "__file__", "")).endswith("e2e/conftest.py")]
        )(item=request.node)
    account_for(run.spans, "the point was made")


@pytest.mark.parametrize("spans, completed", [
    (["/w0-2"], 2),  # fewer than wrk counted
    (["/w0-2", "/w0-2"], 2),  # two of one path
    (["/w0-2", "/w0-3", "/w0-4", "/w0-5"], 2),  # more than can have been in flight
    (["/w0-2", "/w0-9"], 2),  # one that wrk never sent
])
def test_wrk_rule_fails(spans, completed):
    wrk = SimpleNamespace(completed=completed, in_flight=1, prefix="/w")
    with pytest.raises(AssertionError):
        compare_with_wrk([span(path) for path in spans], wrk)
    compare_with_wrk([span("/w0-2"), span("/w0-3"), span("/w0-4", None)], wrk=SimpleNamespace(
        completed=2, in_flight=1, prefix="/w"))


def test_difference_names_the_first():
    assert difference("abc", "cba", "letters") == ""
    text = difference(["/a", "/b"], ["/b", "/b", "/c"], "paths")
    assert "1 missing, first: '/a'" in text and "2 unexpected, first: '/b', '/c'" in text


def log_of(*paths, code=200, sent=100):
    return [Logged("GET", path, code, sent) for path in paths]


def test_access_log_rule():
    compare_with_access_log(log_of("/a", "/b"), [span("/a"), span("/b")], 0)
    compare_with_access_log(log_of("/a"), [span("/a"), span("/b", None)], 1)
    compare_with_access_log(log_of("/a", sent=0), [span("/a", None)], 0)


@pytest.mark.parametrize("log, spans, in_flight", [
    (log_of("/a", "/b"), [span("/a")], 5),  # a logged request without a span
    (log_of("/a"), [span("/a"), span("/a")], 5),  # two spans
    (log_of("/a"), [span("/a", None)], 5),  # answered, but the span says it was not
    (log_of("/a"), [span("/a", 500)], 5),  # another status
    (log_of("/a"), [span("/a"), span("/b")], 5),  # an answered span that nginx does not know
    (log_of("/a"), [span("/a"), span("/b", None)], 0),  # more than were in flight
    (log_of("/a", sent=0), [span("/a")], 5),  # nothing was sent
    (log_of("/a"), [span("/a", incomplete=True)], 5),  # bytes that the agent did not see
])
def test_access_log_rule_fails(log, spans, in_flight):
    with pytest.raises(AssertionError):
        compare_with_access_log(log, spans, in_flight)


def test_client_rule():
    compare_with_client(1, [span("/a", kind=CLIENT), span("/b", None, CLIENT)], [span("/a"), span("/b")])
    with pytest.raises(AssertionError, match="counted 2"):
        compare_with_client(2, [span("/a", kind=CLIENT)], [span("/a")])
    with pytest.raises(AssertionError, match="without a client span"):
        compare_with_client(1, [span("/a", kind=CLIENT)], [span("/a"), span("/b")])
    with pytest.raises(AssertionError, match="status codes"):
        compare_with_client(1, [span("/a", kind=CLIENT)], [span("/a", 500)])


def test_joined():
    client = span("/a", kind=CLIENT, span_id="c" * 16)
    other = span("/b", kind=CLIENT, span_id="d" * 16)
    assert expect_joined([client, other, span("/a", parent="c" * 16, link="stream")]) == [other]
    for wrong in (span("/a", link="stream", parent="d" * 16), span("/a", link="thread", parent="c" * 16),
                  span("/a"), span("/a", link="stream", parent="c" * 16, trace="2" * 32)):
        with pytest.raises(AssertionError):
            expect_joined([client, other, wrong])


def test_attributes():
    expect_attributes({"a": 1, "b": 2}, {"a": 1}, optional={"b"})
    for actual in ({"a": 2}, {}, {"a": 1, "c": 3}, {"a": "1"}):
        with pytest.raises(AssertionError):
            expect_attributes(actual, {"a": 1}, optional={"b"})


def test_forest():
    root = span("/r", kind=CLIENT, span_id="c" * 16)
    child = span("/r", parent="c" * 16, link="stream")
    forest = Forest([child, root])
    assert forest.roots() == [root]
    assert forest.shape(root) == ("test", "client", "GET", "/r", 200, [("test", "server", "GET", "/r", 200, [])])


def process_state(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return None


def test_children_do_not_outlive_the_test(world):
    child = world.start(["sh", "-c", "trap '' TERM; sleep 1000 & echo $!; wait; sleep 1000"])
    grandchild = int(child.expect(r"^(\d+)$")[1])
    world.close()
    assert not child.alive()
    for pid in (child.pid, grandchild):
        # Killed is not yet gone: the kernel ends it when it next runs, its new parent reaps it later.
        give_up = time.monotonic() + 5
        while (state := process_state(pid)) not in (None, "Z"):
            assert time.monotonic() < give_up, f"{pid} lives ({state})"
            time.sleep(0.01)


def test_waiting_is_bounded_and_names_the_child(world):
    child = world.start(["sh", "-c", "echo hello; exec sleep 1000"])
    with pytest.raises(AssertionError, match="hello"):
        child.expect("^goodbye$", timeout=0.2)
    assert child.stop(signal.SIGTERM) == -signal.SIGTERM
    assert os.path.isdir(world.directory)
