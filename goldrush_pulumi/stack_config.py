"""Pipelines declared in stack config: `pipelines:` of `Pulumi.<stack>.yaml` becomes `Pipeline` resources.

```yaml
config:
  my-project:pipelines:
    base-swaps:
      project: analytics-prod
      topic: base.mainnet.ref.block.swap.v3
      destination_config:
        type: postgres
        url: postgresql://db.example.com:5432/analytics
        user: goldrush
        password:
          secure: v1:...
      protect: true
```

`python -m goldrush_pulumi.stack_config` prints the JSON Schema of such files.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import pulumi
from pulumi.runtime import is_config_secret
from pydantic import BaseModel, ConfigDict, Field, StrictBool, create_model

from goldrush_pulumi.pipeline import Pipeline
from goldrush_pulumi.project_files import stack_file
from goldrush_pulumi.schema.destinations import DESTINATIONS
from goldrush_pulumi.schema.json_schema import SECURE_REFERENCE, Schema, describe_destination, describe_input
from goldrush_pulumi.schema.pipeline import INPUTS
from goldrush_pulumi.settings import SETTINGS
from goldrush_pulumi.validation.declarations import PIPELINES, find_declaration_problems
from goldrush_pulumi.validation.destinations import resolve_type
from goldrush_pulumi.validation.documents import DocumentError, read_document
from goldrush_pulumi.validation.inputs import find_shape_problems
from goldrush_pulumi.validation.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldrush_pulumi.settings import Setting
    from goldrush_pulumi.validation.problems import Problem

_Duration = Annotated[str, Field(pattern=r"^(\d+(\.\d+)?(h|m|s|ms))+$", description="Such as `10m` or `1h30m`.")]


class Timeouts(BaseModel):
    """How long create, update and delete may take."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    create: _Duration | None = None
    update: _Duration | None = None
    delete: _Duration | None = None


