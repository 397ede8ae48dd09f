"""The servers of the matrix (apps/matrix/README.md): other people's programs, each answering alike."""

from dataclasses import dataclass

from . import toolchains
from .processes import Child, free_port, wait_for_port
from .services import node
from .toolchains import APPS, PYTHON
from .visitor import LARGE


@dataclass
class Served:
    child: Child
    port: int
    host: str = "127.0.0.1"
    backend: "Served | None" = None  # of a proxy
    keep_alive: bool = True
    pipelines: bool = True  # answers requests that came in one write
    streams: bool = True  # has /stream
    counts_uploads: bool = True  # reads the whole upload before it answers

    @property
    def url(self):
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    @property
    def select(self):
        return ["--port", str(self.port), *(self.backend.select if self.backend else [])]


def _listening(lab, argv, host="127.0.0.1", env=None, **traits):
    """A program that prints `listening PORT`."""
    child = lab.start([*argv, host, 0], env=env, name=str(argv[-1]).rpartition("/")[2])
    return Served(child, int(child.expect(r"^listening (\d+)$", 60)[1]), host, **traits)


def _on_port(lab, argv, port, host="127.0.0.1", env=None, **traits):
    """A program that was told its port."""
    child = lab.start(argv, env=env)
    wait_for_port(child, "127.0.0.1" if host == "::" else host, port)
    return Served(child, port, host, **traits)


def _configured(lab, name, host, argv, backend=None, **traits):
    """A program with a configuration file of apps/matrix; {conf} and {dir} in its arguments."""
    folder, port = lab.folder(name.partition(".")[0]), free_port(host)
    bracketed = f"[{host}]" if ":" in host else host
    conf = (APPS / f"{name}.in").read_text(encoding="utf-8")
    for key, value in (("DIR", folder), ("PORT", port), ("MODULES", "/usr/lib/apache2/modules"),
                       ("LISTEN", f"{bracketed}:{port}" + (" ipv6only=off" if host == "::" else "")),
                       ("BACKEND", backend.port if backend else "")):
        conf = conf.replace(f"@{key}@", str(value))
    (folder / name).write_text(conf, encoding="utf-8")
    files = folder / "files"
    (files / "bytes").mkdir(parents=True)
    (files / "item").write_bytes(b"item\n")
    for size in (0, LARGE):
        (files / "bytes" / str(size)).write_bytes(b"x" * size)
    argv = [str(part).replace("{conf}", str(folder / name)).replace("{dir}", str(folder)) for part in argv]
    return _on_port(lab, argv, port, host, backend=backend, **traits)


def nginx(lab, host="127.0.0.1"):
    return _configured(lab, "nginx.conf", host, ["nginx", "-e", "{dir}/error.log", "-p", "{dir}", "-c", "{conf}"],
                       streams=False, counts_uploads=False)


def apache(lab):
    return _configured(lab, "apache.conf", "127.0.0.1", ["apache2", "-f", "{conf}", "-D", "FOREGROUND"],
                       streams=False, counts_uploads=False)


def haproxy(lab):
    return _configured(lab, "haproxy.cfg", "127.0.0.1", ["haproxy", "-db", "-f", "{conf}"], backend=node_http(lab))


def envoy(lab):
    binary = toolchains.envoy()
    return _configured(lab, "envoy.yaml", "127.0.0.1",
                       [binary, "--concurrency", 2, "--log-level", "warning", "--use-dynamic-base-id",
                        "-c", "{conf}"], backend=node_http(lab))


def _gunicorn(*options, **traits):
    def start(lab):
        port = free_port()
        return _on_port(lab, ["gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", 2, "--log-level", "warning",
                              "--chdir", APPS, *options, "wsgi_app:app"], port, **traits)
    return start


def _uvicorn(*options):
    def start(lab):
        port = free_port()
        return _on_port(lab, ["uvicorn", "--host", "127.0.0.1", "--port", port, "--no-access-log",
                              "--log-level", "warning", "--app-dir", APPS, *options, "asgi_app:app"], port)
    return start


def flask(lab):
    return _listening(lab, [PYTHON, APPS / "flask_app.py"], keep_alive=False, pipelines=False)


def aiohttp(lab):
    port = free_port()
    return _on_port(lab, [PYTHON, APPS / "aiohttp_app.py", "127.0.0.1", port], port)


def node_http(lab, host="127.0.0.1"):
    return _listening(lab, [node(), APPS / "node_http.js"], host)


def express(lab):
    return _listening(lab, [node(), APPS / "express_app.js"], env=toolchains.node_environment())


def go(lab, host="127.0.0.1"):
    return _listening(lab, [toolchains.go_program("server")], host)


def java(lab, host="127.0.0.1"):
    return _listening(lab, [toolchains.java(), "-XX:TieredStopAtLevel=1", APPS / "java" / "Server.java"], host)


def rust(lab):
    return _listening(lab, [toolchains.rust_server()])


SERVERS = {
    "nginx": nginx, "apache": apache, "haproxy": haproxy, "envoy": envoy,
    "gunicorn-sync": _gunicorn("-k", "sync", keep_alive=False, pipelines=False),
    "gunicorn-gthread": _gunicorn("-k", "gthread", "--threads", "8", pipelines=False),
    "gunicorn-gevent": _gunicorn("-k", "gevent"),
    "uvicorn-h11": _uvicorn("--loop", "asyncio", "--http", "h11"),
    "uvicorn-httptools": _uvicorn("--loop", "uvloop", "--http", "httptools"),
    "flask": flask, "aiohttp": aiohttp, "node": node_http, "express": express, "go": go, "java": java, "rust": rust,
}
