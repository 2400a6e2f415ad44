"""The clock of tests: time passes only when somebody sleeps, or when a test says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class FakeClock:
    """A clock that a sleep or a test moves.

    It stands for both kinds of clocks that the package takes: a function that returns the time, and an object that
    sleeps.

    Args:
        cancel_at: The second from which a sleeper is woken as cancelled.
        at_sleep: Called at the end of each sleep with the time; a sleeper is woken as cancelled if it returns True.
        start: The time at the start, in seconds.
    """

    def __init__(
        self,
        cancel_at: float = float("inf"),
        at_sleep: Callable[[float], object] = lambda _seconds: None,
        *,
        start: float = 0.0,
    ) -> None:
        self.seconds = start
        self.sleeps: list[float] = []
        self._cancel_at = cancel_at
        self._at_sleep = at_sleep

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds

    def sleep(self, seconds: float) -> bool:
        assert len(self.sleeps) < 10_000, "the wait does not end"
        self.sleeps.append(seconds)
        self.seconds += seconds
        return self._at_sleep(self.seconds) is True or self.seconds >= self._cancel_at
