"""Create, adopt, update and delete: the requests of each verb, in order.

Until the server has taken a change, an error is a plain error and state stays as it is. From then on every failure is a
`DeploymentFailed`, so that no pipeline is forgotten and no change is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldrush_pulumi.api.errors import GoldRushError, PipelineNotFound
from goldrush_pulumi.api.models import PipelineStatus
from goldrush_pulumi.deployment.claim import (
    AdoptionRefused,
    find_leftover,
    fixed_differences,
    require_only_holder,
    require_own,
)
from goldrush_pulumi.deployment.diff import compare
from goldrush_pulumi.deployment.drift import drifted_fields, leftovers, overlay
from goldrush_pulumi.deployment.job import Deployment, DeploymentFailed, Job
from goldrush_pulumi.deployment.ownership import Mark
from goldrush_pulumi.deployment.rollout import keep, pause_and_resume, roll_out
from goldrush_pulumi.deployment.runs import Action, Run
from goldrush_pulumi.deployment.secrets import secret_leaf_paths
from goldrush_pulumi.deployment.spec import PATCH_FIELDS, Inputs, PipelineSpec, canonical
from goldrush_pulumi.deployment.submission import repair_cut_description, submit_change, submit_new
from goldrush_pulumi.deployment.wait import FAILED, STOPPED, Ending, Sighting, Since, wait_until_gone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldrush_pulumi.api import Pipeline


class PipelineGone(GoldRushError):  # noqa: N818 - the name says what happened
    """The pipeline to change was deleted elsewhere."""


def create(job: Job, spec: PipelineSpec) -> Deployment:
    """Create a pipeline and wait until it is what `spec` wants. One that an earlier run left behind is taken over.

    Raises:
        GoldRushError: the server did not take it; nothing was made, or it is said that this is not known.
        DeploymentFailed: it was made, but is not live.
    """
    run = Run("create", spec.config_version, job.now)
    run.enter("look-up")
    leftover = find_leftover(job, spec)
    if leftover is not None:
        job.warn(f"{leftover.id} was created by an earlier run that was cut off; it is taken over")
        return adopt(job, spec, leftover.id)
    run.enter("submit")
    pipeline = submit_new(job, spec)
    deployment = Deployment(pipeline.id, run, pipeline)
    with keep(job, deployment):
        job.ledger.hold(pipeline.id, job.urn)
        repair_cut_description(job, spec, deployment)
        _settle_wish(job, spec, deployment)
        return roll_out(job, spec, deployment, since=None)


def adopt(job: Job, spec: PipelineSpec, pipeline_id: str) -> Deployment:
    """Take over an existing pipeline: make it what `spec` wants, and wait.

    Raises:
        AdoptionRefused: there is no such pipeline, another resource has it, or what cannot be changed differs.
        DeploymentFailed: it was changed, but is not live.
    """
    run = Run("adopt", spec.config_version, job.now)
    run.enter("look-up")
    pipeline, status = _look_up_for_adoption(job, spec, pipeline_id)
    if not job.ledger.take(pipeline_id, job.urn):
        raise AdoptionRefused(
            f"adopt pipeline {job.name}: {pipeline_id} is another resource's already; give each its own adopt_id"
        )
    deployment = Deployment(pipeline_id, run, pipeline, status)
    names = _fields_to_send(job, spec, pipeline)
    if not names:
        with keep(job, deployment):
            return roll_out(job, spec, deployment, since=None)
    run.enter("submit")
    return _change(job, spec, deployment, names, old=overlay(spec.inputs, pipeline))


def update(job: Job, pipeline_id: str, old: Inputs, spec: PipelineSpec) -> Deployment:
    """Bring a pipeline described by `old` to what `spec` wants, and wait. With nothing to send, resume waiting.

    Raises:
        GoldRushError: the server did not take the change; nothing was changed.
        DeploymentFailed: it was changed, but is not live.
    """
    job.ledger.see(pipeline_id)
    difference = compare(old, spec.inputs)
    run = Run(_action(difference.updates, spec) if difference else "await", spec.config_version, job.now)
    run.enter("look-up")
    deployment = Deployment(pipeline_id, run, status=_status_before(job, pipeline_id, old))
    if not difference:
        return _resume(job, spec, deployment)
    run.enter("submit")
    if difference.redeploys:
        return _redeploy(job, spec, deployment, old)
    return _change(job, spec, deployment, difference.updates, old)


def delete(job: Job, pipeline_id: str, outputs: Mapping[str, Any]) -> None:
    """Delete a pipeline and wait until the server says that it is gone. One that is gone already is no error.

    Raises:
        AbsenceUnproven: the pipeline is not visible, and the key may be another account's.
        DeleteRefused: another resource of the program has it.
        GoldRushError: it was refused, or the pipeline was still there when time was up.
    """
    require_only_holder(job, pipeline_id)
    job.ledger.see(pipeline_id)
    try:
        job.client.delete_pipeline(pipeline_id)
    except PipelineNotFound:
        job.require_absence("delete", pipeline_id, outputs)
        return
    outcome = wait_until_gone(job.seconds_left, lambda: _sight(job, pipeline_id), job.clock, job.status)
    if outcome.ending is not Ending.REACHED:
        phase = outcome.status.phase if outcome.status else "still there"
        cause = "cancelled" if outcome.ending is Ending.CANCELLED else "time is up"
        raise GoldRushError(
            f"delete pipeline {job.name}: {cause}, {pipeline_id} is {phase}; run the command again to go on"
        )


def _action(names: tuple[str, ...], spec: PipelineSpec) -> Action:
    if names != ("status",):
        return "update"
    return "pause" if spec.wish == "paused" else "resume"


def _status_before(job: Job, pipeline_id: str, outputs: Mapping[str, Any]) -> PipelineStatus:
    try:
        return job.client.get_pipeline_status(pipeline_id)
    except PipelineNotFound:
        job.require_absence("update", pipeline_id, outputs)
        raise PipelineGone(
            f"update pipeline {job.name}: {pipeline_id} was deleted elsewhere; run `pulumi refresh`, then `pulumi up`"
        ) from None


def _change(job: Job, spec: PipelineSpec, deployment: Deployment, names: tuple[str, ...], old: Inputs) -> Deployment:
    """Send the fields `names`, make sure that they went, and wait for the deployment that follows."""
    since = _since(deployment)
    if _has_ended(spec, deployment):
        # Whatever was wished, a PUT or PATCH of `status` might run it again.
        names = tuple(name for name in names if name != "status")
    if names == ("status",):
        deployment.pipeline = job.client.set_pipeline_status(deployment.pipeline_id, spec.wish)
    elif names:
        deployment.pipeline = submit_change(job, spec, deployment.pipeline_id, names)
    with keep(job, deployment):
        if "description" in names:
            repair_cut_description(job, spec, deployment)
        _clear_leftovers(job, spec, deployment, names, old)
        _settle_wish(job, spec, deployment)
        return roll_out(job, spec, deployment, since)


def _redeploy(job: Job, spec: PipelineSpec, deployment: Deployment, old: Inputs) -> Deployment:
    """Send everything, and where that alone does not deploy the pipeline anew, pause and resume it.

    A bounded pipeline that has ended is only given what differs.
    """
    since = _since(deployment)
    if _has_ended(spec, deployment):
        return _change(job, spec, deployment, compare(old, spec.inputs).updates, old)
    # What was removed has to be sent too, for it is cleared that way.
    names = {*_sendable(spec), *compare(old, spec.inputs).updates}
    _change(job, spec, deployment, tuple(name for name in PATCH_FIELDS if name in names), old)
    moved = deployment.status is not None and Since(deployment.status.start_time) != since
    if moved or spec.wish == "paused" or spec.wait_for == "none" or _has_ended(spec, deployment):
        return deployment
    with keep(job, deployment):
        return roll_out(job, spec, deployment, pause_and_resume(job, deployment))


def _resume(job: Job, spec: PipelineSpec, deployment: Deployment) -> Deployment:
    """Go on with a deployment that did not end well. What has failed is sent once more, for that may heal it."""
    if _has_failed(spec, deployment):
        deployment.run.enter("submit")
        return _change(job, spec, deployment, _sendable(spec), old={})
    with keep(job, deployment):
        deployment.pipeline = job.client.get_pipeline(deployment.pipeline_id)
        since = _since(deployment) if _settle_wish(job, spec, deployment) else None
        return roll_out(job, spec, deployment, since)


def _settle_wish(job: Job, spec: PipelineSpec, deployment: Deployment) -> bool:
    """Set `status` where the server's is not the wanted one; answers whether that was needed."""
    pipeline = deployment.pipeline
    if pipeline is None or pipeline.status in ("", spec.wish) or _has_ended(spec, deployment):
        return False
    deployment.pipeline = job.client.set_pipeline_status(deployment.pipeline_id, spec.wish)
    return True


