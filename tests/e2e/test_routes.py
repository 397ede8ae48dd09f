"""What spans show of a request beyond its existence: routes, queries, headers, as the configuration says."""

import http.client

import pytest

from harness.spans import CLIENT, SERVER
from harness.truth import expect_exchanges

UUIDS = ["550e8400-e29b-41d4-a716-446655440000", "123e4567-e89b-12d3-a456-426614174000"]


def configured(lab, text):
    """A configuration file; its text is indented by four blanks."""
    path = lab.folder("config") / "clew.yaml"
    path.write_text("\n".join(line.removeprefix("    ") for line in text.splitlines()), encoding="utf-8")
    return ["--config", path]


def ask(app, requests):
    """One keep-alive connection; each request is (path, [(header, value)])."""
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=20)
    for path, headers in requests:
        connection.putrequest("GET", path)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        connection.getresponse().read()
    connection.close()


def expect_both(result, path):
    """The two sides of one GET."""
    return [*expect_exchanges(result.spans, SERVER, [("GET", path, 200)]),
            *expect_exchanges(result.spans, CLIENT, [("GET", path, 200)])]


def spans_of(lab, paths, arguments=(), headers=()):
    """The server's spans by path, of a server that echoes."""
    app = lab.python_app("threaded.py")
    agent = lab.agent("--port", app.port, *arguments)
    ask(app, [(path, headers) for path in paths])
    exchanges = [("GET", path, 404 if path.startswith("/missing") else 200) for path in paths]
    return {span.path: span for span in expect_exchanges(agent.stop().spans, SERVER, exchanges)}


def routes_of(lab, paths, arguments=()):
    return {path: span.attributes.get("http.route")
            for path, span in spans_of(lab, paths, arguments).items()}


def test_routes_are_folded_by_rule(lab):
    expected = {
        "/": "/",
        "/health": "/health",
        "/api/v1/users/42": "/api/v1/users/{id}",
        "/api/v1/users/4711/orders/7": "/api/v1/users/{id}/orders/{id}",
        f"/items/{UUIDS[0]}": "/items/{uuid}",
        f"/items/{UUIDS[1]}": "/items/{uuid}",
        "/blobs/da39a3ee5e6b4b0d3255bfef95601890afd80709": "/blobs/{hash}",
        "/reports/2024-05-01": "/reports/{date}",
        "/archive/2024/05/01/index.html": "/archive/{date}/index.html",
        "/mail/bob@example.com": "/mail/{email}",
        "/hosts/10.0.0.1": "/hosts/{ip}",
        "/static/app.3f2a9c.js": "/static/app.{hash}.js",
        "/caf%C3%A9": "/{name}",
        "/oauth2/v2beta1/utf8": "/oauth2/v2beta1/utf8",
        "/missing/page": None,  # the answer is 404: there is no such route
    }
    spans = spans_of(lab, expected)
    assert {path: span.attributes.get("http.route") for path, span in spans.items()} == expected
    assert spans["/api/v1/users/42"].name == "GET /api/v1/users/{id}"
    assert spans["/missing/page"].name == "GET"


def test_many_words_become_one(lab):
    users = [f"/users/{chr(97 + i % 26)}{'o' * (1 + i // 26)}son" for i in range(80)]
    routes = set(routes_of(lab, users).values())
    assert "/users/{name}" in routes
    assert len(routes) <= 51, routes


def test_overflow_has_no_route(lab):
    config = configured(lab, """
    limits: {routes: 2}
    """)
    routes = routes_of(lab, ["/a", "/b", "/c", "/a"], config)
    assert routes == {"/a": "/a", "/b": "/b", "/c": None}


def test_own_routes_come_first(lab):
    config = configured(lab, """
    capture:
      http:
        routes: ["/users/me", "/users/{user}", "/files/**", "/missing/{what}"]
        infer_routes: false
    """)
    assert routes_of(lab, ["/users/me", "/users/42", "/files/a/b", "/other/42", "/missing/x"], config) == {
        "/users/me": "/users/me", "/users/42": "/users/{user}", "/files/a/b": "/files/**", "/other/42": None,
        "/missing/x": "/missing/{what}"}


def test_client_spans_have_templates_if_wanted(lab):
    app = lab.python_app("threaded.py")
    command = ["curl", "-s", f"{app.url}/users/42"]
    _, plain = lab.trace(["--port", str(app.port)], command)
    expect_both(plain, "/users/42")
    assert [span.name for span in plain.clients] == ["GET"]
    config = configured(lab, """
    capture: {http: {url_template: true}}
    """)
    _, wanted = lab.trace(["--port", str(app.port), *map(str, config)], command)
    _, client = expect_both(wanted, "/users/42")
    assert (client.name, client.attributes["url.template"]) == ("GET /users/{id}", "/users/{id}")


@pytest.mark.parametrize("setting, expected", [
    ("query: redacted", "a=1&sig=REDACTED&X-Amz-Signature=REDACTED&token=t"),
    ("query: keys", "a=REDACTED&sig=REDACTED&X-Amz-Signature=REDACTED&token=REDACTED"),
    ("query: 'off'", None),
    ("sensitive_query_parameters: [token]", "a=1&sig=s&X-Amz-Signature=x&token=REDACTED"),
])
def test_queries(lab, setting, expected):
    config = configured(lab, f"""
    capture:
      http:
        {setting}
    """)
    app = lab.python_app("threaded.py")
    url = f"{app.url}/p?a=1&sig=s&X-Amz-Signature=x&token=t"
    _, result = lab.trace(["--port", str(app.port), *map(str, config)], ["curl", "-s", url])
    server, client = expect_both(result, "/p")
    assert server.attributes.get("url.query") == expected
    assert client.attributes["url.full"] == f"{app.url}/p" + (f"?{expected}" if expected else "")


def test_headers_by_allow_list(lab):
    headers = [("X-Tenant", "one"), ("Authorization", "Bearer secret"), ("x-tenant", "two"), ("Cookie", "a=b")]
    config = configured(lab, """
    capture:
      http:
        request_headers: [X-Tenant, cookie]
        response_headers: [content-length, server, x-absent]
    """)
    span = spans_of(lab, ["/abc"], config, headers)["/abc"]
    shown = {key: value for key, value in span.attributes.items() if ".header." in key}
    server = shown.pop("http.response.header.server")
    assert len(server) == 1 and "Python" in server[0]
    assert shown == {"http.request.header.x-tenant": ["one", "two"], "http.request.header.cookie": ["a=b"],
                     "http.response.header.content-length": ["5"]}


def test_no_headers_unless_named(lab):
    span = spans_of(lab, ["/abc"], (), [("Authorization", "Bearer secret")])["/abc"]
    assert not [key for key in span.attributes if ".header." in key]
    assert "secret" not in str(span.attributes)


def test_mistakes_are_named_with_their_line(lab):
    path = lab.folder("config") / "bad.yaml"
    path.write_text("capture:\n  http:\n    routes:\n      - users\n    query: all\n", encoding="utf-8")
    child = lab.clew("config", "check", path)
    assert child.process.returncode == 2, child.describe()
    output = child.stdout.text + child.stderr.text
    assert f"{path}:4: capture.http.routes: 'users' is not a route" in output, output
    assert f"{path}:5: capture.http.query: 'all' is not" in output, output
