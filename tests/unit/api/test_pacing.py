from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldrush_pulumi.api import Interrupted, Pacer
from tests.unit.api.doubles import Clock, Pauses


def burst(pacer: Pacer, pauses: Pauses, count: int) -> list[float]:
    """The moments, counted from now, at which `count` requests go out one after the other."""
    started, moments = pauses.clock.seconds, []
    for _ in range(count):
        assert pacer.acquire(changes=False)
        moments.append(round(pauses.clock.seconds - started, 6))
    return moments


def pacer_of(rate: float, pauses: Pauses) -> Pacer:
    return Pacer(rate, cancelled=pauses, now=pauses.clock)


def test_burst_then_rate(pauses: Pauses) -> None:
    """One second's worth goes out at once, then one request per interval."""
    assert [0, 0, 0, 0, 0.25, 0.5, 0.75] == burst(pacer_of(4, pauses), pauses, 7)


def test_rest_fills_one_second(pauses: Pauses) -> None:
    """A long rest saves up one second's worth, no more."""
    pacer = pacer_of(4, pauses)
    burst(pacer, pauses, 4)
    pauses.clock.seconds += 1000
    assert [0, 0, 0, 0, 0.25] == burst(pacer, pauses, 5)


def test_slow_rates_still_send(pauses: Pauses) -> None:
    """Less than one request per second still means the first at once."""
    assert [0, 10, 20] == burst(pacer_of(0.1, pauses), pauses, 3)


@given(rate=st.floats(0.1, 200), rests=st.lists(st.floats(0, 5), max_size=60))
def test_never_above_the_rate(rate: float, rests: list[float]) -> None:
    """However requests come, no stretch of time sees more than a burst and its own worth."""
    pauses = Pauses(Clock())
    pacer, moments = pacer_of(rate, pauses), []
    for rest in rests:
        pauses.clock.seconds += rest
        pacer.acquire(changes=True)
        moments.append(pauses.clock.seconds)
    for first, start in enumerate(moments):
        for last, end in enumerate(moments[first:], start=first):
            assert last - first + 1 <= max(1.0, rate) + (end - start) * rate + 1e-3


def test_slowing_down(pauses: Pauses) -> None:
    """After a 429 the burst is gone and requests go out at half the rate."""
    pacer = pacer_of(100, pauses)
    pacer.slow_down()
    first, second = burst(pacer, pauses, 2)
    assert first == pytest.approx(0.02, rel=0.05)
    assert second - first == pytest.approx(0.02, rel=0.05)


def test_answers_under_way_count_once(pauses: Pauses) -> None:
    """Many 429s at the same moment are one sign, not many."""
    pacer, other = pacer_of(100, pauses), pacer_of(100, pauses)
    pacer.slow_down()
    for _ in range(50):
        other.slow_down()
    assert burst(pacer, pauses, 1) == pytest.approx([0.02], rel=0.05)
    pauses.clock.seconds -= 0.02
    assert burst(other, pauses, 1) == pytest.approx([0.02], rel=0.05)


def test_slowest_rate(pauses: Pauses) -> None:
    """A server that always says 429 is still asked, at a sixteenth of the rate."""
    pacer = pacer_of(16, pauses)
    for _ in range(100):
        pauses.clock.seconds += 1
        pacer.slow_down()
    (moment,) = burst(pacer, pauses, 1)
    assert 0.5 < moment <= 1


def test_recovery(pauses: Pauses) -> None:
    """Half a minute without a 429 brings the whole rate back."""
    pacer = pacer_of(10, pauses)
    pacer.slow_down()
    pauses.clock.seconds += 30
    assert [0] * 10 + [0.1, 0.2] == burst(pacer, pauses, 12)


def test_turn_that_comes_too_late(pauses: Pauses) -> None:
    """A turn beyond the timeout is declined at once and leaves the place to others."""
    pacer = pacer_of(1, pauses)
    burst(pacer, pauses, 1)
    assert not pacer.acquire(changes=False, timeout_seconds=0.5)
    assert pacer.acquire(changes=False, timeout_seconds=1)
    assert [0, 1] == pauses.seconds


def test_cancelled(clock: Clock) -> None:
    """A wait for a turn ends when the run is cancelled."""
    pacer = pacer_of(1, Pauses(clock, cancelled_in_pause=2))
    pacer.acquire(changes=True)
    with pytest.raises(Interrupted):
        pacer.acquire(changes=True)


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_rate_that_sends_nothing(rate: float) -> None:
    """A rate at which nothing would ever be sent is refused."""
    with pytest.raises(ValueError, match="requests_per_second must be above 0"):
        Pacer(rate)


def test_many_threads(clock: Clock) -> None:
    """Threads that ask at the same moment get a turn each, no two of them the same one."""
    waits: list[float] = []

    class Frozen(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(round(timeout or 0.0, 6))
            return False

    pacer = Pacer(10, cancelled=Frozen(), now=clock)
    threads = [threading.Thread(target=pacer.acquire, kwargs={"changes": False}) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [0] * 10 + [round(number / 10, 6) for number in range(1, 55)] == sorted(waits)
