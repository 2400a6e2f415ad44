"""What is written to the terminal. What a server sent is made harmless: no control or direction characters."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rich.console import Console
    from rich.table import Table

_SEQUENCE: Final = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)")

_WIDE: Final = 1000

_BARS: Final = "▁▂▃▄▅▆▇█"


def safe(text: object) -> str:
    """`text` on one line without terminal sequences, control characters and characters that turn the direction."""
    plain = _SEQUENCE.sub("", str(text)).expandtabs()
    return "".join(character if character.isprintable() else " " for character in plain).rstrip()


def safe_values(value: Any, redact: Callable[[str], str] = str) -> Any:
    """Plain values for JSON with `redact` applied to every text; JSON itself escapes what a terminal obeys."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {redact(str(key)): safe_values(item, redact) for key, item in value.items()}
    return [safe_values(item, redact) for item in value] if isinstance(value, (list, tuple)) else value


def console(*, errors: bool = False) -> Console:
    """The terminal. What is piped elsewhere is as wide as it needs to be."""
    from rich.console import Console  # noqa: PLC0415 - commands that print JSON are spared it

    stream = sys.stderr if errors else sys.stdout
    width = None if stream.isatty() else _WIDE
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def print_line(text: str = "") -> None:
    """Write a line to stdout at once, so that a pipe sees it."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Write a line beside the data, to stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def print_json(value: Any, *, on_one_line: bool = False) -> None:
    """Write JSON to stdout, in ASCII alone."""
    print_line(json.dumps(value, indent=None if on_one_line else 2))


def make_table(columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> Table:
    """A table of safe texts; the columns named in `right` are numbers."""
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(safe(cell), style=_style(cell)) for cell in row))
    return table


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> None:
    """Write a table to stdout."""
    console().print(make_table(columns, rows, right))


def print_facts(facts: Mapping[str, str]) -> None:
    """Write names and values, one pair a line."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        print_line(f"{name:<{width}}  {safe(value)}".rstrip())


def sparkline(values: Sequence[float]) -> str:
    """The course of some numbers in one line of bars; the highest bar is the greatest of them."""
    greatest = max(values, default=0.0)
    if greatest <= 0:
        return _BARS[0] * len(values)
    return "".join(_BARS[round(max(value, 0.0) / greatest * (len(_BARS) - 1))] for value in values)


def _style(cell: str) -> str:
    word = cell.split(" ", 1)[0]
    return {
        "RUNNING": "green",
        "Succeeded": "green",
        "ok": "green",
        "yes": "green",
        "FAILED": "red",
        "Failed": "red",
        "wrong": "red",
        "no": "red",
        "TimedOut": "red",
        "warning": "yellow",
        "DEPLOYING": "yellow",
        "STOPPING": "yellow",
        "PAUSED": "cyan",
    }.get(word, "")
