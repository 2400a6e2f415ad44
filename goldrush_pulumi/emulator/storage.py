"""The state file: pipelines in a SQLite database, so that they survive a restart of the emulator."""

from __future__ import annotations

import json
import os
import sqlite3
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS pipelines (id TEXT PRIMARY KEY, record TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_OWNER_ONLY = 0o600
_SQLITE_HEADER = b"SQLite format 3\0"


class StorageError(Exception):
    """The state file cannot be used; the text is one clear line."""


class Storage:
    """A SQLite file with one row per pipeline, and named notes beside them.

    The file holds keys and credentials in clear, so only its owner may read it. One emulator holds it at a time.
    Calls must not overlap; the lock of the store makes sure of that.

    Args:
        path: The file; created if it is missing.

    Raises:
        StorageError: The file is another kind of file, cannot be written, or is held by another emulator.
    """

    def __init__(self, path: Path) -> None:
        try:
            _make_private(path)
            self._database = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise StorageError(_reason(path, error)) from None
        try:
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = OFF")
            self._database.executescript(_SCHEMA)
        except sqlite3.Error as error:
            self._database.close()
            raise StorageError(_reason(path, error)) from None

    def records(self) -> list[dict[str, Any]]:
        """Return the records of all pipelines."""
        rows = self._database.execute("SELECT record FROM pipelines")
        return [json.loads(row[0]) for row in rows]

    def save(self, records: dict[str, dict[str, Any] | None]) -> None:
        """Write changed records by id, in one transaction; None deletes."""
        self._database.execute("BEGIN")
        for pipeline_id, record in records.items():
            if record is None:
                self._database.execute("DELETE FROM pipelines WHERE id = ?", (pipeline_id,))
            else:
                row = (pipeline_id, json.dumps(record))
                self._database.execute("INSERT OR REPLACE INTO pipelines VALUES (?, ?)", row)
        self._database.execute("COMMIT")

    def note(self, name: str) -> Any:
        """Return a note, or None if there is none."""
        row = self._database.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def write_note(self, name: str, value: Any) -> None:
        """Write a note; it replaces the one of the same name."""
        self._database.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, json.dumps(value)))

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _make_private(path: Path) -> None:
    """Create the file if it is missing, and let only its owner read it; leave a file of another kind as it is.

    SQLite gives its journal the permissions of the database, so this comes before SQLite opens it.
    """
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, _OWNER_ONLY), "rb") as file:
        if file.read(len(_SQLITE_HEADER)) in {b"", _SQLITE_HEADER}:
            os.fchmod(file.fileno(), _OWNER_ONLY)


def _reason(path: Path, error: OSError | sqlite3.Error) -> str:
    if "locked" in str(error):
        return f"open state file {path}: another emulator holds it, stop that one or use another file"
    text = (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
    return f"open state file {path}: {text}, use another file"
