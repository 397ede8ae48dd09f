"""PostgreSQL 15 and what its own tools ask it: each statement is one span on each side, with its own text,
rows and error. Most statements return as many rows as their text says, so a reply that was given to another
statement shows."""

import json
import re

import psycopg
import pytest

from harness.calls import expect_both, expect_calls, expect_calls_joined, of_kind
from harness.databases import BINARIES, USER
from harness.spans import CLIENT, SERVER
from harness.truth import account_for, expect_attributes, expect_same

FAR = ["tcp", "unix"]
CANCEL = (None, None, None)


def series(*numbers):
    """Statements that return as many rows as they say, and what their spans show."""
    texts = [f"SELECT generate_series(1, {n}) AS u{n}" for n in numbers]
    return texts, [(text, None, n) for text, n in zip(texts, numbers)]


def psql(lab, postgres, *statements, select=None, transport="tcp", texts="raw"):
    """psql and the spans of it and of its backend; psql goes on after errors."""
    command = postgres.psql_command("-f", postgres.script(*(f"{text};" for text in statements)), transport=transport)
    return lab.trace([*lab.texts(texts), *(postgres.select if select is None else select)], command)


def shape(text):
    """Alike whether pg_stat_statements, clew or nobody put parameters in place of values."""
    text = re.sub(r"\$\d+|'[^']*'|\b(\d+|true)\b|\?", "?", " ".join(text.split()))
    return re.sub(r"- ?\?", "?", text).rstrip("; ")


@pytest.mark.parametrize("mode, transport", [("simple", "tcp"), ("extended", "tcp"), ("prepared", "tcp"),
                                             ("prepared", "unix")])
def test_pgbench(lab, postgres, mode, transport):
    """As many spans on each side as pg_stat_statements counts, for each shape of statement."""
    child, result = lab.trace([*lab.room(), *postgres.select], [
        BINARIES / "pgbench", "-n", "-M", mode, "-c", "4", "-j", "1", "-t", "200", "-h", postgres.at(transport),
        "-p", str(postgres.port), "-U", USER, "bench"])
    assert "processed: 800/800" in child.stdout.text, child.describe()
    counted = postgres.statements()
    if mode == "prepared":
        # pg_stat_statements 15 counts a prepared BEGIN or END once for each connection, however often it runs.
        counted |= {"BEGIN": 800, "END": 800}
    assert sum(counted.values()) > 800 * 7, counted
    expected = [shape(text) for text, calls in counted.items() for _ in range(calls)]
    for kind in (SERVER, CLIENT):
        expect_calls(result.spans, kind, expected, lambda span: shape(span.text))
    expect_calls_joined(result.spans)
    for span in result.spans:
        assert span.response_code is None, span
        if span.name == "SELECT pgbench_accounts":
            assert span.rows == 1, span
    assert {"SELECT pgbench_accounts", "UPDATE pgbench_tellers", "INSERT pgbench_history", "BEGIN", "END"} <= \
        {span.name for span in result.spans}


@pytest.mark.parametrize("transport", FAR)
def test_both_sides(lab, postgres, transport):
    texts, expected = series(*range(1, 60))
    _, result = psql(lab, postgres, *texts, transport=transport)
    expect_both(result, expected)


@pytest.mark.parametrize("transport", FAR)
@pytest.mark.parametrize("side", ["server", "client"])
def test_one_side(lab, postgres, side, transport):
    texts, expected = series(*range(1, 30))
    if side == "client":
        _, result = psql(lab, postgres, *texts, select=[], transport=transport)
        expect_calls(result.spans, CLIENT, expected)
        assert result.servers == []
        return
    agent = lab.agent(*lab.texts("raw"), *postgres.select)
    command = postgres.psql_command("-f", postgres.script(*(f"{text};" for text in texts)), transport=transport)
    assert lab.run(command).process.returncode == 0
    result = agent.stop()
    expect_calls(result.spans, SERVER, expected)
    assert result.clients == []


def test_attributes(lab, postgres):
    _, result = psql(lab, postgres, "SELECT 42, 'secret' FROM items", "SELECT 1/0 FROM pg_class")
    account_for(result.spans, "each is compared below")
    optional = {"clew.link", "network.peer.address", "network.peer.port", "network.transport", "network.type",
                "server.address", "client.address", "client.port"}
    for kind in (SERVER, CLIENT):
        good, bad = sorted(of_kind(result.spans, kind), key=lambda span: span.start_ns)
        common = {"db.system.name": "postgresql", "db.namespace": "app", "server.port": postgres.port,
                  "db.operation.name": "SELECT", "clew.db.user": USER}
        expect_attributes(good.attributes, common | {
            "db.query.text": "SELECT 42, 'secret' FROM items;", "db.query.summary": "SELECT items",
            "db.collection.name": "items",
            "db.response.returned_rows": 0}, optional)
        expect_attributes(bad.attributes, common | {
            "db.query.text": "SELECT 1/0 FROM pg_class;", "db.query.summary": "SELECT pg_class",
            "db.collection.name": "pg_class",
            "db.response.status_code": "22012", "error.type": "22012"}, optional)
        assert (good.name, bad.name) == ("SELECT items", "SELECT pg_class")
        assert good.service == ("postgres" if kind == SERVER else "psql")


