"""The pipelines of all accounts. Speaks plain dicts, knows no HTTP, and is safe to call from any thread."""

from __future__ import annotations

import copy
import secrets
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.emulator import responses
from goldrush_pulumi.emulator.churn import Churn, ChurnPlan
from goldrush_pulumi.emulator.lifecycle import Phase
from goldrush_pulumi.emulator.schema import (
    INPUTS,
    PATCHABLE,
    complete,
    config_problems,
    create_problems,
    patch_problems,
    patched,
)
from goldrush_pulumi.emulator.worker import Record, Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goldrush_pulumi.emulator.accounts import Account, KeyRing
    from goldrush_pulumi.emulator.lifecycle import Lifecycle
    from goldrush_pulumi.emulator.probe import Prober
    from goldrush_pulumi.emulator.storage import Storage
    from goldrush_pulumi.emulator.switches import ActiveSwitches

_CHECKPOINTS = "checkpoints"


class StoreError(Exception):
    """A request that the store refuses; the caller reads the text."""


class PipelineNotFoundError(StoreError):
    """The pipeline does not exist, or the account may not learn that it does."""


class PipelineForbiddenError(StoreError):
    """The pipeline exists and belongs to another account."""


class InvalidPipelineError(StoreError):
    """The request body breaks a rule; the text names every problem by its path."""


