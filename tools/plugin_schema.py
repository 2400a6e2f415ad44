"""The schema of the package `goldrush`, which SDKs and editors read, generated from `goldrush_pulumi.schema`."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.operations.lookups import FIELDS, FILTERS
from goldrush_pulumi.plugin.names import DESTINATION, RUN_FIELDS, STEP_FIELDS, camel_case, in_program_words
from goldrush_pulumi.schema.destinations import DESTINATIONS, Destination, DestinationField
from goldrush_pulumi.schema.pipeline import INPUTS, METRICS, OUTPUTS, Change, PipelineInput, PipelineOutput, Shape
from goldrush_pulumi.schema.wire import PIPELINE_TYPE
from goldrush_pulumi.settings import SETTINGS, Setting

if TYPE_CHECKING:
    from collections.abc import Iterable

Schema = dict[str, Any]

ROOT: Final = Path(__file__).resolve().parents[1]

SCHEMA_FILE: Final = ROOT / "goldrush_pulumi" / "plugin" / "schema.json"

_TOKEN: Final = "goldrush:index:"  # noqa: S105 - the module of every type in the schema
_ANY: Final = {"$ref": "pulumi.json#/Any"}

_ENUMS: Final[dict[str, str]] = {
    "execution_mode": "ExecutionMode",
    "status": "DesiredStatus",
    "wait_for": "WaitFor",
    "abi_unmatched": "AbiUnmatched",
    "object_storage.provider": "ObjectStorageProvider",
    "object_storage.format": "FileFormat",
    "object_storage.compression": "FileCompression",
    "object_storage.partition_by": "TimePartition",
}
"""The name of the enum of each input, and of each field of a destination, that has choices."""

_VALUE_NAMES: Final[dict[str, str]] = {"": "Drop", "s3": "S3", "gcs": "GCS", "r2": "R2", "json": "JSON"}
"""The names of enum values that are not their value with a capital letter."""

_INPUT_SHAPES: Final[dict[Shape, Schema]] = {
    "string": {"type": "string"},
    "height": {"type": "integer"},
    "string_list": {"type": "array", "items": {"type": "string"}},
    "string_map": {"type": "object", "additionalProperties": {"type": "string"}},
    "any_map": {"type": "object", "additionalProperties": _ANY},
    "abi": _ANY,
    "destination": {"$ref": f"#/types/{_TOKEN}Destination"},
}

_DESTINATION_TEXT: Final = (
    "Where to write: an object with exactly one property, which names the type of the destination. Credentials are kept"
    " as secrets even when they are passed in plain text. Another type replaces the pipeline."
)


def package_schema() -> Schema:
    """Return the whole schema of the package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {
        "name": "goldrush",
        "displayName": "GoldRush",
        "version": project["version"],
        "description": "GoldRush data pipelines as code.",
        "keywords": ["pulumi", "goldrush", "category/infrastructure", "kind/native"],
        "license": project["license"],
        "publisher": "goldrush",
        "meta": {"moduleFormat": "(.*)(?:/[^/]*)"},
        "language": {
            "go": {"importBasePath": "goldrush/sdk/go/goldrush", "respectSchemaVersion": True},
            "nodejs": {"packageName": "@goldrush/pulumi", "respectSchemaVersion": True},
            "python": {
                "packageName": "pulumi_goldrush",
                "respectSchemaVersion": True,
                "inputTypes": "classes-and-dicts",
                "pyproject": {"enabled": True},
            },
        },
        "config": {"variables": {row.name: _setting(row) for row in SETTINGS.values()}},
        "provider": _provider(),
        "types": dict(sorted({**_destination_types(), **_enum_types(), **_result_types()}.items())),
        "resources": {f"{_TOKEN}Pipeline": _pipeline()},
        "functions": _functions(),
    }


def schema_text() -> str:
    """Return the schema as its file holds it."""
    return json.dumps(package_schema(), indent=2, ensure_ascii=False) + "\n"


def _provider() -> Schema:
    properties = {row.name: _setting(row) for row in SETTINGS.values()}
    return {
        "type": "object",
        "description": "A GoldRush account. What is not given comes from the environment.",
        "inputProperties": properties,
    }


def _setting(row: Setting) -> Schema:
    schema: Schema = {"type": row.kind, "description": _setting_text(row)}
    if row.choices:
        schema = {"$ref": f"#/types/{_TOKEN}OnExisting", "description": schema["description"]}
    if row.is_secret:
        schema["secret"] = True
    return schema


