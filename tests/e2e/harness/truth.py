"""How spans are compared with what really happened: the first differences are named, never only counts.
Each comparison accounts for the spans that it covers; a test must account for all spans of its runs."""

import json
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlsplit

from .spans import KIND_NAMES, draw


def difference(expected, actual, what):
    """A readable account of how two multisets differ; empty if they are equal."""
    expected, actual = Counter(expected), Counter(actual)
    if expected == actual:
        return ""
    lines = [f"{what}: expected {expected.total()}, got {actual.total()}"]
    for title, items in (("missing", expected - actual), ("unexpected", actual - expected)):
        if items:
            some = ", ".join(f"{item!r}" + (f" x{count}" if count > 1 else "")
                             for item, count in islice(sorted(items.items(), key=repr), 5))
            lines.append(f"  {items.total()} {title}, first: {some}")
    return "\n".join(lines)


def expect_same(expected, actual, what):
    problem = difference(expected, actual, what)
    assert not problem, problem


def account_for(spans, why):
    """For what no rule below can compare: the test says why these spans need no comparison, or which one of
    its own it made."""
    assert why
    for span in spans:
        span.accounted = True


def expect_exchanges(spans, kind, expected):
    """The spans of `kind` are exactly `expected`: (method, path, status code or None) each."""
    chosen = [span for span in spans if span.kind == kind]
    problem = difference(expected, ((span.method, span.path, span.code) for span in chosen),
                         f"{KIND_NAMES[kind]} spans")
    assert not problem, f"{problem}\n{draw(spans)}"
    account_for(chosen, "are the expected exchanges")
    return sorted(chosen, key=lambda span: span.start_ns)


def expect_attributes(actual, expected, optional=()):
    """Every expected attribute has its value, and no other is there except those in `optional`."""
    problems = [f"  {key}: expected {value!r}, got {actual.get(key, '(missing)')!r}"
                for key, value in expected.items() if actual.get(key) != value]
    problems += [f"  {key}: unexpected {value!r}"
                 for key, value in actual.items() if key not in expected and key not in optional]
    assert not problems, "attributes differ\n" + "\n".join(problems)


def expect_joined(spans, link="stream"):
    """Client and server spans are the two sides of the same exchanges: each server span's parent is the
    client span of the same path, in the same trace, and encloses its start."""
    clients = {span.span_id: span for span in spans if span.kind == 3}
    for server in (span for span in spans if span.kind == 2):
        client = clients.pop(server.parent_id, None)
        assert client, f"no client span of its own is the parent of {server}"
        assert (client.path, client.query) == (server.path, server.query), f"{client}\nis no parent of\n{server}"
        assert client.trace_id == server.trace_id, f"parent in another trace\n{client}\n{server}"
        assert server.link == link, f"link {server.link!r} instead of {link!r}: {server}"
        assert client.start_ns <= server.start_ns, f"starts before its parent\n{client}\n{server}"
    return list(clients.values())


@dataclass(slots=True, frozen=True)
class Logged:
    """One line of the access log that harness.services makes nginx write."""
    method: str
    path: str
    code: int
    sent: int  # bytes of the response that nginx could write

    @classmethod
    def parse(cls, line):
        entry = json.loads(line)
        return cls(entry["method"], urlsplit(entry["uri"]).path, entry["status"], entry["sent"])


def compare_with_access_log(log, spans, in_flight):
    """The rule for load that is cut off, as wrk's is, with unique paths. `log`: Logged; `spans`: the
    server's; `in_flight`: how many requests the client can have had under way when it stopped.

     1. Each logged request has exactly one span, and no path has two.
     2. If nginx wrote the response (sent > 0), the span has that status code and has not failed. If it
        could not write any of it (the client had gone), the span has failed and has no status code.
     3. A span without a log line is a request that nginx read from the socket and never came to: it has
        failed, has no status code, and there are at most `in_flight` of them.
     4. All bytes were seen, so no span is incomplete.
    """
    unknown = [span for span in spans if span.incomplete]
    assert not unknown, f"{len(unknown)} spans are incomplete, first: {unknown[0]}"
    expect_same({}, {path: count for path, count in Counter(line.path for line in log).items() if count > 1},
                "paths that nginx logged twice (the load is at fault)")
    expect_same({}, {path: count for path, count in Counter(span.path for span in spans).items() if count > 1},
                "paths with two server spans")
    answers = {line.path: line.code if line.sent else None for line in log}
    beyond = [span for span in spans if span.path not in answers]
    expect_same(answers.items(), ((span.path, span.code) for span in spans if span.path in answers),
                "(path, status) of server spans against the access log")
    wrong = [span for span in spans if span.failed != (answers.get(span.path) is None)]
    assert not wrong, f"{len(wrong)} spans wrongly failed or not, first: {wrong[0]}"
    unanswered = [span for span in beyond if span.code is not None]
    assert not unanswered, f"{len(unanswered)} answered spans that nginx never logged, first: {unanswered[0]}"
    assert len(beyond) <= in_flight, f"{len(beyond)} spans beyond the log, first: {beyond[0]}"
    account_for(spans, "agree with the access log")


def compare_with_client(completed, clients, servers):
    """The same load seen from the client, which counted `completed` responses.

     1. No path has two client spans, and each server span's path has one.
     2. Exactly `completed` client spans have a status code and are not marked; the others are marked.
     3. A client span with a status code has the same one as the server's span, which there is.
    """
    expect_same({}, {path: count for path, count in Counter(span.path for span in clients).items() if count > 1},
                "paths with two client spans")
    by_path = {span.path: span for span in clients}
    orphans = [span for span in servers if span.path not in by_path]
    assert not orphans, f"{len(orphans)} server spans without a client span, first: {orphans[0]}"
    answered = [span for span in clients if not span.marked]
    assert len(answered) == completed, f"the client counted {completed} responses, {len(answered)} spans have one"
    codes = {span.path: span.code for span in servers}
    expect_same(((span.path, codes.get(span.path)) for span in answered),
                ((span.path, span.code) for span in answered), "status codes of client against server spans")
    account_for(clients, "agree with the client's count")


def compare_with_wrk(spans, wrk):
    """Load with unique paths that only wrk counted, on one thread; `spans`: one side of it.

     1. No path has two spans.
     2. There are as many spans with status 200 as wrk counted responses. The server may have answered what
        wrk no longer read, and have read what it had not answered when clew stopped (incomplete, which is
        otherwise a counted loss): one request for each connection.
     3. Every path is one that wrk sent.
    """
    twice = [path for path, count in Counter(span.path for span in spans).items() if count > 1]
    assert not twice, f"{len(twice)} paths with two spans, first: {twice[0]}"
    answered = [span for span in spans if span.code == 200 and not span.marked]
    assert wrk.completed <= len(answered) <= len(spans) <= wrk.completed + wrk.in_flight, \
        f"wrk counted {wrk.completed}: {len(answered)} answered of {len(spans)} spans"
    # wrk numbers from 1 (one number goes to a trial request that it never sends).
    sent = {f"{wrk.prefix}0-{number}" for number in range(1, wrk.completed + wrk.in_flight + 2)}
    strange = [span for span in spans if span.path not in sent]
    assert not strange, f"{len(strange)} spans of what wrk never sent, first: {strange[0]}"
    account_for(spans, "agree with wrk's count")
