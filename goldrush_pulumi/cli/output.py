"""Write to the terminal. Texts from a server are made harmless: no control characters, no change of direction."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TextIO

from pydantic import BaseModel

from goldrush_pulumi.schema.phases import TONES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rich.console import Console, OverflowMethod
    from rich.table import Table

_SEQUENCE: Final = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)")

_UNLIMITED_WIDTH: Final = 1000

_SHORTEST_CELL: Final = 4

_GAP: Final = 2
"""Spaces between two columns."""

_HANGING: Final = 2
"""How much further the other pieces of a folded line are indented."""

_WORDS: Final = re.compile(r" *\S*`[^`]*`\S*| *\S+")

_BARS: Final = "▁▂▃▄▅▆▇█"

_PLAIN_BARS: Final = "_.-:=+*#"
"""The same for a terminal without Unicode."""

_ELLIPSIS: Final = "…"

_PLAIN_ELLIPSIS: Final = ".."

_TONE_STYLES: Final = {"good": "green", "bad": "red", "pending": "yellow", "quiet": "cyan"}

_STYLES: Final = {
    **{phase.value: _TONE_STYLES[tone] for phase, tone in TONES.items()},
    **dict.fromkeys(("Succeeded", "ok", "yes"), _TONE_STYLES["good"]),
    **dict.fromkeys(("Failed", "TimedOut", "wrong", "error", "no"), _TONE_STYLES["bad"]),
    "warning": _TONE_STYLES["pending"],
}


def safe(text: object) -> str:
    """Return `text` on one line without terminal sequences, control characters and characters that turn direction."""
    plain = _SEQUENCE.sub("", str(text)).expandtabs()
    return "".join(character if character.isprintable() else " " for character in plain).rstrip()


def safe_values(value: Any, redact: Callable[[str], str] = str) -> Any:
    """Return plain values for JSON with `redact` applied to each string; JSON escapes what a terminal would obey."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {redact(str(key)): safe_values(item, redact) for key, item in value.items()}
    return [safe_values(item, redact) for item in value] if isinstance(value, (list, tuple)) else value


def allow_any_terminal() -> None:
    """Print "?" for characters that the terminal cannot show, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="replace")


def console(*, wide: bool = False) -> Console:
    """Return the terminal; a pipe, or a terminal with `wide`, takes lines of any length."""
    from rich.console import Console  # noqa: PLC0415 - commands that print JSON do without it

    width = None if sys.stdout.isatty() and not wide else _UNLIMITED_WIDTH
    return Console(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False)


def terminal_width() -> int:
    """Return the columns of the terminal; a pipe has any number."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _UNLIMITED_WIDTH


def print_line(text: str = "", *, whole: bool = False) -> None:
    """Write a line to stdout and flush it, so that a pipe sees it at once.

    A terminal that is too narrow shows it in several lines; `whole` leaves it as it is, for data and log lines.
    """
    _write(sys.stdout, text, whole=whole)


def note(text: str) -> None:
    """Write a line to stderr, beside the data."""
    _write(sys.stderr, text, whole=False)


def _write(stream: TextIO, text: str, *, whole: bool) -> None:
    if not whole and stream.isatty():
        text = "\n".join(folded(line, shutil.get_terminal_size().columns) for line in text.split("\n"))
    stream.write(f"{text}\n")
    stream.flush()


def folded(line: str, width: int) -> str:
    """Return a line in pieces of at most `width` characters, each but the first indented.

    Words stay whole, and so does a command between backticks: it can be copied from the terminal.
    """
    if len(line) <= width:
        return line
    indent = " " * (len(line) - len(line.lstrip(" ")) + _HANGING)
    pieces, piece = [], ""
    for word in _WORDS.findall(line):
        if piece.strip() and len((piece + word).rstrip(" ")) > width:
            pieces.append(piece.rstrip(" "))
            piece = indent + word.lstrip(" ")
        else:
            piece += word
    return "\n".join([*pieces, piece.rstrip(" ")])


def print_json(value: Any, *, on_one_line: bool = False) -> None:
    """Write plain values to stdout as ASCII JSON."""
    print_line(json.dumps(value, indent=None if on_one_line else 2), whole=True)


def print_models(
    value: BaseModel | Sequence[BaseModel], redact: Callable[[str], str] = str, *, on_one_line: bool = False
) -> None:
    """Write one model, or several as an array, to stdout as ASCII JSON with `redact` applied to each string."""
    plain = _plain(value) if isinstance(value, BaseModel) else [_plain(item) for item in value]
    print_json(safe_values(plain, redact), on_one_line=on_one_line)


