"""Fixtures of the end-to-end tests. `tests/run.sh --e2e-only` runs them; they need root."""

import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness.agent import BINARY  # noqa: E402
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
