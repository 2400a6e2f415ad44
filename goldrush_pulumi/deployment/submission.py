"""Sending a new pipeline: with its mark, and without ever leaving unknown whether it was created."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from goldrush_pulumi.api.errors import AmbiguousResult, GoldRushError, InvalidRequest
from goldrush_pulumi.deployment.census import list_once
from goldrush_pulumi.deployment.ownership import Mark, is_mark_cut_on

if TYPE_CHECKING:
    from goldrush_pulumi.api import Pipeline
    from goldrush_pulumi.deployment.job import Deployment, Job
    from goldrush_pulumi.deployment.spec import PipelineSpec

_RECOVERY_PAUSE_SECONDS: Final = 2.0


class CreateUnknown(GoldRushError):  # noqa: N818 - the name says what happened
    """A POST got no answer, and no pipeline with its mark has appeared: it may or may not come to be."""


def submit_new(job: Job, spec: PipelineSpec) -> Pipeline:
    """Create the pipeline on the server. The POST is never sent twice.

    Raises:
        CreateUnknown: it is not known whether it was created.
        GoldRushError: it was refused; nothing was created.
    """
    body = spec.create_body()
    if job.mark is not None:
        body["description"] = job.mark.on(spec.description)
    try:
        return job.client.create_pipeline(body)
    except AmbiguousResult as error:
        return _recover(job, error)
    except InvalidRequest as error:
        if job.mark is None or "description" not in str(error).lower():
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
    started = job.clock.now()
    while job.mark is not None:
        found = _find_marked(job, job.mark)
        if found is not None:
            return found
        waited = job.clock.now() - started
        if waited >= job.policies.recovery_seconds or job.clock.sleep(_RECOVERY_PAUSE_SECONDS):
            break
    raise _unknown(job, error)


def _find_marked(job: Job, mark: Mark) -> Pipeline | None:
    """The one new pipeline that carries `mark`, as the server has it now."""
    try:
        listing = list_once(job.client)
        items = () if listing is None else listing.pipelines
        new = [item for item in items if not job.ledger.has_seen(item.id)]
        likely = [item for item in new if _may_carry(item, mark)]
        whole = [job.client.get_pipeline(item.id) for item in likely]
    except GoldRushError:
        # It is looked for again: whatever lost the answer may still be going on.
        return None
    ours = [item for item in whole if Mark.found_in(item.description) == mark]
    return ours[0] if len(ours) == 1 else None


def _may_carry(item: Pipeline, mark: Mark) -> bool:
    return "description" not in item.model_fields_set or Mark.found_in(item.description) == mark


def _unknown(job: Job, error: AmbiguousResult) -> CreateUnknown:
    reason = error.redacted(job.redact).reason
    return CreateUnknown(
        f"create pipeline {job.name}: it is not known whether it was created ({reason}); run `pulumi up` again, which"
        " looks for it first"
    )
