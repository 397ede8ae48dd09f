"""PostgreSQL: what is not a statement with a short answer. COPY, notifications, long texts and results,
encryption, secrets."""

import subprocess

import pytest

from harness.calls import call_of, expect_both, expect_calls
from harness.databases import GUARDED, PASSWORD
from harness.spans import CLIENT, SERVER
from test_postgres import psql, series

ROWS = 20_000


def test_copy(lab, postgres):
    """Data that looks like messages is none; what comes behind it is read again."""
    texts, expected = series(1, 2, 3)
    data = [f"{n}\tQ\\\\0\\\\0\\\\0 SELECT {n} Z C D" for n in range(ROWS)]
    script = postgres.script(f"{texts[0]};", "COPY items FROM STDIN;", *data, "\\.", f"{texts[1]};",
                             "COPY items TO STDOUT;", "COPY items FROM STDIN;", "not a number", "\\.", f"{texts[2]};")
    child, result = lab.trace([*lab.texts("raw"), *postgres.select], postgres.psql_command("-f", script))
    assert child.stdout.text.count("\n") == 1 + 2 + ROWS + 3, child.describe()
    copied = [("COPY items FROM STDIN", None, None), ("COPY items TO STDOUT", None, None),
              ("COPY items FROM STDIN", "22P02", None)]
    expect_both(result, [*expected, *copied])


def test_notifications(lab, postgres):
    """They come when nobody asked, also within the answers of others, and answer nothing."""
    listener = lab.start(postgres.psql_command(), name="psql")
    listener.tell("LISTEN news;\n\\echo ready\n")
    listener.expect("^ready$")
    agent = lab.agent(*lab.texts("raw"), *postgres.select, "--pid", listener.pid)
    for n in range(1, 11):
        postgres.psql(f"NOTIFY news, 'number {n}'")
        listener.tell(f"SELECT generate_series(1, {n}) AS u{n};\n\\echo done {n}\n")
        listener.expect(f"^done {n}$")
    result = agent.stop()
    assert listener.stdout.text.count("Asynchronous notification") == 10, listener.describe()
    notifier = [(f"NOTIFY news, 'number {n}'", None, None) for n in range(1, 11)]
    expected = series(*range(1, 11))[1]
    expect_calls(result.spans, CLIENT, expected)
    expect_calls(result.spans, SERVER, [*expected, *notifier])


@pytest.mark.parametrize("transport", ["tcp", "unix"])
def test_long_results(lab, postgres, transport):
    """The end of a result shows, however long it is, and its inside costs nothing."""
    texts, expected = series(100_000, 1, 50_000, 2)
    child, result = psql(lab, postgres, *texts, transport=transport)
    assert child.stdout.text.count("\n") == 150_003
    expect_both(result, expected)


def test_long_rows(lab, postgres):
    texts, expected = series(1, 2)
    long = "SELECT repeat('Z', 3000000) AS z FROM generate_series(1, 3)"
    _, result = psql(lab, postgres, texts[0], long, texts[1])
    expect_both(result, [expected[0], (long, None, 3), expected[1]])


def test_long_statement(lab, postgres):
    """A text of 100 KB is cut."""
    long = f"SELECT generate_series(1, 7) AS u7, '{'x' * 100_000}' AS filler"
    texts, expected = series(1, 2)
    _, result = psql(lab, postgres, texts[0], long, texts[1])
    for span in result.spans:
        if span.rows == 7:
            assert 100 < len(span.text) < 100_000 and long.startswith(span.text[:100]), span.text[:200]
    seven = ("long", None, 7)
    expect_both(result, [expected[0], seven, expected[1]],
                lambda span: seven if span.rows == 7 else call_of(span))


