#!/usr/bin/python3
"""Many keep-alive connections at a low rate: connections.py PORT COUNT RATE. Opens COUNT connections, then asks
over one after the other, RATE requests a second, until a line comes on stdin. Prints `open` when each was used
once, and `asked N` at the end."""

import resource
import select
import socket
import sys
import time

REQUEST = b"GET /item HTTP/1.1\r\nHost: localhost\r\nUser-Agent: connections\r\nAccept: */*\r\n\r\n"


def ask(connection):
    connection.sendall(REQUEST)
    answer = b""
    while not answer.endswith(b"ok\n"):
        piece = connection.recv(4096)
        if not piece:
            sys.exit("the server closed a connection")
        answer += piece


def main(port, count, rate):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count + 100:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, max(hard, count + 100)))
    connections = []
    for _ in range(count):
        connections.append(socket.create_connection(("127.0.0.1", port), timeout=20))
        ask(connections[-1])
    print("open", flush=True)
    asked, begin = count, time.monotonic()
    while not select.select([sys.stdin], [], [], 0)[0]:
        ask(connections[asked % count])
        asked += 1
        ahead = begin + (asked - count) / rate - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
    print("asked", asked, flush=True)


main(*(int(argument) for argument in sys.argv[1:4]))
