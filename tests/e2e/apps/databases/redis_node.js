// ioredis: HOST PORT, or the socket's path and 0. See README.md.
'use strict';
const assert = require('node:assert');
const Redis = require('ioredis');

const [host, port] = process.argv.slice(2);
const client = port === '0' ? new Redis(host) : new Redis(Number(port), host);
const isList = (n) => n % 3 === 0;

function note(command, key, error) {
  console.log(JSON.stringify({ command, key, code: error ? error.message.split(' ')[0] : null }));
}

function check(n, error, value) {
  assert.strictEqual(Boolean(error), isList(n), `k${n}: ${error}`);
  if (!error) assert.strictEqual(value, `v${n}`);
  note('GET', `k${n}`, error);
}

async function main() {
  for (let n = 0; n < 40; n++) {
    const command = isList(n) ? 'RPUSH' : 'SET';
    await client.call(command, `k${n}`, `v${n}`);
    note(command, `k${n}`);
  }
  for (let n = 0; n < 40; n++) {
    await client.get(`k${n}`).then((value) => check(n, null, value), (error) => check(n, error));
  }
  const batch = client.pipeline();
  for (let n = 0; n < 40; n++) batch.get(`k${n}`);
  (await batch.exec()).forEach(([error, value], n) => check(n, error, value));
  const transaction = client.multi();
  for (let n = 0; n < 3; n++) transaction.set(`t${n}`, `v${n}`);
  assert.deepStrictEqual(await transaction.exec(), [[null, 'OK'], [null, 'OK'], [null, 'OK']]);
  note('MULTI', null);
  for (let n = 0; n < 3; n++) note('SET', `t${n}`);
  note('EXEC', null);
  await client.incr('k1').then(() => assert.fail(), (error) => note('INCR', 'k1', error));
  await client.quit();
}

main();
