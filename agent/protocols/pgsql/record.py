#!/usr/bin/env python3
"""Records conversations of a real client with a real PostgreSQL server in the format of replay.h.

usage: record.py FOLDER [BIN]     (BIN: PostgreSQL's programs; default /usr/lib/postgresql/15/bin)

Starts a server of its own on a UNIX socket in a temporary folder, and stands between it and psql,
pgbench and a client by hand. Run it as a user that is not root.
"""
import os, pathlib, shutil, socket, struct, subprocess, sys, tempfile, threading

FOLDER = pathlib.Path(sys.argv[1]).resolve()
BIN = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "/usr/lib/postgresql/15/bin")
PORT = 5999


class Tap:
    """Listens in place of the server and writes down what passes, an operation a record."""

    def __init__(self, home):
        self.server = str(home / f".s.PGSQL.{PORT}")
        self.folder = home / "tap"
        self.folder.mkdir()
        self.records = []
        self.lock = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.folder / f".s.PGSQL.{PORT}"))
        self.listener.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.server)
            records = []
            with self.lock:
                self.records.append(records)
            for flags, source, target in ((2, client, server), (3, server, client)):
                threading.Thread(target=self.pass_on, args=(flags, source, target, records),
                                 daemon=True).start()

    def pass_on(self, flags, source, target, records):
        while data := source.recv(16384):
            with self.lock:
                records.append(struct.pack(">BHB", flags, len(data), 0) + data)
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

    def take(self):
        """The latest connection's."""
        with self.lock:
            return b"".join(self.records[-1])


def message(kind, body=b""):
    return kind + struct.pack(">I", len(body) + 4) + body


def by_hand(folder, turns):
    """Sends each turn in one write and reads on to as many ReadyForQuery as it asks for."""
    link = socket.socket(socket.AF_UNIX)
    link.connect(str(folder / f".s.PGSQL.{PORT}"))
    start = b"user\0postgres\0database\0postgres\0\0"
    for turn, readies in [(struct.pack(">II", len(start) + 8, 196608) + start, 1)] + turns:
        link.sendall(turn)
        data = b""
        while readies:
            while len(data) < 5 or len(data) < 1 + struct.unpack(">I", data[1:5])[0]:
                data += link.recv(8192)
            readies -= data[:1] == b"Z"
            data = data[1 + struct.unpack(">I", data[1:5])[0]:]
    link.sendall(message(b"X"))
    link.close()


def prepare(text, name=b""):
    return message(b"P", name + b"\0" + text + b"\0\0\0")


def bind(name=b"", portal=b""):
    return message(b"B", portal + b"\0" + name + b"\0\0\0\0\0\0\0")


def execute(portal=b"", rows=0):
    return message(b"E", portal + b"\0" + struct.pack(">I", rows))


SYNC = message(b"S")


def pipeline(depth, failing):
    turn = b""
    for i in range(depth):
        text = b"SELECT 1/0" if i == failing else b"SELECT %d AS value" % i
        turn += prepare(text) + bind() + execute()
    return turn + SYNC


def main():
    home = pathlib.Path(tempfile.mkdtemp(prefix="clew-record-"))
    data = home / "data"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([BIN / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"],
                   check=True, **quiet)
    server = subprocess.Popen([BIN / "postgres", "-D", data, "-p", str(PORT), "-k", home,
                               "-c", "listen_addresses=", "-c", "fsync=off"], **quiet)
    try:
        while subprocess.run([BIN / "pg_isready", "-h", home, "-p", str(PORT)], **quiet).returncode:
            pass
        tap = Tap(home)
        environment = {**os.environ, "PGHOST": str(tap.folder), "PGPORT": str(PORT),
                       "PGUSER": "postgres", "PGDATABASE": "postgres"}

        def keep(name):
            (FOLDER / name).write_bytes(tap.take())

        def psql(name, script):
            subprocess.run([BIN / "psql", "-X", "-q"], input=script.encode(), env=environment,
                           **quiet)
            keep(name)

        def pgbench(name, *arguments):
            subprocess.run([BIN / "pgbench", "-n", "-c", "1", "-t", "5", *arguments],
                           env=environment, check=True, **quiet)
            keep(name)

        psql("psql", "CREATE TABLE t (id int PRIMARY KEY, name text);\n"
             "INSERT INTO t VALUES (1, 'a'), (2, 'b') RETURNING id;\n"
             "SELECT 1\\; SELECT 2 \\; SELECT 3;\nSELECT * FROM nowhere;\n"
             "BEGIN;\nINSERT INTO t VALUES (1, 'twice');\nROLLBACK;\n;\nLISTEN c;\nNOTIFY c;\n")
        psql("copy", "CREATE TEMP TABLE c (id int);\nCOPY c FROM STDIN;\n1\n2\n3\n\\.\n"
             "COPY c TO STDOUT;\nCOPY c FROM STDIN;\nnot a number\n\\.\nSELECT count(*) FROM c;\n")
        subprocess.run([BIN / "pgbench", "-i", "-q"], env=environment, check=True, **quiet)
        pgbench("pgbench_simple", "-S")
        pgbench("pgbench_extended", "-S", "-M", "extended")
        pgbench("pgbench_prepared", "-M", "prepared")
        script = home / "pipeline.sql"
        script.write_text("\\startpipeline\nSELECT 1;\nSELECT 2;\nSELECT 3;\n\\endpipeline\n")
        pgbench("pgbench_pipeline", "-M", "extended", "-f", str(script))
        by_hand(tap.folder, [(pipeline(100, 50), 1)])
        keep("pipeline_error")
        by_hand(tap.folder, [
            (message(b"Q", b"BEGIN\0"), 1),
            (prepare(b"SELECT generate_series(1, 5)") + bind(portal=b"p") + execute(b"p", 2) + SYNC, 1),
            (execute(b"p", 2) + SYNC, 1),
            (execute(b"p", 2) + SYNC, 1),
            (message(b"Q", b"COMMIT\0"), 1),
            (prepare(b"SELEC") + message(b"D", b"S\0") + SYNC, 1),
            (message(b"F", struct.pack(">IHHI", 1317, 0, 1, 3) + b"abc\0\0"), 1),
        ])
        keep("portals")
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(home)


main()
