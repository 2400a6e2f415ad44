"""Properties as they travel between the engine and the plugin.

Reading takes secret marks off and keeps their paths: once a plugin accepts secrets, the engine adds no marks of its
own, so every reply has to carry them again. Writing puts them back. In between, properties have the API's own names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import struct_pb2

from goldrush_pulumi.plugin.destination import take_destination_apart, with_destination
from goldrush_pulumi.plugin.names import DESTINATION_TYPE, PROPERTY_NAMES, to_api
from goldrush_pulumi.schema.pipeline import INPUTS, height_digits
from goldrush_pulumi.schema.wire import (
    PROVIDER,
    SECRET_PATHS,
    SECRET_SIGNATURE,
    SIGNATURE_KEY,
    UNKNOWN_VALUE,
    is_secret,
    secret,
    unwrap_secrets,
)

if TYPE_CHECKING:
    from goldrush_pulumi.validation.problems import Problem

Path = tuple[str, ...]

_OUTPUT_SIGNATURE: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
"""What stands under `SIGNATURE_KEY` where a value is an output, with its own marks for secret and unknown."""

_UNKNOWNS: Final = frozenset(
    {
        UNKNOWN_VALUE,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""What stands in place of a string, a bool, a number, a list, an asset, an archive and a map that is not known yet.
Source: the Pulumi SDK, `resource/plugin/rpc.go`."""

_PLAIN_CHOICES: Final = frozenset({"project", "topic", DESTINATION_TYPE, "execution_mode", "status", "wait_for"})
"""Inputs that are documented words or plain names: redacting them would only hide the cause of a failure."""

_HEIGHTS: Final = tuple(row.name for row in INPUTS.values() if row.shape == "height")

_GREATEST_EXACT: Final = 2**53


@dataclass(frozen=True)
class PipelineProperties:
    """Properties that were read: by the API's names, without secret marks.

    Attributes:
        values: The properties. `SECRET_PATHS` in them lists what must not be shown, as the verbs expect it.
        marks: The path of every value that was marked as secret.
        problem: What is wrong with `destination`; None where it names exactly one type.
    """

    values: dict[str, Any] = field(repr=False)
    marks: tuple[Path, ...] = ()
    problem: Problem | None = None


def read(struct: struct_pb2.Struct) -> PipelineProperties:
    """Read the properties of a pipeline."""
    marked = to_api(decode(struct), PROPERTY_NAMES)
    problem = take_destination_apart(marked)
    for name in _HEIGHTS:
        if name in marked and not is_secret(marked[name]):
            marked[name] = height_digits(marked[name])
    marks: list[Path] = []
    values = _without_marks(marked, (), marks)
    values.pop(SECRET_PATHS, None)
    shown = [list(path) for path in marks if path[0] not in _PLAIN_CHOICES]
    if shown:
        values[SECRET_PATHS] = shown
    return PipelineProperties(values, tuple(marks), problem)


def write(values: Mapping[str, Any], marks: Iterable[Path] = ()) -> struct_pb2.Struct:
    """Write the properties of a pipeline, by the names that programs see, with the values at `marks` secret."""
    marked: Any = {key: item for key, item in values.items() if key not in {SECRET_PATHS, PROVIDER}}
    for path in marks:
        marked = _mark(marked, path)
    return encode(shown_properties(marked))


def shown_properties(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return properties of a pipeline by the names that programs see, without those that are None."""
    heights = {name: _height_number(values[name]) for name in _HEIGHTS if name in values}
    return with_destination({key: item for key, item in {**values, **heights}.items() if item is not None})


def decode(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Return properties as plain values, in which secrets are marked and everything unknown is `UNKNOWN_VALUE`."""
    return {key: _decode(item) for key, item in struct.fields.items()}


def encode(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return plain values as the engine takes them."""
    struct = struct_pb2.Struct()
    for key, item in values.items():
        _encode(struct.fields[key], item)
    return struct


def _decode(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _decode_struct(value.struct_value.fields)
    if kind == "list_value":
        return [_decode(item) for item in value.list_value.values]
    if kind == "string_value":
        return UNKNOWN_VALUE if value.string_value in _UNKNOWNS else value.string_value
    return None if kind in {None, "null_value"} else getattr(value, str(kind))


def _decode_struct(fields: Any) -> Any:
    signature = fields[SIGNATURE_KEY].string_value if SIGNATURE_KEY in fields else ""
    if signature not in {SECRET_SIGNATURE, _OUTPUT_SIGNATURE}:
        return {key: _decode(item) for key, item in fields.items()}
    value = _decode(fields["value"]) if "value" in fields else UNKNOWN_VALUE
    is_plain = signature == _OUTPUT_SIGNATURE and not ("secret" in fields and fields["secret"].bool_value)
    return value if is_plain else secret(value)


def _encode(target: struct_pb2.Value, value: Any) -> None:
    if value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, (int, float)):
        target.number_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, Mapping):
        target.struct_value.SetInParent()
        for key, item in value.items():
            _encode(target.struct_value.fields[key], item)
    else:
        target.list_value.SetInParent()
        for item in value:
            _encode(target.list_value.values.add(), item)


def _without_marks(value: Any, path: Path, marks: list[Path]) -> Any:
    if is_secret(value):
        marks.append(path)
        # What is nested in a secret is secret by that already.
        return _without_marks(value["value"], path, [])
    if isinstance(value, Mapping):
        return {
            key: _without_marks(item, (*path, key), marks)
            for key, item in value.items()
            if item is not None or len(path) > 0
        }
    if isinstance(value, list):
        return [_without_marks(item, (*path, str(index)), marks) for index, item in enumerate(value)]
    return value


def _mark(value: Any, path: Path) -> Any:
    """Return `value` with what stands at `path` marked as secret; a path that leads nowhere marks nothing."""
    if is_secret(value) or value is None:
        return value
    if not path:
        return secret(unwrap_secrets(value))
    head, *rest = path
    if isinstance(value, Mapping) and head in value:
        return {**value, head: _mark(value[head], tuple(rest))}
    if isinstance(value, list) and head.isdigit() and int(head) < len(value):
        position = int(head)
        return [*value[:position], _mark(value[position], tuple(rest)), *value[position + 1 :]]
    return value


def _height_number(value: Any) -> Any:
    """Return the digits of a height as the number that programs see, unless a double cannot hold it."""
    if is_secret(value):
        return secret(_height_number(value["value"]))
    if value == "":
        return None
    # A text that is no height may be far too long to be read as a number.
    is_short = isinstance(value, str) and len(value) <= len(str(_GREATEST_EXACT))
    is_number = is_short and value.isascii() and value.isdigit()
    return int(value) if is_number and int(value) <= _GREATEST_EXACT else value
