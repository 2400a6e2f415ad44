"""The clock of tests: time passes only when somebody sleeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class FakeClock:
    """A clock that only a sleep moves.

    Args:
        cancel_at: The second from which a sleeper is woken as cancelled.
        at_sleep: Called at the end of each sleep with the seconds that have passed since the start.
    """

    def __init__(
        self, cancel_at: float = float("inf"), at_sleep: Callable[[float], object] = lambda _seconds: None
    ) -> None:
        self.seconds = 0.0
        self.sleeps: list[float] = []
        self._cancel_at = cancel_at
        self._at_sleep = at_sleep

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> bool:
        assert len(self.sleeps) < 10_000, "the wait does not end"
        self.sleeps.append(seconds)
        self.seconds += seconds
        self._at_sleep(self.seconds)
        return self.seconds >= self._cancel_at
