"""Where the time goes from the start of `pulumi up` to the first request: when each of the processes starts."""

from __future__ import annotations

import os
import statistics
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.figures import Figure
from bench.lives import life

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType
    from typing import Self

_PROC: Final = Path("/proc")
_INTERVAL_SECONDS: Final = 0.02

_STEPS: Final[Mapping[str, Mapping[str, bytes]]] = {
    "ours": {
        "the CLI lists the packages of the program": b" -m pip list ",
        "the program": b"pulumi-language-python-exec",
        "the provider": b" -m pulumi.dynamic ",
    },
    "yaml": {"the plugin": b"/pulumi-resource-goldrush "},
}
"""What starts until the first request, by words of the command lines, in this order."""

_FORMS: Final = {"yaml": "YAML by the plugin", "ours": "Python, dynamic"}


def beginnings(runs: int = 5) -> Iterator[Figure]:
    """The way to the first POST of one pipeline on an empty stack, step by step."""
    yield Figure("load of the machine before it began", f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    for form, name in _FORMS.items():
        taken: dict[str, list[float]] = {}
        for _ in range(runs):
            for step, seconds in _beginning(form).items():
                taken.setdefault(step, []).append(seconds)
        for step, values in taken.items():
            yield Figure(f"{name}: {step}", f"{statistics.median(values):.2f} s, median of {runs}")


def _beginning(form: str) -> dict[str, float]:
    with life(form, 1, 0.0) as run, Starts(run.stack.variable) as starts:
        started = time.time()
        run.run("up")
        requests = run.emulator.requests()
    moments = {"start of the CLI": started}
    moments |= {step: starts.first(words) for step, words in _STEPS[form].items()}
    moments |= {"first request": requests[0].at}
    moments |= {"first POST": next(item.at for item in requests if item.method == "POST")}
    gaps = {f"{one} until {other}": moments[other] - moments[one] for one, other in pairwise(moments)}
    return {**gaps, "all together": moments["first POST"] - started}


class Starts:
    """Notes when processes start that carry `variable` ("NAME=value") in their environment, and their command lines."""

    def __init__(self, variable: str) -> None:
        self._variable = variable.encode()
        self._boot = time.time() - float((_PROC / "uptime").read_text("ascii").split()[0])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._found: dict[Path, tuple[float, bytes]] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def first(self, words: bytes) -> float:
        """When the first process started whose command line has `words`, in seconds since the epoch."""
        return min(moment for moment, command in self._found.values() if words in command)

    def _watch(self) -> None:
        others: set[Path] = set()
        while not self._stop.wait(_INTERVAL_SECONDS):
            for folder in set(_PROC.glob("[0-9]*")) - others:
                try:
                    if self._variable not in (folder / "environ").read_bytes().split(b"\0"):
                        others.add(folder)
                        continue
                    self._note(folder)
                except OSError:
                    # It has ended meanwhile.
                    continue

    def _note(self, folder: Path) -> None:
        # A process keeps its start when it becomes another program.
        ticks = int((folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[19])
        command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
        known = self._found.get(folder, (0.0, b""))[1]
        self._found[folder] = (
            self._boot + ticks / os.sysconf("SC_CLK_TCK"),
            known if command in known else known + command,
        )