def _plain(value: BaseModel) -> dict[str, Any]:
    return value.model_dump(mode="json")


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: Its heading.
        right: Whether its cells are numbers.
        flexible: Whether its cells may be shortened from the right.
        least: The width to which they are shortened; further only if there is no optional column left to leave out.
        optional: 0 for a column that always stays; of the others, the greatest goes first on a narrow terminal.
    """

    name: str
    right: bool = False
    flexible: bool = False
    least: int = 10
    optional: int = 0


def make_table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    width: int = _UNLIMITED_WIDTH,
    dimmed: Sequence[bool] | None = None,
) -> Table:
    """Return a table of safe texts that fits into `width`. Rows with True in `dimmed` are dimmed."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    cells = [[safe(cell) for cell in row] for row in rows]
    widths = _fitting_widths(columns, cells, width)
    if not _shows(_ELLIPSIS):
        cells = [[_cut(cell, widths.get(index)) for index, cell in enumerate(row)] for row in cells]
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for index, column_width in widths.items():
        column = columns[index]
        table.add_column(
            column.name,
            justify="right" if column.right else "left",
            width=column_width,
            no_wrap=True,
            overflow=overflow(),
        )
    for number, row in enumerate(cells):
        style = "dim" if dimmed and dimmed[number] else ""
        table.add_row(*(Text(row[index], style=style or _style(row[index])) for index in widths))
    return table


def overflow() -> OverflowMethod:
    """Return how a text that is too long for a terminal ends there."""
    return "ellipsis" if _shows(_ELLIPSIS) else "crop"


def _cut(cell: str, width: int | None) -> str:
    """Return a cell for a terminal that has no ellipsis of its own."""
    return cell if width is None or len(cell) <= width else cell[: width - len(_PLAIN_ELLIPSIS)] + _PLAIN_ELLIPSIS


def _fitting_widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> dict[int, int]:
    """Return the width of each column that is shown, by its index: some are left out, then some are narrowed."""
    from rich.cells import cell_len  # noqa: PLC0415

    widths = {
        index: max((cell_len(text) for text in (column.name, *(row[index] for row in rows))), default=0)
        for index, column in enumerate(columns)
    }

    def needed(sizes: Iterable[int]) -> int:
        listed = list(sizes)
        return sum(listed) + _GAP * (len(listed) - 1)

    def least(index: int) -> int:
        return min(widths[index], columns[index].least) if columns[index].flexible else widths[index]

    for index in sorted((i for i in widths if columns[i].optional), key=lambda i: -columns[i].optional):
        if needed(map(least, widths)) > width:
            del widths[index]
    while needed(widths.values()) > width:
        flexible = [index for index in widths if columns[index].flexible and widths[index] > _SHORTEST_CELL]
        if not flexible:
            break
        widths[max(flexible, key=lambda index: widths[index] - columns[index].least)] -= 1
    return widths


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, wide: bool = False) -> None:
    """Write a table to stdout. Where not even its least widths fit, the terminal breaks lines, and ids stay whole."""
    terminal = console(wide=wide)
    table = make_table(columns, rows, terminal.width)
    widths = [column.width or 0 for column in table.columns]
    fits = sum(widths) + _GAP * (len(widths) - 1) <= terminal.width
    (terminal if fits else console(wide=True)).print(table)


def print_facts(facts: Mapping[str, str]) -> None:
    """Write names and values, one pair a line."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        print_line(f"{name:<{width}}  {safe(value)}".rstrip())


def sparkline(values: Sequence[float], room: int = _UNLIMITED_WIDTH) -> str:
    """Return one bar for each of the last numbers that have room; the highest bar is the greatest of them."""
    values = values[-max(room, 1) :]
    bars = _BARS if _shows(_BARS) else _PLAIN_BARS
    greatest = max(values, default=0.0)
    if greatest <= 0:
        return bars[0] * len(values)
    return "".join(bars[round(max(value, 0.0) / greatest * (len(bars) - 1))] for value in values)


def _shows(text: str) -> bool:
    """Return whether the terminal can show `text`."""
    # A live view puts a stream of its own, which knows no encoding, before that of the terminal.
    stream = getattr(sys.stdout, "rich_proxied_file", sys.stdout)
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _style(cell: str) -> str:
    return _STYLES.get(cell.split(" ", 1)[0], "")


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun, such as "1 pipeline" and "2 pipelines"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
