"""Spans as the file export writes them (OTLP/JSON, one ExportTraceServiceRequest a line)."""

import gc
import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from urllib.parse import urlsplit

SERVER, CLIENT = 2, 3
UNSET, OK, ERROR = 0, 1, 2
KIND_NAMES = {SERVER: "server", CLIENT: "client"}

_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
_SPAN_ID = re.compile(r"(?!0{16})[0-9a-f]{16}")


@dataclass(slots=True)
class Span:
    trace_id: str
    span_id: str
    parent_id: str  # empty: a root
    name: str
    kind: int
    start_ns: int
    end_ns: int
    status: int
    status_message: str
    attributes: dict
    resource: dict
    # A comparison with what really happened has covered it (harness/truth.py).
    accounted: bool = field(default=False, compare=False, repr=False)

    @property
    def path(self):
        """The path asked for: url.path, or that of a client's url.full."""
        if "url.path" in self.attributes:
            return self.attributes["url.path"]
        return urlsplit(self.attributes.get("url.full", "")).path

    @property
    def query(self):
        if "url.query" in self.attributes:
            return self.attributes["url.query"]
        return urlsplit(self.attributes.get("url.full", "")).query

    @property
    def method(self):
        return self.attributes.get("http.request.method")

    @property
    def code(self):
        """The response's status code; None if there was none."""
        return self.attributes.get("http.response.status_code")

    @property
    def database(self):
        """Which kind of database a call is for, if it is for one."""
        return self.attributes.get("db.system.name")

    @property
    def text(self):
        return self.attributes.get("db.query.text")

    @property
    def operation(self):
        return self.attributes.get("db.operation.name")

    @property
    def response_code(self):
        """A database's word for the error that it answered with; None if it answered with none."""
        return self.attributes.get("db.response.status_code")

    @property
    def rows(self):
        return self.attributes.get("db.response.returned_rows")

    @property
    def link(self):
        return self.attributes.get("clew.link")

    @property
    def service(self):
        return self.resource.get("service.name")

    @property
    def pid(self):
        return self.resource.get("process.pid")

    @property
    def failed(self):
        """The span says that its exchange went wrong (not merely that the answer was an error)."""
        reason = self.attributes.get("error.type", "")
        if self.database:
            return self.status == ERROR and reason != self.response_code
        return self.status == ERROR and reason != "" and not reason.isdigit()

    @property
    def incomplete(self):
        """The span says that bytes which the agent did not see hid how its exchange ended."""
        return self.attributes.get("clew.incomplete", False)

    @property
    def marked(self):
        return self.failed or self.incomplete

    @property
    def seconds(self):
        return (self.end_ns - self.start_ns) / 1e9

    def __str__(self):
        where = f" parent {self.parent_id} by {self.link}" if self.parent_id else " root"
        return (f"{KIND_NAMES.get(self.kind, self.kind)} {self.service}[{self.pid}] {self.name} "
                f"{self.text if self.database else self.path}{'?' + self.query if self.query else ''} -> "
                f"{self.response_code or self.rows if self.database else self.code}"
                f"{' FAILED ' + str(self.attributes.get('error.type')) if self.failed else ''}"
                f"{' INCOMPLETE' if self.incomplete else ''}"
                f" ({self.seconds * 1000:.1f} ms, {self.span_id}{where})")


def _value(value):
    (kind, content), = value.items()
    if kind == "stringValue":
        return content
    if kind == "intValue":
        return int(content)
    if kind == "arrayValue":
        return [_value(item) for item in content.get("values", [])]
    assert kind in ("boolValue", "doubleValue"), f"unknown OTLP value {value}"
    return content


def _attributes(entries):
    result = {entry["key"]: _value(entry["value"]) for entry in entries}
    assert len(result) == len(entries), f"an attribute stands twice in {entries}"
    return result


def _span(entry, resource):
    status = entry.get("status", {})
    return Span(
        trace_id=entry["traceId"], span_id=entry["spanId"], parent_id=entry.get("parentSpanId", ""),
        name=entry["name"], kind=entry["kind"], start_ns=int(entry["startTimeUnixNano"]),
        end_ns=int(entry["endTimeUnixNano"]), status=status.get("code", UNSET),
        status_message=status.get("message", ""), attributes=_attributes(entry.get("attributes", [])),
        resource=resource)


