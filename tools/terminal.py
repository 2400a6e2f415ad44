"""What the programs of this folder say while they work."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

# A log file gets a line this often; a terminal has one line that changes every second.
LOG_INTERVAL_SECONDS = 20.0
TERMINAL_INTERVAL_SECONDS = 1.0


def say(text: str) -> None:
    """Print one line at once, so that it stands in the right place between the lines of other programs."""
    print(text, flush=True)


class Progress:
    """Shows that a long command is alive: seconds so far, and steps when the command names them.

    Args:
        title: What is being done, such as "compiling pulumi 3.259.0".
        steps: How many lines the command prints at most; 0 where that is not known.
    """

    def __init__(self, title: str, steps: int = 0) -> None:
        self.title = title
        self.steps = steps
        self._lines: list[str] = []
        self._started = time.monotonic()
        self._rewrites = sys.stdout.isatty()

    def follow(self, process: subprocess.Popen[str]) -> list[str]:
        """Wait for `process`, counting the lines of its standard error; answer those lines."""
        reader = threading.Thread(target=self._read, args=(process,), daemon=True)
        reader.start()
        interval = TERMINAL_INTERVAL_SECONDS if self._rewrites else LOG_INTERVAL_SECONDS
        while True:
            reader.join(interval)
            if not reader.is_alive():
                break
            self._show(end="\r" if self._rewrites else "\n")
        process.wait()
        if self._elapsed_seconds() >= TERMINAL_INTERVAL_SECONDS:
            self._show(end="\n")
        return self._lines

    def _read(self, process: subprocess.Popen[str]) -> None:
        for line in process.stderr or ():
            self._lines.append(line.rstrip())

    def _elapsed_seconds(self) -> float:
        return time.monotonic() - self._started

    def _show(self, end: str) -> None:
        steps = f", {len(self._lines)} of at most {self.steps} packages" if self.steps else ""
        print(f"  {self.title}: {self._elapsed_seconds():.0f} s{steps}", end=end, flush=True)
