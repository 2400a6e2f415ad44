"""The pipelines as a Pulumi program in Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.export.leaves import with_values
from goldrush_pulumi.export.python_code import Block, Call, Code, Lookup, is_plain_block, render
from goldrush_pulumi.export.statements import means_the_same, tidied
from goldrush_pulumi.validation.destinations import DESTINATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldrush_pulumi.export.declared import Declared
    from goldrush_pulumi.export.leaves import Leaf
    from goldrush_pulumi.validation.fields import Field

_CLASSES: Final = {
    "postgres": "PostgresDestinationArgs",
    "clickhouse": "ClickHouseDestinationArgs",
    "kafka": "KafkaDestinationArgs",
    "object_storage": "ObjectStorageDestinationArgs",
    "sqs": "SqsDestinationArgs",
    "webhook": "WebhookDestinationArgs",
}
_NESTED_CLASSES: Final = {"sasl": "KafkaSaslArgs", "retry": "WebhookRetryArgs"}
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
    return Call(f"goldrush.{_CLASSES[destination.type]}", (), named)


def _from_config(leaf: Leaf) -> Lookup:
    return Lookup(f"config.require_secret{'' if isinstance(leaf.shown, str) else '_object'}", leaf.key)


def _nested(value: Any, field: Field | None) -> Any:
    if field is not None and field.fields and isinstance(value, Mapping) and _fits(value, field.fields):
        return Call(f"goldrush.{_NESTED_CLASSES[field.name]}", (), value)
    return value


def _fits(config: Mapping[str, Any], fields: tuple[Field, ...]) -> bool:
    """Whether a typed class can say all of it."""
    known, required = {field.name for field in fields}, {field.name for field in fields if field.required}
    return required <= config.keys() <= known