def parse_line(line):
    """The spans of one ExportTraceServiceRequest."""
    for resource_spans in json.loads(line)["resourceSpans"]:
        resource = _attributes(resource_spans.get("resource", {}).get("attributes", []))
        for scope_spans in resource_spans["scopeSpans"]:
            for entry in scope_spans["spans"]:
                yield _span(entry, resource)


def read_spans(path, writer_was_killed=False):
    """All spans of a file, one at a time. A last line without its end is an error, unless its writer
    had no time to finish it."""
    try:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if writer_was_killed and not line.endswith("\n"):
                    return
                assert line.endswith("\n"), f"{path}:{number}: the last line is cut off"
                try:
                    yield from parse_line(line)
                except (ValueError, KeyError, TypeError) as error:
                    raise AssertionError(f"{path}:{number}: not OTLP/JSON: {error!r}: {line[:300]}") from error
    except FileNotFoundError:
        return


def load_spans(path):
    """read_spans as a list. The collector of cycles finds none here, and takes longer with each span."""
    gc.disable()
    try:
        return list(read_spans(path))
    finally:
        gc.enable()


def check_well_formed(spans):
    """What must hold for every span of any run."""
    seen = set()
    for span in spans:
        assert _TRACE_ID.fullmatch(span.trace_id), f"trace id {span.trace_id!r}: {span}"
        assert _SPAN_ID.fullmatch(span.span_id), f"span id {span.span_id!r}: {span}"
        assert span.parent_id == "" or _SPAN_ID.fullmatch(span.parent_id), f"parent id of {span}"
        assert span.span_id not in seen, f"span id used twice: {span}"
        seen.add(span.span_id)
        assert span.kind in KIND_NAMES, f"kind {span.kind!r}: {span}"
        assert span.start_ns <= span.end_ns, f"ends before it starts: {span}"
        assert bool(span.parent_id) == bool(span.link), f"a parent needs its clew.link: {span}"
        assert span.service, f"no service.name: {span}"
        if span.database:
            _check_database_call(span)
            continue
        # The conventions' name for a method that they do not know.
        expected_name = "HTTP" if span.method == "_OTHER" else span.method or "connect"
        target = span.attributes.get("http.route" if span.kind == SERVER else "url.template")
        if target is not None:
            expected_name += f" {target}"
        assert span.name == expected_name, f"name {span.name!r} is not {expected_name!r}: {span}"
        assert span.code is not None or span.marked, f"neither answered nor marked: {span}"


def _check_database_call(span):
    assert span.database in ("postgresql", "redis", "valkey"), f"db.system.name {span.database!r}: {span}"
    assert span.method is None and span.code is None, f"attributes of HTTP: {span} {span.attributes}"
    assert span.name, f"no name: {span.attributes}"
    if span.database == "postgresql":
        summary = span.attributes.get("db.query.summary")
        assert summary is None or span.name == summary, f"name {span.name!r}, summary {summary!r}"
    else:
        assert span.name == span.operation, f"name {span.name!r}, operation {span.operation!r}"
    code, reason = span.response_code, span.attributes.get("error.type")
    assert code is None or reason is not None, f"db.response.status_code without error.type: {span.attributes}"
    assert (reason is not None) == (span.status == ERROR), f"status {span.status}, error.type {reason!r}: {span}"


class Forest:
    """Spans as trees."""

    def __init__(self, spans):
        self.spans = list(spans)
        self.by_id = {span.span_id: span for span in self.spans}
        self._children = defaultdict(list)
        for span in self.spans:
            self._children[span.parent_id].append(span)

    def parent(self, span):
        return self.by_id.get(span.parent_id)

    def children(self, span):
        return sorted(self._children[span.span_id], key=lambda child: child.start_ns)

    def roots(self):
        """Spans without a parent among these spans."""
        return sorted((span for span in self.spans if span.parent_id not in self.by_id),
                      key=lambda span: span.start_ns)

    def shape(self, span):
        """(service, kind, method, path, code, [shapes of the children])"""
        return (span.service, KIND_NAMES[span.kind], span.method, span.path, span.code,
                [self.shape(child) for child in self.children(span)])

    def draw(self):
        lines = []

        def visit(span, depth):
            lines.append("  " * depth + str(span))
            for child in self.children(span):
                visit(child, depth + 1)

        for root in self.roots():
            lines.append(f"trace {root.trace_id}")
            visit(root, 1)
        return "\n".join(lines) or "(no spans)"


def draw(spans):
    return Forest(spans).draw()
