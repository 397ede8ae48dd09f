#!/usr/bin/env python3
"""A server on bare sockets, one thread per connection, that answers by the path in ways real servers do
and servers should not. Prints `listening PORT`. `/held` is answered when a line arrives on stdin."""

import hashlib
import socket
import sys
import threading

held = threading.Semaphore(0)


def respond(connection, code, body=b"", headers=b"", reason=b"Reason"):
    connection.sendall(b"HTTP/1.1 %d %s\r\n%sContent-Length: %d\r\n\r\n%s"
                       % (code, reason, headers, len(body), body))


def close_delimited(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    for _ in range(3):
        connection.sendall(b"a body that ends with the stream\n")
    return False


def chunked(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for chunk in (b"one", b"HTTP/1.1 500 Not a response, a chunk\r\n\r\n", b"x" * 5000):
        connection.sendall(b"%x;note=yes\r\n%s\r\n" % (len(chunk), chunk))
    connection.sendall(b"0\r\nX-Trailer: 1\r\n\r\n")
    return True


def interim(connection):
    for _ in range(2):
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </style>; rel=preload\r\n\r\n")
    respond(connection, 200, b"final\n")
    return True


def bytewise(connection):
    for byte in b"HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\n\r\nslow":
        connection.sendall(bytes([byte]))
    return True


def upgrade(connection):
    connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
    while data := connection.recv(65536):
        connection.sendall(data)
    return False


def cut(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ntoo short")
    return False


def silent(_connection):
    return False


def garbage(connection):
    connection.sendall(b"THIS IS NOT HTTP\r\n\r\n")
    return False


def wait_to_answer(connection):
    print("held", flush=True)
    held.acquire()
    respond(connection, 200, b"at last\n")
    print("answered", flush=True)
    return True


def not_modified(connection):
    # A 304 tells the length of the body that it does not have.
    connection.sendall(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n")
    return True


BEHAVIOURS = {"/close": close_delimited, "/chunked": chunked, "/interim": interim, "/bytewise": bytewise,
              "/upgrade": upgrade, "/cut": cut, "/silent": silent, "/garbage": garbage,
              "/held": wait_to_answer, "/304": not_modified}


def read_body(stream, headers):
    if headers.get(b"transfer-encoding") == b"chunked":
        body = b""
        while size := int(stream.readline().split(b";")[0], 16):
            body += stream.read(size)
            stream.readline()
        while stream.readline().strip():
            pass
        return body
    return stream.read(int(headers.get(b"content-length", 0)))


def echo_forever(connection):
    while data := connection.recv(65536):
        connection.sendall(data)


def serve(connection):
    stream = connection.makefile("rb", buffering=65536)
    while line := stream.readline():
        if line.strip() == b"":
            continue
        parts = line.split()
        headers = {}
        while (header := stream.readline()).strip():
            name, _, value = header.partition(b":")
            headers[name.strip().lower()] = value.strip()
        if headers.get(b"expect") == b"100-continue":
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = read_body(stream, headers)
        path = parts[1].decode().split("?")[0] if len(parts) > 1 else ""
        if behaviour := BEHAVIOURS.get(path):
            if not behaviour(connection):
                return
        elif parts[0] == b"HEAD":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        else:
            respond(connection, 200, hashlib.sha256(body).hexdigest().encode())
        if parts[-1] == b"HTTP/1.0" and headers.get(b"connection") != b"keep-alive":
            return


def handle(connection, work):
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            work(connection)
        except (OSError, ValueError):
            pass


def main():
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    work = echo_forever if sys.argv[2:] == ["echo"] else serve
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = socket.create_server((host, 0), family=family, backlog=64)
    threading.Thread(target=lambda: [held.release() for _ in sys.stdin], daemon=True).start()
    print("listening", server.getsockname()[1], flush=True)
    while True:
        connection, _ = server.accept()
        threading.Thread(target=handle, args=(connection, work), daemon=True).start()


if __name__ == "__main__":
    main()
