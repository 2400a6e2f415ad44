"""Sending a new pipeline: with its mark, and without ever leaving unknown whether it was created."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from goldrush_pulumi.api.errors import AmbiguousResult, GoldRushError, InvalidRequest
from goldrush_pulumi.deployment.ownership import Mark, is_mark_cut_on
from goldrush_pulumi.deployment.recovery import look_for_mark

if TYPE_CHECKING:
    from goldrush_pulumi.api import Pipeline
    from goldrush_pulumi.deployment.job import Deployment, Job
    from goldrush_pulumi.deployment.spec import PipelineSpec


class CreateUnknown(GoldRushError):  # noqa: N818 - the name says what happened
    """A POST got no answer, and no pipeline with its mark has appeared: it may or may not come to be."""


def submit_new(job: Job, spec: PipelineSpec) -> Pipeline:
    """Create the pipeline on the server. The POST is never sent twice.

    Raises:
        CreateUnknown: it is not known whether it was created.
        GoldRushError: it was refused; nothing was created.
    """
    if job.mark is None:
        return _submit_unmarked(job, spec)
    job.intents.begin(job.mark)
    try:
        pipeline = _submit_marked(job, spec, job.mark)
    except CreateUnknown:
        raise
    except GoldRushError:
        job.intents.forget(job.mark)
        raise
    job.intents.finish(job.mark, pipeline.id)
    return pipeline


def _submit_marked(job: Job, spec: PipelineSpec, mark: Mark) -> Pipeline:
    try:
        return job.client.create_pipeline({**spec.create_body(), "description": mark.on(spec.description)})
    except AmbiguousResult as error:
        return _recover(job, error)
    except InvalidRequest as error:
        if "description" not in str(error).lower():
            raise
    job.warn(_UNMARKED)
    return _submit_unmarked(job, spec)


def submit_change(job: Job, spec: PipelineSpec, pipeline_id: str, names: tuple[str, ...]) -> Pipeline:
    """Change the fields `names` on the server. A description that is sent keeps the mark, where the server lets it.

    Raises:
        GoldRushError: it was refused; nothing was changed.
    """
    body = spec.patch_body(names)
    if job.mark is None or "description" not in body:
        return job.client.update_pipeline(pipeline_id, body)
    try:
        return job.client.update_pipeline(pipeline_id, {**body, "description": job.mark.on(spec.description)})
    except InvalidRequest as error:
        if "description" not in str(error).lower():
            raise
    job.warn(_UNMARKED)
    return job.client.update_pipeline(pipeline_id, body)


def repair_cut_description(job: Job, spec: PipelineSpec, deployment: Deployment) -> None:
    """Take the mark off again where the server shortened the description to make it fit."""
    pipeline = deployment.pipeline
    if job.mark is None or pipeline is None or Mark.found_in(pipeline.description) is not None:
        return
    if is_mark_cut_on(spec.description, pipeline.description):
        job.warn(_UNMARKED)
        deployment.pipeline = job.client.update_pipeline(pipeline.id, {"description": spec.description})
    elif len(pipeline.description) < len(spec.description) and spec.description.startswith(pipeline.description):
        # Not even the user's own words fit.
        job.warn(_UNMARKED)


_UNMARKED: Final = (
    "GoldRush does not take a description of this length with the mark of this stack in it: the pipeline carries none,"
    " and could not be found again if this run were cut off"
)


def _submit_unmarked(job: Job, spec: PipelineSpec) -> Pipeline:
    try:
        return job.client.create_pipeline(spec.create_body())
    except AmbiguousResult as error:
        raise _unknown(job, error) from None


def _recover(job: Job, error: AmbiguousResult) -> Pipeline:
    """Look for the pipeline that an unanswered POST may have created."""
    found = None if job.mark is None else look_for_mark(job, job.mark, job.policies.recovery_seconds)
    if found is None:
        raise _unknown(job, error)
    return found


def _unknown(job: Job, error: AmbiguousResult) -> CreateUnknown:
    reason = error.redacted(job.redact).reason
    return CreateUnknown(
        f"create pipeline {job.name}: it is not known whether it was created ({reason}); run `pulumi up` again, which"
        " looks for it first"
    )
