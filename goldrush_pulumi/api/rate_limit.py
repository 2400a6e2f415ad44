"""How fast requests may go out: one bucket for all threads that share an account, and the lines before it."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING, Final

from goldrush_pulumi.api.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_REQUESTS_PER_SECOND: Final = 20.0

# Half of what a limit per second allows: a server whose own bucket is one second deep is then never surprised by
# requests that left evenly and arrived together.
_BURST_SECONDS: Final = 0.5

_SLOWEST_SHARE: Final = 1 / 16

_SETTLE_SECONDS: Final = 1.0

_RECOVERY_SECONDS: Final = 30.0

_PROBING_SECONDS: Final = 300.0

_TRUSTED_SHARE: Final = 0.8

LONGEST_RETRY_AFTER_SECONDS: Final = 60.0
"""A `Retry-After` longer than this is not obeyed."""

# A wait so short that adding it to a clock may change nothing would be asked for again and again.
_ROUNDING_SECONDS: Final = 1e-6


class Bucket:
    """A token bucket that learns how much a server takes. Not safe to share between threads.

    After a 429 the rate is halved, down to a sixteenth. It then grows back: quickly to four fifths of the rate that was
    too much, and from there so slowly that a limit nobody configured is not met every few seconds.
    """

    def __init__(self, requests_per_second: float, now: float) -> None:
        self._full_rate = self._rate = self._too_fast = requests_per_second
        self._tokens = self._capacity = max(1.0, requests_per_second * _BURST_SECONDS)
        self._counted_at = now
        self._slowed_at = now - _SETTLE_SECONDS

    def seconds_until(self, place: int, now: float) -> float:
        """How long the request at a `place` of the line has to wait, 0 for none; the first place is 0."""
        self._count(now)
        missing = max(0.0, place + 1 - self._tokens)
        wait_seconds = max(0.0, self._counted_at - now) + missing / self._rate
        return wait_seconds if wait_seconds > _ROUNDING_SECONDS else 0.0

    def take(self) -> None:
        """Take the token of one request, whose wait was 0."""
        self._tokens -= 1.0

    def slow_down(self, now: float, closed_seconds: float) -> None:
        """Halve the rate, and let nothing out for some seconds. What comes within a second counts as the same sign."""
        self._count(now)
        self._tokens = min(self._tokens, 0.0)
        # Tokens come again when the server wants to see requests again.
        self._counted_at = max(self._counted_at, now + closed_seconds)
        if now - self._slowed_at < _SETTLE_SECONDS:
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
    """Lets at most `requests_per_second` requests out, changes before reads and each kind in the order of asking.

    Changes are few, one or two for each pipeline, so reads are held back by them and never for ever.

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
        """Wait for the turn of one request; False, and no place taken, when it is not within `timeout_seconds`.

        `changes` tells a request that changes something, which goes first, from one that only reads.

        Raises:
            Interrupted: cancelled before the turn came.
        """
        until = None if timeout_seconds is None else self._now() + timeout_seconds
        ticket, line = object(), self._changes if changes else self._reads
        with self._lock:
            line[ticket] = None
        try:
            return self._await_turn(ticket, until)
        finally:
            with self._lock:
                line.pop(ticket, None)

    def slow_down(self, retry_after_seconds: float | None = None) -> None:
        """Halve the rate: the server said that there are too many requests, and perhaps when it wants to see more.

        The answers to requests that were already under way count once, not each.
        """
        asked_seconds = retry_after_seconds or 0.0
        closed_seconds = asked_seconds if 0 < asked_seconds <= LONGEST_RETRY_AFTER_SECONDS else 0.0
        with self._lock:
            self._bucket.slow_down(self._now(), closed_seconds)

    def _await_turn(self, ticket: object, until: float | None) -> bool:
        while not self._cancelled.is_set():
            wait_seconds = self._try_to_pass(ticket)
            if wait_seconds <= 0:
                return True
            if until is not None and self._now() + wait_seconds > until + _ROUNDING_SECONDS:
                return False
            # The turn may come later than that, when changes come in between; it is asked for again then.
            self._cancelled.wait(wait_seconds)
        raise Interrupted("send request: cancelled before its turn came")

    def _try_to_pass(self, ticket: object) -> float:
        """Let the request through and answer 0, or answer for how long it has to wait at least."""
        with self._lock:
            place = [*self._changes, *self._reads].index(ticket)
            wait_seconds = self._bucket.seconds_until(place, self._now())
            if wait_seconds <= 0:
                self._bucket.take()
                # Out of the line at once: whoever is next must not count this request twice.
                self._changes.pop(ticket, None)
                self._reads.pop(ticket, None)
            return wait_seconds
