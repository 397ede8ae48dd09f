"""HTTP over UNIX sockets: bound to a path, abstract, older than the agent, behind a proxy."""

import pytest

from harness.processes import free_port, wait_for_port
from harness.services import APPS, PYTHON
from harness.spans import CLIENT, SERVER
from harness.truth import expect_exchanges, expect_joined


def unix_server(lab, address):
    server = lab.start([PYTHON, APPS / "unix_server.py", address])
    server.expect("^listening$")
    return server


def both(result, exchanges):
    expect_exchanges(result.spans, SERVER, exchanges)
    expect_exchanges(result.spans, CLIENT, exchanges)
    assert expect_joined(result.spans) == []


def paths(*names):
    return [("GET", name, 200) for name in names]


def test_a_path(lab):
    path = lab.folder("socket") / "http.sock"
    server = unix_server(lab, path)
    _, result = lab.trace(["--pid", str(server.pid)],
                          ["curl", "-s", "--unix-socket", path, "http://docker/one", "http://docker/two"])
    both(result, paths("/one", "/two"))
    for span in result.spans:
        assert span.attributes["network.transport"] == "unix", span.attributes
        assert span.attributes["server.address"] == "docker", span.attributes
        assert "network.peer.port" not in span.attributes, span.attributes
    for span in result.clients:
        assert span.attributes["network.peer.address"] == str(path), span.attributes


def test_an_abstract_name(lab):
    name = f"clew-test-{lab.directory.name}"
    server = unix_server(lab, "@" + name)
    _, result = lab.trace(["--pid", str(server.pid)],
                          ["curl", "-s", "--abstract-unix-socket", name, "http://x/one"])
    both(result, paths("/one"))
    assert {span.attributes["network.peer.address"] for span in result.clients} == {"@" + name}


def test_only_the_server_is_followed(lab):
    path = lab.folder("socket") / "http.sock"
    server = unix_server(lab, path)
    agent = lab.agent("--pid", server.pid)
    names = [f"/{number}" for number in range(50)]
    for name in names:
        lab.curl("--unix-socket", str(path), "http://x" + name)
    expect_exchanges(agent.stop().spans, SERVER, paths(*names))


@pytest.mark.parametrize("older", [True, False], ids=["older", "newer"])
def test_keep_alive(lab, older):
    """One connection, used before the agent came or not."""
    path = lab.folder("socket") / "http.sock"
    server = unix_server(lab, path)
    client = lab.start([PYTHON, APPS / "keepalive_client.py", path, "0"])
    client.expect("^connected")

    def get(name):
        client.tell(name + "\n")
        client.expect(f"^200 {name}$")
    if older:
        get("/before")
    agent = lab.agent("--pid", server.pid, "--pid", client.pid)
    names = [f"/after{number}" for number in range(20)]
    for name in names:
        get(name)
    both(agent.stop(), paths(*names))


def test_body_that_ends_with_the_stream(lab):
    path = lab.folder("socket") / "http.sock"
    server = unix_server(lab, path)
    child, result = lab.trace(["--pid", str(server.pid)],
                              ["curl", "-s", "--unix-socket", path, "http://x/close"])
    assert child.stdout.text.endswith("the end\n")
    both(result, paths("/close"))


def test_large_bodies(lab):
    path = lab.folder("socket") / "http.sock"
    server = unix_server(lab, path)
    upload = lab.directory / "upload"
    upload.write_bytes(b"GET /inside HTTP/1.1\r\n\r\n" * 50_000)
    child, result = lab.trace(
        ["--pid", str(server.pid)],
        ["curl", "-s", "--unix-socket", path, "--data-binary", f"@{upload}", "-H", "Expect:", "http://x/upload",
         "--next", "-s", "--unix-socket", path, "http://x/large", "-o", "/dev/null"])
    assert child.stdout.text.startswith(str(upload.stat().st_size))
    both(result, [("POST", "/upload", 200), ("GET", "/large", 200)])


def test_gunicorn_behind_nginx(lab):
    """Also concurrently: every span of nginx's has the one of gunicorn's that it asked for."""
    folder = lab.folder("gunicorn")
    path = folder / "app.sock"
    app = lab.start(["/usr/bin/gunicorn", "--bind", f"unix:{path}", "--workers", "2", "--chdir", APPS / "matrix",
                     "wsgi_app:app"], name="gunicorn")
    port = free_port()
    conf = folder / "nginx.conf"
    conf.write_text(f"""worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
user root;
events {{}}
http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
 fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
 upstream app {{ server unix:{path}; }}
 server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://app; }} }} }}
""", encoding="utf-8")
    assert app.stderr.wait_for("Booting worker.*\n(.*\n)*.*Booting worker", 20), app.describe()
    nginx = lab.start(["nginx", "-e", folder / "error.log", "-c", conf], name="nginx")
    wait_for_port(nginx, "127.0.0.1", port)
    agent = lab.agent("--pid", nginx.pid, "--pid", app.pid)
    names = [f"/item/{number}" for number in range(40)]
    lab.curl("--parallel", "--parallel-max", "8", *(f"http://127.0.0.1:{port}{name}" for name in names))
    result = agent.stop()
    expect_exchanges(result.spans, CLIENT, paths(*names))
    expect_exchanges(result.spans, SERVER, paths(*names, *names))
    by_id = {span.span_id: span for span in result.spans}
    inner = [span for span in result.servers if span.parent_id]
    assert len(inner) == len(names), result.draw()
    for span in inner:
        call = by_id[span.parent_id]
        assert (call.kind, call.path) == (CLIENT, span.path), result.draw()
        assert by_id[call.parent_id].path == span.path, result.draw()
