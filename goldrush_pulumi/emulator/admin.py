"""The control side: look into the emulator and make things happen behind the API's back. Safe from any thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldrush_pulumi.emulator.faults import Fault, FaultBook
from goldrush_pulumi.emulator.lifecycle import PHASES
from goldrush_pulumi.emulator.scripts import Outcome, Script, Until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldrush_pulumi.emulator.record import Record
    from goldrush_pulumi.emulator.recording import RecordedRequest, Recorder
    from goldrush_pulumi.emulator.worker import Runtime
    from goldrush_pulumi.emulator.store import Store
    from goldrush_pulumi.emulator.switches import SwitchBoard, Switches


class Controls:
    """What tests and the control API can do. Every method that names a pipeline raises LookupError if it is not there.

    Args:
        store: The pipelines.
        board: The switches in force.
        recorder: The requests so far.
        faults: The faults in force.
    """

    def __init__(self, store: Store, board: SwitchBoard, recorder: Recorder, faults: FaultBook) -> None:
        self._store = store
        self._board = board
        self._recorder = recorder
        self._faults = faults

    @property
    def switches(self) -> Switches:
        """The switches in force."""
        return self._board.current

    @property
    def peak_deploying(self) -> int:
        """The most pipelines that were ever DEPLOYING at the same moment."""
        return self._store.peak_deploying

    def switch(self, **changes: Any) -> None:
        """Change switches by name; see `Switches`.

        Raises:
            ValueError: A switch is unknown or a value does not fit; nothing was changed.
        """
        self._board.change(**changes)

    def pipelines(self) -> list[dict[str, Any]]:
        """Return every pipeline of every account, oldest first: the whole object in clear, with its runtime state.

        Beside the API's own fields: uid, phase, ready, replicas, start_time, deployments, health_error, logs (lines).
        """
        with self._store.turn() as runtime:
            return [self._store.full_object(record) for record in runtime.records.values()]

    def requests(self) -> list[RecordedRequest]:
        """Return every request to the API since the start or the last ``clear_requests``."""
        return self._recorder.all()

    def request_counts(self) -> dict[str, int]:
        """Return the number of requests of each kind, such as "GET /platform/pipeline-api/{id}/status/"."""
        return self._recorder.counts()

    def clear_requests(self) -> None:
        """Forget the recorded requests."""
        self._recorder.clear()

    def script(
        self,
        name: str = "*",
        outcome: Outcome = "FAILED",
        logs: Sequence[str] = (),
        health_error: str | None = None,
        until: Until | None = None,
        replicas: int = 1,
        ready: int | None = None,
    ) -> None:
        """Decide what future deployments of the pipelines whose name matches a glob do; see `Script`.

        Raises:
            ValueError: The outcome or the end is unknown.
        """
        script = Script(name, outcome, list(logs), health_error, until, replicas, ready)
        with self._store.turn() as runtime:
            runtime.scripts.add(script)

    def clear_scripts(self) -> None:
        """Let future deployments come up again."""
        with self._store.turn() as runtime:
            runtime.scripts.clear()

    def fail(self, pipeline_id: str, logs: Sequence[str] = (), health_error: str | None = None) -> dict[str, Any]:
        """Crash the worker of a pipeline with these last words."""
        with self._store.turn() as runtime:
            record = _find(runtime, pipeline_id)
            runtime.crash(record, list(logs), health_error)
            return self._store.full_object(record)

    def set_phase(
        self, pipeline_id: str, phase: str, ready: int | None = None, replicas: int | None = None
    ) -> dict[str, Any]:
        """Put a pipeline into a phase; DEPLOYING begins a new deployment, RUNNING makes all replicas ready unless told.

        Raises:
            ValueError: There is no such phase.
        """
        if phase not in PHASES:
            message = f"phase: {phase!r} is unknown, use one of {', '.join(PHASES)}"
            raise ValueError(message)
        with self._store.turn() as runtime:
            record = _find(runtime, pipeline_id)
            runtime.set_phase(record, phase, ready, replicas)
            return self._store.full_object(record)

    def set_health(self, pipeline_id: str, error: str | None = None) -> dict[str, Any]:
        """Set the last destination probe: the error text, or None for healthy."""
        with self._store.turn() as runtime:
            record = _find(runtime, pipeline_id)
            record.probed, record.health_error = True, error
            runtime.changed.add(record.id)
            return self._store.full_object(record)

    def write_logs(self, pipeline_id: str, lines: Sequence[str]) -> dict[str, Any]:
        """Let the worker write more log lines."""
        with self._store.turn() as runtime:
            record = _find(runtime, pipeline_id)
            record.logs.extend(lines)
            runtime.changed.add(record.id)
            return self._store.full_object(record)

    def edit(self, pipeline_id: str, *, redeploy: bool = False, **changes: Any) -> dict[str, Any]:
        """Change a pipeline outside of the API, as by hand in the UI; fields are replaced whole.

        A changed `status` pauses or resumes; anything else redeploys only when asked to.

        Raises:
            InvalidPipelineError: A field is unknown or its value breaks a rule.
        """
        with self._store.turn() as runtime:
            record = _find(runtime, pipeline_id)
            self._store.edit(record, changes, redeploy=redeploy)
            return self._store.full_object(record)

    def remove(self, pipeline_id: str) -> None:
        """Delete a pipeline behind everybody's back, at once."""
        with self._store.turn() as runtime:
            runtime.drop(_find(runtime, pipeline_id))

    def fault(self, method: str = "*", path: str = "*", **options: Any) -> Fault:
        """Let requests that match go wrong; `Fault` describes the options. Its ``hits`` counts.

        Raises:
            ValueError: An option has a value that cannot work.
            TypeError: There is no such option.
        """
        options.pop("hits", None)
        fault = Fault(method, path, **options)
        self._faults.add(fault)
        return fault

    def faults(self) -> list[Fault]:
        """Return all faults, spent ones included."""
        return self._faults.all()

    def clear_faults(self) -> None:
        """Drop all faults."""
        self._faults.clear()


def _find(runtime: Runtime, pipeline_id: str) -> Record:
    record = runtime.records.get(pipeline_id)
    if record is None:
        message = f"find pipeline {pipeline_id}: the emulator has none of that id"
        raise LookupError(message)
    return record
