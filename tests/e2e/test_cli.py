"""Command line, configuration errors, exit codes, and what happens without privileges."""

import json
import shutil

import pytest

from harness.agent import BINARY
from harness.processes import free_port
from harness.spans import SERVER
from harness.truth import expect_exchanges

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]


def lines_of(child):
    return [line for line in child.stderr.text.splitlines() if line]


def expect_usage_error(child, *words):
    """Exit code 2 and one line that names what is wrong; nothing was started."""
    assert child.process.returncode == 2, child.describe()
    naming = [line for line in lines_of(child) if all(word in line for word in words)]
    assert len(naming) == 1, f"no single line names {words}; {child.describe()}"
    assert "clew: ready" not in child.stderr.text


@pytest.mark.parametrize("arguments, words", [
    (["run", "--no-such-flag"], ["--no-such-flag"]),
    (["run", "--port", "70000"], ["--port", "70000"]),
    (["run", "--port", "0"], ["--port", "0"]),
    (["run", "--port", "80-"], ["--port", "80-"]),
    (["run", "--port", "90-80"], ["--port", "90-80"]),
    (["run", "--port", "http"], ["--port", "http"]),
    (["run", "--pid", "-1"], ["--pid"]),
    (["run", "--pid", "twelve"], ["--pid", "twelve"]),
    (["run", "--all", "--export", "pigeon"], ["--export", "pigeon"]),
    (["run", "--all", "--export", "file:"], ["--export", "path"]),
    (["run", "--all", "--log-level", "loud"], ["--log-level", "loud"]),
    (["run", "--all", "--for", "ever"], ["--for", "ever"]),
    (["run", "--all", "--config", "/no/such/file.yaml"], ["/no/such/file.yaml"]),
    (["no-such-command"], ["no-such-command"]),
    (["run", "--all", "stray"], ["stray"]),
], ids=lambda value: " ".join(value) if isinstance(value, list) else None)
def test_bad_usage(lab, arguments, words):
    expect_usage_error(lab.clew(*arguments, timeout=10), *words)


def test_no_command(lab):
    assert lab.clew(timeout=10).process.returncode == 2


def test_help(lab):
    for arguments in (["--help"], ["run", "--help"], ["trace", "--help"], ["doctor", "--help"]):
        child = lab.clew(*arguments, timeout=10)
        assert child.process.returncode == 0, child.describe()
        assert arguments[0] in child.stdout.text or "Usage" in child.stdout.text or "usage" in child.stdout.text
    assert "--container" in lab.clew("run", "--help").stdout.text


@pytest.mark.parametrize("text, line, word", [
    ("limits:\n  queue_spans: 100\nexprot: []\n", 3, "exprot"),
    ("limits:\n  queue_spams: 100\n", 2, "queue_spams"),
    ("limits:\n  queue_spans: many\n", 2, "many"),
    ("select:\n  - port: 80\n  - port: 99999\n", 3, "99999"),
    ("select: [\n", None, ""),
], ids=["unknown section", "unknown key", "bad number", "bad port", "bad syntax"])
def test_bad_config(lab, text, line, word):
    file = lab.directory / "clew.yaml"
    file.write_text(text, encoding="utf-8")
    where = f"{file}:{line}:" if line else f"{file}:"
    for arguments in (["config", "check", file], ["run", "--config", file, "--all"]):
        expect_usage_error(lab.clew(*arguments, timeout=10), where, word)


def test_config_defaults_are_valid(lab):
    defaults = lab.clew("config", "defaults")
    assert defaults.process.returncode == 0, defaults.describe()
    file = lab.directory / "defaults.yaml"
    file.write_text(defaults.stdout.text, encoding="utf-8")
    check = lab.clew("config", "check", file)
    assert check.process.returncode == 0, check.describe()
    for section in ("select", "resource", "capture", "export", "limits"):
        assert f"{section}:" in defaults.stdout.text


def test_config_file_selects_and_names(lab):
    nginx = lab.nginx()
    file = lab.directory / "clew.yaml"
    file.write_text(f"select:\n  - port: {nginx.port}\n", encoding="utf-8")
    agent = lab.agent("--config", file, env={"OTEL_SERVICE_NAME": "front",
                                             "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test"})
    lab.curl(nginx.url + "/")
    span, = expect_exchanges(agent.stop().spans, SERVER, [("GET", "/", 200)])
    assert span.service == "front"
    assert span.resource["deployment.environment.name"] == "test"


def test_doctor(lab):
    text = lab.clew("doctor")
    assert text.process.returncode == 0, text.describe()
    assert text.stdout.text.strip()
    as_json = lab.clew("doctor", "--json")
    assert as_json.process.returncode == 0, as_json.describe()
    assert isinstance(json.loads(as_json.stdout.text), dict)


def test_for_ends_by_itself(lab):
    child = lab.clew("run", "--port", free_port(), "--for", "1", "--export", f"file:{lab.directory}/x", timeout=20)
    assert child.process.returncode == 0, child.describe()
    assert lines_of(child)[-1] == "clew: 0 segments seen, 0 spans exported, 0 lost"


@pytest.mark.parametrize("command", ["run", "trace"])
def test_without_privileges(lab, command):
    # The build folder may be closed to others.
    binary = lab.directory / "clew"
    shutil.copy(BINARY, binary)
    binary.chmod(0o755)
    child = lab.run([*NOBODY, binary, command, "--all", "--export", "console"], timeout=20)
    assert child.process.returncode == 3, child.describe()
    naming = [line for line in lines_of(child) if line.startswith("clew: ")
              and any(word in line for word in ("CAP_BPF", "CAP_PERFMON", "CAP_SYS_ADMIN", "root"))]
    assert len(naming) == 1, f"no single line says what is missing; {child.describe()}"
    assert "clew: ready" not in child.stderr.text


def test_command_is_not_run_without_privileges(lab):
    binary = lab.directory / "clew"
    shutil.copy(BINARY, binary)
    binary.chmod(0o755)
    child = lab.run([*NOBODY, binary, "trace", "--", "echo", "ran"], timeout=20)
    assert child.process.returncode == 3, child.describe()
    assert b"ran" not in child.stdout.bytes


def test_doctor_without_privileges(lab):
    binary = lab.directory / "clew"
    shutil.copy(BINARY, binary)
    binary.chmod(0o755)
    child = lab.run([*NOBODY, binary, "doctor", "--json"], timeout=20)
    assert child.process.returncode == 3, child.describe()
    assert isinstance(json.loads(child.stdout.text), dict)


def test_log_level_reaches_every_part(lab):
    quiet, nothing = lab.trace([], ["true"])
    nothing.expect_nothing()
    assert "debug" not in quiet.stderr.text
    child, nothing = lab.trace(["--log-level", "debug"], ["true"])
    nothing.expect_nothing()
    assert "clew: debug: following process" in child.stderr.text, child.describe()
