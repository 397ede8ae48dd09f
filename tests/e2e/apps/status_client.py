#!/usr/bin/env python3
"""COUNT requests of apps/status_server.py, each answer checked. Prints `done`.

usage: status_client.py PORT COUNT MODE [HOST]
  keep-alive  all on one connection
  short       a connection for each
  mptcp       keep-alive over multipath TCP
  finish      a connection for each, whose sending side is shut down after the request; the server waits for it
"""

import socket
import sys

from status_server import IPPROTO_MPTCP, status_of


def connect(mode, host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, IPPROTO_MPTCP if mode == "mptcp" else 0)
    sock.settimeout(20)
    sock.connect((host, port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def ask(sock, path):
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


def check(sock, path):
    status = status_of(path)
    body = f"{status} {path}\n".encode()
    expected = b"HTTP/1.1 %d Reason\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)
    data = b""
    while len(data) < len(expected):
        part = sock.recv(65536)
        assert part, f"{path}: cut short after {data!r}"
        data += part
    assert data == expected, (data, expected)


def main():
    port, count, mode = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    host = sys.argv[4] if len(sys.argv) > 4 else "127.0.0.1"
    paths = [f"/{mode}/{number}" for number in range(count)]
    if mode in ("keep-alive", "mptcp"):
        with connect(mode, host, port) as sock:
            for path in paths:
                ask(sock, path)
                check(sock, path)
    else:
        for path in paths:
            with connect(mode, host, port) as sock:
                ask(sock, path)
                if mode == "finish":
                    sock.shutdown(socket.SHUT_WR)
                check(sock, path)
                if mode == "finish":
                    assert sock.recv(1) == b"", "more than the answer"
    print("done", flush=True)


main()
