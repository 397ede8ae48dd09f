// Node's own http server with answers of every framing. Prints `listening PORT`.
'use strict';
const http = require('http');

const server = http.createServer((request, response) => {
  const path = request.url.split('?')[0];
  let length = 0;
  request.on('data', (chunk) => { length += chunk.length; });
  request.on('end', () => {
    if (path === '/chunked') {
      response.write('one');
      setImmediate(() => { response.write('two'); response.end('three'); });
    } else if (path === '/204' || path === '/304') {
      response.writeHead(Number(path.slice(1))).end();
    } else if (path === '/500') {
      response.writeHead(500).end('broken\n');
    } else if (path === '/slow') {
      setTimeout(() => response.end('slow\n'), 300);
    } else {
      response.end(`${length}\n`);
    }
  });
});
server.listen(0, '127.0.0.1', () => console.log('listening', server.address().port));
