from __future__ import annotations

import math
import threading
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldrush_pulumi.api import Interrupted, OutOfTime
from goldrush_pulumi.operations.wait import (
    EventClock,
    Goal,
    Observation,
    PreviousStart,
    Wait,
    WaitEnd,
    WaitOutcome,
    goal_of,
    interval_seconds,
    wait_until,
    wait_until_gone,
)
from tests.support.clock import FakeClock
from tests.support.pipelines import status_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldrush_pulumi.api import PipelineStatus

RUNNING, DEPLOYING = status_of("RUNNING"), status_of("DEPLOYING")
FAILED, STOPPED, PAUSED = status_of("FAILED"), status_of("STOPPED"), status_of("PAUSED")
LIVE = goal_of("running", is_bounded=False)
STALE = PreviousStart("t1")


def new(phase: str) -> PipelineStatus:
    """A phase of the deployment that follows the one started at t1."""
    return status_of(phase, start_time="t2")


class Scene:
    """A pipeline on a stage: what it shows from which second on, and what a wait said and did about it."""

    def __init__(
        self, *shows: tuple[float, PipelineStatus | Observation | None], cancel_at: float = float("inf")
    ) -> None:
        self.clock = FakeClock(cancel_at)
        self.lines: list[str] = []
        self.looks: list[float] = []
        self._shows = shows

    def look(self) -> Observation | None:
        self.looks.append(self.clock.now())
        shown = [what for previous, what in self._shows if previous <= self.clock.now()][-1]
        return shown if shown is None or isinstance(shown, Observation) else Observation(shown)

    def play(
        self,
        goal: Goal = LIVE,
        previous: PreviousStart | None = None,
        timeout_seconds: float = 600.0,
        grace_seconds: float = 20.0,
        stabilization_seconds: float = 5.0,
    ) -> WaitOutcome:
        wait = Wait(goal, timeout_seconds, previous, grace_seconds, stabilization_seconds)
        return wait_until(wait, self.look, self.clock, self.lines.append)


def ending_of(*shows: tuple[float, PipelineStatus | Observation | None], **options: object) -> tuple[WaitEnd, float]:
    outcome = Scene(*shows).play(**options)  # type: ignore[arg-type]
    return outcome.ending, outcome.waited_seconds


# --- Goals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "ready", "replicas", "live"),
    [
        ("RUNNING", 1, 1, True),
        ("RUNNING", 3, 3, True),
        ("RUNNING", 0, 1, False),
        ("RUNNING", 2, 3, False),
        ("RUNNING", 0, 0, False),
        ("RUNNING", 2, 1, False),
        ("DEPLOYING", 1, 1, False),
        ("PAUSED", 0, 0, False),
        ("REBALANCING", 1, 1, False),
    ],
)
def test_live_means_running_with_every_replica_ready(phase: str, ready: int, replicas: int, live: bool) -> None:  # noqa: FBT001
    """RUNNING alone is not live: each of at least one wanted replica has to be ready."""
    assert LIVE.is_live(status_of(phase, ready, replicas)) is live


@pytest.mark.parametrize("desired_status", ["running", "paused"])
def test_a_bounded_pipeline_may_be_over(desired_status: str) -> None:
    """STOPPED is the end of a bounded pipeline whatever is desired, and the failure of an unbounded one."""
    bounded, unbounded = goal_of(desired_status, is_bounded=True), goal_of(desired_status, is_bounded=False)

    assert bounded.reached == {"RUNNING" if desired_status == "running" else "PAUSED", "STOPPED"}
    assert bounded.failed == {"FAILED"}
    assert unbounded.failed == {"FAILED", "STOPPED"}
    assert "STOPPED" not in unbounded.reached


# --- A first deployment -----------------------------------------------------------------------------------------------


def test_live_at_first_sight() -> None:
    """A pipeline that is live when first seen costs one look and no time."""
    scene = Scene((0, RUNNING))

    assert scene.play() == WaitOutcome(WaitEnd.REACHED, 0.0, RUNNING)
    assert scene.looks == [0.0]


def test_every_unknown_phase_is_pending() -> None:
    """Whatever is neither goal nor failure is waited through, and shown."""
    scene = Scene((0, status_of("QUEUED")), (5, status_of("UNKNOWN")), (10, DEPLOYING), (15, RUNNING))

    outcome = scene.play()

    assert outcome.ending is WaitEnd.REACHED
    assert 15 <= outcome.waited_seconds <= 17
    assert [line.split()[0] for line in scene.lines] == ["QUEUED", "UNKNOWN", "DEPLOYING", "RUNNING"]


