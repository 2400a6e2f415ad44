"""Look-ups: what they ask, and a pipeline as GoldRush has it, without ownership tag and with credentials masked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.operations.identity import without_tag
from goldrush_pulumi.operations.redaction import masked_config
from goldrush_pulumi.schema.pipeline import INPUTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldrush_pulumi.api import GoldRushClient, Pipeline

FIELDS: Final = (
    "id",
    *(row.name for row in INPUTS.values() if row.is_sent and row.shape != "abi"),
    "group_id",
    "created_at",
    "updated_at",
)
"""What a look-up shows of a pipeline. An ABI is left out: it may be large, and its user has it."""

FILTERS: Final = ("project", "topic", "name", "status")
"""What pipelines can be looked for by."""


def argument_problem(arguments: Mapping[str, Any], id_name: str) -> str | None:
    """Return what the API could only misunderstand in `arguments`, or None. An empty id would name the list.

    `id_name` is what the front-end calls the id of a pipeline; the other arguments may be missing.
    """
    for name, value in arguments.items():
        if name == id_name and (not isinstance(value, str) or not value.strip(" .")):
            what = "an empty string" if isinstance(value, str) else _type_name(value)
            return f'{name} is {what}, pass the id of a pipeline such as "pipe_3e8678c5"'
        if value is not None and not isinstance(value, str):
            return f"{name} is {_type_name(value)}, pass a string"
    return None


def _type_name(value: object) -> str:
    return "missing" if value is None else f"a value of type {type(value).__name__}"


def describe_pipeline(pipeline: Pipeline) -> dict[str, Any]:
    """Return what a look-up shows of `pipeline`."""
    fields = {name: getattr(pipeline, name) for name in FIELDS}
    fields["description"] = without_tag(pipeline.description)
    fields["destination_config"] = masked_config(pipeline.destination_type, pipeline.destination_config)
    return fields


def find_pipelines(client: GoldRushClient, wanted: Mapping[str, str | None]) -> list[dict[str, Any]]:
    """Return the pipelines of the account that have the given values, in the order of the API.

    Raises:
        GoldRushError: the API cannot be asked.
    """
    given = {name: value for name, value in wanted.items() if value is not None}
    found = (describe_pipeline(pipeline) for pipeline in client.iterate_pipelines())
    return [item for item in found if all(item[name] == value for name, value in given.items())]
