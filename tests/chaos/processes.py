"""The processes that one world's commands have started, found by the home folder in their environment."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROC = Path("/proc")


def providers(home: Path) -> list[int]:
    """The provider processes that still run."""
    return [
        pid
        for pid, command in _started_for(home)
        if (b"pulumi.dynamic" in command or b"goldrush_pulumi.plugin" in command) and b"/sh" not in command[:8]
    ]


def end_all(home: Path) -> None:
    """End whatever still runs, one by one by its id."""
    for pid, _ in _started_for(home):
        kill(pid)


def kill(pid: int) -> None:
    """End one process at once; one that has gone already is fine."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _started_for(home: Path) -> Iterator[tuple[int, bytes]]:
    wanted = f"PULUMI_HOME={home}".encode()
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name), (folder / "cmdline").read_bytes()
        except OSError:
            # It ended, or is another user's.
            continue
