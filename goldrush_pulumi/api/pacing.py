"""How fast requests may go out: one bucket for all threads that share an account."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING, Final

from goldrush_pulumi.api.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_REQUESTS_PER_SECOND: Final = 20.0

_BURST_SECONDS: Final = 1.0
_RECOVERY_SECONDS: Final = 30.0
_SLOWEST_SHARE: Final = 1 / 16
_SETTLE_SECONDS: Final = 1.0


class Pacer:
    """A token bucket of `requests_per_second`, with one second's worth at once after a pause.

    Every request takes its place in line when it asks, so none is overtaken for ever. After a 429 the rate is halved,
    down to a sixteenth, and grows back evenly: the whole rate in thirty seconds.

    Raises:
        ValueError: the rate is not above 0.
    """

    def __init__(
        self,
        requests_per_second: float = DEFAULT_REQUESTS_PER_SECOND,
        *,
        cancelled: threading.Event | None = None,
        now: Callable[[], float] = monotonic,
    ) -> None:
        if not requests_per_second > 0:
            raise ValueError("requests_per_second must be above 0")
        self._full_rate = requests_per_second
        self._cancelled = cancelled or threading.Event()
        self._now = now
        self._lock = threading.Lock()
        self._rate = requests_per_second
        self._tokens = self._capacity = max(1.0, requests_per_second * _BURST_SECONDS)
        self._counted_at = now()
        self._slowed_at = now() - _SETTLE_SECONDS

    def acquire(self, *, changes: bool, timeout_seconds: float | None = None) -> bool:
        """Wait for the turn of one request; False, and no place taken, when it is not within `timeout_seconds`.

        `changes` tells a request that changes something from one that only reads. Both wait in one line so far; it is
        asked for so that changes can be let through first without touching callers.

        Raises:
            Interrupted: cancelled before the turn came.
        """
        del changes
        wait_seconds = self._take_turn(timeout_seconds)
        if wait_seconds is None:
            return False
        # A wait of 0 asks whether it is cancelled.
        if self._cancelled.wait(wait_seconds):
            raise Interrupted("send request: cancelled before its turn came")
        return True

    def slow_down(self) -> None:
        """Halve the rate: the server said that there are too many requests.

        The answers to requests that were already under way count once, not each.
        """
        with self._lock:
            now = self._now()
            if now - self._slowed_at < _SETTLE_SECONDS:
                return
            self._count(now)
            self._slowed_at = now
            self._rate = max(self._rate / 2, self._full_rate * _SLOWEST_SHARE)
            self._tokens = min(self._tokens, 0.0)

    def _take_turn(self, timeout_seconds: float | None) -> float | None:
        with self._lock:
            self._count(self._now())
            # Below one token the place is in the future: the bucket goes into debt that later requests wait behind.
            wait_seconds = max(0.0, (1.0 - self._tokens) / self._rate)
            if timeout_seconds is not None and wait_seconds > timeout_seconds:
                return None
            self._tokens -= 1.0
            return wait_seconds

    def _count(self, now: float) -> None:
        elapsed, self._counted_at = now - self._counted_at, now
        self._tokens = min(self._capacity, self._tokens + elapsed * self._rate)
        self._rate = min(self._full_rate, self._rate + elapsed * self._full_rate / _RECOVERY_SECONDS)
