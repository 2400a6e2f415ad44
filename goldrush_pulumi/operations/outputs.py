"""The outputs of a pipeline: the inputs echoed exactly, and what the server and the provider report beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.operations.diff import overlay
from goldrush_pulumi.operations.history import recorded
from goldrush_pulumi.operations.identity import GROUP
from goldrush_pulumi.operations.spec import PipelineSpec
from goldrush_pulumi.schema.pipeline import ECHOED, Inputs
from goldrush_pulumi.schema.wire import KEY_FINGERPRINT, SECRET_PATHS

if TYPE_CHECKING:
    from goldrush_pulumi.api import Pipeline, PipelineStatus
    from goldrush_pulumi.operations.context import Progress

_PIPELINE_REPORTS: Final = ("created_at", "updated_at")

_STATUS_REPORTS: Final = ("uid", "phase", "replicas", "ready", "start_time")


def outputs_of(
    spec: PipelineSpec,
    progress: Progress,
    fingerprint: str,
    earlier: Mapping[str, Any],
    unapplied: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The outputs after a verb. What was not reported this time is kept from the `earlier` outputs.

    `unapplied` fields are told as the server has them, so that the next comparison finds the difference again.
    """
    return {
        **_reports(earlier, progress.pipeline, progress.status),
        **_echo(_as_applied(spec.inputs, progress, earlier, unapplied)),
        "config_version": spec.config_version,
        "runs": recorded(progress.run, earlier.get("runs")),
        KEY_FINGERPRINT: fingerprint,
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
        KEY_FINGERPRINT: fingerprint,
    }


def _echo(inputs: Inputs) -> dict[str, Any]:
    return {name: inputs[name] for name in (*ECHOED, SECRET_PATHS) if name in inputs}


def _as_applied(inputs: Inputs, progress: Progress, earlier: Mapping[str, Any], unapplied: tuple[str, ...]) -> Inputs:
    if not unapplied or progress.pipeline is None:
        return inputs
    actual = overlay({}, progress.pipeline)
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
