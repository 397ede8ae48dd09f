"""Judges what a guest sent back: check.py KERNEL FOLDER. Prints `passed failed`; the rest goes to stderr."""

import json
import re
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "e2e"))

from harness.agent import Summary  # noqa: E402
from harness.spans import CLIENT, SERVER, Forest, check_well_formed, draw, load_spans  # noqa: E402
from harness.truth import expect_exchanges  # noqa: E402

# What guest/traffic.sh asks for, and the answers.
EXCHANGES = [
    *[("GET", f"/keep/{i}", 200) for i in range(1, 6)],
    *[("GET", f"/pipe/{i}", 200) for i in range(1, 9)],
    ("GET", "/file/big", 200),
    ("GET", "/file/big", 200),
    ("PUT", "/upload/copy", 201),
    ("GET", "/six", 200),
    ("GET", "/proxied", 200),  # to the proxy
    ("GET", "/proxied", 200),  # by the proxy
    ("GET", "/mptcp", 200),
]
TRAFFIC = ["keep-alive", "pipelined", "sendfile", "upload", "IPv6", "proxied", "MPTCP", "batches", "long value",
           "long answer"]
# Of Redis: what the benchmark and the command line ask for, by command.
COMMANDS = Counter({"SET": 321, "GET": 1, "CONFIG": 2})


class Guest:
    """The files of one boot."""

    def __init__(self, series, folder):
        self.series = tuple(int(part) for part in series.split("."))
        self.folder = Path(folder)

    def text(self, name):
        return (self.folder / name).read_text(encoding="utf-8", errors="replace")

    def all_spans(self):
        return load_spans(self.folder / "spans.jsonl")

    def spans(self):
        return [span for span in self.all_spans() if "db.system.name" not in span.attributes]

    def commands(self):
        return [span for span in self.all_spans() if span.attributes.get("db.system.name") == "redis"]

    def has_socket_tracepoints(self):
        return self.series >= (6, 3)


def check_doctor(guest):
    """clew doctor names the backend that this kernel offers, and what it has not got"""
    assert guest.text("doctor.code").strip() == "0", guest.text("doctor.json") + guest.text("doctor.err")
    report = json.loads(guest.text("doctor.json"))
    assert report["kernel"].startswith(".".join(map(str, guest.series)) + "."), report["kernel"]
    assert report["can_run"] and not report["missing"], report
    assert {row["state"] for row in report["helpers"].values()} == {"yes"}, report["helpers"]
    lacks = {name for group in ("features", "later") for name, row in report[group].items() if row["state"] != "yes"}
    assert lacks == {name for name, has in {
        "socket_tracepoints": guest.has_socket_tracepoints(), "send_begin": guest.series >= (6, 15),
        "sendpage": guest.series < (6, 5), "uprobe_multi": guest.series >= (6, 6)}.items() if not has}, lacks
    assert guest.text("doctor.txt").endswith("\nclew can run here.\n"), guest.text("doctor.txt")
    expected = "socket_tracepoints" if guest.has_socket_tracepoints() else "fexit"
    assert report["capture_backend"] == expected, report["capture_backend"]
    assert report["send_begin"] == ("tracepoint" if guest.series >= (6, 15) else "fentry"), report["send_begin"]


def check_traffic(guest):
    """the traced programs got the right answers"""
    assert guest.text("traffic.txt").splitlines() == [f"ok {name}" for name in TRAFFIC], guest.text("traffic.txt")
    assert guest.text("trace.code").strip() == "0", guest.text("trace.err")[-3000:]


def check_exchanges(guest):
    """one client and one server span for each request"""
    spans = guest.spans()
    check_well_formed(spans)
    assert not [span for span in spans if span.marked], draw(spans)
    for kind in (CLIENT, SERVER):
        expect_exchanges(spans, kind, EXCHANGES)


def check_links(guest):
    """each server span is the child of the client span it answers, and the proxied call of its cause"""
    forest = Forest(guest.spans())
    for span in forest.spans:
        parent = forest.parent(span)
        if span.path == "/mptcp" and guest.series < (6, 11):  # there its numbers do not name bytes
            assert not parent, f"{parent} > {span}"
        elif span.kind == SERVER:
            assert parent, f"no parent: {span}"
            assert (parent.kind, parent.path, span.link) == (CLIENT, span.path, "stream"), f"{parent} > {span}"
            assert parent.trace_id == span.trace_id, f"{parent} > {span}"
            assert len(forest.children(parent)) == 1, f"more than one answers {parent}"
        else:
            assert bool(parent) == (span.service == "nginx"), f"{parent} > {span}"


def check_commands(guest):
    """each command of a batch has a client and a server span, joined; long values hide nothing"""
    commands = guest.commands()
    forest = Forest(commands)
    for kind in (CLIENT, SERVER):
        found = Counter(span.name for span in commands if span.kind == kind)
        found.pop("COMMAND", None)  # the command line asks for help texts
        assert found == COMMANDS, found
    for span in commands:
        assert not span.marked and span.status == 0, span
        parent = forest.parent(span)
        assert (span.kind == SERVER) == bool(parent), f"{parent} > {span}"
        if parent:
            assert (parent.name, span.link, len(forest.children(parent))) == (span.name, "stream", 1), f"{parent} > {span}"


def check_times(guest):
    """a request begins at its client, before its server sees it"""
    forest = Forest(guest.spans())
    late = [span for span in forest.spans if span.kind == SERVER and span.link
            and span.start_ns < forest.parent(span).start_ns]
    assert not late, draw(late)


def check_mptcp(guest):
    """no page of a sendfile over MPTCP is counted twice"""
    exchange = [span for span in guest.spans() if span.path == "/mptcp"]
    assert len(exchange) == 2 and all(span.seconds >= 0.5 for span in exchange), draw(exchange)


def check_loss(guest):
    """nothing is lost"""
    summary = Summary.parse(guest.text("trace.err"))
    summary.expect_no_loss()
    assert summary.exported == 2 * len(EXCHANGES) + len(guest.commands()), guest.text("trace.err")[-2000:]


def check_kernel_log(guest):
    """the kernel has nothing to complain of"""
    complaints = [line for line in guest.text("dmesg.txt").splitlines()
                  if re.search(r"\b(BUG|WARNING|Oops|RCU stall|soft lockup|Call Trace)\b", line)]
    assert not complaints, "\n".join(complaints[:20])


CHECKS = [check_doctor, check_traffic, check_exchanges, check_links, check_commands, check_times, check_mptcp, check_loss, check_kernel_log]


def main(series, folder):
    guest = Guest(series, folder)
    counts = Counter()
    for check in CHECKS:
        try:
            check(guest)
            verdict, problem = "ok", ""
        except Exception as error:  # whatever a guest left behind must end in a verdict
            verdict, problem = "FAILED", f"\n{type(error).__name__}: {error}"
        counts[verdict] += 1
        print(f"vmtests: {verdict:6} {series}: {check.__doc__}{problem}", file=sys.stderr)
    print(counts["ok"], counts["FAILED"])


if __name__ == "__main__":
    main(*sys.argv[1:])
