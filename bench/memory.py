"""The peak memory of provider processes, sampled from outside while a command runs."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_PROC: Final = Path("/proc")
_INTERVAL_SECONDS: Final = 0.25
_PEAK: Final = re.compile(r"VmHWM:\s+(\d+) kB")


class PeakMemory:
    """Watches the provider processes that carry `variable` ("NAME=value") in their environment.

    `megabytes` is the highest resident size that the system noted of one of them; None where there is no /proc.
    """

    def __init__(self, variable: str) -> None:
        self._variable = variable.encode()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.megabytes: float | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        others: set[Path] = set()
        while not self._stop.wait(_INTERVAL_SECONDS):
            for folder in set(_PROC.glob("[0-9]*")) - others:
                if not self._is_ours(folder):
                    others.add(folder)
                elif _is_provider(folder):
                    self._note(folder)

    def _is_ours(self, folder: Path) -> bool:
        return self._variable in _content(folder / "environ").split(b"\0")

    def _note(self, folder: Path) -> None:
        found = _PEAK.search(_content(folder / "status").decode())
        if found:
            self.megabytes = max(self.megabytes or 0.0, int(found[1]) / 1024)


def _is_provider(folder: Path) -> bool:
    words = _content(folder / "cmdline").split(b"\0")
    return b"pulumi.dynamic" in words or any(word.endswith(b"/pulumi-resource-goldrush") for word in words)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        # It has ended meanwhile.
        return b""
