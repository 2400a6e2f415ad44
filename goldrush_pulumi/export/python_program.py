"""The pipelines as a Pulumi program in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.export.credentials import with_values
from goldrush_pulumi.export.survey import means_the_same, tidied
from goldrush_pulumi.schema.destinations import DESTINATIONS

if TYPE_CHECKING:
    from goldrush_pulumi.export.credentials import Leaf
    from goldrush_pulumi.export.survey import Declared
    from goldrush_pulumi.schema.destinations import DestinationField

_BIG: Final = 10_000

_QUOTES: Final = '"'

_HEAD = '''"""Pipelines of a GoldRush account, as `goldrush-pulumi export` found them."""

from __future__ import annotations

'''


def render_program(declared: Sequence[Declared], abi_paths: Mapping[str, str]) -> str:
    """The program. `abi_paths` tells for the names of resources where their ABIs are written."""
    imports = ["import goldrush_pulumi as goldrush"] if declared else []
    if any(item.leaves for item in declared):
        imports += ["import pulumi", "", "config = pulumi.Config()"]
    statements = [_statement(item, abi_paths.get(item.resource)) for item in declared]
    return _HEAD + "\n".join(imports) + "".join(f"\n\n{statement}" for statement in statements) + "\n"


def _statement(item: Declared, abi_path: str | None) -> str:
    call = Call("goldrush.Pipeline", (item.resource,), dict(_arguments(item, abi_path)))
    return f"{item.variable} = {render(call)}"


def _arguments(item: Declared, abi_path: str | None) -> list[tuple[str, Any]]:
    arguments = [(name, _argument(name, value, item)) for name, value in item.inputs.items()]
    typed = isinstance(dict(arguments)["destination_config"], Call)
    return [
        (name, abi_path if name == "abi_file" and abi_path else value)
        for name, value in arguments
        if not (typed and name == "destination_type")
    ]


def _argument(name: str, value: Any, item: Declared) -> Any:
    if name == "destination_config":
        return _destination(item)
    if name == "transforms":
        return {table: _sql(sql) for table, sql in value.items()}
    if name.startswith("execution_") and isinstance(value, str) and value.isascii() and value.isdigit():
        return _height(value)
    return value


def _height(digits: str) -> Any:
    number = int(digits) if len(digits) < 20 else None  # noqa: PLR2004 - longer ones are no heights
    if number is None:
        return digits
    return Code(f"{number:_}") if number >= _BIG else number


def _sql(sql: Any) -> Any:
    """A statement of several lines stays so, indented, where white space at the margin means nothing to it."""
    tidy = tidied(sql)
    if not isinstance(tidy, str) or "\n" not in tidy or not is_plain_block(tidy):
        return tidy
    return Block(tidy) if means_the_same(tidy, render(Block(tidy)).strip(_QUOTES)) else tidy


def _destination(item: Declared) -> Any:
    asked = {leaf.path: _from_config(leaf) for leaf in item.leaves}
    config = with_values(item.inputs["destination_config"], asked)
    destination = DESTINATIONS.get(item.inputs["destination_type"])
    if destination is None or not _fits(config, destination.fields):
        return config
    named = {name: _nested(value, destination.field(name)) for name, value in config.items()}
    return Call(f"goldrush.{destination.class_name}Args", (), named)


def _from_config(leaf: Leaf) -> Lookup:
    return Lookup(f"config.require_secret{'' if isinstance(leaf.shown, str) else '_object'}", leaf.key)


def _nested(value: Any, field: DestinationField | None) -> Any:
    if field is not None and field.fields and isinstance(value, Mapping) and _fits(value, field.fields):
        return Call(f"goldrush.{field.class_name}Args", (), value)
    return value


def _fits(config: Mapping[str, Any], fields: tuple[DestinationField, ...]) -> bool:
    """Whether a typed class can say all of it."""
    known, required = {field.name for field in fields}, {field.name for field in fields if field.required}
    return required <= config.keys() <= known


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
