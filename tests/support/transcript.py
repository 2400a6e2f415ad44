"""A document that shows commands and what they print: a test runs the commands and compares, or writes them again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_PARSER: Final = MarkdownIt("commonmark")

_VOLATILE: Final = (
    (re.compile(r"\bpipe([_-])[0-9a-z]+"), r"pipe\1ID"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?"), "TIME"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(r"\b127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"\b\d+(\.\d+)? ?s\b"), "N s"),
    (re.compile(r"\b[0-9a-f]{12,}\b"), "HASH"),
    (re.compile(r"[ \t]+"), " "),
)
"""What differs between two runs that go alike, and what stands for it in a comparison."""

_PROGRESS: Final = re.compile(r" (creating|updating) \(N s\)")


@dataclass(frozen=True)
class Step:
    """A block of text in the document, and the command above it; "" if it is not the output of a command.

    `first` and `last` are the lines between the fences, counted from 0; `last` is not part of them.
    """

    command: str
    shown: str
    first: int
    last: int


def steps_of(path: Path) -> list[Step]:
    """The blocks of text of a document, in order."""
    fences = [token for token in _PARSER.parse(path.read_text("utf-8")) if token.type == "fence"]
    steps, command = [], ""
    for token in fences:
        if token.info == "text":
            begin, end = token.map or [0, 0]
            steps.append(Step(command, token.content, begin + 1, end - 1))
        command = token.content.strip() if token.info == "sh" else ""
    return steps


def comparable(text: str) -> list[str]:
    """The lines of an output without what differs between two runs.

    Pulumi prints the steps of several resources in any order, and how far each is as often as there is time for it.
    """
    for pattern, replacement in _VOLATILE:
        text = pattern.sub(replacement, text)
    lines = [line.strip() for line in text.strip().splitlines() if not _PROGRESS.search(line)]
    return sorted(lines) if any("pulumi:pulumi:Stack" in line for line in lines) else lines


def play(path: Path, run: Callable[[Step], str], *, rewrite: bool) -> list[str]:
    """Run each step in turn and return the differences to the document; `rewrite` puts what was printed into it."""
    lines = path.read_text("utf-8").splitlines()
    differences: list[str] = []
    played = []
    for step in steps_of(path):
        printed = run(step)
        played.append((step, printed))
        if comparable(printed) != comparable(step.shown):
            shown, found = "\n".join(comparable(step.shown)), "\n".join(comparable(printed))
            differences.append(f"{path.name}:{step.first}: {step.command}\n{shown}\n-- is not --\n{found}")
    if rewrite:
        path.write_text(_rewritten(lines, played), "utf-8")
        return []
    return differences


def _rewritten(lines: list[str], played: Sequence[tuple[Step, str]]) -> str:
    for step, printed in reversed(played):
        lines[step.first : step.last] = printed.rstrip().splitlines()
    return "\n".join(lines) + "\n"
