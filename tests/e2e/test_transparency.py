"""The traced programs' own output is byte for byte what it is without clew."""

import hashlib
import os
import re

from harness.services import APPS, PYTHON
from harness.spans import CLIENT, SERVER
from harness.truth import expect_exchanges
from harness.wire import Wire, request


def expect_both(result, path, code):
    for kind in (SERVER, CLIENT):
        expect_exchanges(result.spans, kind, [("POST", path, code)])


def without_clew_lines(stderr):
    return b"".join(line for line in stderr.splitlines(keepends=True) if not line.startswith(b"clew: "))


def test_output_and_exit_code_of_a_command(lab):
    script = r"printf 'out\000\377no newline'; echo err >&2; exit 7"
    plain = lab.run(["sh", "-c", script])
    traced, result = lab.trace([], ["sh", "-c", script], expect_code=7)
    assert plain.process.returncode == 7
    assert traced.stdout.bytes == plain.stdout.bytes
    assert without_clew_lines(traced.stderr.bytes) == plain.stderr.bytes
    result.expect_nothing()


def test_console_tree_leaves_output_intact(lab):
    child = lab.clew("trace", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert child.process.returncode == 3, child.describe()
    assert b"out\n" in child.stdout.bytes
    assert b"err\n" in child.stderr.bytes
    assert b"\x1b" not in child.stdout.bytes + child.stderr.bytes, "colour although there is no terminal"


def test_standard_input_reaches_the_command(lab):
    child = lab.start([lab_binary(), "trace", "--export", f"file:{lab.directory}/spans.jsonl", "--", "cat"])
    child.tell("through\n")
    child.process.stdin.close()
    assert child.wait() == 0, child.describe()
    assert child.stdout.bytes == b"through\n"


def lab_binary():
    from harness.agent import BINARY
    return BINARY


def test_signal_of_a_command(lab):
    # As a shell reports it.
    _, result = lab.trace([], ["sh", "-c", "kill -KILL $$"], expect_code=128 + 9)
    result.expect_nothing()


def test_command_that_cannot_be_started(lab):
    child = lab.clew("trace", "--export", f"file:{lab.directory}/spans.jsonl", "--", "/no/such/program")
    assert child.process.returncode == 127, child.describe()
    assert "/no/such/program" in child.stderr.text


def test_environment_of_a_command(lab):
    script = "env | sort; ulimit -a; ls -l /proc/self/fd | sed 's/.* //; s/[0-9][0-9]*/N/g'"
    plain = lab.run(["bash", "-c", script])
    traced, result = lab.trace([], ["bash", "-c", script])
    result.expect_nothing()
    assert traced.stdout.text == plain.stdout.text


def test_responses_of_nginx(lab):
    nginx = lab.nginx()
    nginx.add_file("page", os.urandom(100_000))
    data = b"".join(request(path) for path in ("/", "/missing", "/files/page", "/empty"))

    def conversation():
        with Wire("127.0.0.1", nginx.port) as wire:
            wire.send(data + request("/broken", headers=["Connection: close"]))
            return re.sub(rb"Date: [^\r]*", b"Date:", wire.rest())

    before = conversation()
    agent = lab.agent("--port", nginx.port)
    during = conversation()
    expect_exchanges(agent.stop().spans, SERVER, [
        ("GET", "/", 200), ("GET", "/missing", 404), ("GET", "/files/page", 200), ("GET", "/empty", 204),
        ("GET", "/broken", 500)])
    assert during == before
    assert conversation() == before


def test_what_curl_sees(lab):
    app = lab.python_app("raw_server.py")
    content = os.urandom(300_000)
    (lab.directory / "body").write_bytes(content)
    command = ["curl", "-sv", "--data-binary", f"@{lab.directory}/body", app.url + "/upload"]

    def seen(stderr):
        # Ports and curl's table of progress differ from run to run without clew, too.
        lines = [line for line in without_clew_lines(stderr).splitlines() if line[:1] in (b"<", b">")]
        return lines

    plain = lab.run(command)
    traced, result = lab.trace(["--pid", str(app.pid)], command)
    assert plain.stdout.bytes == hashlib.sha256(content).hexdigest().encode()
    assert traced.stdout.bytes == plain.stdout.bytes
    assert seen(traced.stderr.bytes) == seen(plain.stderr.bytes)
    expect_both(result, "/upload", 200)


def test_bytes_of_a_pair_under_trace(lab):
    """The pair checks each body itself; what the server received is what the client sent."""
    app = lab.python_app("threaded.py")
    content = os.urandom(2_000_000)
    (lab.directory / "body").write_bytes(content)
    script = (f"import http.client; c = http.client.HTTPConnection('127.0.0.1', {app.port}); "
              f"c.request('POST', '/x', open('{lab.directory}/body', 'rb').read()); print(c.getresponse().read())")
    traced, result = lab.trace(["--pid", str(app.pid)], [PYTHON, "-c", script])
    expect_both(result, "/x", 201)
    assert hashlib.sha256(content).hexdigest() in traced.stdout.text
    assert APPS.exists()