def _setting_text(row: Setting) -> str:
    text = in_program_words(row.description)
    if row.default is not None:
        text += f" Default: {_written(row.default)}."
    if row.variable:
        text += f" Where it is not set, the provider reads the environment variable `{row.variable}`."
    return f"{text} From {row.least:g} to {row.greatest:g}." if row.kind in {"number", "integer"} else text


def _pipeline() -> Schema:
    shown = [row for row in INPUTS.values() if row.name not in {"destination_type", "destination_config"}]
    inputs = {camel_case(row.name): _input(row) for row in shown}
    inputs[DESTINATION] = {**_INPUT_SHAPES["destination"], "description": _DESTINATION_TEXT}
    echoed = {camel_case(row.name): _input(row) for row in shown if row.change is not Change.NOTHING}
    outputs = {camel_case(row.name): _output(row) for row in OUTPUTS.values()}
    optional = {camel_case(row.name) for row in shown if row.default is None and not row.required} - {"name"}
    properties = {**echoed, DESTINATION: inputs[DESTINATION], **outputs}
    return {
        "description": "A GoldRush pipeline. `pulumi up` returns once the pipeline is running, or says why it is not.",
        "inputProperties": inputs,
        "requiredInputs": ["project", "topic", DESTINATION],
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "aliases": [{"type": PIPELINE_TYPE}],
    }


def _input(row: PipelineInput) -> Schema:
    schema: Schema = dict(_INPUT_SHAPES[row.shape])
    if row.choices:
        schema = {"$ref": f"#/types/{_TOKEN}{_ENUMS[row.name]}"}
    schema["description"] = _input_text(row)
    if row.change is Change.REPLACE:
        schema["replaceOnChanges"] = True
    return schema


def _input_text(row: PipelineInput) -> str:
    if row.shape == "abi":
        text = (
            "Parsed Solidity ABI that decodes logs or transactions, or its JSON text, as the file of the ABI holds it."
        )
    else:
        text = in_program_words(row.description)
    default = in_program_words(row.default_text) or (row.default and _written(row.default))
    if default and "without it" not in text:
        text += f" Default: {default}."
    return f"{text} A change replaces the pipeline." if row.change is Change.REPLACE else text


def _output(row: PipelineOutput) -> Schema:
    shape: Schema = {"type": {"str": "string", "int": "integer"}.get(row.annotation, "array")}
    if shape["type"] == "array":
        shape["items"] = {"$ref": f"#/types/{_TOKEN}Run"}
    return {**shape, "description": in_program_words(row.description)}


def _destination_types() -> Schema:
    types: Schema = {
        f"{_TOKEN}Destination": {
            "type": "object",
            "description": "The destination of a pipeline: exactly one of these.",
            "properties": {
                camel_case(kind.type): {"$ref": _reference(kind.class_name), "description": kind.description}
                for kind in DESTINATIONS.values()
            },
        }
    }
    for kind in DESTINATIONS.values():
        types[f"{_TOKEN}{kind.class_name}"] = _object(kind, kind.description, kind.fields)
        for row in kind.fields:
            if row.kind == "object":
                types[f"{_TOKEN}{row.class_name}"] = _object(kind, row.description, row.fields)
    return types


def _object(kind: Destination, description: str, rows: Iterable[DestinationField]) -> Schema:
    fields = tuple(rows)
    return {
        "type": "object",
        "description": description,
        "properties": {camel_case(row.name): _field(kind, row) for row in fields},
        "required": [camel_case(row.name) for row in fields if row.required],
    }


def _field(kind: Destination, row: DestinationField) -> Schema:
    word: Schema = {"type": "string"}
    if row.choices:
        word = {"$ref": _reference(_ENUMS[f"{kind.type}.{row.name}"])}
    shapes: dict[str, Schema] = {
        "integer": {"type": "integer"},
        "string_list": {"type": "array", "items": word},
        "string_map": {"type": "object", "additionalProperties": {"type": "string"}},
        "object": {"$ref": _reference(row.class_name)},
    }
    text = row.description
    if row.default is not None:
        text += f" GoldRush's default: {_written(row.default)}."
    return {**shapes.get(row.kind, word), "description": text, **({"secret": True} if row.secret else {})}


