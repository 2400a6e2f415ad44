"""The workers of pipelines: deployments start, succeed, fail, stop and end here. Knows phases, not requests."""

from __future__ import annotations

import dataclasses
import heapq
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

from goldrush_pulumi.emulator.lifecycle import Cause, Lifecycle, OutcomeKind, Phase, Script, Scripts, Transition, Until
from goldrush_pulumi.emulator.schema import startup_problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldrush_pulumi.emulator.switches import ActiveSwitches, Redeployment

_STEP_SECONDS = 2e-6
"""The smallest distance between two start times: they still differ when written with microseconds."""
_LATENCY_MS = 12
"""The latency of a probe where no destination is really probed."""
_DEFAULT_UNTIL: dict[str, Until] = {"patch": "patched", "pause and resume": "resumed", "itself": "healed by time"}


@dataclass
class WorkerOutcome:
    """What a deployment comes to; "PROBING" until its destination has been probed."""

    kind: OutcomeKind | Literal["PROBING"] = "RUNNING"
    logs: list[str] = field(default_factory=list)
    health_error: str | None = None
    ready: int | None = None


@dataclass
class ProbeResult:
    """The most recent probe of a destination; ``checked_at`` is in seconds since the epoch."""

    checked_at: float
    latency_ms: int | None
    error: str | None


@dataclass
class Record:
    """One pipeline: its configuration and the state of its worker. Times are in seconds since the epoch."""

    id: str
    group_id: str
    config: dict[str, Any]
    created_at: float
    updated_at: float

    phase: Phase = Phase.PAUSED
    ready: int = 0
    replicas: int = 1
    start_time: float | None = None

    transitions: list[Transition] = field(default_factory=list)
    """The transitions that are still ahead."""
    waiting_since: float = 0.0
    """When the wait for the first of them began."""
    reads: int = 0
    """Status reads since then."""
    generation: int = 0
    """Counts changes of the transitions; a timer of an earlier generation is void."""

    cause: Cause = "created"
    deployments: int = 0
    outcome: WorkerOutcome = field(default_factory=WorkerOutcome)

    logs: list[str] = field(default_factory=list)
    health_error: str | None = None
    """What the next probe of the destination will find; None if it is healthy."""
    latency_ms: int = _LATENCY_MS
    probe: ProbeResult | None = None
    """What destination-health returns."""
    stale_until: float = 0.0
    """No new probe is made before this time."""
    stale_reads: int = 0
    """So many reads of destination-health still return the old probe."""

    position: int = 0
    """The block height that was committed last."""
    running_since: float | None = None

    @property
    def uid(self) -> str:
        """The name of the worker, without underscores: the runtime allows none."""
        return f"covalent-{self.config['destination_type']}-{self.id}".replace("_", "-")

    @property
    def bounded(self) -> bool:
        """Whether the pipeline ends by itself."""
        return bool(self.config["execution_mode"] == "bounded")

    def block_height(self, now: float) -> int:
        """Return the height reached by ``now``: the worker reads one block per second."""
        height = self.position
        if self.running_since is not None:
            height += int(now - self.running_since)
        stop = str(self.config.get("execution_stop_from") or "")
        return min(height, int(stop)) if stop else height

    def rewind(self, height: int, now: float) -> None:
        """Continue reading at another block height."""
        self.position = height
        if self.running_since is not None:
            self.running_since = now

    def to_json(self) -> dict[str, Any]:
        """Return plain values that ``from_json`` reads back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Return the record that ``to_json`` wrote; fields that another version wrote are skipped."""
        known = {item.name: values[item.name] for item in dataclasses.fields(cls) if item.name in values}
        record = cls(**known)
        record.phase = Phase(record.phase)
        record.transitions = [
            Transition(item["phase"] and Phase(item["phase"]), item["seconds"], item["reads"])
            for item in values.get("transitions", [])
        ]
        record.outcome = WorkerOutcome(**values.get("outcome", {}))
        record.probe = ProbeResult(**values["probe"]) if values.get("probe") else None
        return record


