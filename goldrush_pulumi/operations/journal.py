"""What this machine has begun to create: kept beside the state, because a list may not show it yet.

When a run is killed right after its POST, the next run may list the pipelines before the server shows the new one, and
would create a second. So each POST is noted in a file before it is sent, and the id when the answer has come. The next
create of the same resource asks for that id, or waits until the list must show what was sent. The notes hold no secret;
without them everything works, but for those seconds.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from goldrush_pulumi.operations.identity import OwnershipTag

_KEPT_SECONDS: Final = 24 * 3600.0


@dataclass(frozen=True)
class JournalEntry:
    """A create that was begun `seconds_ago`, and the id of its pipeline where the answer has come."""

    seconds_ago: float
    pipeline_id: str | None


class CreateJournal:
    """Notes of creates, one file for each resource. Trouble with the files is never an error.

    Args:
        folder: Where the notes are; None keeps none.
        now: Seconds since the epoch, on this machine.
    """

    def __init__(self, folder: Path | None, now: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._now = now

    def begin(self, tag: OwnershipTag) -> None:
        """Note that a POST is about to be sent."""
        self._write(tag, {"begun_at": self._now()})

    def finish(self, tag: OwnershipTag, pipeline_id: str) -> None:
        """Note which pipeline it made."""
        self._write(tag, {"begun_at": self._now(), "id": pipeline_id})

    def forget(self, tag: OwnershipTag) -> None:
        """Drop the note: nothing was made."""
        if self._folder is not None:
            with contextlib.suppress(OSError):
                self._file(self._folder, tag).unlink(missing_ok=True)

    def find(self, tag: OwnershipTag) -> JournalEntry | None:
        """What was begun for a resource within the last day; None for nothing, as far as this machine knows."""
        if self._folder is None:
            return None
        note = _read(self._file(self._folder, tag))
        begun_at, pipeline_id = note.get("begun_at"), note.get("id")
        if not isinstance(begun_at, (int, float)) or not isinstance(pipeline_id, (str, type(None))):
            return None
        # A clock that was set back makes the time that is left longer, but not without end.
        seconds_ago = max(self._now() - begun_at, 0.0)
        return JournalEntry(seconds_ago, pipeline_id) if seconds_ago < _KEPT_SECONDS else None

    def prune(self) -> None:
        """Drop the notes that are too old to matter."""
        if self._folder is None:
            return
        with contextlib.suppress(OSError):
            for file in self._folder.iterdir():
                if self._now() - file.stat().st_mtime >= _KEPT_SECONDS:
                    file.unlink(missing_ok=True)

    def _write(self, tag: OwnershipTag, note: Mapping[str, Any]) -> None:
        if self._folder is None:
            return
        file = self._file(self._folder, tag)
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # In one step: a process may be killed while it writes.
            unfinished = file.with_suffix(".new")
            unfinished.write_text(json.dumps(note), "utf-8")
            unfinished.replace(file)

    @staticmethod
    def _file(folder: Path, tag: OwnershipTag) -> Path:
        return folder / f"{tag.owner}-{tag.resource}.json"


def default_folder(environment: Mapping[str, str]) -> Path | None:
    """The folder of this user's notes, below the folder of the Pulumi CLI; None where the user has no home."""
    home = environment.get("PULUMI_HOME")
    if home:
        return Path(home, "goldrush", "creates")
    with contextlib.suppress(RuntimeError):
        return Path.home() / ".pulumi" / "goldrush" / "creates"
    return None


def _read(file: Path) -> Mapping[str, Any]:
    try:
        note = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}
