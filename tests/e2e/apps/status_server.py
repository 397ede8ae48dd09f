#!/usr/bin/env python3
"""Answers each request with a status that its path decides and a body that says both, so that an answer
paired with another request shows. A POST's body comes back. Prints `listening PORT` (or `listening`).

usage: status_server.py [HOST | /UNIX/PATH] [pool | finish | mptcp]
  pool     the answers of a connection are written in order, each by another thread
  finish   answers only once the client has shut down its sending side, then shuts down its own
"""

import queue
import socket
import sys
import threading
import zlib

STATUSES = (200, 201, 202, 404, 409, 500)
IPPROTO_MPTCP = 262


def status_of(path):
    return STATUSES[zlib.crc32(path.encode()) % len(STATUSES)]


class Requests:
    """The requests of a connection: (path, body) each."""

    def __init__(self, connection):
        self.connection = connection
        self.data = bytearray()

    def more(self):
        part = self.connection.recv(65536)
        self.data += part
        return bool(part)

    def __iter__(self):
        while True:
            while (end := self.data.find(b"\r\n\r\n")) < 0:
                if not self.more():
                    return
            head = bytes(self.data[:end]).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:])
            body_end = end + 4 + int(headers.get("content-length", 0))
            while len(self.data) < body_end:
                if not self.more():
                    return
            body = bytes(self.data[end + 4:body_end])
            del self.data[:body_end]
            yield head[0].split()[1], body


def answer(path, body):
    status = status_of(path)
    body = body or f"{status} {path}\n".encode()
    return b"HTTP/1.1 %d Reason\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def serve(connection):
    for path, body in Requests(connection):
        connection.sendall(answer(path, body))


def serve_by_pool(connection):
    """Thread k of four writes answers k, k + 4, ...; each hands the turn to the next."""
    work = [queue.Queue() for _ in range(4)]
    turns = [threading.Semaphore(number == 0) for number in range(4)]

    def write(number):
        while request := work[number].get():
            turns[number].acquire()
            connection.sendall(answer(*request))
            turns[(number + 1) % 4].release()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for count, request in enumerate(Requests(connection)):
        work[count % 4].put(request)
    for tasks in work:
        tasks.put(None)
    for thread in threads:
        thread.join()


def serve_at_the_end(connection):
    for path, body in list(Requests(connection)):
        connection.sendall(answer(path, body))
    connection.shutdown(socket.SHUT_WR)


def handle(connection, work):
    with connection:
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        work(connection)


def listen(where, protocol):
    family = socket.AF_UNIX if "/" in where else socket.AF_INET6 if ":" in where else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, protocol)
    if where == "::":
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind(where if family == socket.AF_UNIX else (where, 0))
    listener.listen(128)
    return listener


def main():
    where = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    mode = sys.argv[2] if len(sys.argv) > 2 else ""
    listener = listen(where, IPPROTO_MPTCP if mode == "mptcp" else 0)
    work = {"pool": serve_by_pool, "finish": serve_at_the_end}.get(mode, serve)
    name = listener.getsockname()
    print("listening", *name[1:2] if isinstance(name, tuple) else (), flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=handle, args=(connection, work), daemon=True).start()


if __name__ == "__main__":
    main()
