"""Before a pipeline is created: is it there already?

A create that was cut off leaves a pipeline behind that no state knows. It carries our mark and is taken over. Anything
less certain is never taken silently: it is refused with the ways out, or created beside, as the user has chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldrush_pulumi.api.errors import GoldRushError, PipelineNotFound
from goldrush_pulumi.deployment.ownership import Mark
from goldrush_pulumi.deployment.recovery import look_for_mark
from goldrush_pulumi.deployment.spec import FIELDS, Change, PipelineSpec, canonical

if TYPE_CHECKING:
    from goldrush_pulumi.api import Pipeline
    from goldrush_pulumi.deployment.census import Listing
    from goldrush_pulumi.deployment.job import Job


class CreateRefused(GoldRushError):  # noqa: N818 - the name says what happened
    """A pipeline is there that may be the one to create; the user has to say which it is."""


class DeleteRefused(GoldRushError):  # noqa: N818 - the name says what happened
    """The pipeline to delete is known to be another resource's."""


class AdoptionRefused(GoldRushError):  # noqa: N818 - the name says what happened
    """The pipeline to adopt does not exist, is taken, or differs in what cannot be changed."""


def find_leftover(job: Job, spec: PipelineSpec) -> Pipeline | None:
    """The pipeline that an earlier create of the same resource left behind; None when one is to be created.

    Raises:
        CreateRefused: something is there that cannot be taken over by itself.
        GoldRushError: the pipelines could not be listed; nothing was sent.
    """
    listing = job.census.listing(job.clock)
    unknown = (item for item in listing.pipelines if not job.ledger.has_seen(item.id))
    # A list may lag behind, so whatever could matter is looked at as it is now.
    found = [_by_id(job, item.id) for item in unknown if _may_matter(job, spec, item)]
    present = [pipeline for pipeline in found if pipeline is not None]
    ours = [item for item in present if job.mark is not None and Mark.found_in(item.description) == job.mark]
    ours = ours or _begun_here(job)
    if ours:
        return _require_one_to_adopt(job, spec, ours, listing)
    _judge_namesakes(job, spec, present)
    return None


def _begun_here(job: Job) -> list[Pipeline]:
    """The pipeline that this machine began to create for the same resource and that the list does not show, if any."""
    intent = None if job.mark is None else job.intents.find(job.mark)
    if job.mark is None or intent is None:
        return []
    if intent.pipeline_id is not None:
        known = None if job.ledger.has_seen(intent.pipeline_id) else _by_id(job, intent.pipeline_id)
        return [known] if known is not None and Mark.found_in(known.description) == job.mark else []
    seconds_left = job.policies.recovery_seconds - intent.seconds_ago
    if seconds_left <= 0:
        return []
    job.status(f"an earlier run was cut off while it created this: looking for it, {seconds_left:.0f} s")
    found = look_for_mark(job, job.mark, seconds_left)
    return [] if found is None else [found]


def fixed_differences(spec: PipelineSpec, pipeline: Pipeline) -> dict[str, Any]:
    """The fields that only a replacement changes and in which the pipeline is not what `spec` wants, as it has them."""
    fixed = (name for name, row in FIELDS.items() if row.change is Change.REPLACE)
    actual = {name: getattr(pipeline, name) for name in fixed}
    return {
        name: item for name, item in actual.items() if canonical(name, spec.inputs.get(name)) != canonical(name, item)
    }


def require_own(job: Job, pipeline: Pipeline) -> None:
    """Refuse to take over a pipeline that carries another stack's mark, unless the settings allow it.

    Raises:
        AdoptionRefused: it does.
    """
    mark = Mark.found_in(pipeline.description)
    if mark is None or job.policies.adopt_foreign or (job.mark is not None and mark.owner == job.mark.owner):
        return
    raise AdoptionRefused(
        f"adopt pipeline {job.name}: {pipeline.id} belongs to another Pulumi stack, which would go on changing it;"
        " remove it from that stack's state first, or set goldrush:adoptForeign to true"
    )


def require_only_holder(job: Job, pipeline_id: str) -> None:
    """Refuse to delete a pipeline that another resource of the program has, as after a rename with `adopt_id`.

    Raises:
        DeleteRefused: another resource has it.
    """
    other = job.ledger.other_holder(pipeline_id, job.urn)
    if other is not None:
        raise DeleteRefused(
            f"delete pipeline {job.name}: {pipeline_id} is also recorded as {name_in(other)}'s, so it stays; remove"
            f" this record with `pulumi state delete '{job.urn}'`"
        )


def name_in(urn: str) -> str:
    """The resource's name at the end of a URN."""
    return urn.split("::", 3)[-1]


def _may_matter(job: Job, spec: PipelineSpec, item: Pipeline) -> bool:
    """Whether a listed pipeline may be ours or a namesake; a list may leave out any field but the id."""
    if job.mark is not None and Mark.found_in(item.description) == job.mark:
        return True
    return item.name in {"", spec.name} and item.project in {"", spec.inputs["project"]}


def _by_id(job: Job, pipeline_id: str) -> Pipeline | None:
    try:
        return job.client.get_pipeline(pipeline_id)
    except PipelineNotFound:
        return None


def _judge_namesakes(job: Job, spec: PipelineSpec, present: list[Pipeline]) -> None:
    """Apply the policy for pipelines of the same project and name that are not ours."""
    wanted = (spec.inputs["project"], spec.name)
    for pipeline in present:
        mark = Mark.found_in(pipeline.description)
        if (pipeline.project, pipeline.name) != wanted or _is_same_owner(job, mark):
            continue
        if mark is not None:
            job.warn(f"{pipeline.id} has the same project and name and belongs to another Pulumi stack")
        elif job.policies.on_existing == "fail":
            raise CreateRefused(
                f"create pipeline {job.name}: {pipeline.id} has the same project and name already; write"
                f' adopt_id="{pipeline.id}" to take it over, or set goldrush:onExisting to create for one beside it'
            )


def _is_same_owner(job: Job, mark: Mark | None) -> bool:
    return mark is not None and job.mark is not None and mark.owner == job.mark.owner


def _require_one_to_adopt(job: Job, spec: PipelineSpec, ours: list[Pipeline], listing: Listing) -> Pipeline:
    ids = ", ".join(pipeline.id for pipeline in ours)
    if len(ours) > 1:
        raise CreateRefused(
            f"create pipeline {job.name}: {ids} all carry its mark; {_ways_out('the right one', 'the others')}"
        )
    (found,) = ours
    if not listing.is_recent(found):
        raise CreateRefused(
            f"create pipeline {job.name}: {ids} carries its mark but was not created within the last 24 hours;"
            f" {_ways_out('it', 'it')}"
        )
    other = fixed_differences(spec, found)
    if other:
        raise CreateRefused(
            f"create pipeline {job.name}: {ids} was left behind by an earlier run with another {', '.join(other)};"
            f" {_ways_out('it', 'it')}"
        )
    return found


def _ways_out(taken: str, deleted: str) -> str:
    return f'take {taken} over with adopt_id="pipe_…", or delete {deleted} in the GoldRush Platform, and run again'
