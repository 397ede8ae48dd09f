#!/usr/bin/env python3
"""The demo's shop: a threaded HTTP service from the standard library, with no instrumentation in it.

usage: shop.py PORT PRICES_PORT

  /checkout?item=ITEM   asks the price service for ITEM's price; answers 500 if that fails
  /stock/ITEM           answers by itself (the price service asks it for bundles)

Whatever else stands in the query is handed on, so that a test can follow one request by its id.
"""
import http.client
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

PRICES_TIMEOUT_S = 10


def ask_for_price(prices_port, item, query):
    connection = http.client.HTTPConnection("127.0.0.1", prices_port, timeout=PRICES_TIMEOUT_S)
    try:
        connection.request("GET", f"/price/{item}" + (f"?{query}" if query else ""))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/checkout":
            self.checkout(parse_qsl(url.query))
        elif url.path.startswith("/stock/"):
            self.answer(200, {"item": url.path.rpartition("/")[2], "stock": 3})
        else:
            self.answer(404, {"error": "no such page"})

    def checkout(self, query):
        item = dict(query).get("item", "lamp")
        rest = urlencode([(key, value) for key, value in query if key != "item"])
        try:
            status, body = ask_for_price(self.server.prices_port, item, rest)
            if status == 200:
                return self.answer(200, {"item": item, "price": json.loads(body)["price"]})
        except (OSError, ValueError, http.client.HTTPException):
            pass
        return self.answer(500, {"item": item, "error": "no price"})

    def answer(self, status, value):
        body = json.dumps(value).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    server = Server(("127.0.0.1", int(sys.argv[1])), Shop)
    server.prices_port = int(sys.argv[2])
    server.serve_forever()


if __name__ == "__main__":
    main()
