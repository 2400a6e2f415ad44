"""How a pipeline differs from what the selected stack declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from goldrush_pulumi.api import Pipeline, PipelineStatus
from goldrush_pulumi.cli.stacks import Managed
from goldrush_pulumi.operations.diff import drifted_fields
from goldrush_pulumi.schema.phases import Phase
from goldrush_pulumi.schema.wire import MASK, SECRET_SIGNATURE, SIGNATURE_KEY


def drift_of(managed: Managed, pipeline: Pipeline, status: PipelineStatus | None = None) -> list[str]:
    """Return the names of the inputs in which a pipeline is not what the stack's state declares.

    The state holds secrets encrypted, so a secret input is not compared.
    """
    secret = {name for name, value in managed.inputs.items() if _is_secret(value)}
    shown = pipeline.model_copy(
        update={"destination_config": _masked(managed.inputs.get("destination_config"), pipeline.destination_config)}
    )
    has_ended = status is not None and status.phase == Phase.STOPPED and pipeline.execution_mode == "bounded"
    ignored = {*secret, "status"} if has_ended else secret
    return [name for name in drifted_fields(managed.inputs, shown) if name not in ignored]


def _is_secret(value: object) -> bool:
    return isinstance(value, Mapping) and value.get(SIGNATURE_KEY) == SECRET_SIGNATURE


def _masked(declared: Any, actual: Mapping[str, Any]) -> dict[str, Any]:
    """Return the actual settings with each one masked that the state holds encrypted."""
    return dict(_masked_items(declared if isinstance(declared, Mapping) else {}, actual))


def _masked_items(declared: Mapping[str, Any], actual: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in actual.items():
        wanted = declared.get(key)
        if _is_secret(wanted):
            yield key, MASK
        elif isinstance(wanted, Mapping) and isinstance(value, Mapping):
            yield key, _masked(wanted, value)
        else:
            yield key, value
