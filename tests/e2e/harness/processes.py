"""Child processes that never outlive the test that started them. Only processes started here are ever
signalled, by their id."""

import ctypes
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time

READY_S = 20  # a bound for anything to come up on a loaded machine
STOP_S = 15

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def _prepare_child():
    # If the test run is killed, its children get SIGTERM from the kernel.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    # A shell ignores SIGINT in what it runs in the background, and ignored signals are inherited.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Stream:
    """All that a child wrote to one pipe, byte for byte, with waiting for a pattern in it."""

    def __init__(self, pipe):
        self._data = bytearray()
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._thread.start()

    def _read(self, pipe):
        with pipe:
            while chunk := os.read(pipe.fileno(), 65536):
                with self._changed:
                    self._data += chunk
                    self._changed.notify_all()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait_for(self, pattern, timeout):
        """The first match of `pattern` (multi-line), or None after `timeout` or at the end."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                if match := re.search(pattern, self.text, re.MULTILINE):
                    return match
                left = deadline - time.monotonic()
                if self._closed or left <= 0:
                    return None
                self._changed.wait(left)

    def join(self, timeout):
        self._thread.join(timeout)

    @property
    def bytes(self):
        return bytes(self._data)

    @property
    def text(self):
        return self._data.decode(errors="replace")


class Child:
    """A started program. `stdin` stays open for `tell`."""

    def __init__(self, argv, *, name=None, cwd=None, env=None, before_exec=None):
        self.argv = [str(part) for part in argv]
        self.name = name or os.path.basename(self.argv[0])

        def prepare():
            _prepare_child()
            if before_exec:
                before_exec()

        self.process = subprocess.Popen(
            self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=cwd, env=env, bufsize=0, start_new_session=True, preexec_fn=prepare)
        self.pid = self.process.pid
        self.stdout = Stream(self.process.stdout)
        self.stderr = Stream(self.process.stderr)

    def tell(self, text):
        self.process.stdin.write(text.encode())

    def expect(self, pattern, timeout=READY_S):
        """Waits for `pattern` on stdout; fails with what the child said instead."""
        match = self.stdout.wait_for(pattern, timeout)
        assert match, f"{self.name}: no /{pattern}/ within {timeout} s; {self.describe()}"
        return match

    def alive(self):
        return self.process.poll() is None

    def wait(self, timeout=STOP_S):
        """Waits for the end and returns the exit code (negative: the signal)."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {timeout} s; {self.describe()}") from None
        self.stdout.join(2)
        self.stderr.join(2)
        return code

    def stop(self, number=signal.SIGTERM, timeout=STOP_S):
        if self.alive():
            self.process.send_signal(number)
        return self.wait(timeout)

    def kill(self):
        """For cleaning up: ends the child and what it started in its session, whatever its state."""
        for number, patience in ((signal.SIGTERM, 2), (signal.SIGKILL, 5)):
            try:
                os.killpg(self.pid, number)  # start_new_session made the pid the group's id
            except ProcessLookupError:
                break
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
        if self.process.stdin:
            self.process.stdin.close()

    def describe(self):
        state = "running" if self.alive() else f"exit code {self.process.returncode}"
        return (f"{state}\n  command: {' '.join(self.argv)}\n"
                f"  stdout: {self.stdout.text[-2000:]!r}\n  stderr: {self.stderr.text[-4000:]}")


def children_of(pid):
    """The process ids whose parent is `pid`."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                found += [int(child) for child in file.read().split()]
        except OSError:
            pass
    return found


def free_port(host="127.0.0.1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        return server.getsockname()[1]


def wait_for_port(child, host, port, timeout=READY_S):
    """Waits until `child` accepts connections; fails if it ends first."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and child.alive():
        try:
            socket.create_connection((host, port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(f"{child.name} does not listen on {host} port {port}; {child.describe()}")


def receive_until(connection, done, timeout=10):
    """Reads from a socket until done(bytes) or the end; fails after `timeout` seconds."""
    data = b""
    deadline = time.monotonic() + timeout
    while not done(data):
        readable, _, _ = select.select([connection], [], [], max(0, deadline - time.monotonic()))
        assert readable, f"no answer within {timeout} s; so far {data[:500]!r}"
        try:
            chunk = connection.recv(1 << 20)
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            break
        data += chunk
    return data
