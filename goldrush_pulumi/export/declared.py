"""A pipeline as it will be declared: its names, its inputs in the server's words, and its credentials apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.deployment.ownership import Mark, without_mark
from goldrush_pulumi.deployment.spec import API_FIELDS, canonical, whole_numbers
from goldrush_pulumi.deployment.wait import STOPPED
from goldrush_pulumi.export.leaves import Leaf, Source, secret_leaves
from goldrush_pulumi.export.names import config_key, resource_name, unique_names, variable_name

if TYPE_CHECKING:
    from goldrush_pulumi.api import Pipeline
    from goldrush_pulumi.export.survey import Found

_BY_DEFAULT: Final = {"execution_mode": "unbounded", "status": "running"}


@dataclass(frozen=True)
class Declared:
    """One pipeline to declare.

    Attributes:
        resource: Name of the resource, unique among all.
        variable: Name of the variable in a program, unique too.
        found: What the server showed.
        inputs: What is to be declared, in the order of the API reference: neither defaults nor anything empty. In
            `destination_config` stands what the server showed, masks included.
        leaves: The credentials.
    """

    resource: str
    variable: str
    found: Found
    inputs: Mapping[str, Any] = field(repr=False)
    leaves: tuple[Leaf, ...]

    @property
    def owned_elsewhere(self) -> bool:
        """Whether a mark says that some stack manages the pipeline already."""
        return Mark.found_in(self.found.pipeline.description) is not None


def declare(found: Sequence[Found], source: Source = lambda _leaf: None) -> list[Declared]:
    """How to declare some pipelines. `source` knows credentials that the server masks."""
    names = unique_names((item.pipeline.name for item in found), resource_name)
    variables = unique_names(names, variable_name, joint="_")
    places = [
        (index, path, shown)
        for index, item in enumerate(found)
        for path, shown in secret_leaves(item.pipeline.destination_type, item.pipeline.destination_config)
    ]
    keys = unique_names(("-".join((names[index], *path)) for index, path, _ in places), config_key)
    leaves: list[list[Leaf]] = [[] for _ in found]
    for (index, path, shown), key in zip(places, keys, strict=True):
        leaves[index].append(Leaf(names[index], path, key, shown).filled(source))
    return [
        Declared(name, variable, item, _inputs(name, item), tuple(own))
        for name, variable, item, own in zip(names, variables, found, leaves, strict=True)
    ]


def _inputs(resource: str, found: Found) -> dict[str, Any]:
    pipeline = found.pipeline
    values = {name: _value(name, pipeline) for name in API_FIELDS}
    if found.status.phase == STOPPED and pipeline.execution_mode == "bounded":
        # It has ended: what its `status` says is nobody's wish any more.
        del values["status"]
    if values["name"] == resource:
        del values["name"]
    return {
        name: value
        for name, value in values.items()
        if canonical(name, value) != canonical(name, None) and value != _BY_DEFAULT.get(name)
    }


def _value(name: str, pipeline: Pipeline) -> Any:
    value = whole_numbers(getattr(pipeline, name))
    if name == "description":
        return without_mark(value)
    if name == "destination_config":
        return _config(value)
    return _parsed(value) if name == "abi_file" else value


def _parsed(abi: Any) -> Any:
    """An ABI that came as JSON text; in a program such a text would be the path of a file."""
    if not isinstance(abi, str):
        return abi
    try:
        return json.loads(abi)
    except (ValueError, RecursionError):
        return None


def _config(value: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without `type`, which `destination_type` says, and without nulls, which mean "not given"."""
    return {
        key: _config(item) if isinstance(item, Mapping) else item
        for key, item in value.items()
        if item is not None and key != "type"
    }
