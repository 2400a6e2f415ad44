"""Waiting for a pipeline: one loop for create, update, pause, resume and delete.

A wait is data. What is waited for, what ends it, how long, and what belongs to an earlier deployment are all in `Wait`;
the loop knows no verb. Source: the API documents that a pipeline is live when its phase is RUNNING and `ready`
equals `replicas`; how phases follow one another is not documented, so whatever is neither goal nor failure is pending.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

from goldrush_pulumi.api.errors import Interrupted, OutOfTime
from goldrush_pulumi.schema.phases import Phase
from goldrush_pulumi.schema.wire import read_time

if TYPE_CHECKING:
    import threading

    from goldrush_pulumi.api import DestinationHealth, PipelineStatus


_SHORTEST_INTERVAL_SECONDS: Final = 0.5

_LONGEST_INTERVAL_SECONDS: Final = 10.0

_INTERVAL_SHARE: Final = 0.1

_REPORT_SECONDS: Final = 30.0

_RECOVERY_STEP_SECONDS: Final = 5.0


class WaitEnd(Enum):
    """How a wait ended."""

    REACHED = "reached"
    FAILED = "failed"
    UNHEALTHY = "unhealthy"
    """Live, but the last probe of the destination went wrong."""
    STALE_FAILURE = "stale failure"
    """FAILED or STOPPED all along, with the `start_time` from before the change: nothing was deployed since."""
    GONE = "gone"
    TIMED_OUT = "timed out"
    CANCELLED = "cancelled"


class Clock(Protocol):
    """Time as a wait sees it, so that tests can bring their own."""

    def now(self) -> float:
        """Seconds on a clock that never jumps."""

    def sleep(self, seconds: float) -> bool:
        """Sleep; return True when woken early because everything is to end."""


class EventClock:
    """The real clock. Its sleep ends at once when `cancelled` is set."""

    def __init__(self, cancelled: threading.Event) -> None:
        self._cancelled = cancelled

    def now(self) -> float:
        """Seconds on a clock that never jumps."""
        return time.monotonic()

    def sleep(self, seconds: float) -> bool:
        """Sleep for `seconds`, or until cancelled; return whether it was cancelled."""
        return self._cancelled.wait(seconds)


@dataclass(frozen=True)
class Observation:
    """What one look at a pipeline showed.

    `healthy` is None where the destination was not asked, or not probed since the change. `is_dated` says whether the
    server said when it probed; without that, an old result looks like a new one.
    """

    status: PipelineStatus
    healthy: bool | None = None
    is_dated: bool = True


@dataclass(frozen=True)
class Goal:
    """The phases that end a wait well, and those that end it badly; `healthy` asks for the destination's health too."""

    reached: frozenset[str]
    failed: frozenset[str]
    healthy: bool = False

    def is_live(self, status: PipelineStatus) -> bool:
        """Whether `status` is the goal; RUNNING counts only with every replica ready."""
        if status.phase not in self.reached:
            return False
        return status.phase != Phase.RUNNING or 1 <= (status.replicas or 0) == status.ready


def goal_of(desired_status: str, *, is_bounded: bool, healthy: bool = False) -> Goal:
    """Return the goal that fits the desired status. A bounded pipeline that has ended is done, whatever is desired."""
    reached = {Phase.PAUSED} if desired_status == "paused" else {Phase.RUNNING}
    if is_bounded:
        return Goal(frozenset(reached | {Phase.STOPPED}), frozenset({Phase.FAILED}), healthy)
    return Goal(frozenset(reached), frozenset({Phase.FAILED, Phase.STOPPED}), healthy)


@dataclass(frozen=True)
class Wait:
    """What to wait for and how.

    `previous`: the server's `start_time` from before the change; a phase belongs to the new deployment when
    `start_time` is another one. None for a pipeline that was just created: every phase belongs to it.
    `stabilization_seconds`: how long a goal with an unchanged `start_time` must hold before it counts.
    `grace_seconds`: how long a failure must hold before it counts, for workers flap.
    """

    goal: Goal
    timeout_seconds: float
    previous: PreviousStart | None = None
    grace_seconds: float = 20.0
    stabilization_seconds: float = 5.0


@dataclass(frozen=True)
class PreviousStart:
    """The deployment before the change, named by the server's own `start_time` (None where it had none)."""

    start_time: str | None


def fresh_health(health: DestinationHealth, *since: str | None) -> tuple[bool | None, bool]:
    """Return whether the destination is healthy by a probe made `since` all of these times, and whether that is dated.

    The API shows the most recent probe, so after a change an old result may still stand there. Times are the server's
    own; None or "" is no bound. Source: API reference, get-pipeline-destination-health.
    """
    probed_at = read_time(health.last_checked_at or "")
    bounds = [bound for bound in (read_time(text or "") for text in since) if bound is not None]
    if probed_at is None or not bounds:
        return health.healthy, False
    return (health.healthy if probed_at >= max(bounds) else None), True


@dataclass(frozen=True)
class WaitOutcome:
    """How a wait ended, after how many seconds, and the last status seen (None: none was)."""

    ending: WaitEnd
    waited_seconds: float
    status: PipelineStatus | None


