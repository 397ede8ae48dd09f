"""Fixtures of the end-to-end tests. `tests/run.sh --e2e-only` runs them; they need root."""

import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness.agent import BINARY  # noqa: E402
from harness.databases import Postgres, Redis  # noqa: E402
from harness.lab import Lab  # noqa: E402


def pytest_configure():
    # tests/run.sh ends a run by SIGTERM: fixtures must still clean up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_runtest_call(item):
    """After a test has passed, as part of it: it must have compared all that the agent said with the truth."""
    if world := item.funcargs.get("world"):
        world.expect_accounted()


@pytest.fixture
def world():
    """A Lab without the agent's needs: for tests of the harness itself."""
    lab = Lab()
    try:
        yield lab
    finally:
        lab.close()


@pytest.fixture
def lab(world):
    assert os.geteuid() == 0, "the end-to-end tests need root"
    assert os.access(BINARY, os.X_OK), f"{BINARY} is missing: build the release preset first"
    return world


@pytest.fixture(scope="session")
def clusters():
    """What the tests of databases share: makes PostgreSQL servers out of one that was set up once."""
    shared = Lab()
    servers = []

    def make(settings="", certificate=False):
        servers.append(Postgres(shared.start, shared.folder("postgres"), template=template, settings=settings,
                                certificate=certificate))
        return servers[-1]
    try:
        template = None
        first = make()
        servers.pop().stop()
        template = first.data
        yield make
    finally:
        for server in servers:
            server.stop()
        shared.close()


@pytest.fixture(scope="session")
def shared_postgres(clusters):
    return clusters()


@pytest.fixture
def postgres(shared_postgres):
    """PostgreSQL, with no client, counting from now."""
    shared_postgres.wait_for_no_backends()
    shared_postgres.psql("TRUNCATE items")
    shared_postgres.reset()
    return shared_postgres


@pytest.fixture(scope="session")
def shared_redis():
    shared = Lab()
    try:
        server = Redis(shared.start, shared.folder("redis"))
        yield server
        server.stop()
    finally:
        shared.close()


@pytest.fixture
def redis(shared_redis):
    """Redis, empty, counting from now."""
    shared_redis.reset()
    return shared_redis
