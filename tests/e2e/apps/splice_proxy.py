#!/usr/bin/env python3
"""A proxy that reads heads by recv and moves bodies by splice, socket to pipe to socket, so that no program
sees them. One connection to the server for each of a client's. Prints `listening PORT`, and `closed` whenever both
connections are.

usage: splice_proxy.py TARGET PEEK
  TARGET  a port on this host, or the path of a UNIX socket
  PEEK    `peek`: reads exactly the head; `greedy`: reads what is there, which may be some of the body, too
"""

import os
import socket
import sys
import threading


def read_head(sock, peek):
    """The head and what was read of the body; None at the end."""
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        part = sock.recv(4096, socket.MSG_PEEK) if peek else sock.recv(4096)
        if not part:
            return None
        if peek:
            whole = (data + part).find(b"\r\n\r\n")
            part = sock.recv(len(part) if whole < 0 else whole + 4 - len(data))
        data += part
    return data[:end + 4], data[end + 4:]


def splice(source, pipe, target, length):
    while length:
        moved = os.splice(source.fileno(), pipe[1], min(length, 65536))
        assert moved, "the body is cut short"
        length -= moved
        while moved:
            moved -= os.splice(pipe[0], target.fileno(), moved)


def forward(source, pipe, target, peek):
    message = read_head(source, peek)
    if message is None:
        return False
    head, body = message
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b": ")
        if name.lower() == b"content-length":
            length = int(value)
    target.sendall(head)
    if body:
        target.sendall(body)
    splice(source, pipe, target, length - len(body))
    return True


def connect(target):
    if "/" not in target:
        return socket.create_connection(("127.0.0.1", int(target)))
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(target)
    return sock


def serve(client, target, peek):
    with client, connect(target) as server:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if server.family != socket.AF_UNIX:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pipe = os.pipe()
        try:
            while forward(client, pipe, server, peek) and forward(server, pipe, client, peek):
                pass
        finally:
            os.close(pipe[0])
            os.close(pipe[1])
    print("closed", flush=True)


def main():
    target, peek = sys.argv[1], sys.argv[2] == "peek"
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    print("listening", listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, target, peek), daemon=True).start()


main()
