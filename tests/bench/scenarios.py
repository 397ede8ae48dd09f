"""The servers that are measured, and the load on them. Each is started anew for a round."""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from harness.processes import READY_S, children_of, free_port, wait_for_port  # noqa: E402
from harness.services import PYTHON, App  # noqa: E402

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


class NginxServer:
    """nginx with one worker."""

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


class Service:
    """tests/bench/service.py: about 1 ms of work for each request."""

    def __init__(self, lab):
        app = App(lab.start, [PYTHON, HERE / "service.py"])
        self.child, self.port = app.child, app.port

    def pids(self):
        return [self.child.pid]

    def stop(self):
        assert self.child.stop() == 0, self.child.describe()
        return int(self.child.expect(r"^served (\d+)$")[1])


# name: (server, path, what it is)
SCENARIOS = {
    "nginx_200": (NginxServer, "/", "nginx, `return 200`"),
    "nginx_64k": (NginxServer, "/files/64k", "nginx, a 64 KB file by sendfile"),
    "service_1ms": (Service, "/", "a service with about 1 ms of work for each request"),
}


def load(lab, port, path, seconds, connections=16):
    """wrk over keep-alive connections; returns how many requests were answered, and in how many seconds."""
    child = lab.start(["wrk", "-t", "1", "-c", connections, "-d", f"{seconds}s", f"http://127.0.0.1:{port}{path}"])
    assert child.wait(seconds + 30) == 0, child.describe()
    output = child.stdout.text
    assert "Non-2xx" not in output and "Socket errors" not in output, output
    match = re.search(r"(\d+) requests in ([\d.]+)s", output)
    return int(match[1]), float(match[2])


class KeptConnections:
    """COUNT keep-alive connections, used one after the other at a low rate."""

    def __init__(self, lab, port, count, rate):
        self.child = lab.start([PYTHON, HERE / "connections.py", port, count, rate], name="connections")
        self.child.expect(r"^open$", READY_S + count / 100)

    def stop(self):
        self.child.tell("\n")
        assert self.child.wait() == 0, self.child.describe()
        return int(self.child.expect(r"^asked (\d+)$")[1])
