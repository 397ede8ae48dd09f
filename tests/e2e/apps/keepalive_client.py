#!/usr/bin/env python3
"""One keep-alive connection to HOST PORT, or to the UNIX socket HOST if that is a path; each line on stdin is
a path to GET, answered by `CODE PATH`."""

import http.client
import socket
import sys

connection = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=60)
if sys.argv[1].startswith("/"):
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(sys.argv[1])
    connection.host = "unix"
    print("connected", flush=True)
else:
    connection.connect()
    print("connected", connection.sock.getsockname()[1], flush=True)
for line in sys.stdin:
    path = line.strip()
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    print(response.status, path, flush=True)