def _has_ended(spec: PipelineSpec, deployment: Deployment) -> bool:
    """Whether this is a bounded pipeline that is done: nothing is to run it again."""
    return spec.is_bounded and deployment.status is not None and deployment.status.phase == STOPPED


def _has_failed(spec: PipelineSpec, deployment: Deployment) -> bool:
    """Whether waiting alone is in vain: the worker failed, or one that should run for ever has stopped."""
    phase = deployment.status.phase if deployment.status else ""
    return phase == FAILED or (phase == STOPPED and not spec.is_bounded and spec.wish == "running")


def _since(deployment: Deployment) -> Since:
    return Since(deployment.status.start_time if deployment.status else None)


def _clear_leftovers(job: Job, spec: PipelineSpec, deployment: Deployment, names: tuple[str, ...], old: Inputs) -> None:
    """Make sure that what the user removed is gone; a server that merges maps needs to be told with nulls.

    Raises:
        DeploymentFailed: it is still there.
    """
    if deployment.pipeline is None or names == ("status",):
        return
    body = leftovers(names, old, spec.inputs, deployment.pipeline)
    if not body:
        return
    deployment.pipeline = job.client.update_pipeline(deployment.pipeline_id, body)
    left = tuple(leftovers(tuple(body), old, spec.inputs, deployment.pipeline))
    if left:
        deployment.run.finish("Failed")
        reason = (
            f"{job.subject(deployment.pipeline_id)}: GoldRush keeps what was removed from {', '.join(left)}; remove it"
            " in the GoldRush Platform, or replace the pipeline with `pulumi up --replace`"
        )
        raise DeploymentFailed(deployment, reason, unapplied=left)


