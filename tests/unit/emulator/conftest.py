from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.emulator import Emulator
from tests.caller import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Clock:
    """Time that only moves when a test says so."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Lab:
    """A running emulator, a caller with its key, and its clock."""

    emulator: Emulator
    api: Caller
    clock: Clock

    def full(self, pipeline_id: str) -> dict[str, Any]:
        [found] = [item for item in self.emulator.pipelines() if item["id"] == pipeline_id]
        return found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def start(clock: Clock) -> Iterator[Callable[..., Lab]]:
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