@pytest.mark.parametrize(
    "pending", [status_of("RUNNING", 0, 1), status_of("RUNNING", 0, 0), status_of("RUNNING", 1, 3)]
)
def test_running_without_its_replicas_is_pending(pending: PipelineStatus) -> None:
    """RUNNING with too few replicas ready, or with none wanted, is not the end."""
    assert ending_of((0, pending), timeout_seconds=60)[0] is WaitEnd.TIMED_OUT
    assert ending_of((0, pending), (30, RUNNING))[0] is WaitEnd.REACHED


def test_workers_may_flap() -> None:
    """FAILED that passes within the grace period, again and again, ends nothing."""
    shows = [(float(second), FAILED if second % 20 < 12 else DEPLOYING) for second in range(0, 100, 4)]

    ending, seconds = ending_of(*shows, (100, RUNNING))

    assert ending is WaitEnd.REACHED
    assert seconds >= 100


@pytest.mark.parametrize("status", [FAILED, STOPPED])
def test_a_failure_that_lasts_ends_the_wait(status: PipelineStatus) -> None:
    """FAILED, or STOPPED of an unbounded pipeline, counts once it was seen throughout the grace period."""
    ending, seconds = ending_of((0, DEPLOYING), (30, status))

    assert ending is WaitEnd.FAILED
    assert 50 <= seconds <= 60


def test_without_grace_a_failure_counts_at_once() -> None:
    """The grace period is a setting, and zero is none."""
    assert ending_of((0, FAILED), grace_seconds=0.0) == (WaitEnd.FAILED, 0.0)


def test_a_bounded_pipeline_that_is_over_is_done() -> None:
    """STOPPED of a bounded pipeline is its goal, whether or not RUNNING was ever seen."""
    for desired_status in ("running", "paused"):
        goal = goal_of(desired_status, is_bounded=True)
        assert ending_of((0, DEPLOYING), (3, STOPPED), goal=goal)[0] is WaitEnd.REACHED
        assert ending_of((0, FAILED), goal=goal)[0] is WaitEnd.FAILED


def test_paused_is_reached_at_once() -> None:
    """For a pipeline that is to be paused, PAUSED is the goal and RUNNING is pending."""
    goal = goal_of("paused", is_bounded=False)

    assert ending_of((0, RUNNING), (4, PAUSED), goal=goal, previous=STALE)[0] is WaitEnd.REACHED
    assert ending_of((0, RUNNING), goal=goal, timeout_seconds=30)[0] is WaitEnd.TIMED_OUT


# --- A deployment after a change --------------------------------------------------------------------------------------


def test_running_of_the_old_deployment_counts_after_it_settled() -> None:
    """RUNNING with an unmoved start_time may be what was there before; it counts when it holds long enough."""
    ending, seconds = ending_of((0, RUNNING), previous=STALE)

    assert ending is WaitEnd.REACHED
    assert 5 <= seconds <= 6.5


def test_a_moved_start_time_counts_at_once() -> None:
    """RUNNING of a later start_time is the new deployment; the old one that ran until then was not taken."""
    scene = Scene((0, RUNNING), (3, new("DEPLOYING")), (8, new("RUNNING")))

    outcome = scene.play(previous=STALE)

    assert outcome.ending is WaitEnd.REACHED
    assert outcome.status == new("RUNNING")
    assert 8 <= outcome.waited_seconds < 9.1


def test_a_start_where_there_was_none_is_a_move() -> None:
    """A pipeline that never ran had no start_time; the first one belongs to the change, a missing one does not."""
    assert ending_of((0, RUNNING), previous=PreviousStart(None)) == (WaitEnd.REACHED, 0.0)
    assert ending_of((0, status_of("RUNNING", start_time=None)), previous=STALE)[1] >= 5


def test_a_failure_from_before_the_change_is_told_apart() -> None:
    """FAILED that only holds over from the old deployment says that nothing was deployed since."""
    ending, seconds = ending_of((0, FAILED), previous=STALE)

    assert ending is WaitEnd.STALE_FAILURE
    assert 20 <= seconds <= 25
    assert ending_of((0, FAILED), (4, new("FAILED")), previous=STALE)[0] is WaitEnd.FAILED
    assert ending_of((0, FAILED), (4, new("DEPLOYING")), (9, new("RUNNING")), previous=STALE)[0] is WaitEnd.REACHED