def _enum_types() -> Schema:
    enums = {name: _enum(row.description, row.choices) for row in INPUTS.values() if (name := _ENUMS.get(row.name, ""))}
    for kind in DESTINATIONS.values():
        for row in kind.fields:
            if row.choices:
                enums[_ENUMS[f"{kind.type}.{row.name}"]] = _enum(row.description, row.choices)
    enums["OnExisting"] = _enum(SETTINGS["on_existing"].description, SETTINGS["on_existing"].choices)
    return {f"{_TOKEN}{name}": enum for name, enum in enums.items()}


def _enum(description: str, choices: Iterable[str]) -> Schema:
    values = [{"name": _VALUE_NAMES.get(word, word.capitalize()), "value": word} for word in choices]
    return {"type": "string", "description": in_program_words(description), "enum": values}


def _result_types() -> Schema:
    step = {camel_case(name): {"type": "string", "description": text} for name, text in STEP_FIELDS.items()}
    run: Schema = {camel_case(name): {"type": "string", "description": text} for name, text in RUN_FIELDS.items()}
    run["changed"] |= {"type": "array", "items": {"type": "string"}}
    steps = {"type": "array", "items": {"$ref": _reference("RunStep")}, "description": "Its steps, in order."}
    return {
        f"{_TOKEN}RunStep": {"type": "object", "description": "One step of a deployment.", "properties": step},
        f"{_TOKEN}Run": {
            "type": "object",
            "description": "The record of one deployment of a pipeline.",
            "properties": {**run, "steps": steps},
        },
        f"{_TOKEN}PipelineConfiguration": {"type": "object", **_found_pipeline()},
    }


def _found_pipeline() -> Schema:
    properties: Schema = {"id": {"type": "string", "description": "Id of the pipeline."}}
    for name in FIELDS:
        if name in OUTPUTS:
            properties[camel_case(name)] = _output(OUTPUTS[name])
        elif name in INPUTS and not name.startswith(f"{DESTINATION}_"):
            text = in_program_words(INPUTS[name].description)
            properties[camel_case(name)] = {**_INPUT_SHAPES[INPUTS[name].shape], "description": text}
    text = "Where the pipeline writes. Credentials read `******`."
    properties[DESTINATION] = {**_INPUT_SHAPES["destination"], "description": text}
    text = "Configuration of a pipeline as GoldRush has it."
    return {"description": text, "properties": properties, "required": ["id"]}


def _functions() -> Schema:
    by_id = {
        "properties": {"pipelineId": {"type": "string", "description": "Id of the pipeline, `pipe_...`."}},
        "required": ["pipelineId"],
    }
    status = {camel_case(row.name): _output(row) for row in OUTPUTS.values() if row.origin == "status"}
    metrics = {
        camel_case(row.name): {
            "type": "integer" if row.annotation == "int" else "number",
            "description": f"{row.description} Unit: {row.unit}.",
        }
        for row in METRICS
    }
    filters = {name: {"type": "string", "description": f"Only pipelines with this {name}."} for name in FILTERS}
    found = {
        "pipelines": {
            "type": "array",
            "items": {"$ref": _reference("PipelineConfiguration")},
            "description": "The pipelines, in the order of the API.",
        }
    }
    return {
        f"{_TOKEN}getPipeline": _function("Read the configuration of a pipeline.", by_id, _found_pipeline()),
        f"{_TOKEN}getPipelines": _function(
            "Read the pipelines of the account, all of them or those that have the given values.",
            {"properties": filters},
            {"properties": found, "required": ["pipelines"]},
        ),
        f"{_TOKEN}getPipelineStatus": _function(
            "Read what a pipeline's worker does now.", by_id, {"properties": status}
        ),
        f"{_TOKEN}getPipelineMetrics": _function(
            "Read throughput and lag of a pipeline. What was not reported is missing.",
            by_id,
            {"properties": {"uid": _output(OUTPUTS["uid"]), **metrics}},
        ),
    }


def _function(description: str, inputs: Schema, outputs: Schema) -> Schema:
    return {
        "description": description,
        "inputs": {"type": "object", **inputs},
        "outputs": {"type": "object", **{key: outputs[key] for key in outputs if key != "description"}},
    }


def _reference(name: str) -> str:
    return f"#/types/{_TOKEN}{name}"


def _written(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"`{item}`" for item in value)
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else f"`{value}`" if isinstance(value, str) else str(value)
