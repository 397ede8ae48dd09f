"""A client by hand: the test decides which bytes go out in which write, and reads exact responses."""

import http.client
import socket
from dataclasses import dataclass


class _Borrowed:
    """Stands for the socket, so that http.client neither reads ahead of one response nor closes it."""

    def __init__(self, file):
        self._file = file

    def makefile(self, _mode):
        return self

    def close(self):
        pass

    def __getattr__(self, name):
        return getattr(self._file, name)


@dataclass
class Response:
    code: int
    headers: dict
    body: bytes
    will_close: bool  # the server ends the connection after it


class Wire:
    def __init__(self, host, port, timeout=20):
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self.socket.makefile("rb")
        self.local_port = self.socket.getsockname()[1]

    def send(self, data):
        """One write."""
        self.socket.sendall(data)

    def response(self, method="GET"):
        """Reads exactly one response (a 100 Continue before it is skipped)."""
        response = http.client.HTTPResponse(_Borrowed(self._file), method=method)
        response.begin()
        return Response(response.status, dict(response.headers), response.read(), response.will_close)

    def get(self, path):
        self.send(request(path))
        return self.response()

    def read(self, count):
        return self._file.read(count)

    def rest(self):
        """All bytes up to the end of the stream."""
        try:
            return self._file.read()
        except ConnectionResetError:
            return b""

    def close(self):
        self._file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def request(path, method="GET", headers=(), body=b"", host="test", version="1.1"):
    lines = [f"{method} {path} HTTP/{version}", f"Host: {host}", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
