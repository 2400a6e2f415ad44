from __future__ import annotations

import pytest

from goldrush_pulumi.api import call as deadlines
from tests.support.clock import FakeClock
from tests.unit.api.doubles import Pauses


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The time that every deadline of the test reads."""
    clock = FakeClock()
    monkeypatch.setattr(deadlines, "monotonic", clock)
    return clock


@pytest.fixture
def pauses(clock: FakeClock) -> Pauses:
    """A cancel event whose waits are recorded and take no time."""
    return Pauses(clock)
