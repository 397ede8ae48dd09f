"""A client by hand for the servers of the matrix (apps/matrix/README.md). What it got is the truth: it
checks that each answer belongs to its request, and writes down the exchange."""

from concurrent.futures import ThreadPoolExecutor

from .wire import Wire, request

LARGE = 1_000_000


class Session:
    """Exchanges one after the other, on one connection for as long as the server keeps it."""

    def __init__(self, visitor):
        self._visitor = visitor
        self._wire = None
        self.connections = 0

    def exchange(self, method, target, code=200, *, item=None, headers=(), body=b"", sent=None, version="1.1"):
        """`sent`: the request's bytes, if they are not those of method, target, headers and body."""
        if self._wire is None:
            self._wire = Wire(self._visitor.host, self._visitor.port)
            self.connections += 1
        self._wire.send(sent or request(target, method=method, headers=headers, body=body, version=version))
        response = self._wire.response(method)
        self._visitor.note(method, target, response, code, item)
        if response.will_close:
            self.close()
        return response

    def item(self, name, code=200, method="GET", **more):
        query = "" if code == 200 else f"?status={code}"
        response = self.exchange(method, f"/item/{name}{query}", code, item=name, **more)
        if code in (204, 304) or method == "HEAD":
            assert response.body == b"", f"/item/{name} -> {code} has a body"

    def size(self, kind, count, length):
        response = self.exchange("GET", f"/{kind}/{count}")
        assert len(response.body) == length, f"/{kind}/{count}: {len(response.body)} bytes"

    def upload(self, name, counted, chunked=False):
        if chunked:
            head = request(f"/upload/{name}", method="POST", headers=["Transfer-Encoding: chunked"])
            piece = b"u" * (LARGE // 10)
            sent = head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for _ in range(10)) + b"0\r\n\r\n"
            response = self.exchange("POST", f"/upload/{name}", item=name, sent=sent)
        else:
            response = self.exchange("POST", f"/upload/{name}", item=name, body=b"u" * LARGE)
        assert not counted or response.body == b"%d" % LARGE, response.body[:100]

    def close(self):
        if self._wire:
            self._wire.close()
            self._wire = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Visitor:
    def __init__(self, host, port):
        self.host, self.port = host, port
        self.exchanges = []  # (method, path, status) of all that was done

    def session(self):
        return Session(self)

    def note(self, method, target, response, code, item):
        path = target.partition("?")[0]
        assert response.code == code, f"{method} {target}: {response.code} instead of {code}"
        got = {name.lower(): value for name, value in response.headers.items()}.get("x-item")
        assert item is None or got == item, f"{method} {target}: the answer is for {got}"
        self.exchanges.append((method, path, code))

    def mixed(self, server):
        """Every kind of exchange, in one session."""
        with self.session() as session:
            for number in range(10):
                session.item(f"k{number}")
            session.item("head", method="HEAD")
            for code in (204, 404):
                session.item(f"s{code}", code)
            session.item("s304", 304, headers=["If-None-Match: *"])
            session.size("bytes", 0, 0)
            session.size("bytes", LARGE, LARGE)
            if server.streams:
                session.size("stream", 5, 5_000)
            session.upload("length", server.counts_uploads)
            session.upload("chunked", server.counts_uploads, chunked=True)
            session.item("after")
            kept = session.connections == 1
            assert kept == server.keep_alive, f"{session.connections} connections for one session"
            session.item("s500", 500)  # some servers close after it
            session.item("last")
        with self.session() as session:
            session.item("old", version="1.0")

    def at_once(self, connections=8, requests=25):
        def one(connection):
            with self.session() as session:
                for number in range(requests):
                    session.item(f"c{connection}-{number}", 404 if number % 5 == 4 else 200)

        with ThreadPoolExecutor(connections) as pool:
            list(pool.map(one, range(connections)))

    def pipelined(self, count=20):
        names = [f"p{number}" for number in range(count)]
        with Wire(self.host, self.port) as wire:
            wire.send(b"".join(request(f"/item/{name}") for name in names))
            for name in names:
                self.note("GET", f"/item/{name}", wire.response(), 200, name)

    def short(self, count=200, at_once=4):
        def one(number):
            with self.session() as session:
                session.item(f"x{number}", headers=["Connection: close"])

        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(one, range(count)))
