#!/usr/bin/python3
"""A service with about 1 ms of work for each request: one process, one thread, epoll. Prints `listening PORT`,
and `served N` at SIGTERM. The work is fixed, not its time: service.py [ITERATIONS]."""

import hashlib
import selectors
import signal
import socket
import sys

ITERATIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
BODY = b'{"total": 42}\n'
ANSWER = (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer: service\r\n"
          b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY))


class Service:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.served = 0
        self.running = True

    def stop(self, *_):
        self.running = False

    def serve(self, connection):
        request = connection.recv(65536)  # a request without body comes in one piece here
        if not request:
            self.selector.unregister(connection)
            connection.close()
            return
        hashlib.pbkdf2_hmac("sha256", request, b"salt", ITERATIONS)
        connection.sendall(ANSWER)
        self.served += 1

    def run(self):
        print("listening", self.listener.getsockname()[1], flush=True)
        while self.running:
            for key, _ in self.selector.select(timeout=0.2):
                try:
                    if key.fileobj is self.listener:
                        connection, _ = self.listener.accept()
                        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        self.selector.register(connection, selectors.EVENT_READ)
                    else:
                        self.serve(key.fileobj)
                except ConnectionError:
                    self.selector.unregister(key.fileobj)
                    key.fileobj.close()
        print("served", self.served, flush=True)


service = Service()
signal.signal(signal.SIGTERM, service.stop)
service.run()
