"""The phases of a pipeline, the transitions between them, and the scripts that decide how a deployment ends.

A pipeline carries the list of transitions that are still ahead of it. A transition names the next phase and when to
enter it: after some seconds, after some status reads, or by the admin API only. A pipeline without transitions stays
in its phase until something happens to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Literal, get_args

Cause = Literal["created", "patched", "resumed"]
"""What a deployment came from."""
OutcomeKind = Literal["RUNNING", "FAILED", "HANG", "FLAP"]
Until = Literal["patched", "resumed", "never", "healed by time"]

_ENDED_BY: dict[Until, frozenset[Cause]] = {
    "patched": frozenset({"patched", "resumed", "created"}),
    "resumed": frozenset({"resumed", "created"}),
    "never": frozenset(),
    "healed by time": frozenset(),
}


class Phase(StrEnum):
    """What the status endpoint returns as `status`."""

    DEPLOYING = "DEPLOYING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    FAILED = "FAILED"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"

    @property
    def has_worker(self) -> bool:
        """Whether the pipeline has a worker: pods with logs, and something to stop."""
        return self not in {Phase.PAUSED, Phase.STOPPED}

    @property
    def has_logs(self) -> bool:
        """Whether the pods of the worker have written logs that can be read."""
        return self is not Phase.DEPLOYING

    @classmethod
    def parse(cls, text: str) -> Phase:
        """Return the phase of that name.

        Raises:
            ValueError: There is no such phase.
        """
        _require("phase", text, tuple(cls))
        return cls(text)


@dataclass(frozen=True)
class Transition:
    """A step to another phase, taken after ``seconds`` or ``reads`` status reads; with neither, only by the admin API.

    Args:
        phase: The phase to enter; None deletes the pipeline.
        seconds: Seconds since the phase before was entered.
        reads: Status reads since the phase before was entered.
    """

    phase: Phase | None
    seconds: float | None = None
    reads: int | None = None


@dataclass(frozen=True)
class Lifecycle:
    """What moves pipelines through their phases, and how fast.

    Args:
        driver: "time", "reads" (of the status endpoint) or "manual" (the admin API only).
        deploy_seconds: Time from DEPLOYING to RUNNING or FAILED.
        stop_seconds: Time from STOPPING to PAUSED, STOPPED or deleted.
        bounded_seconds: Time that a bounded pipeline runs before it is STOPPED.
        heal_seconds: Time from FAILED to RUNNING, for a pipeline that recovers by itself.
        reads: How many status reads show a passing phase before the next one is entered.
    """

    driver: Literal["time", "reads", "manual"] = "time"
    deploy_seconds: float = 0.0
    stop_seconds: float = 0.0
    bounded_seconds: float = 0.0
    heal_seconds: float = 0.0
    reads: int = 1

    @classmethod
    def instant(cls) -> Lifecycle:
        """Return a lifecycle without waiting: the first status read shows the last phase."""
        return cls()

    @classmethod
    def by_time(
        cls,
        deploy_seconds: float = 3.0,
        stop_seconds: float = 1.0,
        bounded_seconds: float = 10.0,
        heal_seconds: float | None = None,
    ) -> Lifecycle:
        """Return a lifecycle that follows the clock; healing takes as long as deploying by default."""
        heal = deploy_seconds if heal_seconds is None else heal_seconds
        return cls("time", deploy_seconds, stop_seconds, bounded_seconds, heal)

    @classmethod
    def by_reads(cls, reads: int) -> Lifecycle:
        """Return a lifecycle in which exactly ``reads`` status reads see each passing phase.

        Raises:
            ValueError: ``reads`` is below 1.
        """
        if reads < 1:
            raise ValueError(f"reads: {reads} is too few, at least 1 read must see a phase")
        return cls("reads", reads=reads)

    @classmethod
    def manual(cls) -> Lifecycle:
        """Return a lifecycle in which only ``set_phase`` moves a pipeline."""
        return cls("manual")

    def transition(self, phase: Phase | None, seconds: float) -> Transition:
        """Return the transition to ``phase``, which takes ``seconds`` where time drives it."""
        if self.driver == "time":
            return Transition(phase, seconds=seconds)
        return Transition(phase, reads=self.reads if self.driver == "reads" else None)

    def starting(self, *, bounded: bool) -> list[Transition]:
        """Return the transitions of a deployment that succeeds."""
        transitions = [self.transition(Phase.RUNNING, self.deploy_seconds)]
        return [*transitions, self.transition(Phase.STOPPED, self.bounded_seconds)] if bounded else transitions

    def failing(self, *, heals: bool) -> list[Transition]:
        """Return the transitions of a deployment that fails, and recovers if it ``heals`` by itself."""
        transitions = [self.transition(Phase.FAILED, self.deploy_seconds)]
        return [*transitions, *self.healing()] if heals else transitions

    def healing(self) -> list[Transition]:
        """Return the transitions from FAILED back to RUNNING."""
        return [self.transition(Phase.RUNNING, self.heal_seconds)]

    def stopping(self, end: Phase | None) -> list[Transition]:
        """Return the transitions from STOPPING to ``end``; None deletes the pipeline."""
        return [self.transition(end, self.stop_seconds)]

    def restarting(self) -> list[Transition]:
        """Return the transitions from STOPPING through STOPPED to the next deployment."""
        return [self.transition(phase, self.stop_seconds) for phase in (Phase.STOPPED, Phase.DEPLOYING)]


@dataclass
class Script:
    """The outcome of deployments of the pipelines whose name matches a glob.

    Args:
        name: Glob of pipeline names.
        outcome: "RUNNING", "FAILED", "HANG" (stays DEPLOYING) or "FLAP" (RUNNING, then FAILED, then RUNNING).
        logs: Lines that the worker writes before it reaches the outcome.
        health_error: What destination-health returns as `last_error`.
        until: What ends the script for a pipeline that it was applied to: a PATCH ("patched"), a pause and resume
            ("resumed"), nothing ("never"), or a recovery without help ("healed by time"). None follows the switch
            `failed_heals_by`.
        replicas: Desired replicas of the deployment.
        ready: Replicas that become ready once RUNNING; None means all.
    """

    name: str = "*"
    outcome: OutcomeKind = "FAILED"
    logs: list[str] = field(default_factory=list)
    health_error: str | None = None
    until: Until | None = None
    replicas: int = 1
    ready: int | None = None
    applied_to: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Refuse unknown values of ``outcome`` and ``until``."""
        _require("outcome", self.outcome, get_args(OutcomeKind))
        if self.until is not None:
            _require("until", self.until, get_args(Until))

    def applies(self, pipeline_id: str, name: str, cause: Cause, default_until: Until) -> bool:
        """Return whether the script decides a deployment of this pipeline that came from ``cause``."""
        if not fnmatchcase(name, self.name):
            return False
        return pipeline_id not in self.applied_to or cause not in _ENDED_BY[self.until or default_until]


class Scripts:
    """All scripts. The newest that applies decides; one that has ended for a pipeline leaves it to the next."""

    def __init__(self) -> None:
        self._scripts: list[Script] = []

    def add(self, script: Script) -> None:
        """Add a script that takes precedence over all others."""
        self._scripts.insert(0, script)

    def all(self) -> list[Script]:
        """Return all scripts, the newest first."""
        return list(self._scripts)

    def clear(self) -> None:
        """Remove all scripts: deployments succeed again."""
        self._scripts.clear()

    def find(self, pipeline_id: str, name: str, cause: Cause, default_until: Until) -> Script | None:
        """Return the script that decides this deployment, and note that it was applied."""
        for script in self._scripts:
            if script.applies(pipeline_id, name, cause, default_until):
                script.applied_to.add(pipeline_id)
                return script
        return None


def _require(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name}: {value!r} is unknown, use one of {', '.join(allowed)}")
