"""What the tests say of a pipeline: its inputs, the object that a server holds for it, and the status of its worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldrush_pulumi.api import Pipeline, PipelineStatus
from goldrush_pulumi.operations.spec import PipelineSpec, with_defaults

if TYPE_CHECKING:
    from collections.abc import Mapping

PIPELINE_ID = "pipe_3e8678c5fc9e48a7bf9879ca729"
PASSWORD = "correct-horse/battery staple"

POSTGRES: dict[str, Any] = {
    "url": "postgresql://db.example.com:5432/analytics",
    "user": "goldrush",
    "password": PASSWORD,
}


def inputs_of(**changes: Any) -> dict[str, Any]:
    """The checked inputs of a postgres pipeline, with `changes`; a change to None leaves the input out."""
    given = {
        "project": "analytics-prod",
        "topic": "base.mainnet.ref.block.swap.v3",
        "destination_type": "postgres",
        "destination_config": dict(POSTGRES),
        **changes,
    }
    return with_defaults(given, "base-swaps")


def spec_of(**changes: Any) -> PipelineSpec:
    return PipelineSpec(inputs_of(**changes))


def masked(config: Mapping[str, Any]) -> dict[str, Any]:
    """A destination's settings as GET shows them."""
    hidden = {"password", "secret_access_key"}
    shown: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict):
            shown[key] = dict.fromkeys(value, "******") if key == "headers" else masked(value)
        else:
            shown[key] = "******" if key in hidden else value
    return shown


def response_to(inputs: Mapping[str, Any], **changes: Any) -> Pipeline:
    """The pipeline object that a server holds for `inputs`, credentials masked, with `changes`."""
    names = {name: value for name, value in inputs.items() if name not in {"triggers", "wait_for", "adopt_id"}}
    config = {"type": inputs["destination_type"], **masked(inputs["destination_config"])}
    values = {"id": PIPELINE_ID, "group": {"id": "grp_1"}, **names, "destination_config": config, **changes}
    return Pipeline.model_validate(values)


def status_of(phase: str, ready: int = 1, replicas: int = 1, start_time: str | None = "t1") -> PipelineStatus:
    """A status report; RUNNING is live unless told otherwise."""
    running = ready if phase == "RUNNING" else 0
    return PipelineStatus(uid="uid-1", phase=phase, replicas=replicas, ready=running, start_time=start_time)
