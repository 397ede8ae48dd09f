// The matrix's answers on express.
'use strict';
const express = require('express');

const app = express();
app.get('/item/:item', (request, response) => {
  const code = Number(request.query.status || 200);
  response.status(code).set('X-Item', request.params.item);
  if (code === 304) response.end(); else response.send(request.params.item);
});
app.get('/bytes/:count', (request, response) => response.send(Buffer.alloc(Number(request.params.count), 'x')));
app.get('/stream/:count', (request, response) => {
  for (let i = 0; i < Number(request.params.count); i += 1) response.write(Buffer.alloc(1000, 'y'));
  response.end();
});
app.post('/upload/:item', (request, response) => {
  let received = 0;
  request.on('data', (data) => { received += data.length; });
  request.on('end', () => response.set('X-Item', request.params.item).send(String(received)));
});
const server = app.listen(Number(process.argv[3]), process.argv[2],
  () => console.log('listening', server.address().port));
