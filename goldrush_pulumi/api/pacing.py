"""How fast requests may go out: one bucket per process, shared by every thread."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from goldrush_pulumi.api.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_REQUESTS_PER_SECOND: Final = 20.0


class Pacer:
    """A token bucket: on average `requests_per_second`, with one second's worth at once after a pause.

    Each request takes its place in line when it asks, so that no thread is overtaken for ever.
    """

    def __init__(
        self,
        requests_per_second: float = DEFAULT_REQUESTS_PER_SECOND,
        *,
        cancelled: threading.Event | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval_seconds = 1.0 / requests_per_second
        self._burst_seconds = 1.0
        self._cancelled = cancelled or threading.Event()
        self._now = now
        self._lock = threading.Lock()
        self._next_at = now() - self._burst_seconds

    def acquire(self, action: str, *, changes: bool) -> None:
        """Wait for the turn of one request. `changes` tells a request that changes something from one that reads.

        Raises:
            Interrupted: cancelled while waiting.
        """
        del changes
        wait_seconds = self._take_turn()
        if wait_seconds > 0 and self._cancelled.wait(wait_seconds):
            raise Interrupted(f"{action}: cancelled before it was sent")

    def slow_down(self) -> None:
        """The server said that there are too many requests: keep everybody from sending for a while."""
        with self._lock:
            self._next_at = max(self._next_at, self._now()) + self._interval_seconds

    def _take_turn(self) -> float:
        with self._lock:
            now = self._now()
            turn = max(self._next_at, now - self._burst_seconds)
            self._next_at = turn + self._interval_seconds
            return turn - now
