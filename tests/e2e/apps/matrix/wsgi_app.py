"""The matrix's answers as a WSGI application."""

REASONS = {200: "OK", 204: "No Content", 304: "Not Modified", 404: "Not Found", 500: "Internal Server Error"}


def received(stream):
    count = 0
    while data := stream.read(65536):
        count += len(data)
    return str(count).encode()


def app(environ, start_response):
    _, kind, value = environ["PATH_INFO"].split("/")
    code, headers, body = 200, [], b""
    if kind == "item":
        code = int(environ.get("QUERY_STRING", "").partition("status=")[2] or 200)
        headers = [("X-Item", value)]
        body = value.encode()
    elif kind == "upload":
        headers = [("X-Item", value)]
        body = received(environ["wsgi.input"])
    elif kind == "bytes":
        body = b"x" * int(value)
    elif kind == "stream":
        start_response("200 OK", headers)
        return (b"y" * 1000 for _ in range(int(value)))
    if code in (204, 304):
        start_response(f"{code} {REASONS[code]}", headers)
        return []
    start_response(f"{code} {REASONS[code]}", [*headers, ("Content-Length", str(len(body)))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
