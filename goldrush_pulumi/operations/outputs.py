"""The outputs of a pipeline: the inputs echoed exactly, and what was observed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.operations.diff import overlay
from goldrush_pulumi.operations.history import recorded
from goldrush_pulumi.operations.identity import tag_owner
from goldrush_pulumi.operations.spec import PipelineSpec
from goldrush_pulumi.schema.pipeline import ECHOED, INPUTS, OUTPUTS, Inputs
from goldrush_pulumi.schema.wire import KEY_FINGERPRINT, SECRET_PATHS, TAG_OWNER, UNCONFIRMED

if TYPE_CHECKING:
    from collections.abc import Collection

    from goldrush_pulumi.api import Pipeline, PipelineStatus
    from goldrush_pulumi.operations.context import Progress


def outputs_of(
    spec: PipelineSpec,
    progress: Progress,
    fingerprint: str,
    earlier: Mapping[str, Any],
    *,
    owners: Collection[str] | None = None,
    unapplied: tuple[str, ...] = (),
    unconfirmed: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return the outputs after a verb. What was not observed this time is kept from the `earlier` outputs.

    `unapplied` fields are shown as the server has them, so that the next comparison finds the difference again.
    `unconfirmed` ones are noted, so that the next update sends them again.
    """
    return {
        **_observed(earlier, progress.pipeline, progress.status, owners),
        **_echo(_as_applied(spec.inputs, progress, earlier, unapplied)),
        "config_version": spec.config_version,
        "runs": recorded(progress.run, earlier.get("runs")),
        KEY_FINGERPRINT: fingerprint,
        **({UNCONFIRMED: list(unconfirmed)} if unconfirmed else {}),
    }


def outputs_of_reading(
    inputs: Inputs,
    pipeline: Pipeline,
    status: PipelineStatus,
    fingerprint: str,
    earlier: Mapping[str, Any],
    *,
    owners: Collection[str] | None = None,
    unconfirmed: Collection[str] = (),
) -> dict[str, Any]:
    """Return the outputs after a look at the server: the inputs with what drifted, and what was observed."""
    return {
        **_observed(earlier, pipeline, status, owners),
        **_echo(inputs),
        "config_version": PipelineSpec(inputs).config_version,
        "runs": list(earlier.get("runs") or []),
        KEY_FINGERPRINT: fingerprint,
        **({UNCONFIRMED: list(unconfirmed)} if unconfirmed else {}),
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
    # A field that the server shows as unset is recorded as such.
    return {**inputs, **{name: actual.get(name, INPUTS[name].cleared) for name in unapplied}}


def _union(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of both maps, at any depth; those of `new` win."""
    merged = {**old, **new}
    both = [key for key in old if key in new and isinstance(old[key], Mapping) and isinstance(new[key], Mapping)]
    return merged | {key: _union(old[key], new[key]) for key in both}


def _observed(
    earlier: Mapping[str, Any],
    pipeline: Pipeline | None,
    status: PipelineStatus | None,
    owners: Collection[str] | None,
) -> dict[str, Any]:
    """What GoldRush shows of a pipeline and of its worker; what it did not show is kept."""
    observed = {row.name: earlier.get(row.name) for row in OUTPUTS.values() if row.origin != "provider"}
    owner = earlier.get(TAG_OWNER)
    if pipeline is not None:
        stamps = {row.name: getattr(pipeline, row.name) for row in OUTPUTS.values() if row.origin == "pipeline"}
        observed |= {name: value for name, value in stamps.items() if value}
        owner = tag_owner(pipeline.description, owners, owner)
    if status is not None:
        observed |= {row.name: getattr(status, row.name) for row in OUTPUTS.values() if row.origin == "status"}
    return observed | ({TAG_OWNER: owner} if owner else {})
