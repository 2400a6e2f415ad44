"""How long a call may take."""

from __future__ import annotations

from math import inf
from time import monotonic


class Deadline:
    """A moment `seconds` from now; never, when `seconds` is None."""

    def __init__(self, seconds: float | None) -> None:
        self._ends_at = inf if seconds is None else monotonic() + seconds

    @property
    def is_set(self) -> bool:
        """Whether there is a limit at all."""
        return self._ends_at < inf

    @property
    def remaining_seconds(self) -> float:
        """What is left, never below 0; infinite without a limit."""
        return max(0.0, self._ends_at - monotonic())

    @property
    def passed(self) -> bool:
        """Whether nothing is left."""
        return self.remaining_seconds <= 0
