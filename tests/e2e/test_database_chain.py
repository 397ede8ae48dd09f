"""curl > Python > PostgreSQL and Redis: each request is one tree, and every call stands under the request that
made it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.databases import APPS
from harness.services import PYTHON, App
from harness.spans import KIND_NAMES, Forest
from harness.truth import account_for


def shape(forest, span):
    """(service, kind, what it asks, rows of a SELECT, [shapes of the children])"""
    return (span.service, KIND_NAMES[span.kind], span.text or span.path, span.rows,
            [shape(forest, child) for child in forest.children(span)])


def expected(n, front):
    def call(service, text, rows=None):
        return ("shop", "client", text, rows, [(service, "server", text, rows, [])])

    buy = ("shop", "server", f"/buy/{n}", None, [
        call("redis-server", f"GET k{n}"), call("postgres", f"SELECT generate_series(1, {n}) AS u{n}", n),
        call("postgres", "SELECT generate_series(1, $1::int) AS q", n), call("redis-server", f"SET s{n} sold")])
    return ("curl", "client", f"/buy/{n}", None, [buy]) if front else buy


def select(lab, postgres, redis, shop):
    return [*lab.texts("raw"), *postgres.select, *redis.select, "--pid", str(shop.pid)]


def start(lab, postgres, redis):
    return App(lab.start, [PYTHON, APPS / "shop.py", postgres.port, redis.port],
               env=lab.environment(OTEL_SERVICE_NAME="shop"))


def check(result, numbers, front):
    forest = Forest(result.spans)
    got = {shape(forest, root)[2]: shape(forest, root) for root in forest.roots()}
    for n in numbers:
        assert got.get(f"/buy/{n}") == expected(n, front), result.draw()
    assert len(forest.roots()) == len({root.trace_id for root in forest.roots()}) == len(numbers), result.draw()
    account_for(result.spans, "are exactly these trees")


def test_from_curl(lab, postgres, redis):
    shop = start(lab, postgres, redis)
    child, result = lab.trace(select(lab, postgres, redis, shop), ["curl", "-s", f"{shop.url}/buy/7"])
    assert child.stdout.text.endswith("14\n")
    check(result, [7], True)


@pytest.mark.parametrize("at_once", [1, 4])
def test_many_requests(lab, postgres, redis, at_once):
    shop = start(lab, postgres, redis)
    agent = lab.agent(*select(lab, postgres, redis, shop))
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda n: lab.curl(f"{shop.url}/buy/{n}"), range(1, 25)))
    check(agent.stop(), range(1, 25), False)