def _sendable(spec: PipelineSpec) -> tuple[str, ...]:
    """The fields that make up the whole configuration, as far as PATCH takes it and a value is wanted."""
    return tuple(
        name
        for name in PATCH_FIELDS
        if name == "status" or canonical(name, spec.inputs.get(name)) != canonical(name, None)
    )


def _fields_to_send(job: Job, spec: PipelineSpec, pipeline: Pipeline) -> tuple[str, ...]:
    """What adoption has to send: all that differs, and a destination with secrets, for those cannot be compared."""
    names = set(drifted_fields(spec.inputs, pipeline))
    if secret_leaf_paths(spec.inputs):
        names.add("destination_config")
    if Mark.found_in(pipeline.description) not in (None, job.mark):
        # The stack or resource that left this mark would take the pipeline for its own again.
        names.add("description")
    return tuple(name for name in PATCH_FIELDS if name in names)


def _look_up_for_adoption(job: Job, spec: PipelineSpec, pipeline_id: str) -> tuple[Pipeline, PipelineStatus]:
    try:
        pipeline = job.client.get_pipeline(pipeline_id)
        status = job.client.get_pipeline_status(pipeline_id)
    except PipelineNotFound:
        raise AdoptionRefused(
            f"adopt pipeline {job.name}: {pipeline_id} does not exist or is hidden from this ServiceKey, check adopt_id"
        ) from None
    _require_adoptable(job, spec, pipeline)
    return pipeline, status


def _require_adoptable(job: Job, spec: PipelineSpec, pipeline: Pipeline) -> None:
    require_own(job, pipeline)
    other = fixed_differences(spec, pipeline)
    if other:
        listed = ", ".join(f"{name} is {job.redact(value)!r}" for name, value in other.items())
        raise AdoptionRefused(
            f"adopt pipeline {job.name}: {pipeline.id} cannot become what is declared: {listed}, and GoldRush changes"
            " none of these; declare the same values, or leave adopt_id out to create a new pipeline"
        )


def _sight(job: Job, pipeline_id: str) -> Sighting | None:
    """Look at a pipeline that is being deleted: it is gone when the object is, whatever its worker still reports."""
    try:
        job.client.get_pipeline(pipeline_id)
    except PipelineNotFound:
        return None
    try:
        return Sighting(job.client.get_pipeline_status(pipeline_id))
    except PipelineNotFound:
        return Sighting(PipelineStatus())
