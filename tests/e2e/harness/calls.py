"""How the spans of database calls are compared with what really happened (see truth.py)."""

from collections import Counter

from .spans import CLIENT, KIND_NAMES, SERVER, draw
from .truth import account_for, difference


def call_of(span):
    """(text, code of the error or None, rows returned by a SELECT or None): what proves that a reply belongs
    to its statement, if the text says how many rows or which error it asks for. The semicolon at the end of a
    statement is its client's taste."""
    text = span.text if span.text is None else span.text.rstrip("; \n")
    return text, span.response_code, span.rows if span.operation == "SELECT" and not span.response_code else None


def command_of(span):
    """The same of a Redis command: its text has the key."""
    return span.text, span.response_code


def of_kind(spans, kind):
    return [span for span in spans if span.kind == kind]


def expect_calls(spans, kind, expected, view=call_of):
    """The spans of `kind` are exactly `expected`, each as `view` sees it; in the order of their start."""
    chosen = of_kind(spans, kind)
    problem = difference(expected, map(view, chosen), f"{KIND_NAMES[kind]} spans")
    assert not problem, f"{problem}\n{draw(spans)[:6000]}"
    whole = [span for span in chosen if span.marked]
    assert not whole, f"{len(whole)} spans are marked, first: {whole[0]}"
    account_for(chosen, "are the expected calls")
    return sorted(chosen, key=lambda span: span.start_ns)


def expect_both(result, expected, view=call_of):
    """Client and server spans are `expected`, and two sides of the same calls."""
    for kind in (CLIENT, SERVER):
        expect_calls(result.spans, kind, expected, view)
    expect_calls_joined(result.spans)


def expect_calls_joined(spans):
    """One to one: each server span's parent is the client span of the same call, and each has one."""
    clients = {span.span_id: span for span in of_kind(spans, CLIENT)}
    for server in of_kind(spans, SERVER):
        client = clients.pop(server.parent_id, None)
        assert client, f"no client span of its own is the parent of {server}"
        for of in (call_of, command_of, lambda span: (span.name, span.attributes.get("db.namespace"))):
            assert of(client) == of(server), f"{client} {of(client)}\nis no parent of\n{server} {of(server)}"
        assert client.trace_id == server.trace_id, f"parent in another trace\n{client}\n{server}"
        assert server.link == "stream", f"link {server.link!r}: {server}"
        assert client.start_ns <= server.start_ns, f"starts before its parent\n{client}\n{server}"
    assert not clients, f"{len(clients)} client spans without a server span, first: {next(iter(clients.values()))}"


def expect_counts(spans, kind, expected, name):
    """The spans of `kind` have each name as often as `expected` says. For loads whose calls nobody lists."""
    chosen = of_kind(spans, kind)
    actual, expected = Counter(map(name, chosen)), +Counter(expected)
    assert actual == expected, f"{KIND_NAMES[kind]} spans by name: expected {expected}, got {actual}"
    marked = [span for span in chosen if span.marked]
    assert not marked, f"{len(marked)} spans are marked, first: {marked[0]}"
    account_for(chosen, "are as many of each command as were made")
