"""Small files that this package keeps for a user, below the folder of the Pulumi CLI: one note in each."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def pulumi_home(environment: Mapping[str, str]) -> Path | None:
    """Return the folder of the Pulumi CLI; None where the user has no home."""
    home = environment.get("PULUMI_HOME")
    if home:
        return Path(home)
    with contextlib.suppress(RuntimeError):
        return Path.home() / ".pulumi"
    return None


def user_folder(environment: Mapping[str, str], kind: str) -> Path | None:
    """Return the folder of this user's notes of one kind; None where the user has no home."""
    home = pulumi_home(environment)
    return home / "goldrush" / kind if home else None


def read_note(file: Path) -> Mapping[str, Any]:
    """Return the map in a file; an empty one where there is none, or where it cannot be read."""
    try:
        note = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def replace_file(file: Path, content: bytes) -> None:
    """Write a file, and the folder that it is in, in one step: a process may be killed while it writes.

    Raises:
        OSError: It cannot be written.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Another process may write the same file at the same time.
    unfinished = file.with_suffix(f".{os.getpid()}.new")
    unfinished.write_bytes(content)
    unfinished.replace(file)


def drop_old(folder: Path, kept_seconds: float, now: float) -> None:
    """Delete the files that were last written at least `kept_seconds` before `now`; errors do not matter."""
    with contextlib.suppress(OSError), os.scandir(folder) as files:
        for file in files:
            with contextlib.suppress(OSError):
                if now - file.stat().st_mtime >= kept_seconds:
                    Path(file).unlink()
