#!/usr/bin/env python3
"""An HTTP client and server that move every byte by one family of system calls.

usage: io_pair.py server FAMILY HOST              prints `listening PORT`
       io_pair.py client FAMILY HOST PORT COUNT   COUNT exchanges on one connection, prints `done`

FAMILY is one of CALLS below. sendfile sends only bodies (a head comes from memory in real programs too).
"""

import os
import socket
import sys
import tempfile
import threading

BODY = b"0123456789abcdef" * 512


def recv_by_readv(sock):
    parts = [bytearray(7), bytearray(11), bytearray(65536)]
    count = os.readv(sock.fileno(), parts)
    return b"".join(parts)[:count]


def recv_by_recvmsg(sock):
    parts = [bytearray(5), bytearray(13), bytearray(65536)]
    count = sock.recvmsg_into(parts)[0]
    return b"".join(parts)[:count]


def recv_after_peek(sock):
    sock.recv(16, socket.MSG_PEEK)
    return sock.recv(65536)


def pieces(data):
    """The head line by line, so that vectors have many elements, and the body."""
    head, separator, body = data.partition(b"\r\n\r\n")
    return [*head.splitlines(keepends=True), separator, *([body] if body else [])]


def send_by_sendfile(sock, data):
    head, separator, body = data.partition(b"\r\n\r\n")
    sent = sock.send(head + separator)
    with tempfile.TemporaryFile() as file:
        file.write(body)
        file.flush()
        offset = 0
        while offset < len(body):
            offset += os.sendfile(sock.fileno(), file.fileno(), offset, len(body) - offset)
    return sent + offset


CALLS = {
    "read-write": (lambda s: os.read(s.fileno(), 65536), lambda s, data: os.write(s.fileno(), data)),
    "readv-writev": (recv_by_readv, lambda s, data: os.writev(s.fileno(), pieces(data))),
    "recvfrom-sendto": (lambda s: s.recv(65536), lambda s, data: s.send(data)),
    "recvmsg-sendmsg": (recv_by_recvmsg, lambda s, data: s.sendmsg(pieces(data))),
    "peek-sendto": (recv_after_peek, lambda s, data: s.send(data)),
    "recvfrom-sendfile": (lambda s: s.recv(65536), send_by_sendfile),
}


class Messages:
    def __init__(self, sock, family):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.receive, self.transmit = CALLS[family]
        self.pending = b""

    def send(self, head):
        data = head + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
        sent = self.transmit(self.sock, data)
        assert sent == len(data), f"a partial send: {sent} of {len(data)}"

    def next_head(self):
        """The head of the next message, its body read as well; None at the end."""
        while True:
            head, separator, rest = self.pending.partition(b"\r\n\r\n")
            if separator and len(rest) >= len(BODY):
                assert rest[:len(BODY)] == BODY, "the body was changed"
                self.pending = rest[len(BODY):]
                return head
            data = self.receive(self.sock)
            if not data:
                return None
            self.pending += data


def serve(sock, family):
    with sock:
        messages = Messages(sock, family)
        while messages.next_head() is not None:
            messages.send(b"HTTP/1.1 200 OK\r\nServer: io-pair\r\n")


def server(family, host):
    listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    print("listening", listener.getsockname()[1], flush=True)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=serve, args=(sock, family), daemon=True).start()


def client(family, host, port, count):
    with socket.create_connection((host, int(port)), timeout=20) as sock:
        sock.settimeout(None)  # a timeout would make the descriptor non-blocking
        messages = Messages(sock, family)
        for number in range(1, int(count) + 1):
            messages.send(b"POST /%s/%d HTTP/1.1\r\nHost: pair\r\nUser-Agent: io-pair\r\n"
                          % (family.encode(), number))
            head = messages.next_head()
            assert head and head.startswith(b"HTTP/1.1 200"), head
    print("done", flush=True)


if __name__ == "__main__":
    {"server": server, "client": client}[sys.argv[1]](*sys.argv[2:])
