from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.emulator import Emulator
from tests.support.caller import Caller
from tests.support.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class Lab:
    """A running emulator, a caller with its key, and its clock."""

    emulator: Emulator
    api: Caller
    clock: FakeClock

    def full(self, pipeline_id: str) -> dict[str, Any]:
        [found] = [item for item in self.emulator.pipelines() if item["id"] == pipeline_id]
        return found


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(start=1_800_000_000.0)


@pytest.fixture
def start(clock: FakeClock) -> Iterator[Callable[..., Lab]]:
    """Starts emulators with the options given; all are stopped at the end."""
    with contextlib.ExitStack() as stack:

        def starting(**options: Any) -> Lab:
            emulator = stack.enter_context(Emulator(**{"clock": clock, **options}))
            return Lab(emulator, stack.enter_context(Caller(emulator.base_url, emulator.service_key)), clock)

        yield starting


@pytest.fixture
def lab(start: Callable[..., Lab]) -> Lab:
    """An instant emulator."""
    return start()
