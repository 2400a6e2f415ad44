"""What is wanted of one pipeline: the table of its fields, their canonical forms, and the requests they become.

Every rule about a field (what a change of it means, its default, how it is cleared on the server, when two values
mean the same) stands in `FIELDS` and nowhere else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, cast

from goldrush_pulumi.validation.sql import canonical_sql

Inputs = Mapping[str, Any]


class Change(Enum):
    """What it means when a field of a deployed pipeline changes."""

    REPLACE = "replace"
    """PATCH does not take the field: the pipeline is deleted and made again."""
    UPDATE = "update"
    """PATCH takes the field."""
    REDEPLOY = "redeploy"
    """The field is ours: the server never sees it, but a change deploys the pipeline anew."""
    NOTHING = "nothing"
    """The field steers the provider and deploys nothing."""


@dataclass(frozen=True)
class Field:
    """One input of a pipeline.

    `default` is what `check` fills in (None: nothing). `cleared` is what is sent when the user removes the field from
    a pipeline that has it. `canonical` turns a value into a form in which values that mean the same are equal.
    `server_decides`: the server may fill the field where the user gave nothing, so what it then shows is no drift.
    """

    name: str
    change: Change
    canonical: Callable[[Any], Any]
    default: Any = None
    cleared: Any = None
    server_decides: bool = False


def whole_numbers(value: Any) -> Any:
    """`value` with every float that is a whole number turned back into an int, at any depth.

    Numbers travel through the engine as doubles: 3 arrives as 3.0.
    """
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: whole_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [whole_numbers(item) for item in value]
    return value


def height_text(value: Any) -> Any:
    """A block height as the digits the API uses; anything that is not a whole number is returned as it came."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return str(int(value))
    return value


def _text(value: Any) -> Any:
    return "" if value is None else value


def _description(value: Any) -> Any:
    text = _text(value)
    return text.strip() if isinstance(text, str) else text


def _height(value: Any) -> Any:
    text = height_text(_text(value))
    # Not by way of int: Python refuses to read more than some thousand digits, and any text may stand here.
    return text.lstrip("0") or "0" if isinstance(text, str) and text.isascii() and text.isdigit() else text


def _without_empty(value: Any) -> Any:
    if isinstance(value, Mapping):
        kept = {key: _without_empty(item) for key, item in value.items()}
        return {key: item for key, item in sorted(kept.items()) if not _is_empty(item)}
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    return whole_numbers(value)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, (str, Mapping, list)) and not value)


def _destination(value: Any) -> Any:
    """The settings without `type`: it repeats `destination_type`, and users may leave it out."""
    if not isinstance(value, Mapping):
        return value
    return _without_empty({key: item for key, item in value.items() if key != "type"})


