"""What compares the spans of database calls: it must be able to fail. Needs neither root nor the agent, nor,
but for the last test, a server."""

import itertools

import pytest

from harness.calls import call_of, expect_both, expect_calls, expect_calls_joined, expect_counts
from harness.databases import _calls_logged
from harness.spans import CLIENT, ERROR, SERVER, UNSET, Span, check_well_formed

_ids = (f"{number:016x}" for number in itertools.count(1))


def call(text="SELECT 1", rows=1, code=None, kind=SERVER, parent=None, trace="1" * 32, **more):
    attributes = {"db.system.name": "postgresql", "db.operation.name": "SELECT", "db.query.summary": "SELECT",
                  "db.query.text": text}
    attributes |= {"db.response.status_code": code, "error.type": code} if code else {"db.response.returned_rows": rows}
    attributes |= {"clew.link": "stream"} if parent else {}
    return Span(trace, next(_ids), parent.span_id if parent else "", "SELECT", kind, 10, 20, ERROR if code else UNSET,
                "", attributes | more, {"service.name": "test"})


def pair(*arguments, **options):
    client = call(*arguments, kind=CLIENT, **options)
    return [client, call(*arguments, parent=client, **options)]


class Run:
    def __init__(self, *spans):
        self.spans = spans


@pytest.mark.parametrize("bad", [
    call(**{"db.system.name": "oracle"}), call(**{"db.query.summary": "SELECT items"}),
    call(**{"http.response.status_code": 200}), call(**{"error.type": "timeout"}),
    call(**{"db.response.status_code": "22012"})])
def test_ill_formed_calls(bad):
    check_well_formed([call(), call(code="22012")])
    with pytest.raises(AssertionError):
        check_well_formed([bad])


def test_an_error_of_the_server_is_an_answer():
    assert not call(code="22012").failed
    unanswered = call(**{"error.type": "22012"})
    unanswered.status = ERROR
    assert unanswered.failed


def test_calls_differ_in_text_rows_or_error():
    spans = [call("SELECT 1", 1), call("SELECT 2", 2), call("SELECT 3", code="22012")]
    expect_calls(spans, SERVER, [("SELECT 3", "22012", None), ("SELECT 1", None, 1), ("SELECT 2", None, 2)])
    assert all(span.accounted for span in spans)
    for wrong in (("SELECT 2", None, 1), ("SELECT 1", None, 2), ("SELECT 2", "22012", None)):
        with pytest.raises(AssertionError, match="1 unexpected"):
            expect_calls(spans[:2], SERVER, [call_of(spans[0]), wrong])
    with pytest.raises(AssertionError, match="marked"):
        expect_calls([call(**{"clew.incomplete": True})], SERVER, [("SELECT 1", None, 1)])


def test_both_sides_are_joined():
    expect_both(Run(*pair("SELECT 1", 1), *pair("SELECT 2", 2)), [("SELECT 1", None, 1), ("SELECT 2", None, 2)])
    (one, its), (two, other) = pair("SELECT 1", 1), pair("SELECT 2", 2)
    its.parent_id, other.parent_id = two.span_id, one.span_id
    for spans in ([one, two, its, other], [one, call()], [one, two, call("SELECT 1", 1, parent=one)],
                  [one, call("SELECT 1", 1, parent=one, trace="2" * 32)]):
        with pytest.raises(AssertionError):
            expect_calls_joined(spans)


def test_counts():
    expect_counts([call(), call()], SERVER, {"SELECT": 2, "INSERT": 0}, lambda span: span.name)
    with pytest.raises(AssertionError, match="expected"):
        expect_counts([call()], SERVER, {"SELECT": 2}, lambda span: span.name)


def test_the_log_as_calls():
    def entry(message, severity="LOG", pid=1, **more):
        return {"dbname": "app", "backend_type": "client backend", "pid": pid, "error_severity": severity,
                "message": message, **more}

    def error(code, statement, pid=1):
        return entry("no", "ERROR", pid, state_code=code, statement=statement)
    assert _calls_logged([
        entry("statement: SELECT a"), entry("execute s: SELECT b", pid=2), error("22012", "SELECT b", 2),
        error("42601", "SELEC c"), error("22012", "SELECT b", 2), {**entry("statement: SELECT d"), "dbname": "bench"},
        entry("duration: 1 ms"),
    ]) == [["SELECT a", None], ["SELECT b", "22012"], ["SELEC c", "42601"], ["SELECT b", "22012"]]


def test_the_servers_own_accounts(postgres, redis):
    postgres.psql("SELECT 11; SELECT 12", "bench")
    postgres.psql("SELECT 13")
    assert postgres.statements() == {"SELECT $1": 2}
    assert postgres.logged() == [["SELECT 13", None]]
    assert postgres.logged() == []
    redis.cli("GET", "k")
    redis.cli("LPUSH", "k", "v")
    redis.cli("GET", "k")
    assert redis.calls() == {"GET": 2, "LPUSH": 1}
