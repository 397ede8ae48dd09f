"""One test's world: a folder, and the processes that end with the test."""

import os
import shutil
import tempfile
from pathlib import Path

from .agent import BINARY, Agent, Summary, settle
from .processes import Child
from .services import APPS, PYTHON, App, Chain, Curl, Nginx, Wrk, node


class Lab:
    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="clew-e2e-"))
        self.directory.chmod(0o755)  # the tests without privileges look into it
        self._children = []
        self._runs = []  # of the agent: each has unaccounted()
        self._names = 0

    def close(self):
        for child in reversed(self._children):
            child.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def expect_accounted(self):
        """Exchanges that happened == spans + counted losses, of every run of the agent in this test."""
        problems = [problem for run in self._runs if (problem := run.unaccounted())]
        assert not problems, "; ".join(problems)

    def folder(self, stem):
        self._names += 1
        path = self.directory / f"{stem}{self._names}"
        path.mkdir()
        return path

    def start(self, argv, **options):
        """Starts a program that this test owns."""
        child = Child(argv, **options)
        self._children.append(child)
        return child

    def run(self, argv, timeout=60, **options):
        """Runs a program to its end; returns it, with its exit code in `.process.returncode`."""
        child = self.start(argv, **options)
        child.process.stdin.close()
        child.wait(timeout)
        return child

    def agent(self, *select, **options):
        """`clew run`, ready, exporting to a file."""
        agent = Agent(self.start, self.folder("agent") / "spans.jsonl", [str(part) for part in select], **options)
        self._runs.append(agent)
        return agent

    def trace(self, select, command, timeout=90, expect_code=0, before_exec=None):
        """`clew trace SELECT -- COMMAND` with a file export, run to its end: (Child, Result)."""
        span_file = self.folder("trace") / "spans.jsonl"
        child = self.run([BINARY, "trace", *select, "--export", f"file:{span_file}", "--", *command],
                         timeout, name="clew trace", before_exec=before_exec)
        assert child.process.returncode == expect_code, child.describe()
        self._runs.append(settle(Summary.parse(child.stderr.text), span_file, child.stderr.text))
        return child, self._runs[-1]

    def clew(self, *arguments, **options):
        """Any other command of the agent, run to its end."""
        return self.run([BINARY, *arguments], name="clew", **options)

    def copy(self, program):
        """A copy of a program that nobody else on the machine runs, for --exe."""
        folder = self.directory / "bin"
        folder.mkdir(exist_ok=True)
        return shutil.copy(os.path.realpath(shutil.which(program)), folder / program)

    def texts(self, kind):
        """Options by which spans show the texts of statements and commands: raw, sanitized or off."""
        config = self.folder("config") / "clew.yaml"
        config.write_text(f"capture:\n  sql: {kind}\n  redis: {kind}\n", encoding="utf-8")
        return ["--config", str(config)]

    def room(self):
        """Options for loads at full speed that are compared to the last call, on a machine that may be busy:
        room for what the agent, or the disk, is behind."""
        config = self.folder("config") / "clew.yaml"
        config.write_text("capture:\n  ring_buffer: 64MiB\nlimits:\n  queue_spans: 1048576\n", encoding="utf-8")
        return ["--config", str(config)]

    def nginx(self, **options):
        return Nginx(self.start, self.folder("nginx"), **options)

    def wrk(self, url, **options):
        return Wrk(self.start, url, **options)

    def curl(self, *arguments, **options):
        return Curl(self.start, arguments, **options)

    def chain(self):
        return Chain(self.start, self.folder("chain"))

    def python_app(self, name, *arguments, **options):
        """A listening Python program of tests/e2e/apps."""
        return App(self.start, [PYTHON, APPS / name, *arguments], **options)

    def node_app(self, name, *arguments, **options):
        return App(self.start, [node(), APPS / name, *arguments], **options)

    def native(self, name, folder="native", flags=()):
        """A C program of tests/e2e/apps, compiled for this test: its path."""
        program = self.directory / name
        compiled = self.run(["cc", "-std=gnu17", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread",
                             "-o", program, APPS / folder / f"{name}.c", *flags])
        assert compiled.process.returncode == 0, compiled.describe()
        return program

    def environment(self, **changes):
        return {**os.environ, **changes}
