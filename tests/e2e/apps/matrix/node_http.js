// The matrix's answers on Node's own http server.
'use strict';
const http = require('http');

const server = http.createServer((request, response) => {
  const url = new URL(request.url, 'http://test');
  const [, kind, value] = url.pathname.split('/');
  let received = 0;
  request.on('data', (data) => { received += data.length; });
  request.on('end', () => {
    if (kind === 'item') {
      const code = Number(url.searchParams.get('status') || 200);
      response.writeHead(code, { 'X-Item': value });
      response.end(code === 204 || code === 304 ? undefined : value);
    } else if (kind === 'upload') {
      response.writeHead(200, { 'X-Item': value });
      response.end(String(received));
    } else if (kind === 'bytes') {
      const body = Buffer.alloc(Number(value), 'x');
      response.writeHead(200, { 'Content-Length': body.length });
      response.end(body);
    } else {
      for (let i = 0; i < Number(value); i += 1) response.write(Buffer.alloc(1000, 'y'));
      response.end();
    }
  });
});
server.listen(Number(process.argv[3]), process.argv[2], () => console.log('listening', server.address().port));
