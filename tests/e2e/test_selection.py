"""Which processes and connections are traced, and which are not."""

import os
import shutil
import time
import uuid
from pathlib import Path

import pytest

from harness.agent import UNDELIVERED
from harness.services import APPS, PYTHON
from harness.spans import CLIENT, SERVER
from harness.truth import account_for, expect_exchanges
from harness.wire import Wire


@pytest.fixture
def pair(lab):
    """Two servers of the same program: one to select, one to leave alone."""
    return lab.python_app("threaded.py"), lab.python_app("threaded.py")


def ask(*servers):
    for server in servers:
        with Wire("127.0.0.1", server.port) as wire:
            assert wire.get(f"/{server.port}").code == 200


def expect_only(result, server):
    expect_exchanges(result.spans, SERVER, [("GET", f"/{server.port}", 200)])
    assert result.clients == [], result.draw()


def test_pid(lab, pair):
    chosen, other = pair
    agent = lab.agent("--pid", chosen.pid)
    ask(chosen, other)
    result = agent.stop()
    expect_only(result, chosen)
    assert result.spans[0].pid == chosen.pid


def test_an_ancestor_of_clew_may_be_selected(lab, pair):
    agent = lab.agent("--pid", os.getpid())  # its children: clew itself, and the pair
    ask(*pair)
    result = agent.stop()
    # This test's own process is selected as well, and it is the client.
    for kind in (SERVER, CLIENT):
        expect_exchanges(result.spans, kind, [("GET", f"/{server.port}", 200) for server in pair])
    assert {span.pid for span in result.servers} == {server.pid for server in pair}


def test_port(lab, pair):
    chosen, other = pair
    agent = lab.agent("--port", chosen.port)
    ask(chosen, other)
    expect_only(agent.stop(), chosen)


def test_port_range(lab, pair):
    low, high = sorted(pair, key=lambda server: server.port)
    agent = lab.agent("--port", f"{low.port}-{high.port}")
    ask(low, high)
    expect_exchanges(agent.stop().spans, SERVER,
                     [("GET", f"/{low.port}", 200), ("GET", f"/{high.port}", 200)])


def test_exe_glob(lab):
    # A copy with its own name: nothing else on the machine runs it.
    copy = lab.directory / "python-to-select"
    shutil.copy(os.path.realpath(PYTHON), copy)
    from harness.services import App
    chosen = App(lab.start, [copy, APPS / "threaded.py"])
    other = lab.python_app("threaded.py")
    agent = lab.agent("--exe", "*/python-to-sel*")
    ask(chosen, other)
    expect_only(agent.stop(), chosen)


def test_exe_glob_of_a_process_newer_than_the_agent(lab):
    copy = lab.directory / "python-to-select"
    shutil.copy(os.path.realpath(PYTHON), copy)
    from harness.services import App
    agent = lab.agent("--exe", str(lab.directory) + "/*")
    chosen = App(lab.start, [copy, APPS / "threaded.py"])
    ask(chosen)
    expect_only(agent.stop(), chosen)


def test_selections_add_up(lab, pair):
    first, second = pair
    agent = lab.agent("--pid", first.pid, "--port", second.port)
    ask(first, second)
    expect_exchanges(agent.stop().spans, SERVER,
                     [("GET", f"/{first.port}", 200), ("GET", f"/{second.port}", 200)])


def test_all(lab, pair):
    agent = lab.agent("--all")
    ask(*pair)
    curl = lab.curl(f"{pair[0].url}/by-curl")
    result = agent.stop()
    for server in pair:
        expected = [("GET", f"/{server.port}", 200)] + ([("GET", "/by-curl", 200)] if server is pair[0] else [])
        # This test's own process is the client of the first request, and is traced as well.
        expect_exchanges(result.on_port(server.port), SERVER, expected)
        expect_exchanges(result.on_port(server.port), CLIENT, expected)
    assert curl.pid in {span.pid for span in result.clients}
    ports = [server.port for server in pair]
    account_for([span for span in result.spans if span.attributes.get("server.port") not in ports],
                "--all: what else this machine was doing")


