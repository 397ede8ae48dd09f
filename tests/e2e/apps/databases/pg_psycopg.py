"""psycopg 3: HOST PORT. See README.md."""

import json
import sys

import psycopg

connection = psycopg.connect(host=sys.argv[1], port=sys.argv[2], user="clew", dbname="app", sslmode="disable",
                             gssencmode="disable", autocommit=True)


def call(text, *parameters, rows=None, code=None):
    said = None
    try:
        cursor = connection.execute(text.replace("$1", "%s").replace("$2", "%s"), parameters or None)
        if rows is not None:
            assert [row[0] for row in cursor.fetchall()] == list(range(1, rows + 1)), text
    except psycopg.Error as error:
        said = error.sqlstate
    assert said == code, (text, said)
    print(json.dumps({"text": text, "rows": rows, "code": code}))


for n in range(1, 11):
    call(f"SELECT generate_series(1, {n}) AS u{n}", rows=n)
for n in range(11, 21):
    call(f"SELECT generate_series(1, $1::int) AS p{n}", n, rows=n)
for n in range(21, 31):
    call("SELECT generate_series(1, $1::int) AS q", n, rows=n)
for n in (31, 32):
    call("INSERT INTO items VALUES ($1, $2)", n, f"note {n}")
call("SELECT 1/0 AS e1", code="22012")
call("SELECT missing AS e2", code="42703")
call("SELEC e3", code="42601")
call("INSERT INTO items VALUES ($1, $2)", 31, "again", code="23505")
with connection.transaction(force_rollback=True):
    call("SELECT generate_series(1, 40) AS u40", rows=40)
connection.close()
