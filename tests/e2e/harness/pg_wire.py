"""A PostgreSQL client by hand (protocol 3.0): the test decides which messages go out in which write."""

import socket
import struct


def message(kind, *parts):
    body = b"".join(part if isinstance(part, bytes) else part.encode() + b"\0" for part in parts)
    return kind + struct.pack("!i", len(body) + 4) + body


def query(text):
    return message(b"Q", text)


def parse(text, name=""):
    return message(b"P", name, text, b"\0\0")


def bind(*values, portal="", name=""):
    """Values as text."""
    encoded = b"".join(struct.pack("!i", len(str(value))) + str(value).encode() for value in values)
    return message(b"B", portal, name, b"\0\0", struct.pack("!h", len(values)), encoded, b"\0\0")


def describe(kind, name=""):
    return message(b"D", kind + name.encode() + b"\0")


def execute(limit=0, portal=""):
    return message(b"E", portal, struct.pack("!i", limit))


def call_function(oid, *values):
    encoded = b"".join(struct.pack("!i", len(value)) + value for value in values)
    return message(b"F", struct.pack("!ihh", oid, 0, len(values)), encoded, b"\0\0")


SYNC, FLUSH, TERMINATE = message(b"S"), message(b"H"), message(b"X")
READY, ROW, ERROR, COMPLETE, SUSPENDED = b"Z", b"D", b"E", b"C", b"s"


class PgWire:
    def __init__(self, postgres, transport="tcp"):
        if transport == "unix":
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(str(postgres.socket))
        else:
            self.socket = socket.create_connection((postgres.host, postgres.port))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(20)
        self._file = self.socket.makefile("rb")
        settings = b"user\0clew\0database\0app\0\0"
        self.send(struct.pack("!ii", len(settings) + 8, 196608) + settings)
        self.until(READY)

    def send(self, *messages):
        """One write."""
        self.socket.sendall(b"".join(messages))

    def send_pieces(self, data, size):
        for at in range(0, len(data), size):
            self.socket.sendall(data[at:at + size])

    def until(self, *kinds):
        """The kinds of the messages up to the first of these."""
        got = []
        while not got or got[-1] not in kinds:
            head = self._file.read(5)
            assert len(head) == 5, f"the server closed the connection after {got}"
            self._file.read(struct.unpack("!i", head[1:])[0] - 4)
            got.append(head[:1])
        return got

    def rows(self, count):
        """The answers up to ReadyForQuery, with so many rows."""
        got = self.until(READY)
        assert got.count(ROW) == count and ERROR not in got, got
        return got

    def closed(self):
        """Whether the server ends the connection."""
        try:
            self._file.read()
            return True
        except ConnectionResetError:
            return True

    def close(self):
        self._file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