def interval_seconds(waited_seconds: float) -> float:
    """Return the pause between two looks: about a tenth of the time waited so far, from 0.5 s to 10 s."""
    share = waited_seconds * _INTERVAL_SHARE
    return min(max(share, _SHORTEST_INTERVAL_SECONDS), _LONGEST_INTERVAL_SECONDS)


Look = Callable[[], "Observation | None"]
"""Asks the server once; None when there is no such pipeline."""


def wait_until(wait: Wait, look: Look, clock: Clock, report: Callable[[str], None]) -> WaitOutcome:
    """Look at a pipeline until the goal is reached, it fails, it is gone, time is up, or everything is to end.

    A look that is cancelled or out of time ends the wait likewise. Other errors of `look` are raised as they come.
    """
    loop = _Loop(wait, clock, report)
    while True:
        try:
            observation = look()
        except (Interrupted, OutOfTime) as error:
            cut_off = WaitEnd.CANCELLED if isinstance(error, Interrupted) else WaitEnd.TIMED_OUT
            return WaitOutcome(cut_off, loop.waited_seconds, loop.status)
        ending = loop.judge(observation)
        if ending is None:
            ending = loop.pause()
        if ending is not None:
            return WaitOutcome(ending, loop.waited_seconds, loop.status)


def wait_until_gone(timeout_seconds: float, look: Look, clock: Clock, report: Callable[[str], None]) -> WaitOutcome:
    """Look at a pipeline until the server says that there is none."""
    nothing = Goal(frozenset(), frozenset())
    outcome = wait_until(Wait(nothing, timeout_seconds, grace_seconds=0.0), look, clock, report)
    if outcome.ending is WaitEnd.GONE:
        return WaitOutcome(WaitEnd.REACHED, outcome.waited_seconds, outcome.status)
    return outcome


@dataclass
class _Loop:
    wait: Wait
    clock: Clock
    report: Callable[[str], None]
    status: PipelineStatus | None = None
    _held: tuple[WaitEnd, float] | None = None
    _reported: tuple[str, float] = ("", 0.0)
    _started: float = field(init=False)

    def __post_init__(self) -> None:
        self._started = self.clock.now()

    @property
    def waited_seconds(self) -> float:
        return self.clock.now() - self._started

    def judge(self, observation: Observation | None) -> WaitEnd | None:
        """Return how the wait ends; an ending counts once it has held for as long as it must."""
        ending, hold_seconds = self._meaning(observation)
        now = self.clock.now()
        if ending is None:
            self._held = None
        elif self._held is None or self._held[0] is not ending:
            self._held = (ending, now)
        left = hold_seconds - (now - self._held[1]) if self._held else 0.0
        if observation is not None:
            self.status = observation.status
            self._report_status(observation.status, 0.0 if ending is WaitEnd.REACHED else left)
        return ending if left <= 0 else None

    def _meaning(self, observation: Observation | None) -> tuple[WaitEnd | None, float]:
        """The ending that `observation` points to, and for how many seconds it must hold to count."""
        if observation is None:
            return WaitEnd.GONE, self.wait.grace_seconds
        status, goal = observation.status, self.wait.goal
        ours = self._is_ours(status)
        if goal.is_live(status):
            asks_health = goal.healthy and status.phase == Phase.RUNNING
            if asks_health and not observation.healthy:
                return (None if observation.healthy is None else WaitEnd.UNHEALTHY), self.wait.grace_seconds
            is_certain = not asks_health or observation.is_dated or self.wait.previous is None
            at_once = is_certain and (ours or status.phase == Phase.PAUSED)
            return WaitEnd.REACHED, 0.0 if at_once else self.wait.stabilization_seconds
        if status.phase in goal.failed:
            hold = max(self.wait.grace_seconds, 0.0 if ours else self.wait.stabilization_seconds)
            return (WaitEnd.FAILED if ours else WaitEnd.STALE_FAILURE), hold
        return None, 0.0

    def _is_ours(self, status: PipelineStatus) -> bool:
        previous = self.wait.previous
        return previous is None or (status.start_time is not None and status.start_time != previous.start_time)

    def pause(self) -> WaitEnd | None:
        """Sleep until the next look. Return how the wait ends when there is to be none."""
        left = self.wait.timeout_seconds - self.waited_seconds
        if left <= 0:
            return WaitEnd.TIMED_OUT
        pause = interval_seconds(self.waited_seconds) * random.uniform(0.9, 1.1)  # noqa: S311 - spreads requests, guards nothing
        return WaitEnd.CANCELLED if self.clock.sleep(min(pause, left)) else None

    def _report_status(self, status: PipelineStatus, recovery_seconds: float) -> None:
        """Report a status that changed, or the last report again after a while; a CI log has a line for each."""
        text, now = f"{status.phase} {status.ready or 0}/{status.replicas or 0}", self.clock.now()
        recovery = f", waiting for recovery, {recovery_seconds:.0f} s left" if recovery_seconds > 0 else ""
        key = f"{text} {math.ceil(recovery_seconds / _RECOVERY_STEP_SECONDS) if recovery else ''}"
        last, at = self._reported
        if key != last or now - at >= _REPORT_SECONDS:
            self._reported = (key, now)
            self.report(f"{text} {self.waited_seconds:.0f}s{recovery}")
