from __future__ import annotations

import pytest

from goldrush_pulumi.api import call as deadlines
from tests.unit.api.doubles import Clock, Pauses


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time that every deadline of the test reads."""
    clock = Clock()
    monkeypatch.setattr(deadlines, "monotonic", clock)
    return clock


@pytest.fixture
def pauses(clock: Clock) -> Pauses:
    """A cancel event whose waits are recorded and take no time."""
    return Pauses(clock)
