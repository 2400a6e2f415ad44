"""The create journal: what this machine has begun to create, kept beside the state.

When a run is killed right after its POST, no state knows the new pipeline, and the list may not show it yet. So each
POST is noted in a file before it is sent, the id when the response came, and later that the engine got the id, or that
some state records it. Only what the journal proves to be unrecorded is taken over although it differs from what is
declared now. The notes hold no secret; without them everything works, but for those seconds.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from goldrush_pulumi.operations.notes import drop_old, read_note, replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from goldrush_pulumi.operations.identity import OwnershipTag

Stage = Literal["begun", "created", "delivered", "recorded"]
"""`begun`: the POST is about to be sent. `created`: the response named the id. `delivered`: the engine got the id and
went on, so a state most likely has it. `recorded`: a later verb got the id from a state."""

_KEPT_SECONDS: Final = 24 * 3600.0
_KNOWN_TO_A_STATE: Final = ("delivered", "recorded")
_AFTER_ITS_RESPONSE: Final[tuple[Stage, ...]] = ("created", "delivered", "recorded")


@dataclass(frozen=True)
class JournalEntry:
    """A create that was begun `seconds_ago`, the id of its pipeline where the response came, and how far it got.

    `passed_over` are the pipelines that carried the resource's tag before: they are not what it created.
    """

    seconds_ago: float
    pipeline_id: str | None
    stage: Stage
    passed_over: frozenset[str] = frozenset()

    def proves_orphan(self, pipeline_id: str) -> bool:
        """Whether the pipeline was created here, and no state can be expected to know it."""
        return self.stage in {"begun", "created"} and self.may_be(pipeline_id)

    def disproves_orphan(self, pipeline_id: str) -> bool:
        """Whether a state is known to have the pipeline, or it was there before the create."""
        is_known = self.stage in _KNOWN_TO_A_STATE and self.pipeline_id == pipeline_id
        return is_known or pipeline_id in self.passed_over

    def may_be(self, pipeline_id: str) -> bool:
        """Whether the pipeline may be the one that was created."""
        return pipeline_id not in self.passed_over and self.pipeline_id in (pipeline_id, None)


class CreateJournal:
    """Notes of creates: one file for each resource, and one for each pipeline with the stage that it has reached.

    Every note is found by its name, for a day may see thousands of creates. I/O errors are ignored. Safe to share
    between threads.

    Args:
        folder: Where the notes are; None keeps none.
        now: Seconds since the epoch, on this machine.
        elapsed: Seconds on a clock that never jumps.
    """

    def __init__(
        self,
        folder: Path | None,
        now: Callable[[], float] = time.time,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._now = now
        self._elapsed = elapsed
        self._lock = threading.Lock()
        self._returned: dict[str, float] = {}

    def begin(self, tag: OwnershipTag, passed_over: Collection[str] = ()) -> None:
        """Note that a POST is about to be sent, and which pipelines carry its tag already."""
        self._write(tag, {"begun_at": self._now(), "passed_over": sorted(passed_over)})

    def finish(self, tag: OwnershipTag, pipeline_id: str, passed_over: Collection[str] = ()) -> None:
        """Note which pipeline it made, beside those that carried the tag already."""
        # The stage comes first: a note with an id and without a stage would be evidence that nothing can correct.
        self._write_stage(pipeline_id, "created")
        self._write(tag, {"begun_at": self._now(), "id": pipeline_id, "passed_over": sorted(passed_over)})

    def forget(self, tag: OwnershipTag) -> None:
        """Drop the note: nothing was made."""
        if self._folder is not None:
            with contextlib.suppress(OSError):
                self._file(self._folder, tag).unlink(missing_ok=True)

    def has_recorded(self, pipeline_id: str) -> bool:
        """Whether a state is known to have a pipeline that was created here, whatever it was called then."""
        return self._stage(pipeline_id) in _KNOWN_TO_A_STATE

    def note_recorded(self, pipeline_id: str) -> None:
        """Note that some state records a pipeline, whichever resource of whichever stack it is."""
        self._set_stage(pipeline_id, "recorded")

    def note_returned(self, pipeline_id: str) -> None:
        """Remember that the engine is about to be given the id of a pipeline that was created or adopted."""
        with self._lock:
            self._returned.setdefault(pipeline_id, self._elapsed())

    def note_delivered(self, seconds: float = 0.0) -> None:
        """Note that the engine has got the pipelines that were returned to it at least `seconds` ago."""
        with self._lock:
            due = [name for name, returned in self._returned.items() if self._elapsed() - returned >= seconds]
            for name in due:
                del self._returned[name]
        for pipeline_id in due:
            self._set_stage(pipeline_id, "delivered")

    def find(self, tag: OwnershipTag) -> JournalEntry | None:
        """Return what was begun for a resource within the last day; None for nothing, as far as this machine knows."""
        if self._folder is None:
            return None
        note = read_note(self._file(self._folder, tag))
        begun_at, pipeline_id = note.get("begun_at"), note.get("id")
        if not isinstance(begun_at, (int, float)) or not isinstance(pipeline_id, (str, type(None))):
            return None
        # A clock that was set back makes the time that is left longer, but not without end.
        seconds_ago = max(self._now() - begun_at, 0.0)
        stage = "begun" if pipeline_id is None else self._stage(pipeline_id)
        if seconds_ago >= _KEPT_SECONDS or stage is None:
            return None
        if stage in _KNOWN_TO_A_STATE:
            return JournalEntry(seconds_ago, pipeline_id, stage)
        passed_over = note.get("passed_over")
        names = frozenset(map(str, passed_over)) if isinstance(passed_over, list) else frozenset[str]()
        return JournalEntry(seconds_ago, pipeline_id, stage, names)

    def prune(self) -> None:
        """Drop the notes that are too old to matter."""
        if self._folder is not None:
            drop_old(self._folder, _KEPT_SECONDS, self._now())

    def _stage(self, pipeline_id: str) -> Stage | None:
        """How far the create of a pipeline got; None when it was not created here within the last day."""
        if self._folder is None:
            return None
        stage = read_note(self._pipeline_file(self._folder, pipeline_id)).get("stage")
        return next((known for known in _AFTER_ITS_RESPONSE if known == stage), None)

    def _set_stage(self, pipeline_id: str, stage: Stage) -> None:
        if self._stage(pipeline_id) not in (None, "recorded", stage):
            self._write_stage(pipeline_id, stage)

    def _write_stage(self, pipeline_id: str, stage: Stage) -> None:
        if self._folder is not None:
            _replace(self._pipeline_file(self._folder, pipeline_id), {"id": pipeline_id, "stage": stage})

    def _write(self, tag: OwnershipTag, note: Mapping[str, Any]) -> None:
        if self._folder is not None:
            _replace(self._file(self._folder, tag), note)

    @staticmethod
    def _file(folder: Path, tag: OwnershipTag) -> Path:
        return folder / f"{tag.owner}-{tag.resource}.json"

    @staticmethod
    def _pipeline_file(folder: Path, pipeline_id: str) -> Path:
        # The id comes from a server and need not be fit for a file's name.
        return folder / f"pipeline-{hashlib.sha256(pipeline_id.encode()).hexdigest()[:32]}.json"


def _replace(file: Path, note: Mapping[str, Any]) -> None:
    with contextlib.suppress(OSError):
        replace_file(file, json.dumps(note).encode())