def test_stopped_on_the_way_is_no_failure() -> None:
    """A redeployment may pass through STOPPED for less than the grace period."""
    shows = [(0.0, RUNNING), (1.0, status_of("STOPPING")), (3.0, STOPPED), (12.0, new("DEPLOYING"))]

    assert ending_of(*shows, (15, new("RUNNING")), previous=STALE)[0] is WaitEnd.REACHED


def test_an_old_failure_outlasts_the_settle_period_too() -> None:
    """With hardly any grace, a failure with an unmoved start_time is still given the time to be replaced."""
    assert ending_of((0, FAILED), previous=STALE, grace_seconds=0.0)[1] >= 5


# --- Health -----------------------------------------------------------------------------------------------------------

HEALTHY = goal_of("running", is_bounded=False, healthy=True)


def test_a_healthy_destination_is_asked_for() -> None:
    """Live is not enough: the destination has to be healthy, and one that was not probed yet is waited for."""
    shows = [(0.0, Observation(RUNNING, None)), (6.0, Observation(RUNNING, healthy=True))]

    ending, seconds = ending_of(*shows, goal=HEALTHY)

    assert ending is WaitEnd.REACHED
    assert seconds >= 6
    assert ending_of((0, Observation(RUNNING, None)), goal=HEALTHY, timeout_seconds=60)[0] is WaitEnd.TIMED_OUT


def test_an_unhealthy_destination_fails_after_the_grace_period() -> None:
    """An unhealthy destination ends the wait when it stays so, and not when it recovers."""
    unhealthy = Observation(RUNNING, healthy=False)

    ending, seconds = ending_of((0, unhealthy), goal=HEALTHY)
    assert ending is WaitEnd.UNHEALTHY
    assert seconds >= 20
    assert ending_of((0, unhealthy), (15, Observation(RUNNING, healthy=True)), goal=HEALTHY)[0] is WaitEnd.REACHED


def test_health_is_no_matter_where_nothing_runs() -> None:
    """A bounded pipeline that is over, or a paused one, has no destination to ask."""
    assert ending_of((0, STOPPED), goal=goal_of("running", is_bounded=True, healthy=True))[0] is WaitEnd.REACHED
    assert ending_of((0, PAUSED), goal=goal_of("paused", is_bounded=False, healthy=True))[0] is WaitEnd.REACHED


# --- Other ends -------------------------------------------------------------------------------------------------------


def test_a_pipeline_may_be_hidden_for_a_while() -> None:
    """404 right after a POST is a lag; one that lasts means that the pipeline is gone."""
    assert ending_of((0, None), (10, RUNNING))[0] is WaitEnd.REACHED

    outcome = Scene((0, DEPLOYING), (10, None)).play()
    assert outcome.ending is WaitEnd.GONE
    assert outcome.waited_seconds >= 30
    assert outcome.status == DEPLOYING


def test_time_runs_out() -> None:
    """The wait ends when time is up, after one last look at that moment; without any time it still looks once."""
    scene = Scene((0, DEPLOYING))

    assert scene.play(timeout_seconds=60.0).ending is WaitEnd.TIMED_OUT
    assert scene.looks[-1] == pytest.approx(60.0)
    assert ending_of((0, DEPLOYING), timeout_seconds=0.0) == (WaitEnd.TIMED_OUT, 0.0)
    assert ending_of((0, RUNNING), timeout_seconds=0.0) == (WaitEnd.REACHED, 0.0)


def test_a_sleep_that_is_cancelled_ends_the_wait() -> None:
    """Cancelled while asleep: no further look, and the last status is kept."""
    scene = Scene((0, DEPLOYING), cancel_at=10.0)

    outcome = scene.play()

    assert (outcome.ending, outcome.status) == (WaitEnd.CANCELLED, DEPLOYING)
    assert scene.looks[-1] < 10.0


def test_the_real_clock_listens_to_the_event() -> None:
    """A sleep of an hour ends at once when cancelled, and says so; an undisturbed one says that too."""
    cancelled = threading.Event()
    clock = EventClock(cancelled)

    assert clock.sleep(0.0) is False
    cancelled.set()
    assert clock.sleep(3600.0) is True
    assert clock.now() <= clock.now()


