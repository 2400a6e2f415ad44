"""The outputs of a pipeline: the inputs echoed exactly, and what the server and the provider report beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.deployment.account import FINGERPRINT, GROUP
from goldrush_pulumi.deployment.drift import overlay
from goldrush_pulumi.deployment.runs import recorded
from goldrush_pulumi.deployment.secrets import MARKED_SECRETS
from goldrush_pulumi.deployment.spec import ECHOED, Inputs, PipelineSpec

if TYPE_CHECKING:
    from goldrush_pulumi.api import Pipeline, PipelineStatus
    from goldrush_pulumi.deployment.job import Deployment

_PIPELINE_REPORTS: Final = ("created_at", "updated_at")
_STATUS_REPORTS: Final = ("uid", "phase", "replicas", "ready", "start_time")


def outputs_of(
    spec: PipelineSpec,
    deployment: Deployment,
    fingerprint: str,
    earlier: Mapping[str, Any],
    unapplied: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The outputs after a verb. What was not reported this time is kept from the `earlier` outputs.

    `unapplied` fields are told as the server has them, so that the next comparison finds the difference again.
    """
    return {
        **_reports(earlier, deployment.pipeline, deployment.status),
        **_echo(_as_applied(spec.inputs, deployment, earlier, unapplied)),
        "config_version": spec.config_version,
        "runs": recorded(deployment.run, earlier.get("runs")),
        FINGERPRINT: fingerprint,
    }


def outputs_of_reading(
    inputs: Inputs, pipeline: Pipeline, status: PipelineStatus, fingerprint: str, earlier: Mapping[str, Any]
) -> dict[str, Any]:
    """The outputs after a look at the server: the inputs with what drifted, and fresh reports."""
    return {
        **_reports(earlier, pipeline, status),
        **_echo(inputs),
        "config_version": PipelineSpec(inputs).config_version,
        "runs": list(earlier.get("runs") or []),
        FINGERPRINT: fingerprint,
    }


def _echo(inputs: Inputs) -> dict[str, Any]:
    return {name: inputs[name] for name in (*ECHOED, MARKED_SECRETS) if name in inputs}


def _as_applied(
    inputs: Inputs, deployment: Deployment, earlier: Mapping[str, Any], unapplied: tuple[str, ...]
) -> Inputs:
    if not unapplied or deployment.pipeline is None:
        return inputs
    actual = overlay({}, deployment.pipeline)
    if "destination_config" in unapplied:
        # The settings asked for, and those the server would not let go of: the union is what it runs with. What was
        # recorded counts as well, for the server masks some of it.
        shown = actual.get("destination_config", {})
        held = _union(shown, earlier.get("destination_config") or {})
        actual = {**actual, "destination_config": _union(held, inputs["destination_config"])}
    return {**inputs, **{name: actual[name] for name in unapplied if name in actual}}


def _union(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of both maps, at any depth; those of `new` win."""
    merged = {**old, **new}
    both = [key for key in old if key in new and isinstance(old[key], Mapping) and isinstance(new[key], Mapping)]
    return merged | {key: _union(old[key], new[key]) for key in both}


def _reports(earlier: Mapping[str, Any], pipeline: Pipeline | None, status: PipelineStatus | None) -> dict[str, Any]:
    reports = {name: earlier.get(name) for name in (*_PIPELINE_REPORTS, *_STATUS_REPORTS, GROUP)}
    if pipeline is not None:
        fresh = {name: getattr(pipeline, name) for name in _PIPELINE_REPORTS} | {GROUP: pipeline.group_id}
        reports |= {name: value for name, value in fresh.items() if value}
    if status is not None:
        reports |= {name: getattr(status, name) for name in _STATUS_REPORTS}
    return reports