class Store:
    """All pipelines of all accounts. The public methods see each pipeline as it is at the time of the call.

    Args:
        keys: The accounts.
        switches: The switches in force.
        lifecycle: What moves pipelines through their phases.
        clock: Seconds since the epoch.
        storage: The state file; None keeps pipelines in memory.
        prober: Probes destinations for real; None takes them for healthy.
    """

    def __init__(
        self,
        keys: KeyRing,
        switches: ActiveSwitches,
        lifecycle: Lifecycle,
        clock: Callable[[], float],
        storage: Storage | None = None,
        prober: Prober | None = None,
    ) -> None:
        self._lock = threading.RLock()
        self._accounts = {account.group_id: account for account in keys.accounts}
        self._switches = switches
        self._clock = clock
        self._storage = storage
        self._prober = prober
        self._workers = Workers(lifecycle, switches, clock, self._begin_probe if prober else None)
        self._churn: Churn | None = None
        self._postponed: list[tuple[float, Callable[[], object]]] = []
        self._checkpoints: dict[str, int] = (storage and storage.note(_CHECKPOINTS)) or {}
        for values in storage.records() if storage else []:
            self._workers.restore(Record.from_json(values))

    @property
    def probes(self) -> bool:
        """Whether destinations are probed for real."""
        return self._prober is not None

    @property
    def peak_deploying(self) -> int:
        """The most pipelines that were ever DEPLOYING at the same time."""
        return self._workers.peak_deploying

    @property
    def churn_plan(self) -> ChurnPlan | None:
        """What the other client does, if there is one."""
        return None if self._churn is None else self._churn.plan

    @contextmanager
    def locked(self) -> Iterator[Workers]:
        """Hold the lock, with everything that is due done first; save what changed at the end."""
        with self._lock:
            now = self._clock()
            due = [change for at, change in self._postponed if at <= now]
            self._postponed = [item for item in self._postponed if item[0] > now]
            for change in due:
                with suppress(StoreError):
                    change()
            if self._churn is not None:
                self._churn.advance(now)
            self._workers.advance()
            yield self._workers
            self._workers.advance()
            self._save()

    def postpone(self, seconds: float, change: Callable[[], object]) -> None:
        """Call ``change`` after ``seconds`` of the clock; what it refuses by then is ignored."""
        with self.locked():
            self._postponed.append((self._clock() + seconds, change))

    def start_churn(self, account: Account, plan: ChurnPlan) -> None:
        """Let another client of the account create and delete pipelines from now on, in place of an earlier one."""
        with self.locked() as workers:
            self.end_churn()

            def delete(pipeline_id: str) -> None:
                if pipeline_id in workers.records:
                    workers.remove(workers.records[pipeline_id])

            def create(body: dict[str, Any]) -> str:
                return self._add(
                    account, complete({name: body.get(name) for name in INPUTS}, self._switches.current)
                ).id

            self._churn = Churn(plan, create, delete, self._clock())

    def end_churn(self) -> None:
        """Stop the other client and delete its pipelines."""
        with self.locked():
            if self._churn is not None:
                self._churn.end()
                self._churn = None

    def create(self, account: Account, body: dict[str, Any]) -> dict[str, Any]:
        """Create a pipeline and begin its first deployment.

        Raises:
            InvalidPipelineError: The body breaks a rule; nothing was created.
        """
        switches = self._switches.current
        _refuse(create_problems(body, switches))
        config = complete({name: body.get(name) for name in INPUTS}, switches)
        if not switches.paused_at_post_honoured:
            config["status"] = "running"
        _refuse(config_problems(config, switches))
        with self.locked() as workers:
            record = self._add(account, config)
            if config["status"] == "running":
                workers.deploy(record, "created")
            return self._written(record)

    def get(self, account: Account, pipeline_id: str) -> dict[str, Any]:
        """Return a pipeline object with its secrets masked."""
        with self.locked():
            return self._object(self._find(account, pipeline_id), masked=True)

    def page(self, account: Account, first: int, count: int) -> tuple[list[dict[str, Any]], int]:
        """Return ``count`` pipelines of an account from index ``first`` on, in the list's order, and the total.

        Where the list lags behind, pipelines that it does not have yet are neither returned nor counted.
        """
        switches = self._switches.current
        with self.locked() as workers:
            if self._churn is not None:
                self._churn.before_page()
            horizon = self._clock() - switches.list_lag_seconds
            seen = [item for item in workers.records.values() if item.group_id == account.group_id]
            records = [item for item in seen if item.created_at <= horizon]
            records.sort(key=lambda item: item.id if switches.list_order == "by id" else "")
            if switches.list_order == "newest first":
                records.reverse()
            objects = [self._object(record, masked=True) for record in records[first : first + count]]
        items = [responses.brief_object(item) for item in objects] if switches.list_items_brief else objects
        return items, len(records)

    def patch(self, account: Account, pipeline_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Change the named fields of a pipeline, with the consequences for its worker.

        Raises:
            InvalidPipelineError: The body breaks a rule; nothing was changed.
        """
        switches = self._switches.current
        with self.locked() as workers:
            record = self._find(account, pipeline_id)
            _refuse(patch_problems(body, switches))
            changes = {name: value for name, value in body.items() if name in PATCHABLE and name != "status"}
            config = patched(record.config, changes, switches)
            _refuse(config_problems(config, switches))
            rewinds = switches.start_change_rewinds
            if rewinds and config["execution_start_from"] != record.config["execution_start_from"]:
                record.rewind(int(config["execution_start_from"] or 0), self._clock())
            record.config, record.updated_at = config, self._clock()
            workers.changed.add(record.id)
            status_changed = self._change_status(record, body.get("status"))
            if changes and not status_changed:
                workers.redeploy(record)
            return self._written(record)

    def set_status(self, account: Account, pipeline_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Pause or resume a pipeline; other fields in the body are ignored.

        Raises:
            InvalidPipelineError: There is no `status` in the body, or it is neither running nor paused.
        """
        with self.locked() as workers:
            record = self._find(account, pipeline_id)
            if body.get("status") is None:
                _refuse(["status: field required"])
            _refuse(patch_problems({"status": body["status"]}, self._switches.current))
            record.updated_at = self._clock()
            workers.changed.add(record.id)
            self._change_status(record, body["status"])
            return self._written(record)

    def delete(self, account: Account, pipeline_id: str) -> None:
        """Delete a pipeline."""
        with self.locked() as workers:
            record = self._find(account, pipeline_id)
            if self._switches.current.checkpoint_survives_delete:
                self._checkpoints[_checkpoint_key(record)] = record.block_height(self._clock())
                if self._storage:
                    self._storage.write_note(_CHECKPOINTS, self._checkpoints)
            workers.delete(record)

    def status(self, account: Account, pipeline_id: str) -> dict[str, Any]:
        """Return the runtime phase of a pipeline, and count the read."""
        with self.locked() as workers:
            record = self._find(account, pipeline_id)
            status = responses.status_object(record)
            workers.count_read(record)
            return status

    def logs(self, account: Account, pipeline_id: str) -> dict[str, Any]:
        """Return the log tail of each pod."""
        with self.locked():
            return responses.logs_object(self._find(account, pipeline_id))

    def metrics(self, account: Account, pipeline_id: str) -> dict[str, Any]:
        """Return the throughput snapshot."""
        with self.locked():
            return responses.metrics_object(self._find(account, pipeline_id), self._clock())

    def destination_health(self, account: Account, pipeline_id: str) -> dict[str, Any]:
        """Return the most recent probe of the destination, and count the read."""
        with self.locked() as workers:
            probe = workers.read_health(self._find(account, pipeline_id))
            return responses.health_object(probe, self._switches.current)

    def probe_again(self, account: Account, pipeline_id: str) -> None:
        """Probe the destination of a running pipeline and wait for the result, which is its health from now on."""
        with self.locked():
            record = self._find(account, pipeline_id)
        if self._prober is None or record.phase is not Phase.RUNNING:
            return
        problem, latency_ms = self._prober.find_problem(record)
        with self.locked():
            if record.phase is Phase.RUNNING:
                record.health_error, record.latency_ms = problem, latency_ms

    def edit(self, record: Record, changes: dict[str, Any], *, redeploy: bool) -> None:
        """Change a pipeline outside of the API; call with the lock held.

        Raises:
            InvalidPipelineError: A field is unknown or its value breaks a rule.
        """
        unknown = [f"{name}: unknown field" for name in changes if name not in INPUTS]
        _refuse(unknown)
        config = {**record.config, **copy.deepcopy(changes), "status": record.config["status"]}
        _refuse(create_problems({**config, "status": changes.get("status")}, self._switches.current))
        record.config, record.updated_at = config, self._clock()
        self._workers.changed.add(record.id)
        self._change_status(record, changes.get("status"))
        if redeploy:
            self._workers.redeploy(record)

    def full_object(self, record: Record) -> dict[str, Any]:
        """Return everything about a pipeline, in clear; call with the lock held."""
        return {**self._object(record, masked=False), **responses.runtime_object(record)}

    def name_of(self, pipeline_id: str) -> str | None:
        """Return the name of a pipeline of any account, or None."""
        with self._lock:
            record = self._workers.records.get(pipeline_id)
            return None if record is None else str(record.config["name"])

    def _begin_probe(self, record: Record) -> None:
        pipeline_id, deployment = record.id, record.deployments

        def finish(problem: str | None) -> None:
            with self.locked() as workers:
                workers.finish_probe(pipeline_id, deployment, problem)

        if self._prober is not None:
            self._prober.begin(record, finish)

    def _add(self, account: Account, config: dict[str, Any]) -> Record:
        now = self._clock()
        record = Record(f"pipe_{secrets.token_hex(14)[:27]}", account.group_id, config, now, now)
        record.position = self._first_position(record)
        self._workers.records[record.id] = record
        self._workers.changed.add(record.id)
        return record

    def _find(self, account: Account, pipeline_id: str) -> Record:
        record = self._workers.records.get(pipeline_id)
        if record is None or (record.group_id != account.group_id and self._switches.current.foreign_status == 404):  # noqa: PLR2004
            raise PipelineNotFoundError(f"Pipeline {pipeline_id} not found.")
        if record.group_id != account.group_id:
            raise PipelineForbiddenError(f"This ServiceKey has no access to pipeline {pipeline_id}.")
        return record

    def _change_status(self, record: Record, status: str | None) -> bool:
        if status is None or status == record.config["status"]:
            return False
        record.config["status"] = status
        if status == "paused":
            self._workers.pause(record)
        else:
            self._workers.deploy(record, "resumed")
        return True

    def _first_position(self, record: Record) -> int:
        start = int(record.config["execution_start_from"] or 0)
        if not self._switches.current.checkpoint_survives_delete:
            return start
        return self._checkpoints.get(_checkpoint_key(record), start)

    def _written(self, record: Record) -> dict[str, Any]:
        return self._object(record, masked=self._switches.current.write_responses_masked)

    def _object(self, record: Record, *, masked: bool) -> dict[str, Any]:
        account = self._accounts[record.group_id]
        return responses.pipeline_object(record, account, self._switches.current, masked=masked)

    def _save(self) -> None:
        changed, self._workers.changed = self._workers.changed, set()
        if self._storage and changed:
            kept = {name: record.to_json() for name, record in self._workers.records.items() if name in changed}
            self._storage.save({pipeline_id: kept.get(pipeline_id) for pipeline_id in changed})


def _checkpoint_key(record: Record) -> str:
    return " ".join((record.group_id, record.config["project"], record.config["topic"]))


def _refuse(problems: list[str]) -> None:
    if problems:
        raise InvalidPipelineError("; ".join(problems))
