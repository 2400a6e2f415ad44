"""The two ends of the supported range: every test that takes `sdk_python` runs on the newest SDK and on the oldest."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.plugin.gate import Gate
from tests.plugin.harness import ROOT, Plugin
from tests.plugin.lab_provider import LabProvider

if TYPE_CHECKING:
    from collections.abc import Iterator

OLDEST_PYTHON = ROOT / ".venv-oldest" / "bin" / "python"


@pytest.fixture(scope="session", params=["newest", "oldest"])
def sdk_python(request: pytest.FixtureRequest) -> Path:
    """The interpreter of an environment with the newest or with the oldest supported SDK."""
    if request.param == "newest":
        return Path(sys.executable)
    if not OLDEST_PYTHON.exists():
        pytest.fail("the environment with the oldest supported SDK is missing; run `make setup`")
    return OLDEST_PYTHON


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate that holds what runs inside a plugin until the test lets go."""
    opened = Gate()
    yield opened
    opened.close()


@pytest.fixture(scope="session", autouse=True)
def _interruptible_children() -> None:
    """Some shells start their jobs with SIGINT ignored, which children inherit: they could only be killed."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def lab(sdk_python: Path) -> Iterator[Plugin]:
    """One lab provider for all tests of a module that leave it as they found it."""
    with Plugin(provider=LabProvider(), interpreter=sdk_python) as plugin:
        yield plugin
