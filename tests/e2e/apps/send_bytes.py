#!/usr/bin/env python3
"""Sends FILE to an echo server at HOST PORT in writes of SIZE bytes and checks that it comes back."""

import socket
import sys

data = open(sys.argv[1], "rb").read()
size = int(sys.argv[4])
with socket.create_connection((sys.argv[2], int(sys.argv[3])), timeout=20) as sock:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for start in range(0, len(data), size):
        part = data[start:start + size]
        sock.sendall(part)
        back = b""
        while len(back) < len(part):
            chunk = sock.recv(65536)
            assert chunk, "the echo ended early"
            back += chunk
        assert back == part, "the echo is not what was sent"
print("echoed", len(data), flush=True)
