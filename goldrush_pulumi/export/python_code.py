"""Python expressions as text, in the layout that `ruff format` gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_INDENT: Final = "    "
_WIDTH: Final = 88
"""What `ruff format` and `black` use where a project says nothing else."""


@dataclass(frozen=True)
class Code:
    """An expression that is text already."""

    text: str


@dataclass(frozen=True)
class Lookup:
    """A call with one text, on one line where that fits."""

    name: str
    text: str


@dataclass(frozen=True)
class Call:
    """A call with its arguments, one a line."""

    name: str
    positional: tuple[Any, ...]
    named: Mapping[str, Any]


@dataclass(frozen=True)
class Block:
    """Lines whose indentation means nothing, such as SQL: written as lines, moved to where they stand."""

    text: str


def render(value: Any, depth: int = 0, column: int = 0) -> str:
    """The expression for `value`, which begins at `column`; its later lines are indented by `depth` levels."""
    if isinstance(value, Code):
        return value.text
    if isinstance(value, Lookup):
        return _lookup(value, depth, column)
    if isinstance(value, Block):
        return _lines(value.text, depth + 1)
    if isinstance(value, str):
        return quote(value)
    parts = _parts(value)
    return _enclosed(*parts, depth) if parts else repr(value)


def quote(text: str) -> str:
    """A string literal on one line, in double quotes unless single ones need fewer escapes."""
    mark = "'" if text.count('"') > text.count("'") else '"'
    return mark + "".join(_escaped(character, mark) for character in text) + mark


def _escaped(character: str, mark: str) -> str:
    if character in {"\\", mark}:
        return f"\\{character}"
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def is_plain_block(text: str) -> bool:
    """Whether a text can stand between triple quotes as it is."""
    return "\\" not in text and '"""' not in text and all(line.isprintable() for line in text.splitlines())


def _lookup(value: Lookup, depth: int, column: int) -> str:
    argument = quote(value.text)
    line = f"{value.name}({argument})"
    if column + len(line) < _WIDTH:
        return line
    return f"{value.name}(\n{_INDENT * (depth + 1)}{argument}\n{_INDENT * depth})"


def _parts(value: Any) -> tuple[str, list[tuple[str, Any]], str] | None:
    """How a value with items begins, the items behind what introduces each, and how it ends."""
    if isinstance(value, Call):
        named = [(f"{name}=", item) for name, item in value.named.items()]
        return f"{value.name}(", [*(("", item) for item in value.positional), *named], ")"
    if isinstance(value, Mapping):
        return "{", [(f"{quote(str(key))}: ", item) for key, item in value.items()], "}"
    if isinstance(value, Sequence):
        return "[", [("", item) for item in value], "]"
    return None


def _enclosed(start: str, items: list[tuple[str, Any]], end: str, depth: int) -> str:
    """Each item on lines of its own."""
    if not items:
        return start + end
    inner = _INDENT * (depth + 1)
    lines = [f"{inner}{prefix}{render(item, depth + 1, len(inner + prefix))},\n" for prefix, item in items]
    return start + "\n" + "".join(lines) + _INDENT * depth + end


def _lines(text: str, depth: int) -> str:
    inner = "".join(f"{_INDENT * depth}{line}\n" if line else "\n" for line in text.splitlines())
    return f'"""\n{inner}{_INDENT * (depth - 1)}"""'