class Workers:
    """Moves records through their phases. Not thread-safe: the store holds the lock.

    Args:
        lifecycle: What moves pipelines, and how fast.
        switches: The switches in force.
        clock: Seconds since the epoch.
        probe: Starts to probe the destination of a deployment and calls ``finish_probe`` at the end; None takes every
            destination for healthy.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        switches: ActiveSwitches,
        clock: Callable[[], float],
        probe: Callable[[Record], None] | None = None,
    ) -> None:
        self.lifecycle = lifecycle
        self.scripts = Scripts()
        self.records: dict[str, Record] = {}
        self.changed: set[str] = set()
        self.peak_deploying = 0
        self._switches = switches
        self._clock = clock
        self._probe = probe
        self._deploying: set[str] = set()
        self._timers: list[tuple[float, int, str, int]] = []
        self._numbers = itertools.count()
        self._last_start = 0.0

    def restore(self, record: Record) -> None:
        """Add a record from the state file and let it continue."""
        self.records[record.id] = record
        self._last_start = max(self._last_start, record.start_time or 0.0)
        if record.phase is Phase.DEPLOYING:
            self._deploying.add(record.id)
        self._start_timer(record)
        if record.phase is Phase.DEPLOYING and record.outcome.kind == "PROBING":
            self._start_probe(record)

    def advance(self) -> None:
        """Make every transition that is due by now."""
        now = self._clock()
        while self._timers and self._timers[0][0] <= now:
            due, _, pipeline_id, generation = heapq.heappop(self._timers)
            record = self.records.get(pipeline_id)
            if record is not None and record.generation == generation:
                self._step(record, due)

    def count_read(self, record: Record) -> None:
        """Count a read of the status endpoint, and make the next transition where reads drive the pipeline."""
        record.reads += 1
        transition = record.transitions[0] if record.transitions else None
        if transition is not None and transition.reads is not None and record.reads >= transition.reads:
            self._step(record, self._clock())

    def read_health(self, record: Record) -> ProbeResult | None:
        """Return the most recent probe; while the worker runs, each read makes a new one unless the old one stands."""
        now = self._clock()
        stale = record.stale_reads > 0 or now < record.stale_until
        record.stale_reads = max(0, record.stale_reads - 1)
        if not stale and record.phase in {Phase.RUNNING, Phase.FAILED}:
            self._record_probe(record, now)
        return record.probe

    def set_health(self, record: Record, error: str | None, latency_ms: int = _LATENCY_MS) -> None:
        """Set what probes find from now on, and record one."""
        record.health_error, record.latency_ms = error, latency_ms
        record.stale_until, record.stale_reads = 0.0, 0
        self._record_probe(record, self._clock())

    def deploy(self, record: Record, cause: Cause) -> None:
        """Start a new deployment now."""
        record.cause = cause
        self._begin(record, self._clock())

    def redeploy(self, record: Record) -> None:
        """Do what a changed configuration leads to."""
        self._keep_probe(record, self._clock())
        redeployment = self._redeployment(record)
        if redeployment == "never":
            return
        record.cause = "patched"
        if redeployment == "at once":
            self._begin(record, self._clock())
        elif redeployment == "later":
            delay = self._switches.current.redeploy_delay_seconds
            self._replace_transitions(record, [self.lifecycle.transition(Phase.DEPLOYING, delay)], self._clock())
        else:
            self._move(record, Phase.STOPPING, self.lifecycle.restarting())

    def finish_probe(self, pipeline_id: str, deployment: int, problem: str | None) -> None:
        """Let a deployment whose destination was probed succeed or fail; ignore a result of an earlier deployment."""
        record = self.records.get(pipeline_id)
        if record is None or record.deployments != deployment or record.phase is not Phase.DEPLOYING:
            return
        if problem is None:
            record.outcome = WorkerOutcome()
            transitions = self.lifecycle.starting(bounded=record.bounded)
        else:
            record.outcome = WorkerOutcome("FAILED", [f"ERROR Sink open failed: {problem}"], problem)
            transitions = self.lifecycle.failing(heals=False)
        self._replace_transitions(record, transitions, self._clock())

    def pause(self, record: Record) -> None:
        """Stop the worker, if there is one, and keep the pipeline."""
        if record.phase.has_worker:
            self._move(record, Phase.STOPPING, self.lifecycle.stopping(Phase.PAUSED))

    def delete(self, record: Record) -> None:
        """Delete the pipeline, at once or through STOPPING."""
        if not self._switches.current.delete_through_stopping:
            self.remove(record)
        elif not any(transition.phase is None for transition in record.transitions):
            self._move(record, Phase.STOPPING, self.lifecycle.stopping(None))

    def remove(self, record: Record) -> None:
        """Delete the pipeline at once."""
        self.records.pop(record.id, None)
        self._deploying.discard(record.id)
        record.generation += 1
        self.changed.add(record.id)

    def crash(self, record: Record, logs: list[str], health_error: str | None) -> None:
        """Let the worker fail now."""
        record.outcome = WorkerOutcome("FAILED", logs, health_error)
        heals = self._switches.current.failed_heals_by == "itself"
        self._move(record, Phase.FAILED, self.lifecycle.healing() if heals else [])

    def set_phase(self, record: Record, phase: Phase, ready: int | None, replicas: int | None) -> None:
        """Put the pipeline into a phase; if that phase is next anyway, the transitions after it remain."""
        if replicas is not None:
            record.replicas = replicas
        if phase is Phase.DEPLOYING and record.phase is not Phase.DEPLOYING:
            self._begin(record, self._clock())
        else:
            is_next = bool(record.transitions) and record.transitions[0].phase is phase
            self._move(record, phase, record.transitions[1:] if is_next else [])
        if ready is not None:
            record.ready = ready

    def _redeployment(self, record: Record) -> Redeployment:
        switches = self._switches.current
        if record.config["status"] == "paused":
            return "never"
        if record.phase is not Phase.FAILED:
            return switches.patch_redeploys
        if switches.failed_heals_by == "pause and resume":
            return "never"
        if switches.patch_redeploys == "never" and switches.failed_heals_by == "patch":
            return "at once"
        return switches.patch_redeploys

    def _begin(self, record: Record, at: float) -> None:
        self._last_start = max(at, self._last_start + _STEP_SECONDS)
        record.start_time = self._last_start
        record.deployments += 1
        record.logs = [f"INFO Worker starts: {record.config['topic']} to {record.config['destination_type']}"]
        self._keep_probe(record, at)
        transitions = self._decide(record)
        self._move(record, Phase.DEPLOYING, transitions, at)
        self.peak_deploying = max(self.peak_deploying, len(self._deploying))
        if record.outcome.kind == "PROBING":
            self._start_probe(record)

    def _start_probe(self, record: Record) -> None:
        if self._probe is None:
            self.finish_probe(record.id, record.deployments, None)
        else:
            self._probe(record)

    def _decide(self, record: Record) -> list[Transition]:
        """Decide the outcome of a new deployment; return the transitions that lead to it."""
        problem = startup_problem(record.config)
        if problem is not None:
            record.outcome = WorkerOutcome("FAILED", [f"ERROR Configuration rejected: {problem}"])
            return self.lifecycle.failing(heals=False)
        default_until = _DEFAULT_UNTIL[self._switches.current.failed_heals_by]
        script = self.scripts.find(record.id, record.config["name"], record.cause, default_until)
        if script is None and self._probe is not None:
            record.outcome, record.replicas = WorkerOutcome("PROBING"), 1
            return []
        if script is None:
            record.outcome, record.replicas = WorkerOutcome(), 1
            return self.lifecycle.starting(bounded=record.bounded)
        record.replicas = script.replicas
        record.outcome = WorkerOutcome(script.outcome, script.logs, script.health_error, script.ready)
        heals = (script.until or default_until) == "healed by time"
        return self._scripted_transitions(script, bounded=record.bounded, heals=heals)

    def _scripted_transitions(self, script: Script, *, bounded: bool, heals: bool) -> list[Transition]:
        if script.outcome == "HANG":
            return []
        if script.outcome == "FAILED":
            return self.lifecycle.failing(heals=heals)
        transitions = self.lifecycle.starting(bounded=bounded)
        return [transitions[0], *self.lifecycle.failing(heals=True)] if script.outcome == "FLAP" else transitions

    def _move(self, record: Record, phase: Phase, transitions: list[Transition], at: float | None = None) -> None:
        record.transitions = transitions
        self._enter(record, phase, self._clock() if at is None else at)
        self._start_timer(record)

    def _replace_transitions(self, record: Record, transitions: list[Transition], at: float) -> None:
        record.generation += 1
        record.waiting_since, record.reads, record.transitions = at, 0, transitions
        self._start_timer(record)
        self.changed.add(record.id)

    def _step(self, record: Record, at: float) -> None:
        phase = record.transitions.pop(0).phase
        if phase is None:
            self.remove(record)
        elif phase is Phase.DEPLOYING:
            self._begin(record, at)
        else:
            self._enter(record, phase, at)
            self._start_timer(record)

    def _start_timer(self, record: Record) -> None:
        seconds = record.transitions[0].seconds if record.transitions else None
        if seconds is not None:
            due = record.waiting_since + seconds
            heapq.heappush(self._timers, (due, next(self._numbers), record.id, record.generation))

    def _enter(self, record: Record, phase: Phase, at: float) -> None:
        record.generation += 1
        record.waiting_since, record.reads = at, 0
        if record.running_since is not None:
            record.position, record.running_since = record.block_height(at), None
        record.phase, record.ready = phase, 0
        (self._deploying.add if phase is Phase.DEPLOYING else self._deploying.discard)(record.id)
        if phase is Phase.RUNNING:
            self._enter_running(record, at)
        elif phase is Phase.FAILED:
            record.health_error = record.outcome.health_error
            record.logs.extend(record.outcome.logs or ["ERROR Worker exited with code 1"])
            self._probe_on_entry(record, at)
        elif phase is Phase.STOPPED and not record.transitions and record.bounded:
            record.config["status"] = self._switches.current.bounded_end_status
        self.changed.add(record.id)

    def _enter_running(self, record: Record, at: float) -> None:
        outcome = record.outcome if record.outcome.kind == "RUNNING" else WorkerOutcome(ready=record.outcome.ready)
        record.ready = record.replicas if outcome.ready is None else outcome.ready
        record.running_since = at
        record.health_error = outcome.health_error
        record.logs.append(f"INFO Consuming {record.config['topic']} from block {record.position}")
        record.logs.extend(outcome.logs)
        self._probe_on_entry(record, at)

    def _probe_on_entry(self, record: Record, at: float) -> None:
        if not record.stale_reads and at >= record.stale_until:
            self._record_probe(record, at)

    def _record_probe(self, record: Record, at: float) -> None:
        """Record a probe; it is always later than the start of the deployment that it belongs to."""
        checked_at = max(at, (record.start_time or 0.0) + _STEP_SECONDS)
        latency_ms = record.latency_ms if record.health_error is None else None
        record.probe = ProbeResult(checked_at, latency_ms, record.health_error)
        self.changed.add(record.id)

    def _keep_probe(self, record: Record, at: float) -> None:
        """Let the last probe stand for as long as the switches say."""
        switches = self._switches.current
        record.stale_until, record.stale_reads = at + switches.stale_probe_seconds, switches.stale_probe_reads