def _transforms(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return {} if value is None else value
    return {table: canonical_sql(sql) if isinstance(sql, str) else sql for table, sql in sorted(value.items())}


def _addresses(value: Any) -> Any:
    """A filter: neither the order of the addresses nor the case of their digits selects anything else."""
    if not isinstance(value, list):
        return [] if value is None else value
    if not all(isinstance(address, str) for address in value):
        return value
    return sorted({address.lower() for address in value})


def _abi(value: Any) -> Any:
    """The parsed ABI. Which shape it has on the server is not documented, so its JSON text is the same."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value else None
        except (ValueError, RecursionError):
            return value
    return {} if _is_empty(value) else whole_numbers(value)


def _triggers(value: Any) -> Any:
    return {} if value is None else whole_numbers(value)


FIELDS: Final[Mapping[str, Field]] = {
    row.name: row
    for row in (
        Field("project", Change.REPLACE, _text),
        Field("topic", Change.REPLACE, _text),
        Field("destination_type", Change.REPLACE, _text),
        Field("execution_mode", Change.REPLACE, _text, default="unbounded"),
        Field("name", Change.UPDATE, _text),
        Field("description", Change.UPDATE, _description, default="", cleared=""),
        Field("destination_config", Change.UPDATE, _destination),
        Field("transforms", Change.UPDATE, _transforms, default={}, cleared={}),
        Field("execution_start_from", Change.UPDATE, _height, cleared="", server_decides=True),
        Field("execution_stop_from", Change.UPDATE, _height, cleared="", server_decides=True),
        Field("abi_file", Change.UPDATE, _abi, cleared={}),
        Field("abi_contract_addresses", Change.UPDATE, _addresses, default=[], cleared=[]),
        Field("abi_unmatched", Change.UPDATE, _text, default="", cleared="", server_decides=True),
        Field("status", Change.UPDATE, _text, default="running"),
        Field("triggers", Change.REDEPLOY, _triggers, default={}),
        Field("wait_for", Change.NOTHING, _text, default="running"),
        Field("adopt_id", Change.NOTHING, _text),
    )
}
"""Every input of a pipeline by name. What can and cannot be changed follows the request bodies of the API: PATCH
takes neither project, topic, destination_type nor execution_mode."""

API_FIELDS: Final = tuple(row.name for row in FIELDS.values() if row.change in (Change.REPLACE, Change.UPDATE))
"""The fields that are also fields of the pipeline object on the server."""

PATCH_FIELDS: Final = tuple(row.name for row in FIELDS.values() if row.change is Change.UPDATE)
"""The fields that a PATCH takes."""

ECHOED: Final = tuple(name for name, row in FIELDS.items() if row.change is not Change.NOTHING)
"""The inputs that are outputs too, unchanged: `diff` is given outputs to compare the new inputs with."""


def canonical(name: str, value: Any) -> Any:
    """The form of `value`, a value of the field `name`, in which values of the same meaning are equal."""
    return FIELDS[name].canonical(value)


def with_defaults(inputs: Inputs, resource_name: str) -> dict[str, Any]:
    """`inputs` with the documented defaults filled in, whole numbers restored and heights as digits.

    Nothing is filled in inside `destination_config`: its defaults are the server's, and may change there.
    """
    filled: dict[str, Any] = {name: item for name, item in whole_numbers(dict(inputs)).items() if item is not None}
    for row in FIELDS.values():
        if row.default is not None and row.name not in filled:
            filled[row.name] = type(row.default)(row.default)
    for name in ("execution_start_from", "execution_stop_from"):
        if name in filled:
            filled[name] = height_text(filled[name])
    filled.setdefault("name", resource_name)
    config = filled.get("destination_config")
    if "destination_type" not in filled and isinstance(config, Mapping) and "type" in config:
        filled["destination_type"] = config["type"]
    return filled


@dataclass(frozen=True)
class PipelineSpec:
    """One pipeline as the user wants it: the checked inputs, all of them known.

    `inputs` holds secrets in clear, so it is left out of the repr.
    """

    inputs: Inputs = field(repr=False)

    @property
    def name(self) -> str:
        """The pipeline's name on the server."""
        return cast("str", self.inputs["name"])

    @property
    def description(self) -> str:
        """What the user says the pipeline is for."""
        return cast("str", self.inputs.get("description", ""))

    @property
    def wish(self) -> str:
        """The wanted `status`: "running" or "paused"."""
        return cast("str", self.inputs.get("status", "running"))

    @property
    def is_bounded(self) -> bool:
        """Whether the pipeline ends by itself at a block height."""
        return self.inputs.get("execution_mode") == "bounded"

    @property
    def wait_for(self) -> str:
        """What `create` and `update` wait for: "running", "healthy" or "none"."""
        return cast("str", self.inputs.get("wait_for", "running"))

    @property
    def config_version(self) -> str:
        """Twelve hex digits that name this configuration, equal for configurations that mean the same.

        All of `destination_config` is left out: what is secret in there only the engine knows.
        """
        named = {name: canonical(name, self.inputs.get(name)) for name in ECHOED if name != "destination_config"}
        text = json.dumps(named, sort_keys=True, default=str, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def create_body(self) -> dict[str, Any]:
        """The body of the POST: every field that was given a value. Empty ones are left to the server's defaults."""
        wanted = {name: self.request_value(name) for name in API_FIELDS if not _is_empty(self.inputs.get(name))}
        return {name: item for name, item in wanted.items() if (name, item) != ("status", "running")}

    def patch_body(self, names: tuple[str, ...]) -> dict[str, Any]:
        """The body of a PATCH of the fields `names`: maps and `destination_config` whole, removed fields cleared."""
        return {name: self.request_value(name) for name in names if name in PATCH_FIELDS}

    def request_value(self, name: str) -> Any:
        """What a request carries for the field `name`: the wanted value, or the one that clears it."""
        value = self.inputs.get(name)
        if name == "destination_config" and isinstance(value, Mapping):
            # A null would ask the server to clear a setting; in a program it is one that was not given.
            return _without_nulls({"type": self.inputs["destination_type"], **value})
        return FIELDS[name].cleared if _is_empty(value) else value