def test_errors_of_a_look_are_passed_on() -> None:
    """A wait does not know which errors pass; whoever looks does."""

    def look() -> Observation | None:
        raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        wait_until(Wait(LIVE, 60.0), look, FakeClock(), print)


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (OutOfTime("get status", "did not respond in time"), WaitEnd.TIMED_OUT),
        (Interrupted("get status: cancelled"), WaitEnd.CANCELLED),
    ],
)
def test_a_look_that_is_cut_off_ends_the_wait(error: Exception, ending: WaitEnd) -> None:
    """A look that runs out of time, or is cancelled, ends the wait with the last status that was seen."""
    looks = iter([Observation(DEPLOYING)])

    def look() -> Observation:
        for observation in looks:
            return observation
        raise error

    outcome = wait_until(Wait(LIVE, 600.0), look, FakeClock(), lambda _text: None)
    assert (outcome.ending, outcome.status) == (ending, DEPLOYING)


def test_gone_is_the_goal_of_a_delete() -> None:
    """After a DELETE any phase is pending, FAILED too, and the first 404 ends the wait well."""
    scene = Scene((0, RUNNING), (2, status_of("STOPPING")), (30, FAILED), (60, None))

    outcome = wait_until_gone(600.0, scene.look, scene.clock, scene.lines.append)

    assert outcome.ending is WaitEnd.REACHED
    assert 60 <= outcome.waited_seconds <= 70

    scene = Scene((0, status_of("STOPPING")))
    assert wait_until_gone(60.0, scene.look, scene.clock, scene.lines.append).ending is WaitEnd.TIMED_OUT


# --- Pace and reports -------------------------------------------------------------------------------------------------


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_pauses_stretch_within_bounds(one: float, other: float) -> None:
    """Law: a pause is a tenth of the time waited, from half a second to ten, and never shrinks."""
    first, second = sorted((one, other))

    assert 0.5 <= interval_seconds(first) <= interval_seconds(second) <= 10.0
    assert interval_seconds(50.0) == pytest.approx(5.0)


def test_looks_are_quick_at_first_and_rare_later() -> None:
    """An hour of waiting costs a few hundred looks, most of its first minute's among them, each pause slightly off."""
    scene = Scene((0, DEPLOYING))
    scene.play(timeout_seconds=3600.0)
    pauses = scene.clock.sleeps

    assert all(0.45 <= pause <= 0.55 for pause in pauses[:5])
    assert all(9.0 <= pause <= 11.0 for pause in pauses[-100:-1])
    assert len({round(pause, 6) for pause in pauses}) > len(pauses) // 2
    assert len(pauses) < 450


def spoken(shows: Sequence[tuple[float, PipelineStatus]], timeout_seconds: float) -> list[str]:
    scene = Scene(*shows)
    scene.play(timeout_seconds=timeout_seconds)
    return scene.lines


def test_a_change_is_told_at_once_and_once() -> None:
    """The line has phase, ready of replicas and seconds; looks that show the same add none."""
    lines = spoken(
        [(0, status_of("DEPLOYING", replicas=2)), (5, status_of("RUNNING", 1, 2)), (8, status_of("RUNNING", 2, 2))], 60
    )

    assert lines[0] == "DEPLOYING 0/2 0s"
    assert [line.rpartition(" ")[0] for line in lines] == ["DEPLOYING 0/2", "RUNNING 1/2", "RUNNING 2/2"]


def test_a_failure_that_may_heal_says_how_long_it_is_waited_for() -> None:
    """While FAILED must hold to count, the line counts down in steps of five seconds, and ends with the recovery."""
    scene = Scene((0, DEPLOYING), (5, FAILED), (20, RUNNING))
    scene.play(grace_seconds=20.0)
    failed = [line for line in scene.lines if line.startswith("FAILED")]
    left = [int(line.rpartition(", ")[2].removesuffix(" s left")) for line in failed]

    assert all(", waiting for recovery, " in line for line in failed)
    assert left[0] == 20
    assert [math.ceil(seconds / 5) for seconds in left] == sorted(
        {math.ceil(seconds / 5) for seconds in left}, reverse=True
    )
    assert "recovery" not in scene.lines[0] + scene.lines[-1]
    assert max(map(len, scene.lines)) < 60


def test_silence_lasts_half_a_minute_at_least() -> None:
    """Without a change a line comes every thirty seconds or so: in CI each is printed."""
    lines = spoken([(0, DEPLOYING)], 300.0)
    seconds = [int(line.rpartition(" ")[2].removesuffix("s")) for line in lines]

    assert all(29 <= later - earlier <= 42 for earlier, later in pairwise(seconds))
    assert 7 <= len(lines) <= 11
