#!/usr/bin/env python3
"""An event loop that reads two requests before it works on the first, as proxies do: then it asks the server
at HOST PORT for the path of each, in order, on a connection that stays open, and answers. Prints
`listening PORT`; serves ROUNDS pairs."""

import socket
import sys

upstream = socket.create_connection((sys.argv[1], int(sys.argv[2])))
listener = socket.create_server(("127.0.0.1", 0))
print("listening", listener.getsockname()[1], flush=True)


def read_until(connection, mark):
    data = b""
    while mark not in data:
        chunk = connection.recv(65536)
        assert chunk, f"ended within {data!r}"
        data += chunk
    return data


connections = [listener.accept()[0] for _ in range(2)]
for _ in range(int(sys.argv[3])):
    requests = [read_until(connection, b"\r\n\r\n") for connection in connections]
    for connection, request in zip(connections, requests):
        path = request.split()[1]
        upstream.sendall(b"GET %s HTTP/1.1\r\nHost: up\r\n\r\n" % path)
        read_until(upstream, path + b"\n")
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
