"""An HTTP server with a pool of connections to PostgreSQL (psycopg) and Redis (redis-py):
POSTGRES-PORT REDIS-PORT. `GET /buy/N` asks Redis for kN, PostgreSQL for N rows twice, and writes sN."""

import queue
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
import redis

cache = redis.Redis(port=int(sys.argv[2]))
pool = queue.LifoQueue()


def connection_of_pool():
    try:
        return pool.get_nowait()
    except queue.Empty:
        return psycopg.connect(host="127.0.0.1", port=sys.argv[1], user="clew", dbname="app", autocommit=True,
                               sslmode="disable", gssencmode="disable")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        n = int(self.path.rpartition("/")[2])
        cache.get(f"k{n}")
        connection = connection_of_pool()
        rows = connection.execute(f"SELECT generate_series(1, {n}) AS u{n}").fetchall()
        more = connection.execute("SELECT generate_series(1, %s::int) AS q", [n]).fetchall()
        pool.put(connection)
        cache.set(f"s{n}", "sold")
        body = b"%d\n" % (len(rows) + len(more))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"listening {server.server_port}", flush=True)
server.serve_forever()
