"""One pipeline as its user wants it: the checked inputs, and the requests they become."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from goldrush_pulumi.schema.pipeline import (
    ECHOED,
    INPUTS,
    PATCHED,
    SENT,
    Inputs,
    canonical,
    height_digits,
    is_empty,
    parsed_abi,
    whole_numbers,
    without_nulls,
)


def with_defaults(inputs: Inputs, resource_name: str) -> dict[str, Any]:
    """`inputs` with the documented defaults filled in, whole numbers restored and heights as digits.

    Nothing is filled in inside `destination_config`: its defaults are the server's, and may change there.
    """
    filled: dict[str, Any] = {name: item for name, item in whole_numbers(dict(inputs)).items() if item is not None}
    for row in INPUTS.values():
        if row.default is not None and row.name not in filled:
            filled[row.name] = type(row.default)(row.default)
    for name in ("execution_start_from", "execution_stop_from"):
        if name in filled:
            filled[name] = height_digits(filled[name])
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
    def desired_status(self) -> str:
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
        wanted = {name: self.request_value(name) for name in SENT if not is_empty(self.inputs.get(name))}
        return {name: item for name, item in wanted.items() if (name, item) != ("status", "running")}

    def patch_body(self, names: tuple[str, ...]) -> dict[str, Any]:
        """The body of a PATCH of the fields `names`: maps and `destination_config` whole, removed fields cleared."""
        return {name: self.request_value(name) for name in names if name in PATCHED}

    def request_value(self, name: str) -> Any:
        """What a request carries for the field `name`: the wanted value, or the one that clears it."""
        value = self.inputs.get(name)
        if name == "destination_config" and isinstance(value, Mapping):
            # A null would ask the server to clear a setting; in a program it is one that was not given.
            return without_nulls({"type": self.inputs["destination_type"], **value})
        if name == "abi_file":
            value = parsed_abi(value)
        return INPUTS[name].cleared if is_empty(value) else value
