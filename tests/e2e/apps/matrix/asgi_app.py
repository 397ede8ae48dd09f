"""The matrix's answers as an ASGI application."""


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    count, more = 0, True
    while more:
        message = await receive()
        count += len(message.get("body", b""))
        more = message.get("more_body", False)
    _, kind, value = scope["path"].split("/")
    code, headers, pieces = 200, [], [b""]
    if kind == "item":
        code = int(scope["query_string"].partition(b"status=")[2] or 200)
        pieces = [value.encode()]
    elif kind == "upload":
        pieces = [str(count).encode()]
    elif kind == "bytes":
        pieces = [b"x" * int(value)]
    elif kind == "stream":
        pieces = [b"y" * 1000] * int(value)
    if kind in ("item", "upload"):
        headers.append((b"x-item", value.encode()))
    if code in (204, 304):
        pieces = [b""]
    elif kind != "stream":
        headers.append((b"content-length", b"%d" % len(pieces[0])))
    await send({"type": "http.response.start", "status": code, "headers": headers})
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
