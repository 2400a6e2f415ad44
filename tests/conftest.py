"""What every kind of test shares: a clean environment, and an emulator of its own for each test that asks."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldrush_pulumi.emulator import Emulator

# A test decides by what comes out, never by how fast: the machine may be busy with something else.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--live",
        action="store_true",
        help="run the contract tests that only read against the real service (GOLDRUSH_SERVICE_KEY, GOLDRUSH_BASE_URL)",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Measure no coverage where a test goes the same ways a thousand times, for that would double its time."""
    is_law = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    if not is_law and item.get_closest_marker("repetitive") is None:
        return (yield)
    trace, trace_of_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(trace)
        threading.settrace(trace_of_threads)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove what a shell may have set, so that no test depends on it or reaches a real service."""
    for name in list(os.environ):
        if name.startswith(("GOLDRUSH_", "PULUMI_")):
            monkeypatch.delenv(name)


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A fresh emulator in which pipelines get where they are going without delay."""
    from goldrush_pulumi.emulator import Emulator  # noqa: PLC0415 - most tests need no server

    with Emulator() as running:
        yield running
