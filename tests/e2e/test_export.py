"""Exports: a collector that is missing, stops, or comes back."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from harness.agent import UNDELIVERED
from harness.processes import free_port, wait_for_port
from harness.spans import SERVER, read_spans
from harness.truth import expect_exchanges, expect_same
from harness.wire import Wire

COLLECTOR = Path(__file__).parent / "collector"
STOP_WITHOUT_COLLECTOR_S = 15


def exchanges(*paths):
    return [("GET", path, 200) for path in paths]


def ask(server, paths):
    with Wire("127.0.0.1", server.port) as wire:
        for path in paths:
            assert wire.get(path).code == 200


def test_missing_collector_hurts_nobody(lab):
    nginx = lab.nginx()
    paths = [f"/{number}" for number in range(50)]
    agent = lab.agent("--port", nginx.port, "--export", f"otlp=http://127.0.0.1:{free_port()}", export_file=False)
    ask(nginx, paths)
    agent.expect_alive()
    started = time.monotonic()
    summary = agent.end(timeout=STOP_WITHOUT_COLLECTOR_S)
    assert time.monotonic() - started < STOP_WITHOUT_COLLECTOR_S
    assert summary.exported == 0
    summary.expect_balance(len(paths), *UNDELIVERED)
    nginx.stop()
    expect_same(paths, [line.path for line in nginx.log()], "paths in the access log")


def test_missing_collector_does_not_keep_spans_from_the_file(lab):
    nginx = lab.nginx()
    agent = lab.agent("--port", nginx.port, "--export", f"otlp=http://127.0.0.1:{free_port()}")
    ask(nginx, ["/1", "/2", "/3"])
    result = agent.stop(timeout=STOP_WITHOUT_COLLECTOR_S, losses=UNDELIVERED)
    expect_exchanges(result.spans, SERVER, exchanges("/1", "/2", "/3"))
    assert result.summary.lost == 3, result.summary


def test_file_that_cannot_be_written(lab):
    child = lab.clew("run", "--all", "--export", f"file:{lab.directory}/no/such/folder/spans.jsonl", timeout=20)
    assert child.process.returncode == 2, child.describe()
    assert "no/such/folder" in child.stderr.text


def test_two_runs_into_one_file(lab):
    """Whether the second run replaces the file or adds to it: every line is whole."""
    nginx = lab.nginx()
    span_file = lab.directory / "spans.jsonl"
    for path in ("/first", "/second"):
        agent = lab.agent("--port", nginx.port, "--export", f"file:{span_file}", export_file=False)
        ask(nginx, [path])
        agent.end().expect_balance(1)
        assert path in [span.path for span in read_spans(span_file)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_flush(lab, number):
    nginx = lab.nginx()
    agent = lab.agent("--port", nginx.port)
    ask(nginx, ["/last"])
    expect_exchanges(agent.stop(number).spans, SERVER, exchanges("/last"))


@pytest.fixture(scope="module")
def collector_binary():
    if subprocess.run(["sh", "-c", "command -v go || command -v /usr/local/go/bin/go"],
                      capture_output=True, check=False).returncode != 0:
        path = subprocess.check_output([COLLECTOR / "build.sh", "--print-path"], text=True).strip()
        if not os.access(path, os.X_OK):
            pytest.skip("Go is not on this machine, and it is what builds the OpenTelemetry Collector")
    built = subprocess.run([COLLECTOR / "build.sh"], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return built.stdout.strip()


class Collector:
    """A real OpenTelemetry Collector; each start writes a file of its own."""

    CONF = """
receivers:
  otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:{port}"}}}}}}
exporters:
  # With a rotation the exporter writes unbuffered: what it acknowledged survives its SIGKILL.
  file: {{path: {path}, rotation: {{max_megabytes: 1000}}}}
service:
  telemetry: {{metrics: {{level: none}}, logs: {{level: warn}}}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [file]}}
"""

    def __init__(self, lab, binary):
        self.lab, self.binary, self.port = lab, binary, free_port()
        self.files, self.child = [], None

    def start(self):
        folder = self.lab.folder("collector")
        self.files.append(folder / "traces.json")
        conf = folder / "collector.yaml"
        conf.write_text(self.CONF.format(port=self.port, path=self.files[-1]), encoding="utf-8")
        self.child = self.lab.start([self.binary, "--config", conf], name="collector")
        wait_for_port(self.child, "127.0.0.1", self.port)

    def end(self, number):
        self.child.stop(number)

    def spans(self):
        return [span for file in self.files for span in read_spans(file, writer_was_killed=True)]

    def wait_for_spans(self, count, timeout=20):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if len(self.spans()) >= count:
                return
            time.sleep(0.1)
        raise AssertionError(f"{len(self.spans())} of {count} spans reached the collector in {timeout} s")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_real_collector_restarted_half_way(lab, collector_binary, number):
    nginx = lab.nginx()
    collector = Collector(lab, collector_binary)
    collector.start()
    agent = lab.agent("--port", nginx.port, "--export", f"otlp=http://127.0.0.1:{collector.port}", export_file=False)
    ask(nginx, [f"/a{count}" for count in range(500)])
    collector.wait_for_spans(1)
    ask(nginx, [f"/b{count}" for count in range(500)])
    collector.end(number)
    ask(nginx, [f"/c{count}" for count in range(500)])
    time.sleep(2)  # long enough for an export to be tried, and to fail
    agent.expect_alive()
    collector.start()
    ask(nginx, [f"/d{count}" for count in range(500)])
    collector.wait_for_spans(2000, timeout=40)
    summary = agent.end(timeout=30)
    summary.expect_balance(2000)
    nginx.stop()
    collector.end(signal.SIGTERM)
    spans = collector.spans()
    # A collector that is killed between writing and acknowledging gets a batch again: at least once.
    arrived = {span.span_id: span for span in spans}.values()
    if number == signal.SIGTERM:
        assert len(arrived) == len(spans), "delivered twice although the collector stopped in order"
    expect_same([line.path for line in nginx.log()], [span.path for span in arrived], "paths")


def test_collector_sees_what_the_file_says(lab, collector_binary):
    """The same spans by OTLP/gRPC and by OTLP/JSON."""
    nginx = lab.nginx()
    collector = Collector(lab, collector_binary)
    collector.start()
    agent = lab.agent("--port", nginx.port, "--export", f"otlp=http://127.0.0.1:{collector.port}")
    ask(nginx, ["/1?x=%20y", "/2"])
    spans = expect_exchanges(agent.stop().spans, SERVER, exchanges("/1", "/2"))
    collector.end(signal.SIGTERM)
    by_file = {span.span_id: span for span in spans}
    by_collector = {span.span_id: span for span in collector.spans()}
    assert len(by_file) == 2
    assert by_collector == by_file
