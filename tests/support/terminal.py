"""Commands of `goldrush-pulumi` as processes of their own, and what a person sees of them."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys


class Terminal:
    """A command on a terminal of its own, as a person sees it."""

    def __init__(self, *arguments: str, lines: int = 40, columns: int = 140) -> None:
        self._reader, writer = pty.openpty()
        self.seen = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "goldrush_pulumi.cli", *arguments],
            stdin=writer,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TERM": "xterm", "COLUMNS": str(columns), "LINES": str(lines)},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
        )
        os.close(writer)

    def read_until(self, text: str) -> None:
        """Read what is drawn until `text` is, or the end."""
        while text not in self.seen:
            try:
                piece = os.read(self._reader, 4096)
            except OSError:
                break
            if not piece:
                break
            self.seen += piece.decode("utf-8", "replace")

    def end(self) -> str:
        """Wait for the end; what was written to stderr."""
        self.read_until("\0")
        _, errors = self.process.communicate()
        os.close(self._reader)
        return errors


def read_until(process: subprocess.Popen[str], text: str) -> list[str]:
    """Return the lines that a process prints up to the first that holds `text`."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if text in line:
            return lines
    raise AssertionError(f"{text!r} never came; stderr: {process.communicate()[1]}")
