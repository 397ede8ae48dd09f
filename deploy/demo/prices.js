#!/usr/bin/env node
// The demo's price service: Node's own http module, with no instrumentation in it.
//
// usage: prices.js PORT SHOP_PORT
//
//   /price/bundle   asks the shop for its stock first (a call back)
//   /price/slow     takes its time
//   /price/broken   answers 500
//   /price/ITEM     answers at once
'use strict';
const http = require('http');

const [port, shopPort] = process.argv.slice(2).map(Number);
const SLOW_MS = 300;

function answer(response, status, value) {
  const body = JSON.stringify(value) + '\n';
  response.writeHead(status,
    {'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body)});
  response.end(body);
}

function askForStock(item, query, done) {
  const path = `/stock/${item}${query}`;
  http.get({host: '127.0.0.1', port: shopPort, path}, (stock) => {
    const chunks = [];
    stock.on('data', (chunk) => chunks.push(chunk));
    stock.on('end', () => done(null, JSON.parse(Buffer.concat(chunks)).stock));
  }).on('error', done);
}

http.createServer((request, response) => {
  const url = new URL(request.url, 'http://prices');
  const item = url.pathname.split('/').pop();
  if (item === 'broken') {
    answer(response, 500, {error: 'the price list is torn'});
  } else if (item === 'slow') {
    setTimeout(() => answer(response, 200, {price: 9}), SLOW_MS);
  } else if (item === 'bundle') {
    askForStock(item, url.search, (error, stock) =>
      answer(response, error ? 500 : 200, error ? {error: error.message} : {price: 7 * stock}));
  } else {
    answer(response, 200, {price: item.length});
  }
}).listen(port, '127.0.0.1');
