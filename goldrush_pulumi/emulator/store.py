"""The pipelines and the rules about them. Speaks plain dicts, knows no HTTP, and is safe to call from any thread."""

from __future__ import annotations

import copy
import secrets
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.emulator import responses
from goldrush_pulumi.emulator.errors import InvalidPipelineError, PipelineForbiddenError, PipelineNotFoundError
from goldrush_pulumi.emulator.record import Record
from goldrush_pulumi.emulator.schema import (
    CREATABLE,
    MASK,
    PATCHABLE,
    UNSET,
    config_problems,
    create_problems,
    patch_problems,
)
from goldrush_pulumi.emulator.worker import Runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goldrush_pulumi.emulator.accounts import Account, KeyRing
    from goldrush_pulumi.emulator.storage import Archive
    from goldrush_pulumi.emulator.lifecycle import Lifecycle
    from goldrush_pulumi.emulator.prober import Prober
    from goldrush_pulumi.emulator.switches import SwitchBoard

_CHECKPOINTS = "checkpoints"


class Store:
    """All pipelines of all accounts. The public methods see each pipeline as it is at the moment of the call.

    Args:
        keys: The accounts.
        board: The switches in force.
        lifecycle: What moves pipelines through their phases.
        clock: Seconds since the epoch.
        archive: Where pipelines are kept beyond this process, if anywhere.
        prober: Tries destinations for real; without it they are taken to be fine.
    """

    def __init__(
        self,
        keys: KeyRing,
        board: SwitchBoard,
        lifecycle: Lifecycle,
        clock: Callable[[], float],
        archive: Archive | None = None,
        prober: Prober | None = None,
    ) -> None:
        self._lock = threading.RLock()
        self._accounts = {account.group_id: account for account in keys.accounts}
        self._board = board
        self._clock = clock
        self._archive = archive
        self._prober = prober
        self._runtime = Runtime(lifecycle, board, clock, self._begin_probe if prober else None)
        self._checkpoints: dict[str, int] = (archive and archive.note(_CHECKPOINTS)) or {}
        for values in archive.records() if archive else []:
            self._runtime.restore(Record.from_json(values))

    @property
    def probes(self) -> bool:
        """Whether destinations are tried for real."""
        return self._prober is not None

    @property
    def peak_deploying(self) -> int:
        """The most pipelines that were ever DEPLOYING at the same moment."""
        return self._runtime.peak_deploying

    @contextmanager
    def turn(self) -> Iterator[Runtime]:
        """Hold the lock with everything brought up to now; what changes meanwhile is saved at the end."""
        with self._lock:
            self._runtime.advance()
            yield self._runtime
            self._runtime.advance()
            self._save()

    def create(self, account: Account, body: dict[str, Any]) -> dict[str, Any]:
        """Create a pipeline and begin its first deployment.

        Raises:
            InvalidPipelineError: The body breaks a rule; nothing was created.
        """
        switches = self._board.current
        _refuse(create_problems(body, switches))
        config = self._completed({name: body.get(name) for name in CREATABLE})
        if not switches.paused_at_post_honoured:
            config["status"] = "running"
        _refuse(config_problems(config, switches))
        with self.turn() as runtime:
            now = self._clock()
            record = Record(f"pipe_{secrets.token_hex(14)[:27]}", account.group_id, config, now, now)
            record.position = self._first_position(record)
            runtime.records[record.id] = record
            runtime.changed.add(record.id)
            if config["status"] == "running":
                runtime.deploy(record, "created")
            return self._written(record)

    def get(self, account: Account, pipeline_id: str) -> dict[str, Any]:
        """Return a pipeline object with its secrets masked."""
        with self.turn():
            return self._object(self._find(account, pipeline_id), masked=True)

    def page(self, account: Account, first: int, count: int) -> tuple[list[dict[str, Any]], int]:
        """Return ``count`` pipelines of an account from place ``first`` on in the list's order, and how many there are.

        The list may lag behind: a pipeline that it does not know yet is neither returned nor counted.
        """
        switches = self._board.current
        with self.turn() as runtime:
            horizon = self._clock() - switches.list_lag_seconds
            seen = [item for item in runtime.records.values() if item.group_id == account.group_id]
            records = [item for item in seen if item.created_at <= horizon]
            records.sort(key=lambda item: item.id if switches.list_order == "by id" else "")
            if switches.list_order == "newest first":
                records.reverse()
            objects = [self._object(record, masked=True) for record in records[first : first + count]]
        items = [responses.brief_object(item) for item in objects] if switches.list_items_brief else objects
        return items, len(records)

    def patch(self, account: Account, pipeline_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Change the named fields of a pipeline and do what follows for its worker.

        Raises:
            InvalidPipelineError: The body breaks a rule; nothing was changed.
        """
        switches = self._board.current
        with self.turn() as runtime:
            record = self._find(account, pipeline_id)
            _refuse(patch_problems(body, switches))
            changes = {name: value for name, value in body.items() if name in PATCHABLE and name != "status"}
            config = self._merged(record.config, changes)
            _refuse(config_problems(config, switches))
            rewinds = switches.start_change_rewinds
            if rewinds and config["execution_start_from"] != record.config["execution_start_from"]:
                record.rewind(int(config["execution_start_from"] or 0), self._clock())
            record.config, record.updated_at = config, self._clock()
            runtime.changed.add(record.id)
            turned = self._turn_status(record, body.get("status"))
            if changes and not turned:
                runtime.redeploy(record)
            return self._written(record)

    def set_status(self, account: Account, pipeline_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Pause or resume a pipeline; whatever else stands in the body is ignored.

        Raises:
            InvalidPipelineError: There is no `status` in the body, or it is neither running nor paused.
        """
        with self.turn() as runtime:
            record = self._find(account, pipeline_id)
            if body.get("status") is None:
                _refuse(["status: field required"])
            _refuse(patch_problems({"status": body["status"]}, self._board.current))
            record.updated_at = self._clock()
            runtime.changed.add(record.id)
            self._turn_status(record, body["status"])
            return self._written(record)

    def delete(self, account: Account, pipeline_id: str) -> None:
        """Delete a pipeline for good."""
        with self.turn() as runtime:
            record = self._find(account, pipeline_id)
            if self._board.current.checkpoint_survives_delete:
                self._checkpoints[_checkpoint_key(record)] = record.block_height(self._clock())
                if self._archive:
                    self._archive.write_note(_CHECKPOINTS, self._checkpoints)
            runtime.delete(record)

    def status(self, account: Account, pipeline_id: str) -> dict[str, Any]:
        """Return the runtime phase of a pipeline, and count the read."""
        with self.turn() as runtime:
            record = self._find(account, pipeline_id)
            report = responses.status_object(record)
            runtime.count_read(record)
            return report

    def logs(self, account: Account, pipeline_id: str) -> dict[str, Any]:
        """Return the log tail of each pod."""
        with self.turn():
            return responses.logs_object(self._find(account, pipeline_id))

    def metrics(self, account: Account, pipeline_id: str) -> dict[str, Any]:
        """Return the throughput snapshot."""
        with self.turn():
            return responses.metrics_object(self._find(account, pipeline_id), self._clock())

    def destination_health(self, account: Account, pipeline_id: str) -> dict[str, Any]:
        """Return the last connectivity probe."""
        with self.turn():
            return responses.health_object(self._find(account, pipeline_id))

    def probe_again(self, account: Account, pipeline_id: str) -> None:
        """Try the destination of a running pipeline; what comes of it is its health from now on. Takes its time."""
        with self.turn():
            record = self._find(account, pipeline_id)
        if self._prober is None or record.phase != "RUNNING":
            return
        problem = self._prober.find_problem(record)
        with self.turn() as runtime:
            if record.phase == "RUNNING":
                record.probed, record.health_error = True, problem
                runtime.changed.add(record.id)

    def edit(self, record: Record, changes: dict[str, Any], *, redeploy: bool) -> None:
        """Change a pipeline outside of the API; call within a turn.

        Raises:
            InvalidPipelineError: A field is unknown or its value breaks a rule.
        """
        unknown = [f"{name}: unknown field" for name in changes if name not in CREATABLE]
        _refuse(unknown)
        config = {**record.config, **copy.deepcopy(changes), "status": record.config["status"]}
        _refuse(create_problems({**config, "status": changes.get("status")}, self._board.current))
        record.config, record.updated_at = config, self._clock()
        self._runtime.changed.add(record.id)
        self._turn_status(record, changes.get("status"))
        if redeploy:
            self._runtime.redeploy(record)

    def full_object(self, record: Record) -> dict[str, Any]:
        """Return everything about a pipeline, in clear; call within a turn."""
        return {**self._object(record, masked=False), **responses.runtime_report(record)}

    def name_of(self, pipeline_id: str) -> str | None:
        """Return the name of a pipeline of any account, or None."""
        with self._lock:
            record = self._runtime.records.get(pipeline_id)
            return None if record is None else str(record.config["name"])

    def _begin_probe(self, record: Record) -> None:
        pipeline_id, deployment = record.id, record.deployments

        def settle(problem: str | None) -> None:
            with self.turn() as runtime:
                runtime.settle(pipeline_id, deployment, problem)

        if self._prober is not None:
            self._prober.begin(record, settle)

    def _find(self, account: Account, pipeline_id: str) -> Record:
        record = self._runtime.records.get(pipeline_id)
        if record is None or (record.group_id != account.group_id and self._board.current.foreign_answer == 404):  # noqa: PLR2004
            message = f"Pipeline {pipeline_id} not found."
            raise PipelineNotFoundError(message)
        if record.group_id != account.group_id:
            message = f"This ServiceKey has no access to pipeline {pipeline_id}."
            raise PipelineForbiddenError(message)
        return record

    def _turn_status(self, record: Record, status: str | None) -> bool:
        if status is None or status == record.config["status"]:
            return False
        record.config["status"] = status
        if status == "paused":
            self._runtime.pause(record)
        else:
            self._runtime.deploy(record, "resumed")
        return True

    def _completed(self, values: dict[str, Any]) -> dict[str, Any]:
        config = copy.deepcopy({**values, "status": values.get("status") or "running"})
        config.update({name: copy.deepcopy(unset) for name, unset in UNSET.items() if config.get(name) is None})
        limit = self._board.current.description_limit
        config["description"] = config["description"][:limit]
        return config

    def _merged(self, config: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
        merged = {**config, **changes}
        switches = self._board.current
        for name in ("transforms", "destination_config"):
            if changes.get(name) is None:
                continue
            if switches.patch_merges_maps:
                merged[name] = _merge(config[name], changes[name], null_removes=switches.null_removes_key)
            else:
                merged[name] = {key: value for key, value in changes[name].items() if value is not None}
        if switches.mask_sent_back == "kept":
            merged["destination_config"] = _unmask(merged["destination_config"], config["destination_config"])
        return self._completed(merged)

    def _first_position(self, record: Record) -> int:
        start = int(record.config["execution_start_from"] or 0)
        if not self._board.current.checkpoint_survives_delete:
            return start
        return self._checkpoints.get(_checkpoint_key(record), start)

    def _written(self, record: Record) -> dict[str, Any]:
        return self._object(record, masked=self._board.current.write_answers_masked)

    def _object(self, record: Record, *, masked: bool) -> dict[str, Any]:
        account = self._accounts[record.group_id]
        return responses.pipeline_object(record, account, self._board.current, masked=masked)

    def _save(self) -> None:
        changed, self._runtime.changed = self._runtime.changed, set()
        if self._archive and changed:
            kept = {name: record.to_json() for name, record in self._runtime.records.items() if name in changed}
            self._archive.save({pipeline_id: kept.get(pipeline_id) for pipeline_id in changed})


def _checkpoint_key(record: Record) -> str:
    return " ".join((record.group_id, record.config["project"], record.config["topic"]))


def _refuse(problems: list[str]) -> None:
    if problems:
        raise InvalidPipelineError("; ".join(problems))


def _merge(old: dict[str, Any], new: dict[str, Any], *, null_removes: bool) -> dict[str, Any]:
    merged = dict(old)
    for name, value in new.items():
        if value is None:
            if null_removes:
                merged.pop(name, None)
        elif isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = _merge(merged[name], value, null_removes=null_removes)
        else:
            merged[name] = value
    return merged


def _unmask(new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    kept = dict(new)
    for name, value in new.items():
        if isinstance(value, dict) and isinstance(old.get(name), dict):
            kept[name] = _unmask(value, old[name])
        elif value == MASK and name in old:
            kept[name] = old[name]
    return kept
