"""Write the pipelines for the plugin: a program in YAML, and the file from which `pulumi import` takes them by id."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.export.credentials import with_values
from goldrush_pulumi.export.stack_file import program_value, render_yaml
from goldrush_pulumi.plugin.destination import with_destination

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goldrush_pulumi.export.survey import Declared

_TYPE: Final = "goldrush:index:Pipeline"


def render_plugin_program(declared: Sequence[Declared], abi_paths: Mapping[str, str], project: str) -> str:
    """Return the project file, which is the program too. `abi_paths` has the ABI files by the names of resources."""
    config = {leaf.key: {"type": "string", "secret": True} for item in declared for leaf in item.leaves}
    resources = {item.resource: _resource(item, abi_paths.get(item.resource)) for item in declared}
    described = {"name": project, "runtime": "yaml", **({"config": config} if config else {})}
    return render_yaml({**described, "resources": resources})


def render_id_file(declared: Sequence[Declared]) -> str:
    """Return the import file: type, name and id of each pipeline, whatever the language of the program is."""
    resources = [{"type": _TYPE, "name": item.resource, "id": item.found.pipeline.id} for item in declared]
    return json.dumps({"resources": resources}, indent=2) + "\n"


def _resource(item: Declared, abi_path: str | None) -> dict[str, Any]:
    inputs = {name: _literal(program_value(name, value)) for name, value in item.inputs.items()}
    secrets = {leaf.path: f"${{{leaf.key}}}" for leaf in item.leaves}
    inputs["destination_config"] = with_values(inputs["destination_config"], secrets)
    if abi_path and "abi_file" in inputs:
        inputs["abi_file"] = {"fn::readFile": f"./{abi_path}"}
    return {"type": "goldrush:Pipeline", "properties": with_destination(inputs)}


def _literal(value: Any) -> Any:
    """Return a value as Pulumi reads it back: `${` would begin a reference."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, list):
        return [_literal(item) for item in value]
    return {key: _literal(item) for key, item in value.items()} if isinstance(value, dict) else value
