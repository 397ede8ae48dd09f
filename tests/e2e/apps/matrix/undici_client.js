// undici's Client with pipelining, and its Pool: the matrix's exchanges, its account on stdout.
'use strict';
const { Client, Pool } = require('undici');
const base = process.argv[2];

async function exchange(dispatcher, method, path, query = '', body = null) {
  const response = await dispatcher.request({ method, path: path + query, body });
  await response.body.arrayBuffer();
  console.log(method, path, response.statusCode);
}

async function* pieces() {
  for (let i = 0; i < 10; i += 1) yield Buffer.alloc(100000);
}

async function main() {
  const client = new Client(base, { pipelining: 10 });
  await exchange(client, 'GET', '/item/first');
  await Promise.all(Array.from({ length: 50 }, (_, i) => exchange(client, 'GET', `/item/p${i}`)));
  await exchange(client, 'HEAD', '/item/head');
  for (const code of [204, 304, 404, 500]) await exchange(client, 'GET', `/item/s${code}`, `?status=${code}`);
  for (const path of ['/bytes/0', '/bytes/1000000', '/stream/5']) await exchange(client, 'GET', path);
  await exchange(client, 'POST', '/upload/length', '', Buffer.alloc(1000000));
  await exchange(client, 'POST', '/upload/chunked', '', pieces());
  await client.close();
  const pool = new Pool(base, { connections: 4 });
  await Promise.all(Array.from({ length: 8 }, async (_, task) => {
    for (let i = 0; i < 25; i += 1) await exchange(pool, 'GET', `/item/c${task}-${i}`);
  }));
  await pool.close();
}
main();
