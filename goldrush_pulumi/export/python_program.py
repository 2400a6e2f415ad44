"""Write the pipelines as a Pulumi program in Python, in the layout of `ruff format`, SQL between triple quotes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.export.credentials import with_values
from goldrush_pulumi.export.survey import means_the_same, tidy_sql
from goldrush_pulumi.schema.destinations import DESTINATIONS

if TYPE_CHECKING:
    from goldrush_pulumi.export.credentials import Leaf
    from goldrush_pulumi.export.survey import Declared
    from goldrush_pulumi.schema.destinations import DestinationField

_HEAD: Final = '''"""Pipelines of a GoldRush account, as `goldrush-pulumi export` found them."""

from __future__ import annotations

'''

_INDENT: Final = "    "

_WIDTH: Final = 88
"""Where `ruff format` and `black` break lines unless a project says otherwise."""

_MOST_DIGITS: Final = 19
"""A longer height is kept as a string."""


def render_program(declared: Sequence[Declared], abi_paths: Mapping[str, str]) -> str:
    """Return the program. `abi_paths` gives the path of the ABI file for the names of resources that have one."""
    imports = ["import goldrush_pulumi as goldrush"] if declared else []
    if any(item.leaves for item in declared):
        imports += ["import pulumi", "", "config = pulumi.Config()"]
    statements = [f"{item.variable} = {render(_resource(item, abi_paths.get(item.resource)))}" for item in declared]
    return _HEAD + "\n".join(imports) + "".join(f"\n\n{statement}" for statement in statements) + "\n"


def _resource(item: Declared, abi_path: str | None) -> Call:
    arguments = {name: _argument(name, value, item) for name, value in item.inputs.items()}
    if isinstance(arguments["destination_config"], Call):
        # The typed destination says which type it is.
        del arguments["destination_type"]
    if abi_path and "abi_file" in arguments:
        arguments["abi_file"] = abi_path
    return Call("goldrush.Pipeline", (item.resource,), arguments)


def _argument(name: str, value: Any, item: Declared) -> Any:
    if name == "destination_config":
        return _destination(item)
    if name == "transforms":
        return {table: _sql(sql) for table, sql in value.items()}
    if name.startswith("execution_") and isinstance(value, str) and value.isascii() and value.isdigit():
        return Code(f"{int(value):_}") if len(value) <= _MOST_DIGITS else value
    return value


def _sql(sql: Any) -> Any:
    """Return a statement of several lines as a block, unless indenting its lines would change what it means."""
    tidy = tidy_sql(sql)
    if not isinstance(tidy, str) or "\n" not in tidy or not is_plain_block(tidy):
        return tidy
    return Block(tidy) if means_the_same(tidy, render(Block(tidy)).strip('"')) else tidy


def _destination(item: Declared) -> Any:
    """Return the destination as a call of its typed class, or as a map if the class cannot express it."""
    secrets = {leaf.path: _lookup(leaf) for leaf in item.leaves}
    config = with_values(item.inputs["destination_config"], secrets)
    destination = DESTINATIONS.get(item.inputs["destination_type"])
    if destination is None or not _fits(config, destination.fields):
        return config
    named = {name: _nested(value, destination.field(name)) for name, value in config.items()}
    return Call(f"goldrush.{destination.class_name}Args", (), named)


def _lookup(leaf: Leaf) -> Lookup:
    return Lookup(f"config.require_secret{'' if isinstance(leaf.shown, str) else '_object'}", leaf.key)


def _nested(value: Any, field: DestinationField | None) -> Any:
    if field is not None and field.fields and isinstance(value, Mapping) and _fits(value, field.fields):
        return Call(f"goldrush.{field.class_name}Args", (), value)
    return value


def _fits(config: Mapping[str, Any], fields: tuple[DestinationField, ...]) -> bool:
    known, required = {field.name for field in fields}, {field.name for field in fields if field.required}
    return required <= config.keys() <= known


@dataclass(frozen=True)
class Code:
    """An expression that is source text already."""

    text: str


@dataclass(frozen=True)
class Lookup:
    """A call with one string, on one line where that fits."""

    name: str
    text: str


@dataclass(frozen=True)
class Call:
    """A call with its arguments, one per line."""

    name: str
    positional: tuple[Any, ...]
    named: Mapping[str, Any]


@dataclass(frozen=True)
class Block:
    """Lines such as SQL, in which indentation means nothing: written between triple quotes, indented like the rest."""

    text: str


def render(value: Any, depth: int = 0, column: int = 0) -> str:
    """Return the expression for `value`, which begins at `column`; later lines are indented by `depth` levels."""
    if isinstance(value, (Code, str)):
        return value.text if isinstance(value, Code) else quote(value)
    if isinstance(value, Lookup):
        line = f"{value.name}({quote(value.text)})"
        # A comma follows.
        fits = column + len(line) < _WIDTH
        return line if fits else _lines(f"{value.name}(", [quote(value.text)], ")", depth)
    if isinstance(value, Block):
        return _lines('"""', value.text.splitlines(), '"""', depth)
    if isinstance(value, Call):
        items = [("", item) for item in value.positional]
        items += [(f"{name}=", item) for name, item in value.named.items()]
        return _items(f"{value.name}(", items, ")", depth)
    if isinstance(value, Mapping):
        return _items("{", [(f"{quote(str(key))}: ", item) for key, item in value.items()], "}", depth)
    return _items("[", [("", item) for item in value], "]", depth) if isinstance(value, Sequence) else repr(value)


def _items(start: str, items: Sequence[tuple[str, Any]], end: str, depth: int) -> str:
    """Return the items one per line, each behind the text that introduces it."""
    indent = len(_INDENT) * (depth + 1)
    lines = [f"{prefix}{render(item, depth + 1, indent + len(prefix))}," for prefix, item in items]
    return _lines(start, lines, end, depth)


def _lines(start: str, lines: Sequence[str], end: str, depth: int) -> str:
    if not lines:
        return start + end
    inner = "".join(f"{_INDENT * (depth + 1)}{line}\n" if line else "\n" for line in lines)
    return f"{start}\n{inner}{_INDENT * depth}{end}"


def quote(text: str) -> str:
    """Return a string literal on one line, in double quotes unless single ones need fewer escapes."""
    mark = "'" if text.count('"') > text.count("'") else '"'
    return mark + "".join(_escaped(character, mark) for character in text) + mark


def _escaped(character: str, mark: str) -> str:
    """Return a character as it stands between quotes; what an editor would not show is escaped."""
    if character in {"\\", mark}:
        return f"\\{character}"
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def is_plain_block(text: str) -> bool:
    """Return whether a text can stand between triple quotes as it is."""
    return "\\" not in text and '"""' not in text and all(line.isprintable() for line in text.splitlines())
