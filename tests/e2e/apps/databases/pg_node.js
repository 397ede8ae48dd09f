// node-postgres: HOST PORT. See README.md.
'use strict';
const assert = require('node:assert');
const { Client } = require('pg');

const [host, port] = process.argv.slice(2);
const client = new Client({ host, port: Number(port), user: 'clew', database: 'app', ssl: false });

async function call(text, { values, rows = null, code = null, name } = {}) {
  let said = null;
  try {
    const got = await client.query({ text, values, name, rowMode: 'array' });
    if (rows !== null) assert.deepStrictEqual(got.rows.map((row) => row[0]), [...Array(rows)].map((_, i) => i + 1));
  } catch (error) {
    if (!error.severity) throw error;
    said = error.code;
  }
  assert.strictEqual(said, code, text);
  console.log(JSON.stringify({ text, rows, code }));
}

async function main() {
  await client.connect();
  for (let n = 1; n <= 10; n++) await call(`SELECT generate_series(1, ${n}) AS u${n}`, { rows: n });
  for (let n = 11; n <= 20; n++) await call(`SELECT generate_series(1, $1::int) AS p${n}`, { values: [n], rows: n });
  for (let n = 21; n <= 30; n++) {
    await call('SELECT generate_series(1, $1::int) AS q', { values: [n], rows: n, name: 'again' });
  }
  for (const n of [31, 32]) await call('INSERT INTO items VALUES ($1, $2)', { values: [n, `note ${n}`] });
  await call('SELECT 1/0 AS e1', { code: '22012' });
  await call('SELECT missing AS e2', { code: '42703' });
  await call('SELEC e3', { code: '42601' });
  await call('INSERT INTO items VALUES ($1, $2)', { values: [31, 'again'], code: '23505' });
  await client.query('BEGIN');
  await call('SELECT generate_series(1, 40) AS u40', { rows: 40 });
  await client.query('ROLLBACK');
  await client.end();
}

main();
