#!/usr/bin/env python3
"""The demo's shop: a threaded HTTP service from the standard library, with no instrumentation in it.

usage: shop.py PORT PRICES_PORT [POSTGRES_PORT REDIS_PORT]

  /checkout?item=ITEM   asks the price service for ITEM's price; answers 500 if that fails
  /stock/ITEM           answers by itself (the price service asks it for bundles)

With the databases (shop.sql), a checkout asks Redis for a discount and writes an order into PostgreSQL, which also
knows the stock. Whatever else stands in the query is handed on, so that a test can follow one request by its id.
"""
import http.client
import json
import queue
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


class NoDatabases:
    """For who wants the HTTP services alone."""

    def discount(self, item):
        return 0

    def stock(self, item):
        return 3

    def order(self, item, price):
        pass


class Databases:
    """PostgreSQL by a pool of connections that grows with need, and Redis by its client's own."""

    def __init__(self, postgres_port, redis_port):
        import psycopg
        import redis
        self.cache = redis.Redis(port=redis_port)
        self.connect = lambda: psycopg.connect(host="127.0.0.1", port=postgres_port, user="shop", dbname="shop",
                                               autocommit=True, sslmode="disable", gssencmode="disable")
        self.pool = queue.LifoQueue()

    def run(self, statement, *values):
        try:
            connection = self.pool.get_nowait()
        except queue.Empty:
            connection = self.connect()
        cursor = connection.execute(statement, values)
        self.pool.put(connection)
        return cursor

    def discount(self, item):
        return int(self.cache.get(f"discount:{item}") or 0)

    def stock(self, item):
        return self.run("SELECT stock FROM items WHERE name = %s", item).fetchone()[0]

    def order(self, item, price):
        self.run("INSERT INTO orders (item, price) VALUES (%s, %s)", item, price)


class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/checkout":
            self.checkout(parse_qsl(url.query))
        elif url.path.startswith("/stock/"):
            item = url.path.rpartition("/")[2]
            self.answer(200, {"item": item, "stock": self.server.databases.stock(item)})
        else:
            self.answer(404, {"error": "no such page"})

    def checkout(self, query):
        item = dict(query).get("item", "lamp")
        rest = urlencode([(key, value) for key, value in query if key != "item"])
        try:
            discount = self.server.databases.discount(item)
            status, body = ask_for_price(self.server.prices_port, item, rest)
            if status == 200:
                price = json.loads(body)["price"] - discount
                self.server.databases.order(item, price)
                return self.answer(200, {"item": item, "price": price})
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
    server.databases = Databases(int(sys.argv[3]), int(sys.argv[4])) if len(sys.argv) > 3 else NoDatabases()
    server.serve_forever()


if __name__ == "__main__":
    main()
