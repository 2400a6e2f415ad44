"""Pipelines in a SQLite file, so that they survive a restart of the emulator."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS pipelines (id TEXT PRIMARY KEY, record TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class ArchiveError(Exception):
    """The state file cannot be used; the text is one clear line."""


class Archive:
    """A SQLite file with one row a pipeline, and named notes beside them.

    One emulator holds the file at a time. Calls must not overlap: the store's lock sees to it.

    Args:
        path: The file; made when it is missing.

    Raises:
        ArchiveError: The file is not such a database, cannot be written, or another emulator holds it.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._database = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise ArchiveError(_reason(path, error)) from None
        try:
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = OFF")
            self._database.executescript(_SCHEMA)
        except sqlite3.Error as error:
            self._database.close()
            raise ArchiveError(_reason(path, error)) from None

    def records(self) -> list[dict[str, Any]]:
        """Return the records of all pipelines."""
        rows = self._database.execute("SELECT record FROM pipelines")
        return [json.loads(row[0]) for row in rows]

    def save(self, records: dict[str, dict[str, Any] | None]) -> None:
        """Write changed records by id; None deletes. All of them or none."""
        self._database.execute("BEGIN")
        for pipeline_id, record in records.items():
            if record is None:
                self._database.execute("DELETE FROM pipelines WHERE id = ?", (pipeline_id,))
            else:
                row = (pipeline_id, json.dumps(record))
                self._database.execute("INSERT OR REPLACE INTO pipelines VALUES (?, ?)", row)
        self._database.execute("COMMIT")

    def note(self, name: str) -> Any:
        """Return a note, or None when there is none."""
        row = self._database.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def write_note(self, name: str, value: Any) -> None:
        """Write a note over the one of the same name."""
        self._database.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, json.dumps(value)))

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def _reason(path: Path, error: sqlite3.Error) -> str:
    if "locked" in str(error):
        return f"open state file {path}: another emulator holds it, stop that one or use another file"
    return f"open state file {path}: {error}, use another file"
