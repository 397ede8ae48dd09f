"""PostgreSQL and Redis from Debian on free ports, and their own accounts of what they were asked."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

from .processes import Child, children_of, free_port, wait_for_port
from .toolchains import APPS as MATRIX

APPS = MATRIX.parent / "databases"
BINARIES = Path("/usr/lib/postgresql/15/bin")
USER = "clew"  # superuser of every cluster; no password
GUARDED, PASSWORD = "guarded", "pa55-never-shown"  # a user who needs one (SCRAM)
ENDED_S = 20

_POSTGRES_CONF = """
listen_addresses = '127.0.0.1, ::1'
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
max_connections = 50
shared_buffers = 32MB
shared_preload_libraries = 'pg_stat_statements'
pg_stat_statements.track = top
pg_stat_statements.track_utility = on
logging_collector = on
log_destination = jsonlog
log_filename = truth
log_directory = log
"""
_POSTGRES_HBA = f"""
host all {GUARDED} all scram-sha-256
local all all trust
host all all all trust
"""
_POSTGRES_SETUP = f"""
CREATE EXTENSION pg_stat_statements;
CREATE ROLE {GUARDED} LOGIN PASSWORD '{PASSWORD}';
CREATE DATABASE app;
CREATE DATABASE bench;
ALTER DATABASE app SET log_statement = 'all';
"""


def _as_postgres(argv):
    # A change of user clears the signal that a child gets when its parent dies.
    return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--pdeathsig", "INT", *argv]


def _checked(argv, timeout=60, env=None, text=None):
    """Runs a tool of a service to its end and returns what it said; with `text` on its standard input."""
    done = subprocess.run([str(part) for part in argv], capture_output=True, text=True, timeout=timeout, check=False,
                          env=env, **({"input": text} if text is not None else {"stdin": subprocess.DEVNULL}))
    assert done.returncode == 0, f"{argv} ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


class Postgres:
    """PostgreSQL 15 with pg_stat_statements. Database `app` logs every statement, `bench` (pgbench's tables)
    none. `template`: the data folder of another, stopped one, to begin as."""

    def __init__(self, start, directory, *, template=None, settings="", certificate=False):
        self.directory = Path(directory)
        self.data = self.directory / "data"
        self.host = "127.0.0.1"
        self.port = free_port()
        self._log_read = self._marks = self._scripts = 0
        shutil.chown(self.directory, "postgres", "postgres")
        if template:
            _checked(_as_postgres(["cp", "-r", template, self.data]))
        else:
            _checked(_as_postgres([BINARIES / "initdb", "--no-sync", "--no-locale", "-E", "UTF8", "-U", USER,
                                   "-A", "trust", "-D", self.data]))
        if certificate:
            _checked(_as_postgres(["openssl", "req", "-new", "-x509", "-days", "2", "-nodes", "-subj", "/CN=localhost",
                                   "-newkey", "rsa:2048", "-out", self.data / "server.crt",
                                   "-keyout", self.data / "server.key"]))
        where = f"port = {self.port}\nunix_socket_directories = '{self.directory}'\n"
        (self.data / "postgresql.conf").write_text(_POSTGRES_CONF + where + settings, encoding="utf-8")
        (self.data / "pg_hba.conf").write_text(_POSTGRES_HBA, encoding="utf-8")
        self.child: Child = start(_as_postgres([BINARIES / "postgres", "-D", self.data]), name="postgres")
        wait_for_port(self.child, self.host, self.port)
        self._wait_until_it_answers()
        if not template:
            self.psql(_POSTGRES_SETUP, "postgres")
            self.psql("CREATE TABLE items (id int PRIMARY KEY, note text)")
            _checked([BINARIES / "pgbench", "-i", "-q", "-s", "1", "-h", self.directory, "-p", self.port, "-U", USER,
                      "bench"])

    def _wait_until_it_answers(self):
        deadline = time.monotonic() + ENDED_S
        while subprocess.run([BINARIES / "pg_isready", "-q", "-h", self.host, "-p", str(self.port)],
                             check=False, stdin=subprocess.DEVNULL).returncode:
            assert self.child.alive() and time.monotonic() < deadline, self.child.describe()
            time.sleep(0.02)

    @property
    def pid(self):
        return self.child.pid

    @property
    def select(self):
        return ["--pid", str(self.pid)]

    def at(self, transport):
        """What a client is told as host."""
        return str(self.directory) if transport == "unix" else self.host

    @property
    def socket(self):
        return self.directory / f".s.PGSQL.{self.port}"

    def psql_command(self, *arguments, database="app", transport="tcp", user=USER):
        # The program itself: Debian's psql and pgbench are Perl scripts that choose one.
        return [BINARIES / "psql", "-X", "-q", "-A", "-t", "-h", self.at(transport), "-p", str(self.port),
                "-U", user, "-d", database, *arguments]

    def psql(self, sql, database="app"):
        """For what the tests themselves need of the server, while no agent looks."""
        return _checked(self.psql_command("-v", "ON_ERROR_STOP=1", "-f", "-", database=database, transport="unix"),
                        text=sql)

    def script(self, *statements):
        """The path of a file for psql -f."""
        self._scripts = self._scripts + 1
        path = self.directory / f"script{self._scripts}.sql"
        path.write_text("\n".join(statements) + "\n", encoding="utf-8")
        return path

    def backends(self):
        """The clients' backends (its other children have no client)."""
        return [int(pid) for pid in self.psql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
                                              " AND pid <> pg_backend_pid()").split()]

    def wait_for_no_backends(self):
        deadline = time.monotonic() + ENDED_S
        while left := self.backends():
            assert time.monotonic() < deadline, f"backends {left} have not ended"
            time.sleep(0.02)

    def reset(self):
        """From here on, statements() and logged() count."""
        self.psql("SELECT pg_stat_statements_reset()", "postgres")
        self.logged()

    def statements(self, database="bench"):
        """{normalised text: calls} of pg_stat_statements."""
        rows = self.psql("SELECT json_build_object('query', query, 'calls', calls) FROM pg_stat_statements s"
                         f" JOIN pg_database d ON d.oid = s.dbid WHERE datname = '{database}'", "postgres")
        counted = Counter()
        for row in map(json.loads, rows.splitlines()):
            counted[row["query"]] += row["calls"]
        return counted

    def logged(self):
        """[text, SQLSTATE or None] of each statement that ran or failed in `app` since the last call."""
        self._marks = self._marks + 1
        mark = f"SELECT 'mark {self._marks} of the log'"
        self.psql(mark)
        deadline = time.monotonic() + ENDED_S
        while True:
            text = (self.data / "log" / "truth.json").read_text(encoding="utf-8")
            entries = [json.loads(line) for line in text[self._log_read:].splitlines(keepends=True) if line[-1] == "\n"]
            if any(entry["message"] == f"statement: {mark}" for entry in entries):
                break
            assert time.monotonic() < deadline, f"the log never said {mark}"
            time.sleep(0.02)
        self._log_read = len(text)
        return [call for call in _calls_logged(entries) if call[0] != mark]

    def stop(self):
        """Ends it fast (SIGINT): all of its processes are gone afterwards."""
        family = children_of(self.pid)
        assert self.child.stop(signal.SIGINT, ENDED_S) == 0, self.child.describe()
        deadline = time.monotonic() + ENDED_S  # its logger reads to the end of what the others wrote
        while left := [pid for pid in family if _runs(pid)]:
            assert time.monotonic() < deadline, f"processes {left} of PostgreSQL have not ended"
            time.sleep(0.01)


