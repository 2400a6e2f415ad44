"""What this command line did to the pipelines of stacks, kept on this machine, where `runs` shows it beside the state.

Only the engine writes the state of a stack, and a description on GoldRush cannot be changed without a deployment. So
each pipeline has a file here, with one record a line. Records hold no secret; other machines do not see them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from goldrush_pulumi.api import GoldRushError, Interrupted
from goldrush_pulumi.cli.context import CommandContext
from goldrush_pulumi.cli.errors import CommandFailed, ExitCode
from goldrush_pulumi.cli.json_models import Change, Outcome
from goldrush_pulumi.cli.output import note, safe
from goldrush_pulumi.cli.targets import Target
from goldrush_pulumi.operations.author import find_author
from goldrush_pulumi.operations.history import Command, Run, RunStatus
from goldrush_pulumi.operations.notes import drop_old, replace_file, user_folder

KEPT: Final = 20
"""How many records of a pipeline are shown."""

_KEPT_SECONDS: Final = 90 * 24 * 3600.0
"""How long the records of a pipeline are kept after the last one."""

_LARGEST_FILE: Final = 50_000

ChangeOne = Callable[[Target], Change]

_STATUSES: Final[dict[Outcome, RunStatus]] = {
    "reached": "Succeeded",
    "requested": "Succeeded",
    "timed_out": "TimedOut",
    "cancelled": "Cancelled",
}


class LocalRuns:
    """The records of this machine, one file for each pipeline. `folder` is where they are; None keeps none."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    @classmethod
    def of_user(cls) -> LocalRuns:
        """Return those of the present user."""
        return cls(user_folder(os.environ, "runs"))

    def add(self, pipeline_id: str, record: dict[str, Any]) -> None:
        """Add the newest record of a pipeline.

        Raises:
            OSError: It could not be written.
        """
        if self._folder is None:
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        drop_old(self._folder, _KEPT_SECONDS, time.time())
        file = _file(self._folder, pipeline_id)
        # One write at the end of the file: what other processes add at the same time stays whole.
        with file.open("ab", buffering=0) as stream:
            stream.write(_line({**record, "id": pipeline_id}))
        if file.stat().st_size > _LARGEST_FILE:
            replace_file(file, b"".join(_line(kept) for kept in reversed(self.find(pipeline_id))))

    def find(self, pipeline_id: str) -> list[dict[str, Any]]:
        """Return the last records of a pipeline, newest first. What cannot be read is left out."""
        lines: list[str] = []
        if self._folder is not None:
            with contextlib.suppress(OSError):
                lines = _file(self._folder, pipeline_id).read_text("utf-8", "replace").splitlines()
        records = (_read(line) for line in reversed(lines))
        return [record for record in records if record.get("id") == pipeline_id][:KEPT]


def recorded(context: CommandContext, action: Command, change: ChangeOne) -> ChangeOne:
    """Return `change`, which also keeps a record of what it did to a pipeline of the selected stack."""

    def change_and_record(target: Target) -> Change:
        with recording(context, action, target) as run:
            done = change(target)
            run.finish(_STATUSES.get(done.outcome, "Failed"))
        return done

    return change_and_record


@contextlib.contextmanager
def recording(context: CommandContext, action: Command, target: Target) -> Iterator[Run]:
    """Record what the block does to a pipeline of the selected stack; the block says how that ended.

    An error that leaves the block ends the record too, and a refusal, which changed nothing, leaves none.
    """
    run = Run(
        action,
        str(target.managed.outputs.get("config_version") or "") if target.managed else "",
        changed=("status",) if action in {"pause", "resume"} else (),
        author=find_author(os.environ).as_record(context.redact),
    )
    try:
        yield run
    except (CommandFailed, GoldRushError) as error:
        if isinstance(error, CommandFailed) and error.code is ExitCode.REFUSED:
            raise
        run.finish("Cancelled" if isinstance(error, Interrupted) else "Failed")
        _keep(target, run)
        raise
    _keep(target, run)


def _keep(target: Target, run: Run) -> None:
    if target.managed is None:
        return
    try:
        LocalRuns.of_user().add(target.pipeline.id, run.as_output())
    except OSError as error:
        note(f"warning: {run.action} of {target.label} is not recorded: {safe(error.strerror or error).lower()}")


def _file(folder: Path, pipeline_id: str) -> Path:
    # An id comes from a server: it is no name of a file.
    return folder / f"{hashlib.sha256(pipeline_id.encode()).hexdigest()[:32]}.jsonl"


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record).encode() + b"\n"


def _read(line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
