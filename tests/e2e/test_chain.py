"""The demo's nginx > shop (Python) > prices (Node): each request is one trace with the right parents."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.spans import Forest
from harness.truth import account_for

ITEMS = ["lamp", "bundle", "broken", "slow"]
IN_PROCESS = {"thread", "turn", "connect"}


def expected_shape(item):
    """The tree of one checkout, from nginx's server span down."""
    code = 500 if item == "broken" else 200
    stock = [("prices", "client", "GET", "/stock/bundle", 200,
              [("shop", "server", "GET", "/stock/bundle", 200, [])])] if item == "bundle" else []
    price = ("prices", "server", "GET", f"/price/{item}", code, stock)
    ask = ("shop", "client", "GET", f"/price/{item}", code, [price])
    checkout = ("shop", "server", "GET", "/checkout", code, [ask])
    proxied = ("nginx", "client", "GET", "/checkout", code, [checkout])
    return ("nginx", "server", "GET", "/checkout", code, [proxied])


def ask(lab, chain, number):
    item = ITEMS[number % len(ITEMS)]
    curl = lab.curl(f"{chain.url}/checkout?item={item}&id={number}")
    assert curl.report["http_code"] == (500 if item == "broken" else 200)


def request_id(span):
    return dict(part.split("=") for part in span.query.split("&"))["id"]


def check(result, count):
    forest = Forest(result.spans)
    for number in range(count):
        # Every request of the chain carries the id in its query: its spans are known without any link.
        own = [span for span in result.spans if request_id(span) == str(number)]
        picture = Forest(own).draw()
        roots = Forest(own).roots()
        assert len(roots) == 1, f"request {number} has {len(roots)} roots\n{picture}"
        assert forest.shape(roots[0]) == expected_shape(ITEMS[number % len(ITEMS)]), f"request {number}\n{picture}"
        assert len({span.trace_id for span in own}) == 1, f"request {number} is in several traces\n{picture}"
        for span in own:
            parent = forest.parent(span)
            allowed = IN_PROCESS if parent and parent.service == span.service else {"stream", None}
            assert span.link in allowed, f"link {span.link} of {span}\n{picture}"
            assert parent is None or parent.start_ns <= span.start_ns, f"starts before its parent\n{picture}"
        account_for(own, "are the expected tree")
    assert len({root.trace_id for root in forest.roots()}) == count
    assert len(forest.roots()) == count, forest.draw()


@pytest.mark.parametrize("at_once", [1, 4], ids=["sequential", "four at once"])
def test_each_request_is_one_trace(lab, at_once):
    chain = lab.chain()
    agent = lab.agent(*chain.select())
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda number: ask(lab, chain, number), range(20)))
    check(agent.stop(), 20)


def test_trace_begins_at_curl(lab):
    chain = lab.chain()
    _, result = lab.trace(chain.select(), ["curl", "-s", f"{chain.url}/checkout?item=bundle&id=1"])
    root, = Forest(result.spans).roots()
    shape = Forest(result.spans).shape(root)
    assert shape == ("curl", "client", "GET", "/checkout", 200, [expected_shape("bundle")]), result.draw()
    assert len({span.trace_id for span in result.spans}) == 1
    account_for(result.spans, "are the one tree that is expected")


def test_services_have_their_names_by_pid(lab):
    chain = lab.chain()
    agent = lab.agent("--pid", chain.nginx.pid, "--pid", chain.shop.pid, "--pid", chain.prices.pid)
    ask(lab, chain, 0)
    result = agent.stop()
    check(result, 1)
    assert {span.service for span in result.spans} == {"nginx", "shop", "prices"}, result.draw()
