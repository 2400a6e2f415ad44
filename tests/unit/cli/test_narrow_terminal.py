"""What a terminal shows that is narrower than a line: words, names, ids and commands stay whole."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi.cli.output import folded, sparkline
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from goldrush_pulumi.emulator import Emulator
    from tests.support.caller import Caller

LONG_NAME = "eth-uniswap-v3-swaps-for-the-warehouse"


@pytest.mark.parametrize(
    ("line", "pieces"),
    [
        ("short", ["short"]),
        ("a line of two pieces", ["a line of", "  two", "  pieces"]),
        ("  an indented line", ["  an", "    indented", "    line"]),
        ("error   two  columns", ["error", "  two", "  columns"]),
        ("run `pulumi up --stack dev`, or", ["run", "  `pulumi up --stack dev`,", "  or"]),
        ("0123456789abcdef end", ["0123456789abcdef", "  end"]),
        ("  0123456789abcdef", ["  0123456789abcdef"]),
        ("", [""]),
    ],
)
def test_lines_are_folded_between_words(line: str, pieces: list[str]) -> None:
    """A word, or a command between backticks, that is longer than the terminal is left to the terminal."""
    assert folded(line, 10).split("\n") == pieces


def test_a_chart_leaves_room_for_the_numbers() -> None:
    """The last values are drawn, as many as there is room for."""
    assert len(sparkline([1.0] * 40, 12)) == 12
    assert sparkline([0.0, 8.0], 1) == sparkline([8.0])
    assert len(sparkline([1.0, 2.0], -5)) == 1


@pytest.mark.untraced
@pytest.mark.parametrize("arguments", [["check"], ["diagnose", LONG_NAME], ["watch", "--rounds", "1"]])
def test_no_line_is_wider_than_the_terminal(arguments: list[str], emulator: Emulator, caller: Caller) -> None:
    """Nothing is left for the terminal to break, so no id, time or word is in two pieces, unless it alone is wider."""
    failed = caller.create(name=LONG_NAME)["id"]
    emulator.fail(failed, logs=["ERROR refused"], health_error="connection refused: db.example.com:5432")
    terminal = Terminal(*arguments, columns=40)
    errors = terminal.end()

    lines = [line.strip() for line in re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.seen))]
    wide = [line for line in lines if len(line) > 40 and " " in line and "`" not in line]
    assert (errors, wide) == ("", [])
    assert (failed if arguments[0] != "watch" else "eth-uniswap") in terminal.seen


@pytest.mark.untraced
def test_without_unicode_a_name_that_is_cut_says_so(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that shows ASCII only gets dots, and no question mark that might be part of the name."""
    caller.create(name=LONG_NAME)
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    terminal = Terminal("watch", "--rounds", "1", columns=40)
    assert terminal.end() == ""
    assert re.search(r"eth-uniswap[\w-]*\.\.", terminal.seen)
    assert "?" not in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.seen)


def test_with_unicode_it_ends_in_an_ellipsis(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """A live view knows what the terminal can show."""
    caller.create(name=LONG_NAME)
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    terminal = Terminal("watch", "--rounds", "1", columns=40)
    assert terminal.end() == ""
    assert re.search(r"eth-uniswap[\w-]*…", terminal.seen)


@pytest.mark.untraced
def test_an_id_is_never_cut(caller: Caller) -> None:
    """A table whose narrowest form does not fit is wider than the terminal, so that ids can be copied."""
    made = caller.create(name=LONG_NAME)["id"]
    terminal = Terminal("list", "--with-phase", columns=40)
    assert terminal.end() == ""
    assert made in terminal.seen
    assert "RUNNING" in terminal.seen
