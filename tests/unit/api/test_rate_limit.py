from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldrush_pulumi.api import Interrupted, RateLimiter
from goldrush_pulumi.api.rate_limit import Bucket
from tests.support.clock import FakeClock
from tests.unit.api.doubles import Pauses


def burst(rate_limiter: RateLimiter, pauses: Pauses, count: int) -> list[float]:
    """The moments, counted from now, at which `count` requests go out one after the other."""
    started, moments = pauses.clock.seconds, []
    for _ in range(count):
        assert rate_limiter.acquire(changes=False)
        moments.append(round(pauses.clock.seconds - started, 6))
    return moments


def limiter_of(rate: float, pauses: Pauses) -> RateLimiter:
    return RateLimiter(rate, cancelled=pauses, now=pauses.clock)


def test_burst_then_rate(pauses: Pauses) -> None:
    """Half a second's worth goes out at once, then one request per interval."""
    assert [0, 0, 0.25, 0.5, 0.75] == burst(limiter_of(4, pauses), pauses, 5)


def test_rest_fills_half_a_second(pauses: Pauses) -> None:
    """A long rest saves up half a second's worth, no more."""
    rate_limiter = limiter_of(4, pauses)
    burst(rate_limiter, pauses, 4)
    pauses.clock.seconds += 1000
    assert [0, 0, 0.25] == burst(rate_limiter, pauses, 3)


def test_slow_rates_still_send(pauses: Pauses) -> None:
    """Less than one request per second still means the first at once."""
    assert [0, 10, 20] == burst(limiter_of(0.1, pauses), pauses, 3)


@given(rate=st.floats(0.1, 200), rests=st.lists(st.floats(0, 5), max_size=60))
def test_never_above_the_rate(rate: float, rests: list[float]) -> None:
    """However requests come, no stretch of time sees more than a burst and its own worth."""
    pauses = Pauses(FakeClock())
    rate_limiter, moments = limiter_of(rate, pauses), []
    for rest in rests:
        pauses.clock.seconds += rest
        rate_limiter.acquire(changes=True)
        moments.append(pauses.clock.seconds)
    for first, start in enumerate(moments):
        for last, end in enumerate(moments[first:], start=first):
            assert last - first + 1 <= max(1.0, rate / 2) + (end - start) * rate + 1e-3


# --- After a 429 ------------------------------------------------------------------------------------------------------


def test_slowing_down(pauses: Pauses) -> None:
    """After a 429 the burst is gone and requests go out at half the rate."""
    rate_limiter = limiter_of(100, pauses)
    rate_limiter.slow_down()
    first, second = burst(rate_limiter, pauses, 2)
    assert first == pytest.approx(0.02, rel=0.05)
    assert second - first == pytest.approx(0.02, rel=0.05)


def test_responses_under_way_count_once(pauses: Pauses) -> None:
    """Many 429s at the same moment are one sign, not many."""
    rate_limiter, other = limiter_of(100, pauses), limiter_of(100, pauses)
    rate_limiter.slow_down()
    for _ in range(50):
        other.slow_down()
    assert burst(rate_limiter, pauses, 1) == pytest.approx([0.02], rel=0.05)
    pauses.clock.seconds -= 0.02
    assert burst(other, pauses, 1) == pytest.approx([0.02], rel=0.05)


@pytest.mark.parametrize(("asked", "closed"), [(None, 0), (7.0, 7), (0.0, 0), (-5.0, 0), (60.0, 60), (3600.0, 3600)])
def test_retry_after_holds_back_everybody(asked: float | None, closed: float, pauses: Pauses) -> None:
    """A pause that the server asks of one request is made by all, however long it is; then they start slowly."""
    rate_limiter = limiter_of(10, pauses)
    rate_limiter.slow_down(asked)
    assert rate_limiter.pause_seconds() == closed
    first, second = burst(rate_limiter, pauses, 2)
    assert first == pytest.approx(closed + 0.2, rel=0.05)
    assert second - first == pytest.approx(0.2, rel=0.05)


def test_slowest_rate(pauses: Pauses) -> None:
    """A server that always says 429 is still asked, at a sixteenth of the rate."""
    rate_limiter = limiter_of(16, pauses)
    for _ in range(100):
        pauses.clock.seconds += 1
        rate_limiter.slow_down()
    (read_time,) = burst(rate_limiter, pauses, 1)
    assert 0.5 < read_time <= 1


def test_recovery(pauses: Pauses) -> None:
    """Four fifths of the rate come back within half a minute, the rest slowly, and all of it in the end."""
    rate_limiter = limiter_of(10, pauses)
    rate_limiter.slow_down()
    pauses.clock.seconds += 9
    burst(rate_limiter, pauses, 5)
    assert burst(rate_limiter, pauses, 2) == pytest.approx([0.125, 0.25], rel=0.05)
    pauses.clock.seconds += 60
    burst(rate_limiter, pauses, 5)
    assert burst(rate_limiter, pauses, 2) == pytest.approx([0.1, 0.2], rel=0.01)


