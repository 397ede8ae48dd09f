"""SQLAlchemy over psycopg 2, with its pool: HOST PORT. See README.md; parameters are written into the text."""

import json
import sys

import psycopg2.extensions
import sqlalchemy

sent = []  # as psycopg 2 put it together


class Cursor(psycopg2.extensions.cursor):
    def execute(self, query, vars=None):
        try:
            super().execute(query, vars)
        finally:
            sent.append(self.query.decode())


url = sqlalchemy.engine.URL.create("postgresql+psycopg2", username="clew", database="app", query={
    "host": sys.argv[1], "port": sys.argv[2], "sslmode": "disable", "gssencmode": "disable"})
engine = sqlalchemy.create_engine(url, pool_size=1, connect_args={"cursor_factory": Cursor})


def call(connection, text, rows=None, code=None, **parameters):
    said = None
    try:
        with connection.begin():
            got = connection.execute(sqlalchemy.text(text), parameters)
            assert rows is None or [row[0] for row in got] == list(range(1, rows + 1)), text
    except sqlalchemy.exc.DBAPIError as error:
        said = error.orig.pgcode
    assert said == code, (text, said)
    print(json.dumps({"text": sent[-1], "rows": rows, "code": code}))


with engine.connect() as database:
    for n in range(1, 11):
        call(database, f"SELECT generate_series(1, {n}) AS u{n}", rows=n)
    for n in range(11, 21):
        call(database, f"SELECT generate_series(1, CAST(:n AS int)) AS p{n}", n=n, rows=n)
    for n in range(21, 31):
        call(database, "SELECT generate_series(1, CAST(:n AS int)) AS q", n=n, rows=n)
    for n in (31, 32):
        call(database, "INSERT INTO items VALUES (:n, :note)", n=n, note=f"note {n}")
    call(database, "SELECT 1/0 AS e1", code="22012")
    call(database, "SELECT missing AS e2", code="42703")
    call(database, "SELEC e3", code="42601")
    call(database, "INSERT INTO items VALUES (:n, :note)", n=31, note="again", code="23505")
    call(database, "SELECT generate_series(1, 40) AS u40", rows=40)
engine.dispose()