def test_children_of_a_selected_process_follow_it(lab, pair):
    app, _ = pair
    shell = lab.start(["bash", "-c", f"read go; bash -c 'curl -s {app.url}/grandchild; true'; echo done"])
    agent = lab.agent("--pid", shell.pid)
    shell.tell("go\n")
    shell.expect("^done$")
    result = agent.stop()
    expect_exchanges(result.spans, CLIENT, [("GET", "/grandchild", 200)])
    assert result.servers == [], result.draw()
    assert result.spans[0].service == "curl", result.draw()


def test_children_that_exist_already(lab):
    nginx = lab.nginx(workers=2)
    agent = lab.agent("--pid", nginx.pid)
    lab.curl(nginx.url + "/")
    result = agent.stop()
    expect_exchanges(result.spans, SERVER, [("GET", "/", 200)])
    assert result.spans[0].pid in nginx.worker_pids()


def test_a_command_is_traced_with_its_children(lab, pair):
    app, _ = pair
    child, result = lab.trace([], ["bash", "-c", f"curl -s {app.url}/in-a-shell; true"])
    expect_exchanges(result.spans, CLIENT, [("GET", "/in-a-shell", 200)])
    assert result.servers == [], "the server was not selected"
    assert child.stdout.bytes == b"/in-a-shell\n"


def cgroup_of(name):
    """A new cgroup of that name, or None; with the folders to remove."""
    with open("/proc/self/mountinfo", encoding="ascii") as file:
        mounts = [line.split() for line in file]
    for kind in ("cgroup2", "cgroup"):
        for mount in mounts:
            if mount[mount.index("-") + 1] != kind:
                continue
            parent = Path(mount[4]) / "docker"
            made = [] if parent.exists() else [parent]
            try:
                (parent / name).mkdir(parents=True)
                return parent / name, [parent / name, *made]
            except OSError:
                continue
    return None, []


@pytest.fixture
def container():
    """(id, folder) of a cgroup that looks like a Docker container's."""
    name = uuid.uuid4().hex + uuid.uuid4().hex
    folder, made = cgroup_of(name)
    if folder is None:
        pytest.skip("no cgroup can be made on this machine")
    yield name, folder
    for path in made:
        for _ in range(100):  # the kernel lets go of an ended process a little later
            try:
                path.rmdir()
                break
            except OSError:
                time.sleep(0.02)


@pytest.mark.parametrize("length", [64, 12], ids=["whole id", "short id"])
def test_container(container, lab, length):
    name, folder = container

    def enter():
        (folder / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")

    chosen = lab.python_app("threaded.py", before_exec=enter)
    other = lab.python_app("threaded.py")
    agent = lab.agent("--container", name[:length])
    ask(chosen, other)
    expect_only(agent.stop(), chosen)


def test_clew_and_its_export_are_never_traced(lab):
    """Even with --all, and although the other end of the export is a traced process."""
    sink = lab.python_app("raw_server.py", "127.0.0.1", "echo")
    app = lab.python_app("threaded.py")
    agent = lab.agent("--all", "--export", f"otlp=http://127.0.0.1:{sink.port}")
    ask(app)
    # The sink is no collector: what goes there is lost, so no summary is expected to be clean.
    result = agent.stop(timeout=30, losses=UNDELIVERED)
    expect_exchanges(result.on_port(app.port), SERVER, [("GET", f"/{app.port}", 200)])
    expect_exchanges(result.on_port(app.port), CLIENT, [("GET", f"/{app.port}", 200)])
    account_for([span for span in result.spans if span not in result.on_port(app.port)],
                "--all: what else this machine was doing, but for what is checked here")
    bad = [span for span in result.spans if span.pid == agent.pid or sink.port in
           (span.attributes.get("server.port"), span.attributes.get("network.peer.port"))]
    assert not bad, f"clew traced itself: {bad[0]}"


def test_processes_that_come_and_go(lab):
    """A selected shell starts 50 curls, one after the other and four at once."""
    nginx = lab.nginx()
    command = f"seq 50 | xargs -P 4 -I N curl -s -o /dev/null {nginx.url}/N"
    _, result = lab.trace([], ["bash", "-c", command])
    expect_exchanges(result.spans, CLIENT, [("GET", f"/{number}", 200) for number in range(1, 51)])
    assert result.servers == [], result.draw()
    assert len({span.pid for span in result.clients}) == 50
