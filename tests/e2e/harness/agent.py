"""The agent under test: started, waited for, stopped, and held to its summary line."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from .processes import READY_S, STOP_S, Child
from .spans import CLIENT, SERVER, check_well_formed, draw, load_spans

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("CLEW_BINARY", ROOT / "build" / "release" / "clew"))

_SUMMARY = re.compile(r"clew: (\d+) segments? seen, (\d+) spans? exported, (\d+) lost(?: \((.*)\))?")


@dataclass
class Summary:
    segments: int
    exported: int
    lost: int
    causes: dict = field(default_factory=dict)

    @classmethod
    def parse(cls, stderr):
        """The last line of `stderr` is the summary."""
        lines = stderr.rstrip("\n").split("\n")
        match = _SUMMARY.fullmatch(lines[-1])
        assert match, f"the last line on stderr is no summary: {lines[-1]!r}; all of it:\n{stderr[-3000:]}"
        causes = {}
        for part in re.split(", |; ", match[4]) if match[4] else ():
            name, count = part.removeprefix("evidence: ").rsplit(" ", 1)
            causes[name] = int(count)
        return cls(int(match[1]), int(match[2]), int(match[3]), causes)

    def expect_no_loss(self):
        assert self.lost == 0 and not self.causes, f"lost {self.lost}: {self.causes}"


class Result:
    """What a run of the agent left behind."""

    def __init__(self, summary, span_file, stderr):
        self.summary = summary
        self.span_file = span_file
        self.stderr = stderr
        self.spans = load_spans(span_file)
        check_well_formed(self.spans)

    @property
    def servers(self):
        return [span for span in self.spans if span.kind == SERVER]

    @property
    def clients(self):
        return [span for span in self.spans if span.kind == CLIENT]

    def on_port(self, port):
        """The spans whose server has this port, for runs that select more than the test's own."""
        return [span for span in self.spans if span.attributes.get("server.port") == port]

    def draw(self):
        return draw(self.spans)


def settle(summary, span_file, stderr, lost=0):
    """Holds a finished run with a file export to what every run promises."""
    result = Result(summary, span_file, stderr)
    if lost == 0:
        summary.expect_no_loss()
    assert summary.exported == len(result.spans), \
        f"summary says {summary.exported} spans exported, the file has {len(result.spans)}"
    return result


class Agent:
    """`clew run`, ready."""

    def __init__(self, start, span_file, arguments, *, export_file=True, env=None):
        self.span_file = span_file
        export = ["--export", f"file:{span_file}"] if export_file else []
        self.child: Child = start([BINARY, "run", *arguments, *export], name="clew",
                                  env={**os.environ, **(env or {})})
        ready = self.child.stderr.wait_for(r"^clew: ready$", READY_S)
        assert ready, f"clew was not ready within {READY_S} s; {self.child.describe()}"

    @property
    def pid(self):
        return self.child.pid

    def expect_alive(self):
        assert self.child.alive(), f"clew ended early; {self.child.describe()}"

    def end(self, number=15, timeout=STOP_S):
        """SIGTERM (or another signal): exit code 0 in time, and a summary."""
        self.expect_alive()
        code = self.child.stop(number, timeout)
        assert code == 0, f"clew ended with {code}; {self.child.describe()}"
        return Summary.parse(self.child.stderr.text)

    def stop(self, number=15):
        """Ends it, expects that nothing was lost, and returns the spans."""
        return settle(self.end(number), self.span_file, self.child.stderr.text)
