"""asyncpg: HOST PORT. See README.md."""

import asyncio
import json
import sys

import asyncpg


async def call(connection, text, *parameters, rows=None, code=None):
    said = None
    try:
        got = await connection.fetch(text, *parameters)
        assert rows is None or [row[0] for row in got] == list(range(1, rows + 1)), text
    except asyncpg.PostgresError as error:
        said = error.sqlstate
    assert said == code, (text, said)
    print(json.dumps({"text": text, "rows": rows, "code": code}))


async def main():
    connection = await asyncpg.connect(host=sys.argv[1], port=int(sys.argv[2]), user="clew", database="app", ssl=False)
    for n in range(1, 11):
        await call(connection, f"SELECT generate_series(1, {n}) AS u{n}", rows=n)
    for n in range(11, 21):
        await call(connection, f"SELECT generate_series(1, $1::int) AS p{n}", n, rows=n)
    for n in range(21, 31):
        await call(connection, "SELECT generate_series(1, $1::int) AS q", n, rows=n)
    for n in (31, 32):
        await call(connection, "INSERT INTO items VALUES ($1, $2)", n, f"note {n}")
    await call(connection, "SELECT 1/0 AS e1", code="22012")
    await call(connection, "SELECT missing AS e2", code="42703")
    await call(connection, "SELEC e3", code="42601")
    await call(connection, "INSERT INTO items VALUES ($1, $2)", 31, "again", code="23505")
    transaction = connection.transaction()
    await transaction.start()
    await call(connection, "SELECT generate_series(1, 40) AS u40", rows=40)
    await transaction.rollback()
    await connection.close()


asyncio.run(main())
