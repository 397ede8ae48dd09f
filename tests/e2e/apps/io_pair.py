#!/usr/bin/env python3
"""An HTTP client and server that move every byte by one family of system calls.

usage: io_pair.py server FAMILY HOST              prints `listening PORT`
       io_pair.py client FAMILY HOST PORT COUNT   COUNT exchanges on one connection, prints `done`

FAMILY is one of CALLS below. sendfile sends only bodies (a head comes from memory in real programs too).
"""

import ctypes
import mmap
import os
import select
import socket
import sys
import tempfile
import threading

MSG_WAITFORONE = 0x10000
libc = ctypes.CDLL(None, use_errno=True)
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


def recv_in_pieces_after_peek(sock):
    """The whole message is peeked first; what follows is read in pieces of 700 bytes."""
    sock.recv(65536, socket.MSG_PEEK)
    return sock.recv(700)


def is_body(sock):
    """Whether a body comes next; of a head, what must be read to reach it."""
    start = sock.recv(65536, socket.MSG_PEEK)
    if start[:4] in (b"POST", b"HTTP"):
        return False, start.find(b"\r\n\r\n") + 4
    return True, start


def recv_then_discard(sock):
    """Heads are read, bodies are thrown away unread by MSG_TRUNC (tcp(7))."""
    body, start = is_body(sock)
    if not body:
        return sock.recv(start)
    if start:
        assert len(sock.recv(len(start), socket.MSG_TRUNC)) == len(start)
    return start


class ZeroCopyReceive(ctypes.Structure):  # linux/tcp.h
    _fields_ = [("address", ctypes.c_uint64), ("length", ctypes.c_uint32), ("skip", ctypes.c_uint32),
                ("queued", ctypes.c_uint32), ("error", ctypes.c_int32), ("copy_address", ctypes.c_uint64),
                ("copy_length", ctypes.c_int32), ("flags", ctypes.c_uint32), ("rest", ctypes.c_uint64 * 3)]


def recv_zero_copy(sock):
    """Heads are read, bodies are mapped or copied by TCP_ZEROCOPY_RECEIVE."""
    body, start = is_body(sock)
    if not body:
        return sock.recv(start)
    if not start:
        return sock.recv(1)  # the end
    copied = ctypes.create_string_buffer(65536)
    libc.mmap.restype = ctypes.c_void_p
    address = libc.mmap(None, ctypes.c_size_t(65536), mmap.PROT_READ, mmap.MAP_SHARED, sock.fileno(),
                        ctypes.c_long(0))
    request = ZeroCopyReceive(address=address, length=65536, copy_address=ctypes.addressof(copied),
                              copy_length=len(copied))
    size = ctypes.c_uint32(ctypes.sizeof(request))
    result = libc.getsockopt(sock.fileno(), socket.IPPROTO_TCP, 35, ctypes.byref(request), ctypes.byref(size))
    assert result == 0, os.strerror(ctypes.get_errno())
    data = ctypes.string_at(address, request.length) + copied.raw[:request.copy_length]
    libc.munmap(ctypes.c_void_p(address), ctypes.c_size_t(65536))
    assert data or request.skip, "nothing was received"
    return data or sock.recv(request.skip)


class Part(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class Message(ctypes.Structure):  # struct mmsghdr
    _fields_ = [("name", ctypes.c_void_p), ("name_length", ctypes.c_uint32), ("parts", ctypes.c_void_p),
                ("part_count", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t),
                ("flags", ctypes.c_int), ("padding", ctypes.c_int), ("moved", ctypes.c_uint)]


def messages_of(buffers):
    parts = [Part(ctypes.addressof(buffer), len(buffer)) for buffer in buffers]
    messages = (Message * len(buffers))(*(Message(parts=ctypes.addressof(part), part_count=1) for part in parts))
    return messages, parts


def recv_messages(count, flags):
    def receive(sock):
        buffers = [ctypes.create_string_buffer(4096) for _ in range(count)]
        messages, _parts = messages_of(buffers)
        got = libc.recvmmsg(sock.fileno(), messages, count, flags, None)
        assert got >= 0, os.strerror(ctypes.get_errno())
        return b"".join(buffer.raw[:message.moved] for buffer, message in zip(buffers, messages[:got]))
    return receive


def poll_then_recv_messages(sock):
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    poll.poll()
    return recv_messages(4, socket.MSG_DONTWAIT)(sock)


def send_messages(count):
    def transmit(sock, data):
        size = -(-len(data) // count)
        buffers = [ctypes.create_string_buffer(data[at:at + size], len(data[at:at + size]))
                   for at in range(0, len(data), size)]
        messages, _parts = messages_of(buffers)
        done = libc.sendmmsg(sock.fileno(), messages, len(buffers), 0)
        return sum(message.moved for message in messages[:max(done, 0)])
    return transmit


def send_zero_copy(sock, data):
    """MSG_ZEROCOPY; the buffer stays as it is until the kernel says that it is done with it."""
    sock.setsockopt(socket.SOL_SOCKET, 60, 1)  # SO_ZEROCOPY
    sent = sock.send(data, 0x4000000)
    while True:
        try:
            sock.recvmsg(0, 512, socket.MSG_ERRQUEUE)
            return sent
        except BlockingIOError:
            pass


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
    "pieces-sendto": (recv_in_pieces_after_peek, lambda s, data: s.send(data)),
    "discard-sendto": (recv_then_discard, lambda s, data: s.send(data)),
    "recvfrom-zerocopy": (lambda s: s.recv(65536), send_zero_copy),
    "zerocopy-sendfile": (recv_zero_copy, send_by_sendfile),
    "zerocopy-sendto": (recv_zero_copy, lambda s, data: s.send(data)),
    "recvmmsg-sendmmsg": (recv_messages(1, 0), send_messages(1)),
    # Of several messages to receive, the first is read by clew if it alone is waited for.
    "recvmmsg4-sendmmsg4": (recv_messages(4, MSG_WAITFORONE), send_messages(4)),
}
# Which of several messages is being received is not told: clew counts these and reads nothing.
HIDDEN_CALLS = {
    "recvmmsg4-hidden": (poll_then_recv_messages, lambda s, data: s.send(data)),
}


class Messages:
    def __init__(self, sock, family):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.receive, self.transmit = (CALLS | HIDDEN_CALLS)[family]
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
