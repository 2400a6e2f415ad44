"""JSON Schema of a pipeline's inputs and destinations, for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldrush_pulumi.schema.destinations import DESTINATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goldrush_pulumi.schema.destinations import Destination, DestinationField
    from goldrush_pulumi.schema.pipeline import PipelineInput, Shape

Schema = dict[str, Any]

SECURE_REFERENCE = "#/$defs/secure"
"""Reference to the definition of an encrypted value, which a schema that uses these pieces must have."""

_PLACEHOLDER = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"}


def describe_input(row: PipelineInput) -> Schema:
    """Return the schema of one input; that of `destination_config` is any map, since its type decides on the rest."""
    shape = {"enum": list(row.choices)} if row.choices else _INPUT_SHAPES[row.shape]
    schema: Schema = {"description": row.description, **shape}
    return schema if row.default is None else {**schema, "default": row.default}


def describe_destination(destination: Destination) -> Schema:
    """Return the schema of the `destination_config` of one kind of destination."""
    properties = {"type": {"const": destination.type}}
    return {
        "title": destination.title,
        "description": destination.description,
        **_describe_object(destination.fields, properties),
    }


def _string() -> Schema:
    return {"anyOf": [{"type": "string"}, {"$ref": SECURE_REFERENCE}]}


_INPUT_SHAPES: dict[Shape, Schema] = {
    "string": {"type": "string"},
    "height": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d*$"}]},
    "string_list": {"type": "array", "items": {"type": "string"}},
    "string_map": {"type": "object", "additionalProperties": _string()},
    "any_map": {"type": "object"},
    "abi": {"type": ["array", "object", "string"]},
    "destination": {"type": "object", "properties": {"type": {"enum": list(DESTINATIONS)}}},
}


def _describe_object(fields: Iterable[DestinationField], properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {**properties, **{field.name: _describe_field(field) for field in fields}},
        "required": [field.name for field in fields if field.required],
        "additionalProperties": False,
    }


def _describe_field(field: DestinationField) -> Schema:
    schema: Schema = {"description": field.description, **_field_shape(field)}
    if field.default is None:
        return schema
    return {**schema, "default": list(field.default) if isinstance(field.default, tuple) else field.default}


def _field_shape(field: DestinationField) -> Schema:
    choice: Schema = {"anyOf": [{"enum": list(field.choices)}, _PLACEHOLDER]}
    if field.kind == "integer":
        greatest = {} if field.maximum is None else {"maximum": field.maximum}
        return {"type": "integer", "minimum": field.minimum, **greatest}
    if field.kind == "object":
        return _describe_object(field.fields, {})
    if field.kind == "string_map":
        return {"type": "object", "additionalProperties": _string()}
    if field.kind == "string_list":
        return {"type": "array", "items": choice if field.choices else _string()}
    return choice if field.choices else _string()