@pytest.mark.parametrize("option", ["-c", "-f"])
def test_several_statements_in_one_query(lab, postgres, option):
    """psql -c sends the whole as one query. What was answered is told, whichever way it is divided."""
    texts, expected = series(2, 3, 4)
    if option == "-f":
        _, result = psql(lab, postgres, "\\; ".join(texts))
    else:
        _, result = lab.trace([*lab.texts("raw"), *postgres.select], postgres.psql_command("-c", "; ".join(texts)))
    whole = "; ".join(texts)
    expect_both(result, [(whole, None, 9)], lambda span: (span.text.rstrip(";"), span.response_code, span.rows))


def test_encryption(lab, clusters):
    """Encrypted: no spans and no losses. Asked for and refused: as without."""
    server = clusters("ssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\n", certificate=True)
    question = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    command = ["env", "PGSSLMODE=require", *server.psql_command("-c", question)]
    child, result = lab.trace(server.select, command)
    assert child.stdout.text == "t\n", child.describe()
    result.expect_nothing()


def test_encryption_refused(lab, postgres):
    texts, expected = series(*range(1, 10))
    for mode in ("prefer", "disable"):
        command = ["env", f"PGSSLMODE={mode}", *postgres.psql_command("-f", postgres.script(*(f"{t};" for t in texts)))]
        _, result = lab.trace([*lab.texts("raw"), *postgres.select], command)
        expect_both(result, expected)


def everything_said(result):
    """By the agent: a command that it traces writes to the same stream."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("clew")]
    return "\n".join([*lines, result.span_file.read_text(encoding="utf-8")])


@pytest.mark.parametrize("texts", ["sanitized", "raw"])
def test_the_password_of_a_connection(lab, postgres, texts):
    _, result = lab.trace([*lab.texts(texts), *postgres.select], [
        "env", f"PGPASSWORD={PASSWORD}", *postgres.psql_command("-c", "SELECT 5 AS five", user=GUARDED)])
    expect_both(result, [("SELECT 5 AS five" if texts == "raw" else "SELECT ? AS five", None, 1)])
    assert PASSWORD not in everything_said(result)


def test_values_are_left_out(lab, postgres):
    """Whatever form they have. Cut texts, too."""
    secret = "tops3cret"
    encoded = secret.encode().hex()
    statements = [
        f"SELECT '{secret}', E'\\'{secret}', $a${secret}$a$, U&'{secret}', B'01', X'{encoded}' --{secret}\n",
        f"SELECT 1 FROM items WHERE note IN ('{secret}', '{secret}') /* {secret} /* {secret} */ {secret} */",
        f"ALTER ROLE {GUARDED} PASSWORD '{secret}'", f"CREATE ROLE a PASSWORD '{secret}' LOGIN", "DROP ROLE a",
        f"ALTER ROLE {GUARDED} PASSWORD '{PASSWORD}'", "SELECT 1 FROM items WHERE id = 8675309",
        f"SELECT '{'x' * 100_000}{secret}'", f"SELECT '{secret}' FROM missing"]
    _, result = psql(lab, postgres, *statements, texts="sanitized")
    operations = ["SELECT", "SELECT", "ALTER", "CREATE", "DROP", "ALTER", "SELECT", "SELECT", "SELECT"]
    expect_both(result, operations, lambda span: span.operation.partition(" ")[0])
    said = everything_said(result)
    for value in (secret, encoded, PASSWORD, "8675309", "xxxxxxxx"):
        assert value not in said, value


def test_wrong_password(lab, postgres):
    """A connection that was refused is told as such."""
    agent = lab.agent(*postgres.select)
    done = subprocess.run(postgres.psql_command("-c", "SELECT 1", user=GUARDED), capture_output=True, check=False,
                          env=lab.environment(PGPASSWORD="wr0ng-one"), stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    result = agent.stop()
    refused, = expect_calls(result.spans, SERVER, [(None, "28P01", None)])
    assert refused.name == "connect", refused
    assert "wr0ng-one" not in everything_said(result)


def test_texts_off(lab, postgres):
    texts, expected = series(3, 4)
    _, result = psql(lab, postgres, *texts, texts="off")
    expect_both(result, [(None, None, n) for _, _, n in expected])
    assert {span.operation for span in result.spans} == {"SELECT"}
