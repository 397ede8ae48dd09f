"""PostgreSQL's messages one by one, by a client that the test writes: pieces, batches, portals, lies."""

import struct

import pytest

from harness.calls import expect_calls
from harness.pg_wire import (COMPLETE, ERROR, FLUSH, READY, ROW, SUSPENDED, SYNC, PgWire, bind, call_function, describe,
                             execute, message, parse, query)
from harness.spans import SERVER
from harness.truth import account_for
from test_postgres import FAR, series

Q = "SELECT generate_series(1, $1::int) AS q"


def q(rows):
    return Q, None, rows


class Traced:
    def __init__(self, lab, postgres, transport="tcp"):
        self.agent = lab.agent(*lab.texts("raw"), *postgres.select)
        self.wire = PgWire(postgres, transport)

    def expect(self, *calls):
        self.wire.close()
        return expect_calls(self.agent.stop().spans, SERVER, calls)


@pytest.mark.parametrize("size, transport", [(1, "tcp"), (5, "tcp"), (1, "unix")])
def test_pieces(lab, postgres, size, transport):
    traced = Traced(lab, postgres, transport)
    texts, expected = series(1, 2, 3)
    for text, (_, _, n) in zip(texts, expected):
        traced.wire.send_pieces(query(text), size)
        traced.wire.rows(n)
        traced.wire.send_pieces(parse(Q) + bind(n) + describe(b"P") + execute() + SYNC, size)
        traced.wire.rows(n)
    traced.expect(*expected, q(1), q(2), q(3))


@pytest.mark.parametrize("transport", FAR)
def test_queries_without_waiting(lab, postgres, transport):
    """Nothing in the protocol makes a client wait between simple queries."""
    traced = Traced(lab, postgres, transport)
    texts, expected = series(*range(1, 60))
    traced.wire.send(*map(query, texts))
    for _, _, n in expected:
        traced.wire.rows(n)
    traced.expect(*expected)


def test_batches(lab, postgres):
    """Many executions to one Sync, in pieces that end within messages."""
    traced = Traced(lab, postgres)
    traced.wire.send(parse(Q, "p"), SYNC)
    traced.wire.until(READY)
    batch = b"".join(bind(n, name="p") + execute() for n in range(1, 80)) + SYNC
    traced.wire.send_pieces(batch, 1000)
    traced.wire.rows(sum(range(1, 80)))
    traced.expect(*map(q, range(1, 80)))


def test_flush_instead_of_sync(lab, postgres):
    traced = Traced(lab, postgres)
    for n in range(1, 10):
        traced.wire.send(parse(Q), bind(n), execute(), FLUSH)
        assert traced.wire.until(COMPLETE).count(ROW) == n
    traced.wire.send(SYNC)
    traced.wire.until(READY)
    traced.expect(*map(q, range(1, 10)))


def test_a_portal_read_bit_by_bit(lab, postgres):
    """Rows up to a limit for each Execute: each is a span with the rows that it returned."""
    traced = Traced(lab, postgres)
    traced.wire.send(query("BEGIN"))
    traced.wire.until(READY)
    traced.wire.send(parse(Q), bind(25, portal="c"), SYNC)
    traced.wire.until(READY)
    for rows in (10, 10, 5):
        traced.wire.send(execute(10, "c"), FLUSH)
        assert traced.wire.until(SUSPENDED, COMPLETE).count(ROW) == rows
    traced.wire.send(SYNC, query("COMMIT"))
    traced.wire.until(READY)
    traced.wire.until(READY)
    traced.expect(("BEGIN", None, None), q(10), q(10), q(5), ("COMMIT", None, None))


def test_preparing_is_no_call_unless_it_fails(lab, postgres):
    traced = Traced(lab, postgres)
    traced.wire.send(parse(Q, "p"), describe(b"S", "p"), SYNC)
    assert ERROR not in traced.wire.until(READY)
    traced.wire.send(parse("SELEC 7", "r"), SYNC)
    assert ERROR in traced.wire.until(READY)
    traced.wire.send(bind(3, name="p"), execute(), SYNC)
    traced.wire.rows(3)
    traced.wire.send(message(b"C", b"Sp\0"), SYNC)
    traced.wire.until(READY)
    traced.wire.send(bind(3, name="p"), execute(), SYNC)
    assert ERROR in traced.wire.until(READY)
    spans = traced.expect(("SELEC 7", "42601", None), q(3), (None, "26000", None))
    assert len(spans) == 3


def test_statements_of_one_name_follow_each_other(lab, postgres):
    traced = Traced(lab, postgres)
    texts, expected = series(*range(1, 10))
    for text, (_, _, n) in zip(texts, expected):
        traced.wire.send(message(b"C", b"Sp\0"), parse(text, "p"), bind(name="p"), execute(), SYNC)
        traced.wire.rows(n)
    traced.expect(*expected)


def test_empty_queries(lab, postgres):
    traced = Traced(lab, postgres)
    texts, expected = series(4)
    traced.wire.send(query(""), query(texts[0]), query(" ; "))
    traced.wire.until(READY)
    traced.wire.rows(4)
    traced.wire.until(READY)
    traced.wire.close()
    spans = traced.agent.stop().spans
    expect_calls([span for span in spans if (span.text or "").strip(" ;")], SERVER, expected)
    expect_calls([span for span in spans if not (span.text or "").strip(" ;")], SERVER, [None, None], lambda span: None)


def test_function_call(lab, postgres):
    """The oldest way: a function by its number."""
    oid = int(postgres.psql("SELECT 'int4pl'::regproc::oid::int"))
    traced = Traced(lab, postgres)
    texts, expected = series(1, 2)
    traced.wire.send(query(texts[0]))
    traced.wire.rows(1)
    # Binary would need formats; as text, the result is 5.
    traced.wire.send(call_function(oid, b"2", b"3"))
    assert traced.wire.until(READY) == [b"V", READY]
    traced.wire.send(query(texts[1]))
    traced.wire.rows(2)
    traced.wire.close()
    spans = traced.agent.stop().spans
    call, = expect_calls([span for span in spans if not span.text], SERVER, [None], lambda span: span.response_code)
    assert not call.failed
    expect_calls([span for span in spans if span.text], SERVER, expected)


def test_lengths_that_lie(lab, postgres):
    """Given up, without spans of garbage; other connections go on."""
    traced = Traced(lab, postgres)
    texts, expected = series(1, 2, 3, 4, 5)
    for length, text, n in zip((-1, 0, 3, 0x7fffffff), texts, range(1, 5)):
        with PgWire(postgres) as liar:
            liar.send(query(text))
            liar.rows(n)
            liar.send(b"Q" + struct.pack("!i", length) + b"SELECT 'a lie'\0")
            liar.socket.shutdown(1)
            assert liar.closed()
    traced.wire.send(query(texts[4]))
    traced.wire.rows(5)
    traced.wire.close()
    spans = traced.agent.stop().spans
    lies = [span for span in spans if span.text not in texts]
    assert len(lies) <= 4 and not any("lie" in (span.text or "") for span in lies), lies
    expect_calls([span for span in spans if span.text in texts], SERVER, expected)
    account_for(lies, "are the requests that never ended")
