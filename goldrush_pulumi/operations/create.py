"""Create, adopt, update and delete: the requests of each verb, in order.

Until the server has taken a change, an error is a plain error and state stays as it is. From then on every failure is a
`OperationFailed`, so that no pipeline is forgotten and no change is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldrush_pulumi.api.errors import AmbiguousResult, GoldRushError, InvalidRequest, PipelineNotFound
from goldrush_pulumi.operations.context import OperationContext, Progress
from goldrush_pulumi.operations.diff import drifted_fields, overlay
from goldrush_pulumi.operations.history import Run
from goldrush_pulumi.operations.identity import OwnershipTag
from goldrush_pulumi.operations.inventory import look_for_tag
from goldrush_pulumi.operations.redaction import secret_leaf_paths
from goldrush_pulumi.operations.rollout import keep, roll_out
from goldrush_pulumi.operations.spec import PipelineSpec
from goldrush_pulumi.operations.update import UNTAGGED, repair_cut_description, send_change, settle_status
from goldrush_pulumi.schema.pipeline import INPUTS, PATCHED, Change, canonical

if TYPE_CHECKING:
    from goldrush_pulumi.api import Pipeline, PipelineStatus
    from goldrush_pulumi.operations.inventory import Listing
    from goldrush_pulumi.operations.spec import PipelineSpec


def create(context: OperationContext, spec: PipelineSpec) -> Progress:
    """Create a pipeline and wait until it is what `spec` wants. One that an earlier run left behind is taken over.

    Raises:
        GoldRushError: the server did not take it; nothing was made, or it is said that this is not known.
        OperationFailed: it was made, but is not live.
    """
    run = Run("create", spec.config_version, context.now)
    run.enter("look-up")
    orphan = find_orphan(context, spec)
    if orphan is not None:
        context.warn(f"{orphan.id} was created by an earlier run that was cut off; it is taken over")
        return adopt(context, spec, orphan.id)
    run.enter("submit")
    pipeline = submit_new(context, spec)
    progress = Progress(pipeline.id, run, pipeline)
    with keep(context, progress):
        context.claims.hold(pipeline.id, context.urn)
        repair_cut_description(context, spec, progress)
        settle_status(context, spec, progress)
        return roll_out(context, spec, progress, previous=None)


def adopt(context: OperationContext, spec: PipelineSpec, pipeline_id: str) -> Progress:
    """Take over an existing pipeline: make it what `spec` wants, and wait.

    Raises:
        AdoptionRefused: there is no such pipeline, another resource has it, or what cannot be changed differs.
        OperationFailed: it was changed, but is not live.
    """
    run = Run("adopt", spec.config_version, context.now)
    run.enter("look-up")
    pipeline, status = _look_up_for_adoption(context, spec, pipeline_id)
    if not context.claims.take(pipeline_id, context.urn):
        raise AdoptionRefused(
            f"adopt pipeline {context.name}: {pipeline_id} is another resource's already; give each its own adopt_id"
        )
    progress = Progress(pipeline_id, run, pipeline, status)
    names = _fields_to_send(context, spec, pipeline)
    if not names:
        with keep(context, progress):
            return roll_out(context, spec, progress, previous=None)
    run.enter("submit")
    return send_change(context, spec, progress, names, old=overlay(spec.inputs, pipeline))


def _fields_to_send(context: OperationContext, spec: PipelineSpec, pipeline: Pipeline) -> tuple[str, ...]:
    """What adoption has to send: all that differs, and a destination with secrets, for those cannot be compared."""
    names = set(drifted_fields(spec.inputs, pipeline))
    if secret_leaf_paths(spec.inputs):
        names.add("destination_config")
    if OwnershipTag.found_in(pipeline.description) not in (None, context.tag):
        # The stack or resource that left this mark would take the pipeline for its own again.
        names.add("description")
    return tuple(name for name in PATCHED if name in names)


def _look_up_for_adoption(
    context: OperationContext, spec: PipelineSpec, pipeline_id: str
) -> tuple[Pipeline, PipelineStatus]:
    try:
        pipeline = context.client.get_pipeline(pipeline_id)
        status = context.client.get_pipeline_status(pipeline_id)
    except PipelineNotFound:
        raise AdoptionRefused(
            f"adopt pipeline {context.name}: {pipeline_id} does not exist or is hidden from this ServiceKey,"
            " check adopt_id"
        ) from None
    _require_adoptable(context, spec, pipeline)
    return pipeline, status


def _require_adoptable(context: OperationContext, spec: PipelineSpec, pipeline: Pipeline) -> None:
    require_own(context, pipeline)
    other = fixed_differences(spec, pipeline)
    if other:
        listed = ", ".join(f"{name} is {context.redact(value)!r}" for name, value in other.items())
        raise AdoptionRefused(
            f"adopt pipeline {context.name}: {pipeline.id} cannot become what is declared: {listed}, and GoldRush"
            " changes none of these; declare the same values, or leave adopt_id out to create a new pipeline"
        )


class CreateRefused(GoldRushError):  # noqa: N818 - the name says what happened
    """A pipeline is there that may be the one to create; the user has to say which it is."""


class AdoptionRefused(GoldRushError):  # noqa: N818 - the name says what happened
    """The pipeline to adopt does not exist, is taken, or differs in what cannot be changed."""


def find_orphan(context: OperationContext, spec: PipelineSpec) -> Pipeline | None:
    """The pipeline that an earlier create of the same resource left behind; None when one is to be created.

    Raises:
        CreateRefused: something is there that cannot be taken over by itself.
        GoldRushError: the pipelines could not be listed; nothing was sent.
    """
    listing = context.inventory.listing(context.clock)
    unknown = (item for item in listing.pipelines if not context.claims.has_seen(item.id))
    # A list may lag behind, so whatever could matter is looked at as it is now.
    found = [_by_id(context, item.id) for item in unknown if _may_matter(context, spec, item)]
    present = [pipeline for pipeline in found if pipeline is not None]
    ours = [
        item for item in present if context.tag is not None and OwnershipTag.found_in(item.description) == context.tag
    ]
    ours = ours or _begun_here(context)
    if ours:
        return _require_one_to_adopt(context, spec, ours, listing)
    _judge_namesakes(context, spec, present)
    return None


def _begun_here(context: OperationContext) -> list[Pipeline]:
    """The pipeline that this machine began to create for the same resource and that the list does not show, if any."""
    entry = None if context.tag is None else context.journal.find(context.tag)
    if context.tag is None or entry is None:
        return []
    if entry.pipeline_id is not None:
        known = None if context.claims.has_seen(entry.pipeline_id) else _by_id(context, entry.pipeline_id)
        return [known] if known is not None and OwnershipTag.found_in(known.description) == context.tag else []
    seconds_left = context.policies.recovery_seconds - entry.seconds_ago
    if seconds_left <= 0:
        return []
    context.status(f"an earlier run was cut off while it created this: looking for it, {seconds_left:.0f} s")
    found = look_for_tag(context, context.tag, seconds_left)
    return [] if found is None else [found]


def fixed_differences(spec: PipelineSpec, pipeline: Pipeline) -> dict[str, Any]:
    """The fields that only a replacement changes and in which the pipeline is not what `spec` wants, as it has them."""
    fixed = (name for name, row in INPUTS.items() if row.change is Change.REPLACE)
    actual = {name: getattr(pipeline, name) for name in fixed}
    return {
        name: item for name, item in actual.items() if canonical(name, spec.inputs.get(name)) != canonical(name, item)
    }


def require_own(context: OperationContext, pipeline: Pipeline) -> None:
    """Refuse to take over a pipeline that carries another stack's mark, unless the settings allow it.

    Raises:
        AdoptionRefused: it does.
    """
    tag = OwnershipTag.found_in(pipeline.description)
    if tag is None or context.policies.adopt_foreign or (context.tag is not None and tag.owner == context.tag.owner):
        return
    raise AdoptionRefused(
        f"adopt pipeline {context.name}: {pipeline.id} belongs to another Pulumi stack, which would go on changing it;"
        " remove it from that stack's state first, or set goldrush:adoptForeign to true"
    )


def _may_matter(context: OperationContext, spec: PipelineSpec, item: Pipeline) -> bool:
    """Whether a listed pipeline may be ours or a namesake; a list may leave out any field but the id."""
    if context.tag is not None and OwnershipTag.found_in(item.description) == context.tag:
        return True
    return item.name in {"", spec.name} and item.project in {"", spec.inputs["project"]}


def _by_id(context: OperationContext, pipeline_id: str) -> Pipeline | None:
    try:
        return context.client.get_pipeline(pipeline_id)
    except PipelineNotFound:
        return None


def _judge_namesakes(context: OperationContext, spec: PipelineSpec, present: list[Pipeline]) -> None:
    """Apply the policy for pipelines of the same project and name that are not ours."""
    wanted = (spec.inputs["project"], spec.name)
    for pipeline in present:
        tag = OwnershipTag.found_in(pipeline.description)
        if (pipeline.project, pipeline.name) != wanted:
            continue
        if _is_same_owner(context, tag):
            context.warn(
                f"{pipeline.id} of this stack has the same project and name, and both write to the same tables; when"
                ' you rename a resource, add aliases=[pulumi.Alias(name="OLD-NAME")] to its options'
            )
        elif tag is not None:
            context.warn(f"{pipeline.id} has the same project and name and belongs to another Pulumi stack")
        elif context.policies.on_existing == "fail":
            raise CreateRefused(
                f"create pipeline {context.name}: {pipeline.id} has the same project and name already; write"
                f' adopt_id="{pipeline.id}" to take it over, or set goldrush:onExisting to create for one beside it'
            )


def _is_same_owner(context: OperationContext, tag: OwnershipTag | None) -> bool:
    return tag is not None and context.tag is not None and tag.owner == context.tag.owner


def _require_one_to_adopt(
    context: OperationContext, spec: PipelineSpec, ours: list[Pipeline], listing: Listing
) -> Pipeline:
    ids = ", ".join(pipeline.id for pipeline in ours)
    if len(ours) > 1:
        raise CreateRefused(
            f"create pipeline {context.name}: {ids} all carry its mark; {_ways_out('the right one', 'the others')}"
        )
    (found,) = ours
    if not listing.is_recent(found):
        raise CreateRefused(
            f"create pipeline {context.name}: {ids} carries its mark but was not created within the last 24 hours;"
            f" {_ways_out('it', 'it')}"
        )
    other = fixed_differences(spec, found)
    if other:
        raise CreateRefused(
            f"create pipeline {context.name}: {ids} was left behind by an earlier run with another {', '.join(other)};"
            f" {_ways_out('it', 'it')}"
        )
    return found


def _ways_out(taken: str, deleted: str) -> str:
    return f'take {taken} over with adopt_id="pipe_…", or delete {deleted} in the GoldRush Platform, and run again'


class CreateUnknown(GoldRushError):  # noqa: N818 - the name says what happened
    """A POST got no answer, and no pipeline with its mark has appeared: it may or may not come to be."""


def submit_new(context: OperationContext, spec: PipelineSpec) -> Pipeline:
    """Create the pipeline on the server. The POST is never sent twice.

    Raises:
        CreateUnknown: it is not known whether it was created.
        GoldRushError: it was refused; nothing was created.
    """
    if context.tag is None:
        return _submit_untagged(context, spec)
    context.journal.begin(context.tag)
    try:
        pipeline = _submit_tagged(context, spec, context.tag)
    except CreateUnknown:
        raise
    except GoldRushError:
        context.journal.forget(context.tag)
        raise
    context.journal.finish(context.tag, pipeline.id)
    return pipeline


def _submit_tagged(context: OperationContext, spec: PipelineSpec, tag: OwnershipTag) -> Pipeline:
    try:
        return context.client.create_pipeline({**spec.create_body(), "description": tag.on(spec.description)})
    except AmbiguousResult as error:
        return _recover(context, error)
    except InvalidRequest as error:
        if "description" not in str(error).lower():
            raise
    context.warn(UNTAGGED)
    return _submit_untagged(context, spec)


def _submit_untagged(context: OperationContext, spec: PipelineSpec) -> Pipeline:
    try:
        return context.client.create_pipeline(spec.create_body())
    except AmbiguousResult as error:
        raise _unknown(context, error) from None


def _recover(context: OperationContext, error: AmbiguousResult) -> Pipeline:
    """Look for the pipeline that an unanswered POST may have created."""
    found = None if context.tag is None else look_for_tag(context, context.tag, context.policies.recovery_seconds)
    if found is None:
        raise _unknown(context, error)
    return found


def _unknown(context: OperationContext, error: AmbiguousResult) -> CreateUnknown:
    reason = error.redacted(context.redact).reason
    return CreateUnknown(
        f"create pipeline {context.name}: it is not known whether it was created ({reason}); run `pulumi up` again,"
        " which looks for it first"
    )
