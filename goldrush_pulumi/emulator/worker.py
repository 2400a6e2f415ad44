"""The workers: deployments begin, come up, fail, stop and end here. Knows phases, not requests."""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.emulator.lifecycle import GONE, Leg, Lifecycle
from goldrush_pulumi.emulator.schema import startup_problem
from goldrush_pulumi.emulator.scripts import Script, ScriptBook, Until

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldrush_pulumi.emulator.record import Record
    from goldrush_pulumi.emulator.switches import SwitchBoard

_START_STEP_SECONDS = 2e-6
"""Smallest distance of two start times: they stay apart after being written with microseconds."""

_PROBING = "PROBING"
"""The fate of a deployment that depends on its destination, as long as that has not answered."""

_DEFAULT_UNTIL: dict[str, Until] = {"patch": "patched", "pause and resume": "resumed", "itself": "healed by time"}


class Runtime:
    """Moves records through their phases. Not thread-safe: the store holds the lock.

    Args:
        lifecycle: What moves pipelines, and how fast.
        board: The switches in force.
        clock: Seconds since the epoch.
        probe: Begins to try the destination of a deployment and calls ``settle`` at the end; without it, destinations
            are taken to be fine.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        board: SwitchBoard,
        clock: Callable[[], float],
        probe: Callable[[Record], None] | None = None,
    ) -> None:
        self.lifecycle = lifecycle
        self.scripts = ScriptBook()
        self.records: dict[str, Record] = {}
        self.changed: set[str] = set()
        self.peak_deploying = 0
        self._board = board
        self._clock = clock
        self._probe = probe
        self._deploying: set[str] = set()
        self._alarms: list[tuple[float, int, str, int]] = []
        self._numbers = itertools.count()
        self._last_start = 0.0

    def restore(self, record: Record) -> None:
        """Take in a record from an earlier life of the emulator and let it travel on."""
        self.records[record.id] = record
        self._last_start = max(self._last_start, record.start_time or 0.0)
        if record.phase == "DEPLOYING":
            self._deploying.add(record.id)
        self._arm(record)
        if record.phase == "DEPLOYING" and record.fate.get("outcome") == _PROBING:
            self._try_destination(record)

    def advance(self) -> None:
        """Bring every pipeline to where it is by now."""
        now = self._clock()
        while self._alarms and self._alarms[0][0] <= now:
            due, _, pipeline_id, turn = heapq.heappop(self._alarms)
            record = self.records.get(pipeline_id)
            if record is not None and record.turn == turn:
                self._step(record, due)

    def count_read(self, record: Record) -> None:
        """Note that the status endpoint was read, and step on where reads drive the pipeline."""
        record.reads += 1
        leg = record.itinerary[0] if record.itinerary else None
        if leg is not None and leg.reads is not None and record.reads >= leg.reads:
            self._step(record, self._clock())

    def deploy(self, record: Record, cause: str) -> None:
        """Begin a new deployment now; its ``cause`` is "created", "patched" or "resumed"."""
        record.cause = cause
        self._begin(record, self._clock())

    def redeploy(self, record: Record) -> None:
        """Do what a changed configuration leads to."""
        way = self._way_of_redeploy(record)
        if way == "never":
            return
        record.cause = "patched"
        if way == "at once":
            self._begin(record, self._clock())
        elif way == "later":
            delay = self._board.current.redeploy_delay_seconds
            self._reroute(record, [self.lifecycle.leg("DEPLOYING", delay)], self._clock())
        else:
            self._travel(record, "STOPPING", self.lifecycle.restarting())

    def settle(self, pipeline_id: str, deployment: int, problem: str | None) -> None:
        """Let a deployment whose destination was tried come up, or fail with the reason; a later one is left alone."""
        record = self.records.get(pipeline_id)
        if record is None or record.deployments != deployment or record.phase != "DEPLOYING":
            return
        if problem is None:
            record.fate = {"outcome": "RUNNING"}
            legs = self.lifecycle.starting(bounded=record.config["execution_mode"] == "bounded")
        else:
            logs = [f"ERROR Sink open failed: {problem}"]
            record.fate = {"outcome": "FAILED", "logs": logs, "health_error": problem}
            legs = self.lifecycle.failing(heals=False)
        self._reroute(record, legs, self._clock())

    def pause(self, record: Record) -> None:
        """Stop the worker and keep the pipeline; nothing happens where nothing runs."""
        if record.phase not in {"PAUSED", "STOPPED"}:
            self._travel(record, "STOPPING", self.lifecycle.stopping("PAUSED"))

    def delete(self, record: Record) -> None:
        """Take the pipeline away, at once or through STOPPING."""
        if not self._board.current.delete_through_stopping:
            self.drop(record)
        elif not any(leg.phase == GONE for leg in record.itinerary):
            self._travel(record, "STOPPING", self.lifecycle.stopping(GONE))

    def drop(self, record: Record) -> None:
        """Forget the pipeline at once."""
        self.records.pop(record.id, None)
        self._deploying.discard(record.id)
        record.turn += 1
        self.changed.add(record.id)

    def crash(self, record: Record, logs: list[str], health_error: str | None) -> None:
        """Let the worker fail now."""
        record.fate = {"outcome": "FAILED", "logs": logs, "health_error": health_error}
        heals = self._board.current.failed_heals_by == "itself"
        self._travel(record, "FAILED", self.lifecycle.healing() if heals else [])

    def set_phase(self, record: Record, phase: str, ready: int | None, replicas: int | None) -> None:
        """Put the pipeline into a phase by hand; the rest of its itinerary stays when the phase was next on it."""
        if replicas is not None:
            record.replicas = replicas
        if phase == "DEPLOYING" and record.phase != "DEPLOYING":
            self._begin(record, self._clock())
        else:
            onward = record.itinerary[1:] if [leg.phase for leg in record.itinerary[:1]] == [phase] else []
            self._travel(record, phase, onward)
        if ready is not None:
            record.ready = ready

    def _way_of_redeploy(self, record: Record) -> str:
        switches = self._board.current
        if record.config["status"] == "paused":
            return "never"
        if record.phase != "FAILED":
            return switches.patch_redeploys
        if switches.failed_heals_by == "pause and resume":
            return "never"
        if switches.patch_redeploys == "never" and switches.failed_heals_by == "patch":
            return "at once"
        return switches.patch_redeploys

    def _begin(self, record: Record, at: float) -> None:
        self._last_start = max(at, self._last_start + _START_STEP_SECONDS)
        record.start_time = self._last_start
        record.deployments += 1
        record.probed = False
        record.logs = [f"INFO Worker starts: {record.config['topic']} to {record.config['destination_type']}"]
        legs = self._decide(record)
        self._travel(record, "DEPLOYING", legs, at)
        self.peak_deploying = max(self.peak_deploying, len(self._deploying))
        if record.fate["outcome"] == _PROBING:
            self._try_destination(record)

    def _try_destination(self, record: Record) -> None:
        if self._probe is None:
            self.settle(record.id, record.deployments, None)
        else:
            self._probe(record)

    def _decide(self, record: Record) -> list[Leg]:
        problem = startup_problem(record.config)
        if problem is not None:
            record.fate = {"outcome": "FAILED", "logs": [f"ERROR Configuration rejected: {problem}"]}
            return self.lifecycle.failing(heals=False)
        default_until = _DEFAULT_UNTIL[self._board.current.failed_heals_by]
        script = self.scripts.find(record.id, record.config["name"], record.cause, default_until)
        bounded = record.config["execution_mode"] == "bounded"
        if script is None and self._probe is not None:
            record.fate, record.replicas = {"outcome": _PROBING}, 1
            return []
        if script is None:
            record.fate, record.replicas = {"outcome": "RUNNING"}, 1
            return self.lifecycle.starting(bounded=bounded)
        record.replicas = script.replicas
        record.fate = _fate(script)
        return self._scripted_way(script, bounded=bounded, heals=(script.until or default_until) == "healed by time")

    def _scripted_way(self, script: Script, *, bounded: bool, heals: bool) -> list[Leg]:
        if script.outcome == "HANG":
            return []
        if script.outcome == "FAILED":
            return self.lifecycle.failing(heals=heals)
        way = self.lifecycle.starting(bounded=bounded)
        return [way[0], *self.lifecycle.failing(heals=True)] if script.outcome == "FLAP" else way

    def _travel(self, record: Record, phase: str, legs: list[Leg], at: float | None = None) -> None:
        instant = self._clock() if at is None else at
        record.itinerary = legs
        self._enter(record, phase, instant)
        self._arm(record)

    def _reroute(self, record: Record, legs: list[Leg], at: float) -> None:
        record.turn += 1
        record.leg_since, record.reads, record.itinerary = at, 0, legs
        self._arm(record)
        self.changed.add(record.id)

    def _step(self, record: Record, at: float) -> None:
        leg = record.itinerary.pop(0)
        if leg.phase == GONE:
            self.drop(record)
        elif leg.phase == "DEPLOYING":
            self._begin(record, at)
        else:
            self._enter(record, leg.phase, at)
            self._arm(record)

    def _arm(self, record: Record) -> None:
        seconds = record.itinerary[0].seconds if record.itinerary else None
        if seconds is not None:
            due = record.leg_since + seconds
            heapq.heappush(self._alarms, (due, next(self._numbers), record.id, record.turn))

    def _enter(self, record: Record, phase: str, at: float) -> None:
        record.turn += 1
        record.leg_since, record.reads = at, 0
        self._leave(record, at)
        record.phase = phase
        _ARRIVALS.get(phase, _arrive_elsewhere)(record, at)
        (self._deploying.add if phase == "DEPLOYING" else self._deploying.discard)(record.id)
        if phase == "STOPPED" and not record.itinerary and record.config["execution_mode"] == "bounded":
            record.config["status"] = self._board.current.bounded_end_status
        self.changed.add(record.id)

    def _leave(self, record: Record, at: float) -> None:
        if record.running_since is not None:
            record.position = record.block_height(at)
            record.running_since = None


def _fate(script: Script) -> dict[str, Any]:
    return {
        "outcome": script.outcome,
        "logs": script.logs,
        "health_error": script.health_error,
        "ready": script.ready,
    }


def _arrive_running(record: Record, at: float) -> None:
    as_scripted = record.fate.get("outcome") == "RUNNING"
    ready = record.fate.get("ready")
    record.ready = record.replicas if ready is None else ready
    record.running_since = at
    record.probed = True
    record.health_error = record.fate.get("health_error") if as_scripted else None
    record.logs.append(f"INFO Consuming {record.config['topic']} from block {record.position}")
    if as_scripted:
        record.logs.extend(record.fate.get("logs") or [])


def _arrive_failed(record: Record, at: float) -> None:
    del at
    record.ready = 0
    record.probed = True
    record.health_error = record.fate.get("health_error")
    record.logs.extend(record.fate.get("logs") or ["ERROR Worker exited with code 1"])


def _arrive_elsewhere(record: Record, at: float) -> None:
    del at
    record.ready = 0


_ARRIVALS = {"RUNNING": _arrive_running, "FAILED": _arrive_failed}
