"""Figures beside what they are to be, and the file in which they are kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

RESULTS: Final = Path(__file__).with_name("results.md")
_INTRODUCTION: Final = """# Benchmark results

`make bench` writes this file section by section; `python -m bench --only NAME` repeats one section.
Times are wall times of whole commands of the real CLI, with state in files unless the row says otherwise.
"Floor" is a dynamic provider that does nothing, for resources with four properties; "loaded floor" is the same for
resources with the properties of a pipeline.
"Plain" sleeps while it waits, on the four threads that the SDK provides.
"Sleeping" and "loaded sleeping" only sleep, on enough threads, so no provider can finish sooner."""
_SECTION: Final = re.compile(r"(?m)^## ")


@dataclass(frozen=True)
class Figure:
    """One measured figure; `aim` is what it should be, empty where it only serves as a measure for others."""

    what: str
    figure: str
    aim: str = ""


def record(title: str, figures: Iterable[Figure], file: Path = RESULTS) -> None:
    """Put a section into the file, in the place of an older one of the same title."""
    sections = _sections(file)
    sections[title] = _table(figures)
    texts = [_INTRODUCTION, *(f"## {name}\n\n{body}" for name, body in sections.items())]
    file.write_text("\n\n".join(texts) + "\n", "utf-8")


def _sections(file: Path) -> dict[str, str]:
    text = file.read_text("utf-8") if file.exists() else ""
    parts = (part.partition("\n") for part in _SECTION.split(text)[1:])
    return {title.strip(): body.strip() for title, _, body in parts}


def _table(figures: Iterable[Figure]) -> str:
    rows = [f"| {item.what} | {item.figure} | {item.aim} |" for item in figures]
    return "\n".join(["| What | Figure | Aim |", "| --- | --- | --- |", *rows])