def libpq(lab, postgres, mode, transport="tcp"):
    program = lab.native("pg_libpq", "databases", ["-I/usr/include/postgresql", "-lpq"])
    return [program, postgres.at(transport), str(postgres.port), mode]


def said_by(child):
    """(text, code, rows) of the calls that the client says it made, and the texts of those that were skipped."""
    calls = [json.loads(line) for line in child.stdout.text.splitlines() if line.startswith("{")]
    return [(call["text"], call["code"], call["rows"]) for call in calls if not call.get("skipped")], \
        [call["text"] for call in calls if call.get("skipped")]


@pytest.mark.parametrize("transport", FAR)
@pytest.mark.parametrize("mode, answered, unrun", [("pipeline", 60, 50), ("syncs", 55, 5)])
def test_pipeline(lab, postgres, mode, answered, unrun, transport):
    """libpq's pipeline of depth 100 with an error in the middle: what is behind it up to the Sync was skipped,
    what comes after the Sync runs."""
    child, result = lab.trace([*lab.texts("raw"), *postgres.select], libpq(lab, postgres, mode, transport))
    ran, skipped = said_by(child)
    assert (len(ran), len(skipped)) == (answered, unrun), child.describe()
    for kind in (CLIENT, SERVER):
        spans = of_kind(result.spans, kind)
        unrun_spans = [span for span in spans if span.text in skipped]
        expect_calls([span for span in spans if span.text not in skipped], kind, ran)
        expect_same(skipped, [span.text for span in unrun_spans], "statements that were skipped")
        for span in unrun_spans:
            assert span.rows is None and span.response_code is None, (span, span.attributes)
            assert span.attributes["error.type"], span.attributes
        account_for(unrun_spans, "are the skipped ones")
    expect_calls_joined(result.spans)


@pytest.mark.parametrize("transport", FAR)
def test_cancel(lab, postgres, transport):
    """The request to cancel comes on a connection of its own."""
    child, result = lab.trace([*lab.texts("raw"), *postgres.select], libpq(lab, postgres, "cancel", transport))
    calls, _ = said_by(child)
    assert [call[1] for call in calls] == ["57014", None], child.describe()
    expect_both(result, [*calls, CANCEL])


@pytest.mark.parametrize("transport", FAR)
def test_prepared_before_the_agent_came(lab, postgres, transport):
    """The text is unknown, and nothing else is shown in its place; the name is."""
    client = lab.start(libpq(lab, postgres, "prepared", transport))
    client.expect("^prepared$")
    agent = lab.agent(*lab.texts("raw"), *postgres.select, "--pid", client.pid)
    for n in range(1, 21):
        client.tell(f"{n}\n")
        client.expect(rf'"rows": {n},')
    result = agent.stop()
    for kind in (CLIENT, SERVER):
        spans = of_kind(result.spans, kind)
        expect_same(range(1, 21), [span.rows for span in spans], "rows of the prepared statement")
        for span in spans:
            assert span.text is None and "early" in " ".join(map(str, [span.name, *span.attributes.values()])), \
                (span, span.attributes)
        account_for(spans, "have the rows that were asked for")
    expect_calls_joined(result.spans)


@pytest.mark.parametrize("transport", FAR)
def test_connection_older_than_the_agent(lab, postgres, transport):
    client = lab.start(postgres.psql_command(transport=transport), name="psql")

    def ask(n):
        client.tell(f"SELECT generate_series(1, {n}) AS u{n};\n\\echo done {n}\n")
        client.expect(f"^done {n}$")
    ask(1)
    agent = lab.agent(*lab.texts("raw"), *postgres.select, "--pid", client.pid)
    for n in range(2, 30):
        ask(n)
    expect_both(agent.stop(), series(*range(2, 30))[1])


def test_extended_calls_of_a_connection_older_than_the_agent(lab, postgres):
    with psycopg.connect(host=postgres.at("tcp"), port=postgres.port, user=USER, dbname="app", autocommit=True,
                         sslmode="disable", gssencmode="disable") as connection:
        agent = lab.agent(*lab.texts("raw"), *postgres.select)
        for n in range(1, 21):
            assert len(connection.execute("SELECT generate_series(1, %s) AS q", (n,)).fetchall()) == n
    text = "SELECT generate_series(1, $1) AS q"
    expect_calls(agent.stop().spans, SERVER, [(text, None, n) for n in range(1, 21)])


ERRORS = {
    "SELECT 1/0 AS e": "22012", "SELECT missing FROM items": "42703", "SELECT 1 FROM missing": "42P01",
    "SELEC 1": "42601", "INSERT INTO items VALUES (NULL)": "23502", "SELECT 'x'::int": "22P02",
}


def test_errors(lab, postgres):
    texts, expected = series(*range(1, len(ERRORS) + 1))
    _, result = psql(lab, postgres, *(text for pair in zip(texts, ERRORS) for text in pair))
    expect_both(result, [*expected, *((text, code, None) for text, code in ERRORS.items())])


def test_failed_transaction(lab, postgres):
    texts, expected = series(5, 6)
    _, result = psql(lab, postgres, "BEGIN", "SELECT 1/0 AS e", texts[0], "ROLLBACK", texts[1])
    expect_both(result, [("BEGIN", None, None), ("SELECT 1/0 AS e", "22012", None), (texts[0], "25P02", None),
                         ("ROLLBACK", None, None), expected[1]])
