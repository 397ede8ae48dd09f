"""The servers that are measured, and the load on them. Each is started anew for a round."""

import re
import socket
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from harness.databases import BINARIES, ENDED_S, USER, Postgres, Redis  # noqa: E402
from harness.processes import READY_S, children_of, free_port, wait_for_port  # noqa: E402
from harness.services import PYTHON, App  # noqa: E402

import samples  # noqa: E402
from outputs import pgbench, redis_benchmark, wrk  # noqa: E402

CONNECTIONS = 16

_NGINX_CONF = """
daemon off;
worker_processes 1;
worker_rlimit_nofile 30000;
user root;
pid {dir}/nginx.pid;
error_log {dir}/nginx-error.log warn;
events {{ worker_connections 25000; }}
http {{
  log_format short '$status';
  access_log {dir}/access.log short buffer=256k;
  client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi;
  scgi_temp_path {dir}/scgi;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ return 200 "ok\\n"; }}
    location /files/ {{ root {dir}; sendfile on; }}
  }}
}}
"""


def _run(lab, read, argv, seconds):
    """A load run to its end: (calls, seconds, calls besides)."""
    child = lab.run(argv, timeout=10 * seconds + 30)
    assert child.process.returncode == 0, child.describe()
    return read(child.stdout.text)


class Scenario:
    """A server to measure, started with the object. load() puts it under load for about so many seconds and returns
    how many calls were answered, and in how many seconds. stop() ends it and returns how many calls it has had."""

    what = ""

    def cpu_ns(self):
        """Time of its processes on a CPU, those included that have ended."""
        return samples.cpu_ns(self.pids())


class HttpScenario(Scenario):
    path = "/"

    def load(self, lab, seconds):
        return _run(lab, wrk, ["wrk", "-t", "1", "-c", CONNECTIONS, "-d", f"{seconds}s",
                               f"http://127.0.0.1:{self.port}{self.path}"], seconds)[:2]


class NginxServer(HttpScenario):
    """nginx with one worker."""

    what = "nginx, `return 200`"

    def __init__(self, lab):
        self.directory = lab.folder("nginx")
        self.port = free_port()
        (self.directory / "files").mkdir()
        (self.directory / "files" / "64k").write_bytes(bytes(range(256)) * 256)
        conf = self.directory / "nginx.conf"
        conf.write_text(_NGINX_CONF.format(dir=self.directory, port=self.port), encoding="utf-8")
        self.child = lab.start(["nginx", "-e", self.directory / "nginx-error.log", "-p", self.directory, "-c", conf],
                               name="nginx")
        wait_for_port(self.child, "127.0.0.1", self.port)

    def pids(self):
        return children_of(self.child.pid)

    def stop(self):
        """Returns how many requests it served, by its own count."""
        assert self.child.stop(3) == 0, self.child.describe()  # SIGQUIT: what was begun is finished and logged
        return (self.directory / "access.log").read_bytes().count(b"\n")


class NginxFile(NginxServer):
    what, path = "nginx, a 64 KB file by sendfile", "/files/64k"


class Service(HttpScenario):
    """tests/bench/service.py: about 1 ms of work for each request."""

    what = "a service with about 1 ms of work for each request"

    def __init__(self, lab):
        app = App(lab.start, [PYTHON, HERE / "service.py"])
        self.child, self.port = app.child, app.port

    def pids(self):
        return [self.child.pid]

    def stop(self):
        assert self.child.stop() == 0, self.child.describe()
        return int(self.child.expect(r"^served (\d+)$")[1])


class PostgresServer(Scenario):
    """PostgreSQL under pgbench -S. It has no count of its own that is exact and free of cost: pgbench's is taken."""

    what = "PostgreSQL, `pgbench -S -M simple`"

    def __init__(self, lab):
        self.server = Postgres(lab.start, lab.folder("postgres"), settings="pg_stat_statements.track = none\n")
        self.port = self.server.port
        self._own = len(self.pids())
        self._calls = 0

    def pids(self):
        return [self.server.pid, *children_of(self.server.pid)]

    def cpu_ns(self):
        deadline = time.monotonic() + ENDED_S
        while len(self.pids()) > self._own:  # the time of backends counts once they are reaped
            assert time.monotonic() < deadline, "backends have not ended"
            time.sleep(0.01)
        return super().cpu_ns() + samples.reaped_ns(self.server.pid)

    def load(self, lab, seconds):
        calls, took, besides = _run(lab, pgbench, [
            "env", "PGSSLMODE=disable", "PGGSSENCMODE=disable", BINARIES / "pgbench", "-h", "127.0.0.1",
            "-p", self.port, "-U", USER, "-n", "-S", "-M", "simple", "-c", CONNECTIONS, "-j", "1", "-T", seconds,
            "bench"], seconds)
        self._calls += calls + besides
        return calls, took

    def stop(self):
        self.server.stop()
        return self._calls


class RedisServer(Scenario):
    """Redis under redis-benchmark, which knows no time but counts: so many calls a second of load."""

    what = "Redis, SET and GET, one at a time"
    pipeline, calls_a_second = 1, 32_000

    def __init__(self, lab):
        self.server = Redis(lab.start, lab.folder("redis"))
        self.port = self.server.port

    def pids(self):
        return [self.server.pid]

    def load(self, lab, seconds):
        each = seconds * self.calls_a_second // 2  # of SET, of GET
        return _run(lab, redis_benchmark, ["redis-benchmark", "-h", "127.0.0.1", "-p", self.port, "-t", "set,get",
                                           "-c", CONNECTIONS, "-P", self.pipeline, "-n", each], seconds)[:2]

    def stop(self):
        with socket.create_connection(("127.0.0.1", self.port)) as connection:  # a call itself: clew still looks
            connection.sendall(b"INFO stats\r\n")
            answer = b""
            while not (count := re.search(rb"total_commands_processed:(\d+)\r", answer)):
                more = connection.recv(65536)
                assert more, f"Redis ended its answer early: {answer!r}"
                answer += more
        self.server.stop()
        return int(count[1]) + 1


class RedisPipelined(RedisServer):
    what = "Redis, SET and GET, 16 at a time"
    pipeline, calls_a_second = 16, 256_000


SCENARIOS = {
    "nginx_200": NginxServer,
    "nginx_64k": NginxFile,
    "service_1ms": Service,
    "pgbench_select": PostgresServer,
    "redis_p1": RedisServer,
    "redis_p16": RedisPipelined,
}


class KeptConnections:
    """COUNT keep-alive connections, used one after the other at a low rate."""

    def __init__(self, lab, port, count, rate):
        self.child = lab.start([PYTHON, HERE / "connections.py", port, count, rate], name="connections")
        self.child.expect(r"^open$", READY_S + count / 100)

    def stop(self):
        self.child.tell("\n")
        assert self.child.wait() == 0, self.child.describe()
        return int(self.child.expect(r"^asked (\d+)$")[1])