@pytest.mark.parametrize(("limit", "configured"), [(4.0, 20.0), (4.0, 1000.0), (50.0, 1000.0), (1.0, 20.0)])
def test_an_unknown_limit_is_found(limit: float, configured: float) -> None:
    """Against a server with a lower limit than configured, 429s become rare and the limit is mostly used."""
    now, server_tokens, server_at = 0.0, limit, 0.0
    bucket, refused, sent = Bucket(configured, now), [], 0
    while now < 600:
        wait = bucket.seconds_until(0, now)
        if wait > 0:
            now += wait
            continue
        bucket.take()
        server_tokens = min(limit, server_tokens + (now - server_at) * limit)
        server_at = now
        if server_tokens >= 1:
            server_tokens, sent = server_tokens - 1, sent + 1
        else:
            refused.append(now)
            bucket.slow_down(now, 1.0)
    lowest = max(limit, configured / 16)
    settled = [read_time for read_time in refused if read_time > 60]
    assert len(settled) <= (40 if lowest == limit else 600)
    assert sent >= 0.6 * limit * 600 or lowest > limit


def test_late_on_a_clock() -> None:
    """Far from the start of its clock, where a tiny wait no longer changes the time, a turn still comes."""
    clock = FakeClock()
    clock.seconds = 3e8
    pauses = Pauses(clock)
    rate_limiter = limiter_of(997, pauses)
    for number in range(3_000):
        if number % 100 == 0:
            rate_limiter.slow_down(1.0)
        assert rate_limiter.acquire(changes=False)
    assert len(pauses.seconds) < 9_000


# --- Queues ----------------------------------------------------------------------------------------------------------


class Crowd:
    """Threads that ask a rate limiter for their turns while time stands still, until the test moves it."""

    def __init__(self, rate: float) -> None:
        self.clock, self.order = FakeClock(), list[str]()
        self._waiting = threading.Semaphore(0)
        self._moved = threading.Condition()
        self.rate_limiter = RateLimiter(rate, cancelled=_Held(self), now=self.clock)
        self._threads: list[threading.Thread] = []

    def join_queue(self, name: str, *, changes: bool) -> None:
        """Let a thread ask; return when it stands in the queue or has passed."""
        thread = threading.Thread(target=self._ask, args=(name, changes), daemon=True)
        self._threads.append(thread)
        thread.start()
        assert self._waiting.acquire(timeout=30)

    def _ask(self, name: str, changes: bool) -> None:  # noqa: FBT001 - a thread's target
        assert self.rate_limiter.acquire(changes=changes)
        self.order.append(name)
        self._waiting.release()

    def hold(self, seconds: float) -> None:
        """Stand in the queue until `seconds` have passed."""
        until = self.clock.seconds + seconds
        self._waiting.release()
        with self._moved:
            assert self._moved.wait_for(lambda: self.clock.seconds >= until, 30)

    def advance(self, seconds: float) -> None:
        """Move time in small steps, until nobody waits for a moment that is past."""
        steps = 20
        for _ in range(steps):
            with self._moved:
                self.clock.seconds += seconds / steps
                self._moved.notify_all()
            for _ in range(200):
                if not self._waiting.acquire(timeout=0.002):
                    break


class _Held(threading.Event):
    def __init__(self, crowd: Crowd) -> None:
        super().__init__()
        self._crowd = crowd

    def wait(self, timeout: float | None = None) -> bool:
        self._crowd.hold(timeout or 0.0)
        return self.is_set()


def test_changes_go_before_reads_and_each_in_order() -> None:
    """A change that comes last still goes out before all reads that wait; within a kind the first comes first."""
    crowd = Crowd(1)
    crowd.join_queue("first", changes=False)
    for name in ("read 1", "read 2", "read 3"):
        crowd.join_queue(name, changes=False)
    for name in ("change 1", "change 2"):
        crowd.join_queue(name, changes=True)
    for _ in range(6):
        crowd.advance(1.0)

    assert crowd.order == ["first", "change 1", "change 2", "read 1", "read 2", "read 3"]


def test_turn_that_comes_too_late(pauses: Pauses) -> None:
    """A turn beyond the timeout is declined at once and leaves the place to others."""
    rate_limiter = limiter_of(1, pauses)
    burst(rate_limiter, pauses, 1)
    assert not rate_limiter.acquire(changes=False, timeout_seconds=0.5)
    assert rate_limiter.acquire(changes=False, timeout_seconds=1)
    assert [1] == pauses.seconds


def test_cancelled(clock: FakeClock) -> None:
    """A wait for a turn ends when the run is cancelled, and nobody gets a turn afterwards."""
    rate_limiter = limiter_of(1, Pauses(clock, cancelled_in_pause=1))
    rate_limiter.acquire(changes=True)
    with pytest.raises(Interrupted):
        rate_limiter.acquire(changes=True)
    clock.seconds += 100
    with pytest.raises(Interrupted):
        rate_limiter.acquire(changes=True)


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_rate_that_sends_nothing(rate: float) -> None:
    """A rate at which nothing would ever be sent is refused."""
    with pytest.raises(ValueError, match="requests_per_second must be above 0"):
        RateLimiter(rate)


def test_many_threads() -> None:
    """Threads that ask at the same moment get a turn each, and all of them get one."""
    rate_limiter, passed = RateLimiter(5_000), list[bool]()
    start = threading.Barrier(64)

    def ask(number: int) -> None:
        start.wait(30)
        passed.extend(rate_limiter.acquire(changes=number % 4 == 0) for _ in range(20))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [True] * (64 * 20) == passed
