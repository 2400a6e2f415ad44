"""Read the pipelines of an account, each with its phase, and decide how to declare them."""

from __future__ import annotations

import json
import textwrap
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.api.errors import PipelineNotFound
from goldrush_pulumi.export.credentials import Leaf, Source, secret_leaves
from goldrush_pulumi.export.names import config_key, resource_name, unique_names, variable_name
from goldrush_pulumi.operations.identity import OwnershipTag, without_tag
from goldrush_pulumi.operations.inventory import list_all
from goldrush_pulumi.operations.wait import EventClock
from goldrush_pulumi.schema.phases import Phase
from goldrush_pulumi.schema.pipeline import SENT, canonical, whole_numbers
from goldrush_pulumi.schema.sql_tokens import canonical_sql

if TYPE_CHECKING:
    from goldrush_pulumi.api import GoldRushClient, Pipeline, PipelineStatus

_THREADS: Final = 8

_DEFAULTS: Final = {"execution_mode": "unbounded", "status": "running"}


@dataclass(frozen=True)
class Found:
    """One pipeline as the server returns it, credentials masked, and the status of its worker."""

    pipeline: Pipeline
    status: PipelineStatus


def survey(
    client: GoldRushClient,
    matches: Callable[[Pipeline], bool] = lambda _pipeline: True,
    cancelled: threading.Event | None = None,
) -> list[Found]:
    """Return every pipeline of the account that matches, oldest first. Only reads.

    A pipeline that is deleted meanwhile is left out; none is missing because others come and go meanwhile.

    Raises:
        GoldRushError: A request failed in the end, or the list changed too fast.
        Interrupted: `cancelled` was set while the list kept changing.
    """
    listing = list_all(client, EventClock(cancelled or threading.Event()))
    items = [pipeline for pipeline in listing.pipelines if matches(pipeline)]
    items.sort(key=lambda pipeline: (pipeline.created_at, pipeline.id))
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="goldrush-export") as pool:
        found = list(pool.map(lambda item: _read(client, item), items))
    return [item for item in found if item is not None]


def _read(client: GoldRushClient, item: Pipeline) -> Found | None:
    try:
        # The API does not document which fields a list item lacks; an item with its destination counts as complete.
        whole = item if "destination_config" in item.model_fields_set else client.get_pipeline(item.id)
        return Found(whole, client.get_pipeline_status(item.id))
    except PipelineNotFound:
        return None


@dataclass(frozen=True)
class Declared:
    """One pipeline and how to declare it.

    Attributes:
        resource: Name of the resource, unique among all.
        variable: Name of the variable in a program, unique too.
        found: What the server returned.
        inputs: The inputs to declare, in the order of the API reference, without defaults and empty values. In
            `destination_config`, credentials are as the server returned them, masks included.
        leaves: The credentials.
    """

    resource: str
    variable: str
    found: Found
    inputs: Mapping[str, Any] = field(repr=False)
    leaves: tuple[Leaf, ...]

    @property
    def owned_elsewhere(self) -> bool:
        """Whether an ownership tag says that some stack already manages the pipeline."""
        return OwnershipTag.found_in(self.found.pipeline.description) is not None


def declare(found: Sequence[Found], source: Source = lambda _leaf: None) -> list[Declared]:
    """Return how to declare some pipelines. `source` knows credentials that the server masks."""
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
    values = {name: _value(name, pipeline) for name in SENT}
    if found.status.phase == Phase.STOPPED and pipeline.execution_mode == "bounded":
        # It has ended, so nobody asks for its `status` any more.
        del values["status"]
    if values["name"] == resource:
        del values["name"]
    return {
        name: value
        for name, value in values.items()
        if canonical(name, value) != canonical(name, None) and value != _DEFAULTS.get(name)
    }


def _value(name: str, pipeline: Pipeline) -> Any:
    value = whole_numbers(getattr(pipeline, name))
    if name == "description":
        return without_tag(value)
    if name == "destination_config":
        return _config(value)
    return _parsed(value) if name == "abi_file" else value


def _parsed(abi: Any) -> Any:
    """Return an ABI that came as JSON text as a value: in a program, such a text would be the path of a file."""
    if not isinstance(abi, str):
        return abi
    try:
        return json.loads(abi)
    except (ValueError, RecursionError):
        return None


def _config(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings without `type`, which `destination_type` says, and without nulls, which mean "not set"."""
    return {
        key: _config(item) if isinstance(item, Mapping) else item
        for key, item in value.items()
        if item is not None and key != "type"
    }


def tidy_sql(sql: Any) -> Any:
    """Return a statement without its margin and surrounding white space, or unchanged if it would mean another."""
    if not isinstance(sql, str):
        return sql
    lines = textwrap.dedent(sql.strip("\n")).strip().splitlines()
    tidy = "\n".join(line.rstrip() for line in lines)
    return tidy if means_the_same(tidy, sql) else sql


def means_the_same(one: str, other: str) -> bool:
    """Return whether two statements are equal by their tokens."""
    return canonical_sql(one) == canonical_sql(other)
