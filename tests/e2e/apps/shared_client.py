#!/usr/bin/env python3
"""COUNT requests on one connection that two threads share. Checks every answer and prints `done`.

usage: shared_client.py PORT COUNT MODE
  halves      one thread writes, the other reads, up to 32 requests ahead
  exchanges   two threads take turns in whole exchanges
"""

import socket
import sys
import threading

from status_server import status_of


def send(sock, path):
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


def read(stream, path):
    status = int(stream.readline().split()[1])
    length = 0
    while (line := stream.readline().strip()):
        name, _, value = line.partition(b": ")
        if name == b"Content-Length":
            length = int(value)
    body = stream.read(length).decode()
    assert (status, body) == (status_of(path), f"{status} {path}\n"), (path, status, body)


def halves(sock, paths):
    stream = sock.makefile("rb")
    room = threading.Semaphore(32)

    def write():
        for path in paths:
            room.acquire()
            send(sock, path)

    writer = threading.Thread(target=write)
    writer.start()
    for path in paths:
        read(stream, path)
        room.release()
    writer.join()


def exchanges(sock, paths):
    stream = sock.makefile("rb")
    turns = [threading.Semaphore(1), threading.Semaphore(0)]
    failed = []

    def work(which):
        try:
            for path in paths[which::2]:
                turns[which].acquire()
                send(sock, path)
                read(stream, path)
                turns[1 - which].release()
        except BaseException as error:
            failed.append(error)
            turns[1 - which].release()
            raise

    threads = [threading.Thread(target=work, args=(which,)) for which in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def main():
    paths = [f"/{number}" for number in range(int(sys.argv[2]))]
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        {"halves": halves, "exchanges": exchanges}[sys.argv[3]](sock, paths)
    print("done", flush=True)


if __name__ == "__main__":
    main()
