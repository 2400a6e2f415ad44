"""The rate limit of an account: one token bucket for all threads, and the queues in front of it."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING, Final

from goldrush_pulumi.api.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_REQUESTS_PER_SECOND: Final = 20.0

# Half of what a limit per second allows: a server with a bucket one second deep is then never surprised by
# requests that left evenly and arrived together.
_BURST_SECONDS: Final = 0.5

_SLOWEST_SHARE: Final = 1 / 16

_SAME_SIGN_SECONDS: Final = 1.0

_RECOVERY_SECONDS: Final = 30.0

_PROBING_SECONDS: Final = 300.0

_TRUSTED_SHARE: Final = 0.8

# A wait so short that adding it to a clock may change nothing would never end.
_ROUNDING_SECONDS: Final = 1e-6


class Bucket:
    """A token bucket that learns how much a server accepts. Not safe to share between threads.

    After a 429 the rate is halved, down to a sixteenth. It then grows back: quickly to four fifths of the rate that was
    too high, and from there so slowly that a limit nobody configured is not exceeded every few seconds.
    """

    def __init__(self, requests_per_second: float, now: float) -> None:
        self._full_rate = self._rate = self._too_fast = requests_per_second
        self._tokens = self._capacity = max(1.0, requests_per_second * _BURST_SECONDS)
        self._counted_at = now
        self._slowed_at = now - _SAME_SIGN_SECONDS

    def seconds_until(self, place: int, now: float) -> float:
        """Return how long the request at a `place` of the queue has to wait; the first place is 0."""
        self._count(now)
        missing = max(0.0, place + 1 - self._tokens)
        wait_seconds = max(0.0, self._counted_at - now) + missing / self._rate
        return wait_seconds if wait_seconds > _ROUNDING_SECONDS else 0.0

    def pause_seconds(self, now: float) -> float:
        """Return how much is left of the pause that the server asked for."""
        return max(0.0, self._counted_at - now)

    def take(self) -> None:
        """Take the token of a request that need not wait."""
        self._tokens -= 1.0

    def slow_down(self, now: float, pause_seconds: float) -> None:
        """Halve the rate and let nothing out for `pause_seconds`. Calls within a second count as one."""
        self._count(now)
        self._tokens = min(self._tokens, 0.0)
        # Tokens come again when the pause is over.
        self._counted_at = max(self._counted_at, now + pause_seconds)
        if now - self._slowed_at < _SAME_SIGN_SECONDS:
            return
        self._slowed_at = now
        self._too_fast = self._rate
        self._rate = max(self._rate / 2, self._full_rate * _SLOWEST_SHARE)

    def _count(self, now: float) -> None:
        elapsed = now - self._counted_at
        if elapsed <= 0:
            return
        self._counted_at = now
        self._tokens = min(self._capacity, self._tokens + elapsed * self._rate)
        self._rate = min(self._full_rate, self._grown(elapsed))

    def _grown(self, elapsed: float) -> float:
        trusted = self._too_fast * _TRUSTED_SHARE
        quickly = self._full_rate / _RECOVERY_SECONDS
        if self._rate + elapsed * quickly <= trusted:
            return self._rate + elapsed * quickly
        slow_seconds = elapsed - max(0.0, trusted - self._rate) / quickly
        return max(self._rate, trusted) + slow_seconds * self._full_rate / _PROBING_SECONDS


class RateLimiter:
    """Lets at most `requests_per_second` requests out: changes before reads, and each kind in its order of arrival.

    Changes are few, one or two for each pipeline, so reads wait for them but never for ever.

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
        self._cancelled = cancelled or threading.Event()
        self._now = now
        self._lock = threading.Lock()
        self._bucket = Bucket(requests_per_second, now())
        self._changes: dict[object, None] = {}
        self._reads: dict[object, None] = {}

    def acquire(self, *, changes: bool, timeout_seconds: float | None = None) -> bool:
        """Wait for the turn of one request. Return False, at once, when it would not come within `timeout_seconds`.

        A request that `changes` something goes before those that only read.

        Raises:
            Interrupted: cancelled before the turn came.
        """
        until = None if timeout_seconds is None else self._now() + timeout_seconds
        ticket, queue = object(), self._changes if changes else self._reads
        with self._lock:
            queue[ticket] = None
        try:
            return self._await_turn(ticket, until)
        finally:
            with self._lock:
                queue.pop(ticket, None)

    def slow_down(self, retry_after_seconds: float | None = None) -> None:
        """Halve the rate after a 429, and let nothing out for as long as the server asked.

        The responses to requests that were already under way count once, not each.
        """
        with self._lock:
            self._bucket.slow_down(self._now(), max(0.0, retry_after_seconds or 0.0))

    def pause_seconds(self) -> float:
        """Return how much is left of the longest pause that the server asked for, 0 for none."""
        with self._lock:
            return self._bucket.pause_seconds(self._now())

    def _await_turn(self, ticket: object, until: float | None) -> bool:
        while not self._cancelled.is_set():
            wait_seconds = self._try_to_pass(ticket)
            if wait_seconds <= 0:
                return True
            if until is not None and self._now() + wait_seconds > until + _ROUNDING_SECONDS:
                return False
            # The turn may come later than that, when changes come in between; then the wait starts again.
            self._cancelled.wait(wait_seconds)
        raise Interrupted("send request: cancelled before its turn came")

    def _try_to_pass(self, ticket: object) -> float:
        """Let the request through and return 0, or return how long it has to wait at least."""
        with self._lock:
            place = [*self._changes, *self._reads].index(ticket)
            wait_seconds = self._bucket.seconds_until(place, self._now())
            if wait_seconds <= 0:
                self._bucket.take()
                # Out of the queue at once: the next request must not count this one twice.
                self._changes.pop(ticket, None)
                self._reads.pop(ticket, None)
            return wait_seconds
