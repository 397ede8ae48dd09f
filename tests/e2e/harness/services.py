"""The unmodified programs that the tests trace."""

import json
import os
import re
import shutil
import signal
from pathlib import Path

from .processes import Child, children_of, free_port, wait_for_port
from .truth import Logged

HERE = Path(__file__).resolve().parent.parent
APPS = HERE / "apps"
DEMO = HERE.parents[1] / "deploy" / "demo"
PYTHON = "/usr/bin/python3"
LOAD_SECONDS = int(os.environ.get("CLEW_E2E_SECONDS", "5"))

_NGINX_CONF = """
daemon off;
worker_processes {workers};
user root;
pid {dir}/nginx.pid;
error_log {dir}/nginx-error.log warn;
events {{ worker_connections 512; }}
http {{
  log_format truth escape=json
    '{{"method":"$request_method","uri":"$request_uri","status":$status,"sent":$bytes_sent}}';
  access_log {dir}/access.log truth;
  client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi;
  scgi_temp_path {dir}/scgi;
  keepalive_requests {keepalive_requests};
  client_max_body_size 64m;
  server {{
    listen {listen};
    location / {{ return 200 "ok\\n"; }}
    location /missing {{ return 404; }}
    location /broken {{ return 500; }}
    location /empty {{ return 204; }}
    location /files/ {{ root {dir}; sendfile on; }}
  }}
}}
"""


class Nginx:
    """nginx on a free port. Workers run as root only because the folder they read belongs to root."""

    def __init__(self, start, directory, *, workers=1, host="127.0.0.1", keepalive_requests=1000,
                 program="nginx"):
        self.directory = Path(directory)
        self.host = host
        self.port = free_port(host)
        listen = f"[{host}]:{self.port} ipv6only=on" if ":" in host else f"{host}:{self.port}"
        conf = self.directory / "nginx.conf"
        (self.directory / "files").mkdir(parents=True)
        conf.write_text(_NGINX_CONF.format(dir=self.directory, workers=workers, listen=listen,
                                           keepalive_requests=keepalive_requests))
        self.child: Child = start([program, "-e", self.directory / "nginx-error.log",
                                   "-p", self.directory, "-c", conf], name="nginx")
        wait_for_port(self.child, host, self.port)

    @property
    def pid(self):
        return self.child.pid

    @property
    def url(self):
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    def worker_pids(self):
        return children_of(self.pid)

    def add_file(self, name, content):
        (self.directory / "files" / name).write_bytes(content)
        return f"/files/{name}"

    def stop(self):
        """Graceful: every request that was begun is logged afterwards."""
        assert self.child.stop(signal.SIGQUIT) == 0, self.child.describe()

    def log(self):
        """What nginx logged; complete once it was stopped."""
        with open(self.directory / "access.log", encoding="utf-8", errors="replace") as file:
            return [Logged.parse(line) for line in file]


class App:
    """A program of tests/e2e/apps that prints `listening PORT` once it does."""

    def __init__(self, start, argv, **options):
        self.child: Child = start(argv, **options)
        self.port = int(self.child.expect(r"^listening (\d+)$")[1])

    @property
    def pid(self):
        return self.child.pid

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"


class Wrk:
    """A finished run of wrk whose requests have unique paths."""

    def __init__(self, start, url, *, connections=16, threads=2, depth=1, seconds=LOAD_SECONDS, prefix="/",
                 program="wrk"):
        self.in_flight = connections * depth
        self.prefix = prefix
        child = start([program, "-t", threads, "-c", connections, "-d", f"{seconds}s",
                       "-s", APPS / "unique.lua", url, "--", depth, prefix])
        code = child.wait(seconds + 30)
        assert code == 0, child.describe()
        self.output = child.stdout.text
        self.completed = int(re.search(r"(\d+) requests in", self.output)[1])
        assert self.completed > 0, f"wrk got no answer at all: {self.output}"
        assert "Non-2xx" not in self.output, self.output


class Chain:
    """The demo's nginx > shop > prices."""

    def __init__(self, start, directory):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port, shop_port, prices_port = free_port(), free_port(), free_port()
        self.ports = (self.port, shop_port, prices_port)
        conf = (DEMO / "nginx.conf.in").read_text(encoding="utf-8")
        for key, value in (("DIR", directory), ("PORT", self.port), ("SHOP_PORT", shop_port)):
            conf = conf.replace(f"@{key}@", str(value))
        (self.directory / "nginx.conf").write_text(conf, encoding="utf-8")
        self.prices = start([node(), DEMO / "prices.js", prices_port, shop_port], name="prices")
        self.shop = start([PYTHON, DEMO / "shop.py", shop_port, prices_port], name="shop")
        self.nginx = start(["nginx", "-e", self.directory / "nginx-error.log", "-p", self.directory,
                            "-c", self.directory / "nginx.conf"], name="nginx")
        for child, port in zip((self.nginx, self.shop, self.prices), self.ports):
            wait_for_port(child, "127.0.0.1", port)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def select(self):
        return [part for port in self.ports for part in ("--port", port)]


def node():
    path = shutil.which("node") or shutil.which("nodejs")
    assert path, "node is missing (deploy/install-deps.sh services)"
    return path


class Curl:
    """A finished curl. `report` is curl's own account: http_code, local_port, size_download, ..."""

    def __init__(self, start, arguments, expect_code=0):
        child = start(["curl", "--silent", "--show-error", "--max-time", "60", "--write-out",
                       "%{stderr}%{json}\n", *arguments])
        self.pid = child.pid
        code = child.wait(70)
        assert code == expect_code, child.describe()
        self.body = child.stdout.bytes
        self.reports = [json.loads(line) for line in child.stderr.text.splitlines() if line.startswith("{")]
        self.report = self.reports[-1]
