"""Create, adopt, update and delete: the requests of each verb, in order.

Until the server has taken a change, an error is a plain error and state stays as it is. From then on every failure is a
`OperationFailed`, so that no pipeline is forgotten and no change is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.api.errors import GoldRushError, InvalidRequest, PipelineNotFound
from goldrush_pulumi.operations.context import OperationContext, OperationFailed, Progress
from goldrush_pulumi.operations.diff import compare, uncleared_fields
from goldrush_pulumi.operations.history import Action, Run
from goldrush_pulumi.operations.identity import OwnershipTag, is_tag_cut_on
from goldrush_pulumi.operations.rollout import keep, pause_and_resume, roll_out
from goldrush_pulumi.operations.spec import PipelineSpec
from goldrush_pulumi.operations.wait import PreviousStart
from goldrush_pulumi.schema.phases import Phase
from goldrush_pulumi.schema.pipeline import PATCHED, Inputs, canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldrush_pulumi.api import Pipeline, PipelineStatus
    from goldrush_pulumi.operations.spec import PipelineSpec


class PipelineGone(GoldRushError):  # noqa: N818 - the name says what happened
    """The pipeline to change was deleted elsewhere."""


def update(context: OperationContext, pipeline_id: str, old: Inputs, spec: PipelineSpec) -> Progress:
    """Bring a pipeline described by `old` to what `spec` wants, and wait. With nothing to send, resume waiting.

    Raises:
        GoldRushError: the server did not take the change; nothing was changed.
        OperationFailed: it was changed, but is not live.
    """
    context.claims.see(pipeline_id)
    difference = compare(old, spec.inputs)
    run = Run(_action(difference.updates, spec) if difference else "await", spec.config_version, context.now)
    run.enter("look-up")
    progress = Progress(pipeline_id, run, status=_status_before(context, pipeline_id, old))
    if not difference:
        return _resume(context, spec, progress)
    run.enter("submit")
    if difference.redeploys:
        return _redeploy(context, spec, progress, old)
    return send_change(context, spec, progress, difference.updates, old)


def _action(names: tuple[str, ...], spec: PipelineSpec) -> Action:
    if names != ("status",):
        return "update"
    return "pause" if spec.desired_status == "paused" else "resume"


def _status_before(context: OperationContext, pipeline_id: str, outputs: Mapping[str, Any]) -> PipelineStatus:
    try:
        return context.client.get_pipeline_status(pipeline_id)
    except PipelineNotFound:
        context.require_absence("update", pipeline_id, outputs)
        raise PipelineGone(
            f"update pipeline {context.name}: {pipeline_id} was deleted elsewhere; run `pulumi refresh`,"
            " then `pulumi up`"
        ) from None


def send_change(
    context: OperationContext, spec: PipelineSpec, progress: Progress, names: tuple[str, ...], old: Inputs
) -> Progress:
    """Send the fields `names`, make sure that they went, and wait for the deployment that follows."""
    previous = _since(progress)
    if _has_ended(spec, progress):
        # Whatever was wished, a PUT or PATCH of `status` might run it again.
        names = tuple(name for name in names if name != "status")
    if names == ("status",):
        progress.pipeline = context.client.set_pipeline_status(progress.pipeline_id, spec.desired_status)
    elif names:
        progress.pipeline = submit_change(context, spec, progress.pipeline_id, names)
    with keep(context, progress):
        if "description" in names:
            repair_cut_description(context, spec, progress)
        _clear_removed(context, spec, progress, names, old)
        settle_status(context, spec, progress)
        return roll_out(context, spec, progress, previous)


def _redeploy(context: OperationContext, spec: PipelineSpec, progress: Progress, old: Inputs) -> Progress:
    """Send everything, and where that alone does not deploy the pipeline anew, pause and resume it.

    A bounded pipeline that has ended is only given what differs.
    """
    previous = _since(progress)
    if _has_ended(spec, progress):
        return send_change(context, spec, progress, compare(old, spec.inputs).updates, old)
    # What was removed has to be sent too, for it is cleared that way.
    names = {*_sendable(spec), *compare(old, spec.inputs).updates}
    send_change(context, spec, progress, tuple(name for name in PATCHED if name in names), old)
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
        progress.pipeline = context.client.get_pipeline(progress.pipeline_id)
        previous = _since(progress) if settle_status(context, spec, progress) else None
        return roll_out(context, spec, progress, previous)


def settle_status(context: OperationContext, spec: PipelineSpec, progress: Progress) -> bool:
    """Set `status` where the server's is not the wanted one; answers whether that was needed."""
    pipeline = progress.pipeline
    if pipeline is None or pipeline.status in ("", spec.desired_status) or _has_ended(spec, progress):
        return False
    progress.pipeline = context.client.set_pipeline_status(progress.pipeline_id, spec.desired_status)
    return True


def _has_ended(spec: PipelineSpec, progress: Progress) -> bool:
    """Whether this is a bounded pipeline that is done: nothing is to run it again."""
    return spec.is_bounded and progress.status is not None and progress.status.phase == Phase.STOPPED


def _has_failed(spec: PipelineSpec, progress: Progress) -> bool:
    """Whether waiting alone is in vain: the worker failed, or one that should run for ever has stopped."""
    phase = progress.status.phase if progress.status else ""
    return phase == Phase.FAILED or (
        phase == Phase.STOPPED and not spec.is_bounded and spec.desired_status == "running"
    )


def _since(progress: Progress) -> PreviousStart:
    return PreviousStart(progress.status.start_time if progress.status else None)


def _clear_removed(
    context: OperationContext, spec: PipelineSpec, progress: Progress, names: tuple[str, ...], old: Inputs
) -> None:
    """Make sure that what the user removed is gone; a server that merges maps needs to be told with nulls.

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
        raise OperationFailed(progress, reason, unapplied=left)


def _sendable(spec: PipelineSpec) -> tuple[str, ...]:
    """The fields that make up the whole configuration, as far as PATCH takes it and a value is wanted."""
    return tuple(
        name for name in PATCHED if name == "status" or canonical(name, spec.inputs.get(name)) != canonical(name, None)
    )


def submit_change(context: OperationContext, spec: PipelineSpec, pipeline_id: str, names: tuple[str, ...]) -> Pipeline:
    """Change the fields `names` on the server. A description that is sent keeps the mark, where the server lets it.

    Raises:
        GoldRushError: it was refused; nothing was changed.
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
    """Take the mark off again where the server shortened the description to make it fit."""
    pipeline = progress.pipeline
    if context.tag is None or pipeline is None or OwnershipTag.found_in(pipeline.description) is not None:
        return
    if is_tag_cut_on(spec.description, pipeline.description):
        context.warn(UNTAGGED)
        progress.pipeline = context.client.update_pipeline(pipeline.id, {"description": spec.description})
    elif len(pipeline.description) < len(spec.description) and spec.description.startswith(pipeline.description):
        # Not even the user's own words fit.
        context.warn(UNTAGGED)


UNTAGGED: Final = (
    "GoldRush does not take a description of this length with the mark of this stack in it: the pipeline carries none,"
    " and could not be found again if this run were cut off"
)
