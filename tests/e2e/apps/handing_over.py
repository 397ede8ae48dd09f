#!/usr/bin/env python3
"""Connections that change hands between processes. Answers as apps/status_server.py does.

usage: handing_over.py worker PATH            serves connections that come by the UNIX socket PATH
       handing_over.py acceptor PATH COUNT    serves COUNT requests of a connection itself, then hands it over
       handing_over.py forker                 reads requests, and forks a child for each answer
  These print `listening PORT` (the worker: `listening`); the worker and the forker print `closed` after each
  connection.
       handing_over.py inherited PORT COUNT   a client: a third of the requests each by the parent, its child
                                              and the parent again, on one connection; waits for a line on
                                              stdin first, prints `done`
"""

import os
import socket
import sys

from status_server import Requests, answer


def listen():
    listener = socket.create_server(("127.0.0.1", 0))
    print("listening", listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection:
            yield connection


def serve(connection, limit=None):
    for number, request in enumerate(Requests(connection), 1):
        connection.sendall(answer(*request))
        if number == limit:
            break


def worker(path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        print("listening", flush=True)
        channel, _ = listener.accept()
        while (received := socket.recv_fds(channel, 1, 1))[1]:
            with socket.socket(fileno=received[1][0]) as connection:
                serve(connection)
            print("closed", flush=True)


def acceptor(path, count):
    channel = socket.socket(socket.AF_UNIX)
    channel.connect(path)
    for connection in listen():
        if int(count):
            serve(connection, int(count))
        socket.send_fds(channel, [b"+"], [connection.fileno()])


def forker():
    for connection in listen():
        for request in Requests(connection):
            child = os.fork()
            if child == 0:
                connection.sendall(answer(*request))
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        connection.close()
        print("closed", flush=True)


def inherited(port, count):
    sys.stdin.readline()
    with socket.create_connection(("127.0.0.1", int(port)), timeout=20) as sock:
        def ask(who):
            for number in range(int(count) // 3):
                path = f"/{who}/{number}"
                sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                data, expected = b"", answer(path, b"")
                while len(data) < len(expected):
                    data += sock.recv(65536)
                assert data == expected, (data, expected)
        ask("parent")
        child = os.fork()
        if child == 0:
            ask("child")
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        ask("again")
    print("done", flush=True)


if __name__ == "__main__":
    {"worker": worker, "acceptor": acceptor, "forker": forker, "inherited": inherited}[sys.argv[1]](*sys.argv[2:])
