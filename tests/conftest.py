"""What every kind of test shares: a clean environment, and an emulator of its own for each test that asks."""

from __future__ import annotations

import itertools
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldrush_pulumi.emulator import Emulator

_TRACED_KINDS = ("unit", "contract")
_NUMBERS = itertools.count()
"""Each test is a machine of its own."""

# A test decides by what comes out, never by how fast: the machine may be busy with something else.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--live",
        action="store_true",
        help="run the contract tests that only read against the real service (GOLDRUSH_SERVICE_KEY, GOLDRUSH_BASE_URL)",
    )


def _is_traced(item: pytest.Item) -> bool:
    """Whether a test measures coverage.

    To trace every process that plugin and e2e tests start would take minutes, and few of them take ways of their own.
    """
    if item.path.relative_to(Path(__file__).parent).parts[0] in _TRACED_KINDS:
        return item.get_closest_marker("untraced") is None
    return item.get_closest_marker("traced") is not None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Measure no coverage in most tests that start processes, neither here nor in those processes."""
    if _is_traced(item):
        return (yield)
    trace, trace_of_threads = sys.gettrace(), threading.gettrace()
    for_processes = os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(trace)
        threading.settrace(trace_of_threads)
        if for_processes is not None:
            os.environ["COVERAGE_PROCESS_CONFIG"] = for_processes


@pytest.fixture(scope="session", autouse=True)
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for the notes that the package keeps beside the CLI's own files: no test writes into the user's home."""
    folder = tmp_path_factory.mktemp("homes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULUMI_HOME", str(folder / "shared"))
        yield folder


@pytest.fixture(autouse=True)
def clean_environment(homes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove what a shell may have set, so that no test depends on it or reaches a real service."""
    for name in list(os.environ):
        if name.startswith(("GOLDRUSH_", "PULUMI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PULUMI_HOME", str(homes / str(next(_NUMBERS))))


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A fresh emulator in which pipelines get where they are going without delay."""
    from goldrush_pulumi.emulator import Emulator  # noqa: PLC0415 - most tests need no server

    with Emulator() as running:
        yield running