class Options(BaseModel):
    """Pulumi's own options of a declared pipeline."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    protect: StrictBool = Field(default=False, description="Refuse to delete or replace the pipeline.")
    retain_on_delete: StrictBool = Field(
        default=False, description="Leave the pipeline running when it is no longer declared."
    )
    custom_timeouts: Timeouts | None = Field(default=None, description="How long create, update and delete may take.")

    def as_resource_options(self) -> pulumi.ResourceOptions:
        """Return the options of the resource."""
        timeouts = self.custom_timeouts
        return pulumi.ResourceOptions(
            protect=self.protect,
            retain_on_delete=self.retain_on_delete,
            custom_timeouts=pulumi.CustomTimeouts(**timeouts.model_dump()) if timeouts else None,
        )


# The values of inputs are checked by `find_problems`, as in every other program; the model owns their names.
_INPUT_FIELDS: dict[str, Any] = dict.fromkeys(INPUTS, (object, None))
Declaration = create_model(
    "Declaration",
    __base__=Options,
    __doc__="One pipeline: its inputs, and Pulumi's options.",
    **_INPUT_FIELDS,
)


def declare_pipelines(config: pulumi.Config | None = None) -> dict[str, Pipeline]:
    """Declare every pipeline of the selected stack's config.

    Values that are `secure:` in the stack's file become secrets. When anything under `pipelines` is secret and the file
    is not found, or says something else, all texts that may be the secret one become secrets: Pulumi hands the config
    to a program without saying which leaf was encrypted.

    Args:
        config: Where `pipelines` is looked up; without it, the config of the program's own project.

    Returns:
        The resources by their names, in the order of the config.

    Raises:
        pulumi.RunError: `pipelines` is missing, or anything is wrong with any pipeline; the message lists all of it and
            holds no value.
    """
    config = config or pulumi.Config()
    declared = read_declarations(config)
    mark = _make_marker(config)
    return {
        name: Pipeline(name, opts=options.as_resource_options(), **mark(name, inputs))
        for name, (inputs, options) in declared.items()
    }


def read_declarations(config: pulumi.Config) -> dict[str, tuple[dict[str, Any], Options]]:
    """Read and check `pipelines` without declaring anything.

    Returns:
        For each pipeline its inputs, in clear, and its options.

    Raises:
        pulumi.RunError: as `declare_pipelines`.
    """
    declared = _read_map(config)
    # The provider reads transforms and ABIs, and shows every warning, on the row of the pipeline.
    found = (find_declaration_problems(name, entry, _find_problems) for name, entry in declared.items())
    errors = [problem for problems in found for problem in problems if problem.is_error]
    if errors:
        lines = "\n".join(f"  {problem}" for problem in errors)
        raise pulumi.RunError(
            f"declare pipelines of {config.full_key(PIPELINES)}: the stack's config is not right\n{lines}"
        )
    return {name: _split(entry) for name, entry in declared.items()}


def json_schema() -> Schema:
    """Return the JSON Schema of a stack file, `Pulumi.<stack>.yaml`."""
    declaration = Declaration.model_json_schema(ref_template="#/$defs/{model}")
    definitions = declaration.pop("$defs")
    declaration["properties"].update({name: describe_input(row) for name, row in INPUTS.items()})
    declaration["required"] = [name for name, row in INPUTS.items() if row.required]
    declaration["allOf"] = [_destination_rule(type_) for type_ in DESTINATIONS]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A Pulumi stack file with GoldRush pipelines",
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "properties": {setting.key: _describe_setting(setting) for setting in SETTINGS.values()},
                "patternProperties": {
                    rf"^([^:]+:)?{PIPELINES}$": {
                        "type": "object",
                        "additionalProperties": {"$ref": "#/$defs/Declaration"},
                    },
                },
            }
        },
        "$defs": {
            "secure": _SECURE,
            "Declaration": declaration,
            **definitions,
            **{type_: describe_destination(destination) for type_, destination in DESTINATIONS.items()},
        },
    }


_SECURE: Schema = {
    "description": "A value encrypted by `pulumi config set --secret`.",
    "type": "object",
    "properties": {"secure": {"type": "string"}},
    "required": ["secure"],
    "additionalProperties": False,
}


def _describe_setting(setting: Setting) -> Schema:
    """Describe one `goldrush:*` value. Config stores strings, so a number or a boolean may be quoted."""
    schema: Schema = {"description": setting.description}
    if setting.is_secret:
        return {**schema, "anyOf": [{"type": "string"}, {"$ref": SECURE_REFERENCE}]}
    if setting.default is not None:
        schema["default"] = setting.default
    if setting.kind == "boolean":
        return {**schema, "enum": [True, False, "true", "false"]}
    if setting.choices:
        return {**schema, "enum": list(setting.choices)}
    if setting.kind == "string":
        return {**schema, "type": "string"}
    return {**schema, "type": [setting.kind, "string"], "minimum": setting.least, "maximum": setting.greatest}


def _destination_rule(type_: str) -> Schema:
    """Return the rule that `destination_config` has its type's fields, with the type inside it or beside it."""
    said: Schema = {"properties": {"type": {"const": type_}}, "required": ["type"]}
    inside: Schema = {"properties": {"destination_config": said}, "required": ["destination_config"]}
    beside: Schema = {"properties": {"destination_type": {"const": type_}}, "required": ["destination_type"]}
    fields: Schema = {"properties": {"destination_config": {"$ref": f"#/$defs/{type_}"}}}
    return {"if": {"anyOf": [inside, beside]}, "then": fields}


def _read_map(config: pulumi.Config) -> Mapping[str, Any]:
    try:
        declared = config.get_object(PIPELINES)
    except pulumi.ConfigTypeError:
        # Its text quotes the value, which may hold secrets.
        declared = ""
    if declared is None:
        # A misspelt key must not read as "delete every pipeline".
        raise pulumi.RunError(
            f"{config.full_key(PIPELINES)}: is missing, declare pipelines there or write {{}} for none"
        )
    if not isinstance(declared, Mapping):
        raise pulumi.RunError(f"{config.full_key(PIPELINES)}: is not a map, write a map of names to pipelines")
    return declared


