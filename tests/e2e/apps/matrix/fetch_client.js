// Node's fetch: the matrix's exchanges, its account on stdout.
'use strict';
const base = process.argv[2];

async function exchange(method, path, query = '', options = {}) {
  const response = await fetch(base + path + query, { method, ...options });
  await response.arrayBuffer();
  console.log(method, path, response.status);
}

async function* pieces() {
  for (let i = 0; i < 10; i += 1) yield new Uint8Array(100000);
}

async function main() {
  for (let i = 0; i < 10; i += 1) await exchange('GET', `/item/k${i}`);
  await exchange('HEAD', '/item/head');
  for (const code of [204, 304, 404, 500]) await exchange('GET', `/item/s${code}`, `?status=${code}`);
  for (const path of ['/bytes/0', '/bytes/1000000', '/stream/5']) await exchange('GET', path);
  await exchange('POST', '/upload/length', '', { body: new Uint8Array(1000000) });
  await exchange('POST', '/upload/chunked', '', { body: pieces(), duplex: 'half' });
  await Promise.all(Array.from({ length: 8 }, async (_, task) => {
    for (let i = 0; i < 25; i += 1) await exchange('GET', `/item/c${task}-${i}`);
  }));
}
main();
