"""Change a pipeline: look who owns it, send what differs, make sure that GoldRush took it, and wait.

Until the server has taken a change, an error is a plain error and state stays as it is. From then on, and wherever it
is not known whether a change was applied, a failure is an `OperationFailed`: the next `pulumi up` looks, and sends what
is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.api.errors import AmbiguousResult, GoldRushError, InvalidRequest, PipelineNotFound
from goldrush_pulumi.operations.context import OperationFailed, Progress
from goldrush_pulumi.operations.diff import compare, drifted_fields, uncleared_fields
from goldrush_pulumi.operations.identity import OwnershipTag, is_foreign, is_tag_cut_on
from goldrush_pulumi.operations.rollout import keep, pause_and_resume, roll_out
from goldrush_pulumi.operations.wait import PreviousStart, interval_seconds
from goldrush_pulumi.schema.phases import Phase
from goldrush_pulumi.schema.pipeline import PATCHED, Inputs, is_cleared
from goldrush_pulumi.schema.wire import UNCONFIRMED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldrush_pulumi.api import Pipeline, PipelineStatus
    from goldrush_pulumi.operations.context import OperationContext
    from goldrush_pulumi.operations.history import Action
    from goldrush_pulumi.operations.spec import PipelineSpec

UNTAGGED: Final = (
    "GoldRush does not take a description of this length with an ownership tag in it: the pipeline carries none, and"
    " could not be found again if this run were cut off"
)


class PipelineGone(GoldRushError):  # noqa: N818 - the name says what happened
    """The pipeline to change was deleted elsewhere."""


class ChangeLost(GoldRushError):  # noqa: N818 - the name says what happened
    """The response to a change got lost, and so did the change."""


class UpdateRefused(GoldRushError):  # noqa: N818 - the name says what happened
    """Another stack has taken the pipeline over."""


def update(context: OperationContext, pipeline_id: str, old: Inputs, spec: PipelineSpec) -> Progress:
    """Bring a pipeline described by `old` to what `spec` asks for, and wait. With nothing to send, resume waiting.

    `old` are the recorded outputs. What an earlier update sent without a sign that GoldRush took it is sent again.

    Raises:
        GoldRushError: the server did not take the change; nothing was changed.
        OperationFailed: it was changed, or that is not known, and it is not live.
    """
    context.claims.see(pipeline_id)
    difference = compare(old, spec.inputs)
    unconfirmed = set(old.get(UNCONFIRMED) or ())
    names = tuple(name for name in PATCHED if name in unconfirmed or name in difference.updates)
    action = _action(names, spec) if difference or names else "await"
    run = context.record(action, spec.config_version, (*difference.updates, *difference.redeploys))
    run.enter("look-up")
    pipeline, status = _look_first(context, pipeline_id, old)
    progress = Progress(pipeline_id, run, pipeline, status)
    if is_foreign(pipeline.description, context.owners):
        # Allowed by the settings: the pipeline is taken back, and its tag says so.
        names = tuple(name for name in PATCHED if name in {*names, "description"})
    if not difference and not names:
        return _resume(context, spec, progress)
    run.enter("submit")
    if difference.redeploys:
        return _redeploy(context, spec, progress, names, old)
    return send_change(context, spec, progress, names, old)


def send_change(
    context: OperationContext, spec: PipelineSpec, progress: Progress, names: tuple[str, ...], old: Inputs
) -> Progress:
    """Send the fields `names`, make sure that GoldRush took them, and wait for the deployment that follows."""
    previous = _previous_start(progress)
    if _has_ended(spec, progress):
        # Whatever is desired, a PUT or PATCH of `status` might run it again.
        names = tuple(name for name in names if name != "status")
    if names:
        progress.pipeline = _submit(context, spec, progress, names)
    if "destination_config" in names and progress.pipeline is not None:
        # What a probe of the old destination found says nothing about the new one.
        progress.changed_at = progress.pipeline.updated_at
    with keep(context, progress):
        if "description" in names:
            repair_cut_description(context, spec, progress)
        _clear_removed(context, spec, progress, names, old)
        _require_taken(context, spec, progress, names)
        settle_status(context, spec, progress)
        return roll_out(context, spec, progress, previous)


def settle_status(context: OperationContext, spec: PipelineSpec, progress: Progress) -> bool:
    """Set `status` where the server's is not the desired one; return whether that was needed.

    Raises:
        OperationFailed: GoldRush did not take it.
    """
    pipeline = progress.pipeline
    if pipeline is None or pipeline.status in ("", spec.desired_status) or _has_ended(spec, progress):
        return False
    progress.pipeline = context.client.set_pipeline_status(progress.pipeline_id, spec.desired_status)
    if progress.pipeline.status not in ("", spec.desired_status):
        progress.pipeline = context.client.get_pipeline(progress.pipeline_id)
    if progress.pipeline.status not in ("", spec.desired_status):
        raise _not_taken(context, progress, ("status",))
    return True


def submit_change(context: OperationContext, spec: PipelineSpec, pipeline_id: str, names: tuple[str, ...]) -> Pipeline:
    """Change the fields `names` on the server. A description that is sent keeps the tag, where the server lets it.

    Raises:
        GoldRushError: it was refused, or it is not known whether it was applied.
    """
    body = spec.patch_body(names)
    if context.tag is None or "description" not in body:
        return context.client.update_pipeline(pipeline_id, body)
    try:
        return context.client.update_pipeline(pipeline_id, {**body, "description": context.tag.on(spec.description)})
    except InvalidRequest as error:
        if "description" not in str(error).lower():
            raise
    context.warn(UNTAGGED)
    return context.client.update_pipeline(pipeline_id, body)


def repair_cut_description(context: OperationContext, spec: PipelineSpec, progress: Progress) -> None:
    """Take the tag off again where the server shortened the description to make it fit."""
    pipeline = progress.pipeline
    if context.tag is None or pipeline is None or OwnershipTag.found_in(pipeline.description) is not None:
        return
    if is_tag_cut_on(spec.description, pipeline.description):
        context.warn(UNTAGGED)
        progress.pipeline = context.client.update_pipeline(pipeline.id, {"description": spec.description})
    elif len(pipeline.description) < len(spec.description) and spec.description.startswith(pipeline.description):
        # Not even the user's own words fit.
        context.warn(UNTAGGED)


def _action(names: tuple[str, ...], spec: PipelineSpec) -> Action:
    if names != ("status",):
        return "update"
    return "pause" if spec.desired_status == "paused" else "resume"


def _look_first(
    context: OperationContext, pipeline_id: str, outputs: Mapping[str, Any]
) -> tuple[Pipeline, PipelineStatus]:
    """Return the pipeline before the change, and its status.

    Raises:
        PipelineGone: it was deleted elsewhere.
        UpdateRefused: it carries the tag of a stack that is neither on record nor this one.
    """
    try:
        pipeline, status = context.look(pipeline_id)
    except PipelineNotFound:
        context.require_absence("update", pipeline_id, outputs)
        raise PipelineGone(
            f"update pipeline {context.name}: {pipeline_id} was deleted elsewhere; run `pulumi refresh`,"
            " then `pulumi up`"
        ) from None
    if is_foreign(pipeline.description, context.owners) and not context.policies.adopt_foreign:
        raise UpdateRefused(
            f"update pipeline {context.name}: {pipeline_id} carries the ownership tag of"
            f" {context.another_stack(pipeline.description)}, so nothing was sent; remove this record with"
            f" `pulumi state delete '{context.urn}'`, or take the pipeline back with goldrush:adoptForeign: true"
        )
    return pipeline, status


def _submit(context: OperationContext, spec: PipelineSpec, progress: Progress, names: tuple[str, ...]) -> Pipeline:
    """Send the change; where its response was lost, find out whether it was applied.

    Raises:
        GoldRushError: it was refused or not applied.
        OperationFailed: it cannot be known.
    """
    before = drifted_fields(spec.inputs, progress.pipeline) if progress.pipeline else names
    try:
        if names == ("status",):
            return context.client.set_pipeline_status(progress.pipeline_id, spec.desired_status)
        return submit_change(context, spec, progress.pipeline_id, names)
    except AmbiguousResult as error:
        lost = error.redacted(context.redact)
    visible = [name for name in before if name in names]
    try:
        pipeline, missing = _look_until_taken(context, spec, progress, names)
    except GoldRushError:
        raise _unknown(context, progress, names, lost) from None
    progress.pipeline = pipeline
    if visible and missing == visible:
        raise ChangeLost(
            f"update pipeline {context.name}: GoldRush has not applied it, {progress.pipeline_id} is as it was"
            f" ({lost.cause}); run `pulumi up` again"
        )
    if missing or not visible:
        # Only credentials were sent, which nobody can see, or some of it was applied and some was not.
        raise _unknown(context, progress, names, lost)
    return pipeline


def _look_until_taken(
    context: OperationContext, spec: PipelineSpec, progress: Progress, names: tuple[str, ...]
) -> tuple[Pipeline, list[str]]:
    """Look until the server shows the desired values of `names`, for the stabilization window.

    Returns the pipeline as it was seen last, and those of `names` in which it visibly differs. A response may be made,
    or lost, before the change takes effect.
    """
    started = context.clock.now()
    while True:
        pipeline = context.client.get_pipeline(progress.pipeline_id)
        missing = [name for name in drifted_fields(spec.inputs, pipeline) if name in names]
        waited_seconds = context.clock.now() - started
        if not missing or waited_seconds >= context.policies.stabilization_seconds:
            return pipeline, missing
        if context.clock.sleep(interval_seconds(waited_seconds)):
            return pipeline, missing


def _unknown(
    context: OperationContext, progress: Progress, names: tuple[str, ...], error: AmbiguousResult
) -> OperationFailed:
    progress.run.finish("Failed")
    reason = (
        f"{context.subject(progress.pipeline_id)}: it is not known whether GoldRush applied {', '.join(names)}"
        f" ({error.cause}); run `pulumi up` again, which looks and sends what is missing"
    )
    return OperationFailed(progress, reason, unconfirmed=names)


def _not_taken(context: OperationContext, progress: Progress, names: tuple[str, ...]) -> OperationFailed:
    progress.run.finish("Failed")
    reason = (
        f"{context.subject(progress.pipeline_id)}: GoldRush accepted the change but did not take {', '.join(names)};"
        " run `pulumi up` again to send it once more"
    )
    return OperationFailed(progress, reason, unapplied=names, unconfirmed=names)


def _require_taken(context: OperationContext, spec: PipelineSpec, progress: Progress, names: tuple[str, ...]) -> None:
    """Compare what GoldRush shows with what was sent, credentials aside.

    Raises:
        OperationFailed: it did not take a field.
    """
    sent = tuple(name for name in names if name != "status")
    if progress.pipeline is None or not set(drifted_fields(spec.inputs, progress.pipeline)).intersection(sent):
        return
    progress.pipeline, missing = _look_until_taken(context, spec, progress, sent)
    if missing:
        raise _not_taken(context, progress, tuple(missing))


def _redeploy(
    context: OperationContext, spec: PipelineSpec, progress: Progress, names: tuple[str, ...], old: Inputs
) -> Progress:
    """Send everything, and where that alone does not deploy the pipeline again, pause and resume it.

    A bounded pipeline that has ended is only given `names`, which differ.
    """
    previous = _previous_start(progress)
    if _has_ended(spec, progress):
        return send_change(context, spec, progress, names, old)
    # What was removed has to be sent too, for it is cleared that way.
    whole = {*_sendable(spec), *names}
    send_change(context, spec, progress, tuple(name for name in PATCHED if name in whole), old)
    moved = progress.status is not None and PreviousStart(progress.status.start_time) != previous
    if moved or spec.desired_status == "paused" or spec.wait_for == "none" or _has_ended(spec, progress):
        return progress
    with keep(context, progress):
        return roll_out(context, spec, progress, pause_and_resume(context, progress))


def _resume(context: OperationContext, spec: PipelineSpec, progress: Progress) -> Progress:
    """Go on with a deployment that did not end well. What has failed is sent once more, for that may heal it."""
    if _has_failed(spec, progress):
        progress.run.enter("submit")
        return send_change(context, spec, progress, _sendable(spec), old={})
    with keep(context, progress):
        previous = _previous_start(progress) if settle_status(context, spec, progress) else None
        return roll_out(context, spec, progress, previous)


def _has_ended(spec: PipelineSpec, progress: Progress) -> bool:
    """Whether this is a bounded pipeline that is done: nothing is to run it again."""
    return spec.is_bounded and progress.status is not None and progress.status.phase == Phase.STOPPED


def _has_failed(spec: PipelineSpec, progress: Progress) -> bool:
    """Whether waiting alone cannot help: the worker failed, or one that should run for ever has stopped."""
    phase = progress.status.phase if progress.status else ""
    return phase == Phase.FAILED or (
        phase == Phase.STOPPED and not spec.is_bounded and spec.desired_status == "running"
    )


def _previous_start(progress: Progress) -> PreviousStart:
    return PreviousStart(progress.status.start_time if progress.status else None)


def _clear_removed(
    context: OperationContext, spec: PipelineSpec, progress: Progress, names: tuple[str, ...], old: Inputs
) -> None:
    """Make sure that what the user removed is gone; a server that merges maps gets nulls.

    Raises:
        OperationFailed: it is still there.
    """
    if progress.pipeline is None or names == ("status",):
        return
    body = uncleared_fields(names, old, spec.inputs, progress.pipeline)
    if not body:
        return
    progress.pipeline = context.client.update_pipeline(progress.pipeline_id, body)
    left = tuple(uncleared_fields(tuple(body), old, spec.inputs, progress.pipeline))
    if left:
        progress.run.finish("Failed")
        reason = (
            f"{context.subject(progress.pipeline_id)}: GoldRush keeps what was removed from {', '.join(left)};"
            " remove it in the GoldRush Platform, or replace the pipeline with `pulumi up --replace`"
        )
        untaken = {*drifted_fields(spec.inputs, progress.pipeline)}.intersection(names) - {*left}
        raise OperationFailed(progress, reason, unapplied=(*left, *untaken), unconfirmed=tuple(untaken))


def _sendable(spec: PipelineSpec) -> tuple[str, ...]:
    """The fields that make up the whole configuration, as far as PATCH takes it and a value is desired."""
    return tuple(name for name in PATCHED if name == "status" or not is_cleared(name, spec.inputs.get(name)))
