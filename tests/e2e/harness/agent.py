"""The agent under test: started, waited for, stopped, and held to its summary line."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from .processes import READY_S, STOP_S, Child
from .spans import CLIENT, SERVER, check_well_formed, draw, load_spans

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("CLEW_BINARY", ROOT / "build" / "release" / "clew"))

# The causes that count spans which no export target took.
UNDELIVERED = ("queue_full", "export_failed", "not_delivered")

_SUMMARY = re.compile(r"clew: (\d+) segments? seen, (\d+) spans? exported, (\d+) lost(?: \((.*)\))?")


@dataclass
class Summary:
    segments: int
    exported: int
    lost: int
    causes: dict = field(default_factory=dict)
    evidence: set = field(default_factory=set)  # those among the causes that are no exchanges
    accounted: bool = field(default=False, compare=False)

    @classmethod
    def parse(cls, stderr):
        """The last line of `stderr` is the summary."""
        lines = stderr.rstrip("\n").split("\n")
        match = _SUMMARY.fullmatch(lines[-1])
        assert match, f"the last line on stderr is no summary: {lines[-1]!r}; all of it:\n{stderr[-3000:]}"
        exchanges, _, evidence = (match[4] or "").partition("evidence: ")
        causes, hints = ({name: int(count) for name, count in re.findall(r"(\S+) (\d+)", part)}
                         for part in (exchanges, evidence))
        return cls(int(match[1]), int(match[2]), int(match[3]), causes | hints, set(hints))

    def expect_losses(self, *causes):
        """Nothing but these causes may count, and the total is the sum of those that count exchanges."""
        exchanges = sum(count for cause, count in self.causes.items() if cause not in self.evidence)
        assert self.lost == exchanges, f"lost {self.lost}, yet the causes are {self.causes}"
        assert set(self.causes) <= set(causes), f"lost {self.lost}: {self.causes}"

    def expect_no_loss(self):
        self.expect_losses()

    def expect_balance(self, happened, *causes):
        """What happened was exported or is counted as lost, by these causes."""
        self.expect_losses(*causes)
        assert self.exported + self.lost == happened, f"{happened} exchanges happened: {self}"
        self.accounted = True


class Result:
    """What a run of the agent left behind. The test that gets it must compare every span with what happened
    (harness/truth.py); the lab fixture fails a test that does not."""

    def __init__(self, summary, span_file, stderr):
        self.summary = summary
        self.span_file = span_file
        self.stderr = stderr
        self.spans = load_spans(span_file)
        self._expected_nothing = False
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

    def expect_nothing(self):
        """Nothing happened that would make a span."""
        assert self.spans == [], self.draw()
        self._expected_nothing = True

    def unaccounted(self):
        """What the test left open; empty if nothing."""
        if not self.spans and not self._expected_nothing:
            return "a run without spans, though the test did not expect_nothing()"
        left = [span for span in self.spans if not span.accounted]
        return f"{len(left)} spans were never compared with what happened, first: {left[0]}" if left else ""


def settle(summary, span_file, stderr, losses=()):
    """Holds a finished run with a file export to what every run promises: no loss but by the causes
    `losses`."""
    result = Result(summary, span_file, stderr)
    summary.expect_losses(*losses)
    # With a second export target, what that one did not take is counted as lost and not as exported.
    undelivered = sum(count for cause, count in summary.causes.items() if cause in UNDELIVERED)
    assert summary.exported + undelivered == len(result.spans), \
        f"summary says {summary.exported} spans exported, the file has {len(result.spans)}: {summary}"
    return result


class Agent:
    """`clew run`, ready."""

    def __init__(self, start, span_file, arguments, *, export_file=True, env=None):
        self.span_file = span_file
        self._summary = None
        self._result = None
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
        self._summary = Summary.parse(self.child.stderr.text)
        return self._summary

    def stop(self, number=15, timeout=STOP_S, losses=()):
        """Ends it, expects that nothing was lost but by the causes `losses`, and returns the spans."""
        self._result = settle(self.end(number, timeout), self.span_file, self.child.stderr.text, losses)
        return self._result

    def unaccounted(self):
        """What the test left open of this run; empty if nothing."""
        if self._result:
            return self._result.unaccounted()
        if self._summary is None:
            return "an agent was never stopped"
        return "" if self._summary.accounted else f"a summary never compared with what happened: {self._summary}"
