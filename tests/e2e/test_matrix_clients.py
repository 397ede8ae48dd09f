"""Clients that nobody here wrote: their spans are exactly what they say they did, and each server span has
its client span as parent."""

import pytest

from harness import toolchains
from harness.programs import node_http
from harness.services import node
from harness.spans import CLIENT, SERVER
from harness.toolchains import APPS, PYTHON
from harness.truth import account_for, compare_with_client, expect_exchanges, expect_joined

CLIENTS = {
    "curl": lambda: ["sh", APPS / "curl_client.sh"],
    "requests": lambda: [PYTHON, APPS / "requests_client.py"],
    "aiohttp": lambda: [PYTHON, APPS / "aiohttp_client.py"],
    "fetch": lambda: [node(), APPS / "fetch_client.js"],
    "undici": lambda: ["env", f"NODE_PATH={toolchains.node_environment()['NODE_PATH']}", node(),
                       APPS / "undici_client.js"],
    "go": lambda: [toolchains.go_program("client")],
    "java": lambda: [toolchains.java(), APPS / "java" / "Client.java"],
}
FEWEST = 210  # exchanges that each of them makes at least


def account_of(child):
    """The lines METHOD PATH STATUS of a client."""
    lines = [line.split(" ") for line in child.stdout.text.splitlines()]
    return [(method, path, int(code)) for method, path, code in lines]


@pytest.mark.parametrize("name", CLIENTS)
def test_client(lab, name):
    command = CLIENTS[name]()
    server = node_http(lab)
    child, result = lab.trace(server.select, [*command, server.url])
    account = account_of(child)
    assert len(account) >= FEWEST, child.describe()
    expect_exchanges(result.spans, CLIENT, account)
    expect_exchanges(result.spans, SERVER, account)
    assert expect_joined(result.spans) == []
    assert not any(span.marked for span in result.spans), result.draw()


def test_wrk(lab):
    server = node_http(lab)
    child, result = lab.trace(server.select, ["wrk", "-t", "2", "-c", "16", "-d", "1s", "-s",
                                              APPS.parent / "unique.lua", server.url, "--", "1", "/item/w"])
    completed = int(child.stdout.wait_for(r"(\d+) requests in", 1)[1])
    assert completed > 0
    compare_with_client(completed, result.clients, result.servers)
    account_for(result.servers, "each has a client span of the same path and status")
    never_read = expect_joined(result.spans)
    assert len(never_read) <= 16 and all(span.marked for span in never_read), never_read[0]