def _runs(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def _calls_logged(entries):
    calls, last = [], {}  # last: of each process, what it runs
    for entry in entries:
        if entry.get("dbname") != "app" or entry.get("backend_type") != "client backend":
            continue
        kind, _, text = entry["message"].partition(": ")
        if entry["error_severity"] == "LOG" and kind.split(" ")[0] in ("statement", "execute"):
            last[entry["pid"]] = [text, None]
            calls.append(last[entry["pid"]])
        elif entry["error_severity"] == "ERROR":
            running = last.get(entry["pid"])
            if running and running[0] == entry.get("statement") and running[1] is None:
                running[1] = entry["state_code"]
            else:  # refused before it ran
                calls.append([entry.get("statement"), entry["state_code"]])
    return calls


class Redis:
    """Redis on a port and a UNIX socket, in memory only."""

    def __init__(self, start, directory, *options, program="redis-server"):
        self.directory = Path(directory)
        self.host = "127.0.0.1"
        self.port = free_port()
        self.socket = self.directory / "redis.sock"
        self.child: Child = start([program, "--port", self.port, "--bind", "127.0.0.1", "::1",
                                   "--unixsocket", self.socket, "--save", "", "--appendonly", "no",
                                   "--protected-mode", "no", "--daemonize", "no", "--dir", self.directory, *options],
                                  name="redis")
        wait_for_port(self.child, self.host, self.port)

    @property
    def pid(self):
        return self.child.pid

    @property
    def select(self):
        return ["--pid", str(self.pid)]

    def where(self, transport="tcp"):
        """Options of redis-cli and redis-benchmark that reach it."""
        return ["-s", str(self.socket)] if transport == "unix" else ["-h", self.host, "-p", str(self.port)]

    def cli(self, *command):
        """For what the tests themselves need of the server, while no agent looks."""
        return _checked(["redis-cli", "-s", self.socket, *command])

    def reset(self):
        """From here on, calls() counts."""
        self.cli("FLUSHALL")
        self.cli("SCRIPT", "FLUSH")
        self.cli("CONFIG", "RESETSTAT")

    def calls(self):
        """{COMMAND: calls} since reset(), which this ends: what this class itself asks would count."""
        counted = Counter()
        for line in self.cli("INFO", "commandstats").splitlines():
            if line.startswith("cmdstat_"):
                name, _, fields = line[len("cmdstat_"):].partition(":")
                values = dict(field.split("=") for field in fields.split(","))
                if name != "config|resetstat":
                    counted[name.partition("|")[0].upper()] += int(values["calls"]) + int(values["rejected_calls"])
        return counted

    def stop(self):
        assert self.child.stop(signal.SIGTERM, ENDED_S) == 0, self.child.describe()
