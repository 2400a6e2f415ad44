"""The phases of a pipeline as transitions, and what moves them: time, status reads, or a hand.

A pipeline in some phase carries an itinerary: the legs it has still to travel. A leg names the phase to enter
next and when. An empty itinerary means that the phase stays until something happens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PHASES = ("DEPLOYING", "RUNNING", "PAUSED", "FAILED", "STOPPING", "STOPPED")
GONE = "GONE"
"""Where a delete that goes through STOPPING ends; never shown."""


@dataclass(frozen=True)
class Leg:
    """The next phase, entered after ``seconds`` or after ``reads`` status reads; with neither, by hand only."""

    phase: str
    seconds: float | None = None
    reads: int | None = None


@dataclass(frozen=True)
class Lifecycle:
    """How fast pipelines move through their phases, and by what.

    Args:
        driver: "time", "reads" (of the status endpoint) or "hand" (only by the control API).
        deploy_seconds: From DEPLOYING to RUNNING or FAILED.
        stop_seconds: From STOPPING to PAUSED, STOPPED or gone.
        bounded_seconds: How long a bounded pipeline runs before it is STOPPED.
        heal_seconds: From FAILED to RUNNING, for a pipeline that heals by itself.
        reads: How many status reads show each passing phase before the next one is entered.
    """

    driver: Literal["time", "reads", "hand"] = "time"
    deploy_seconds: float = 0.0
    stop_seconds: float = 0.0
    bounded_seconds: float = 0.0
    heal_seconds: float = 0.0
    reads: int = 1

    @classmethod
    def instant(cls) -> Lifecycle:
        """Return a lifecycle without waiting: the first status read shows where a pipeline ends up."""
        return cls()

    @classmethod
    def by_time(
        cls,
        deploy_seconds: float = 3.0,
        stop_seconds: float = 1.0,
        bounded_seconds: float = 10.0,
        heal_seconds: float | None = None,
    ) -> Lifecycle:
        """Return a lifecycle that moves by the clock; healing takes as long as deploying unless given."""
        heal = deploy_seconds if heal_seconds is None else heal_seconds
        return cls("time", deploy_seconds, stop_seconds, bounded_seconds, heal)

    @classmethod
    def by_reads(cls, reads: int) -> Lifecycle:
        """Return a lifecycle in which every passing phase is seen by exactly ``reads`` status reads.

        Raises:
            ValueError: ``reads`` is below 1.
        """
        if reads < 1:
            message = f"reads: {reads} is too few, at least 1 read must see a phase"
            raise ValueError(message)
        return cls("reads", reads=reads)

    @classmethod
    def by_hand(cls) -> Lifecycle:
        """Return a lifecycle in which nothing moves until ``set_phase`` says so."""
        return cls("hand")

    def leg(self, phase: str, seconds: float) -> Leg:
        """Return the leg to ``phase``, which takes ``seconds`` when time drives it."""
        if self.driver == "time":
            return Leg(phase, seconds=seconds)
        return Leg(phase, reads=self.reads if self.driver == "reads" else None)

    def starting(self, *, bounded: bool) -> list[Leg]:
        """Return the way of a deployment that comes up."""
        legs = [self.leg("RUNNING", self.deploy_seconds)]
        return [*legs, self.leg("STOPPED", self.bounded_seconds)] if bounded else legs

    def failing(self, *, heals: bool) -> list[Leg]:
        """Return the way of a deployment that fails, and recovers where it ``heals`` by itself."""
        legs = [self.leg("FAILED", self.deploy_seconds)]
        return [*legs, *self.healing()] if heals else legs

    def healing(self) -> list[Leg]:
        """Return the way from FAILED back to RUNNING."""
        return [self.leg("RUNNING", self.heal_seconds)]

    def stopping(self, end: str) -> list[Leg]:
        """Return the way from STOPPING to its ``end``: PAUSED, or GONE."""
        return [self.leg(end, self.stop_seconds)]

    def restarting(self) -> list[Leg]:
        """Return the way from STOPPING through STOPPED to the next deployment."""
        return [self.leg("STOPPED", self.stop_seconds), self.leg("DEPLOYING", self.stop_seconds)]
