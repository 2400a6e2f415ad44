"""Before a pipeline is created: is it there already?

A create that was cut off leaves a pipeline behind that no state knows. It carries our mark and is taken over. Anything
less certain is never taken silently: it is refused with the ways out, or created beside, as the user has chosen.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.api.errors import GoldRushError, PipelineNotFound
from goldrush_pulumi.deployment.census import moment
from goldrush_pulumi.deployment.ownership import Mark
from goldrush_pulumi.deployment.spec import FIELDS, Change, PipelineSpec, canonical

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldrush_pulumi.api import Pipeline
    from goldrush_pulumi.deployment.census import Listing
    from goldrush_pulumi.deployment.job import Job

LEFTOVER_AGE: Final = timedelta(hours=24)
"""How old a pipeline with our mark may be and still be taken for the leftover of a create that was cut off."""


class CreateRefused(GoldRushError):  # noqa: N818 - the name says what happened
    """A pipeline is there that may be the one to create; the user has to say which it is."""


class AdoptionRefused(GoldRushError):  # noqa: N818 - the name says what happened
    """The pipeline to adopt does not exist, is taken, or differs in what cannot be changed."""


def find_leftover(job: Job, spec: PipelineSpec) -> Pipeline | None:
    """The pipeline that an earlier create of the same resource left behind; None when one is to be created.

    Raises:
        CreateRefused: something is there that cannot be taken over by itself.
        GoldRushError: the pipelines could not be listed; nothing was sent.
    """
    if job.mark is None:
        return None
    listing = job.ledger.census.listing()
    whole = [pipeline for pipeline in _whole(job, spec, listing) if not job.ledger.has_seen(pipeline.id)]
    ours = [pipeline for pipeline in whole if Mark.found_in(pipeline.description) == job.mark]
    confirmed = [pipeline for pipeline in (_confirm(job, item) for item in ours) if pipeline is not None]
    if not confirmed:
        _judge_namesakes(job, spec, whole)
        return None
    return _require_one_to_adopt(job, spec, confirmed, listing)


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


def _whole(job: Job, spec: PipelineSpec, listing: Listing) -> Iterator[Pipeline]:
    """The listed pipelines with their descriptions. A list may be brief: then whatever could be ours is fetched."""
    for item in listing.pipelines:
        if "description" in item.model_fields_set:
            yield item
        elif item.name in {"", spec.name}:
            fetched = _confirm(job, item)
            if fetched is not None:
                yield fetched


def _confirm(job: Job, item: Pipeline) -> Pipeline | None:
    """The pipeline as it is now: a list may lag behind."""
    try:
        return job.client.get_pipeline(item.id)
    except PipelineNotFound:
        return None


def _judge_namesakes(job: Job, spec: PipelineSpec, listed: list[Pipeline]) -> None:
    """Apply the policy for pipelines of the same project and name that are not ours."""
    wanted = (spec.inputs.get("project"), spec.name)
    for pipeline in listed:
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
        raise CreateRefused(f"create pipeline {job.name}: {ids} all carry its mark; {_ways_out('the right one')}")
    (found,) = ours
    created = moment(found.created_at)
    if created is None or listing.server_time - created > LEFTOVER_AGE:
        raise CreateRefused(
            f"create pipeline {job.name}: {ids} carries its mark but was not created within the last 24 hours;"
            f" {_ways_out('it')}"
        )
    other = fixed_differences(spec, found)
    if other:
        raise CreateRefused(
            f"create pipeline {job.name}: {ids} was left behind by an earlier run with another {', '.join(other)};"
            f" {_ways_out('it')}"
        )
    return found


def _ways_out(which: str) -> str:
    return f'take {which} over with adopt_id="pipe_…", or delete {which} in the GoldRush Platform, and run again'
