#!/usr/bin/env python3
"""HTTP/1.1 with keep-alive on the UNIX socket argv[1] (`@name`: abstract), a thread per connection. Prints
`listening`. `/close` answers with a body that ends with the stream."""

import socketserver
import sys
from http.server import BaseHTTPRequestHandler


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/close":
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            for part in (b"one\n", b"two\n", b"the end\n"):
                self.wfile.write(part)
            self.close_connection = True
        else:
            self.answer(b"x" * 1_000_000 if self.path == "/large" else self.path.encode() + b"\n")

    def do_POST(self):
        left = total = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, 65536)))
        self.answer(f"{total}\n".encode())

    def address_string(self):
        return "unix"

    def log_message(self, *arguments):
        pass


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


address = sys.argv[1]
server = Server("\0" + address[1:] if address.startswith("@") else address, Handler)
print("listening", flush=True)
server.serve_forever()
