#!/usr/bin/env python3
"""The other end of apps/native/uring_pair.c, by ordinary system calls.

usage: uring_peer.py server              prints `listening PORT`
       uring_peer.py client PORT COUNT   waits for a line on stdin, prints `done`
"""

import socket
import sys


def answer(path):
    status = 200 + int(path.rsplit("/", 1)[1]) % 5
    body = f"{status} {path}\n".encode()
    return b"HTTP/1.1 %d Reason\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def receive(sock, end):
    data = b""
    while not data.endswith(end):
        part = sock.recv(4096)
        if not part:
            return b""
        data += part
    return data


if sys.argv[1] == "server":
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print("listening", listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            with connection:
                while request := receive(connection, b"\r\n\r\n"):
                    connection.sendall(answer(request.split()[1].decode()))
else:
    sys.stdin.readline()
    with socket.create_connection(("127.0.0.1", int(sys.argv[2])), timeout=20) as sock:
        for number in range(int(sys.argv[3])):
            path = f"/uring/{number}"
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert receive(sock, answer(path)[-6:]) == answer(path), path
    print("done", flush=True)