def _find_problems(inputs: Mapping[str, object]) -> list[Problem]:
    return find_shape_problems(inputs, lambda _: False)


def _split(entry: Mapping[str, Any]) -> tuple[dict[str, Any], Options]:
    inputs = {name: value for name, value in entry.items() if name in INPUTS and value is not None}
    # Once a config is wrapped in secrets, the program can no longer read its type.
    inputs["destination_type"] = resolve_type(inputs)
    return inputs, Options.model_validate({name: value for name, value in entry.items() if name not in INPUTS})


def _make_marker(config: pulumi.Config) -> Callable[[str, dict[str, Any]], dict[str, Any]]:
    """Return what marks the secrets among the inputs of a pipeline, given its name and the inputs."""
    if not is_config_secret(config.full_key(PIPELINES)):
        return lambda _name, inputs: inputs
    written = _read_stack_file(config)
    if isinstance(written, Mapping) and _is_written_as(config.get_object(PIPELINES), written):
        return lambda name, inputs: {key: _mark(value, written[name].get(key)) for key, value in inputs.items()}
    return lambda _name, inputs: _hide(inputs)


def _read_stack_file(config: pulumi.Config) -> object:
    """Return `pipelines` as the stack's file has it, `UNKNOWN` in place of encrypted values; None when not found."""
    file = stack_file()
    try:
        content = read_document(file).value if file else None
    except DocumentError:
        return None
    values = content.get("config") if isinstance(content, Mapping) else None
    if not isinstance(values, Mapping):
        return None
    is_own = config.name == pulumi.get_project()
    return values.get(config.full_key(PIPELINES), values.get(PIPELINES) if is_own else None)


def _is_written_as(value: object, written: object) -> bool:
    """Return whether `written` is what a file says of `value`, so that it is the file in use and not an older one."""
    if isinstance(written, Mapping) and isinstance(value, Mapping):
        return written.keys() == value.keys() and all(_is_written_as(value[key], written[key]) for key in written)
    if isinstance(written, list) and isinstance(value, list):
        return len(written) == len(value) and all(map(_is_written_as, value, written))
    return written is UNKNOWN or (type(written) is type(value) and written == value)


def _mark(value: Any, written: Any) -> Any:
    """Return `value` with a secret in each place where `written` has an encrypted value."""
    if written is UNKNOWN:
        return pulumi.Output.secret(value)
    if isinstance(value, Mapping) and isinstance(written, Mapping):
        return {key: _mark(item, written.get(key)) for key, item in value.items()}
    if isinstance(value, list) and isinstance(written, list):
        return [_mark(item, of_item) for item, of_item in zip(value, written, strict=True)]
    return value


# The words and names that GoldRush itself shows everywhere are left out, and so is the path of an ABI.
_MAY_BE_SECRET: Final = ("description", "transforms", "triggers", "abi_contract_addresses")


def _hide(inputs: dict[str, Any]) -> dict[str, Any]:
    """Mark every text that may be the secret one."""
    hidden: dict[str, Any] = {name: _hide_strings(inputs[name]) for name in _MAY_BE_SECRET if name in inputs}
    return {**inputs, **hidden, "destination_config": _hide_config(inputs)}


def _hide_config(inputs: dict[str, Any]) -> dict[str, Any]:
    """Mark the texts of a destination, except words that GoldRush documents, such as the format of files."""
    config, destination = inputs["destination_config"], DESTINATIONS[inputs["destination_type"]]
    choices = {field.name: field.choices for field in destination.fields}
    return {
        name: value if name == "type" or _is_documented(value, choices.get(name, ())) else _hide_strings(value)
        for name, value in config.items()
    }


def _is_documented(value: Any, choices: tuple[str, ...]) -> bool:
    return all(item in choices for item in value) if isinstance(value, list) else value in choices


def _hide_strings(value: Any) -> Any:
    if isinstance(value, str):
        return pulumi.Output.secret(value)
    if isinstance(value, Mapping):
        return {name: _hide_strings(item) for name, item in value.items()}
    return [_hide_strings(item) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
