"""Create a pipeline, or take over one that exists: look, submit, wait, record.

Until the server has taken a change, an error is a plain error and state stays as it is. From then on every failure is
an `OperationFailed`, so that no pipeline is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldrush_pulumi.api.errors import AmbiguousResult, GoldRushError, InvalidRequest, PipelineNotFound
from goldrush_pulumi.operations.context import OperationFailed, Progress
from goldrush_pulumi.operations.diff import drifted_fields, overlay
from goldrush_pulumi.operations.identity import OwnershipTag, is_foreign
from goldrush_pulumi.operations.inventory import look_for_tag
from goldrush_pulumi.operations.redaction import secret_leaf_paths
from goldrush_pulumi.operations.rollout import keep, roll_out
from goldrush_pulumi.operations.update import UNTAGGED, repair_cut_description, send_change, settle_status
from goldrush_pulumi.schema.pipeline import PATCHED, REPLACING, SENT, canonical
from goldrush_pulumi.schema.wire import SIBLINGS

if TYPE_CHECKING:
    from goldrush_pulumi.api import Pipeline, PipelineStatus
    from goldrush_pulumi.operations.context import OperationContext
    from goldrush_pulumi.operations.inventory import Listing
    from goldrush_pulumi.operations.journal import JournalEntry
    from goldrush_pulumi.operations.spec import PipelineSpec


class CreateRefused(GoldRushError):  # noqa: N818 - the name says what happened
    """A pipeline is there that may be the one to create; the user has to say which it is."""


class AdoptionRefused(GoldRushError):  # noqa: N818 - the name says what happened
    """The pipeline to adopt does not exist, is taken, or differs in what cannot be changed."""


class CreateUnknown(GoldRushError):  # noqa: N818 - the name says what happened
    """A POST got no usable response, and no pipeline with its tag has appeared: it may or may not come to be."""


def create_or_adopt(context: OperationContext, spec: PipelineSpec) -> Progress:
    """Create a pipeline, or take over the one that `adopt_id` names, and wait until it is what `spec` asks for.

    Raises:
        GoldRushError: the server did not take it; nothing was made, or the message says that this is not known.
        OperationFailed: it is there, but is not live.
    """
    adopt_id = spec.inputs.get("adopt_id")
    try:
        done = adopt(context, spec, adopt_id) if adopt_id else create(context, spec)
    except OperationFailed as failure:
        context.journal.note_returned(failure.progress.pipeline_id)
        raise
    context.journal.note_returned(done.pipeline_id)
    return done


def create(context: OperationContext, spec: PipelineSpec) -> Progress:
    """Create a pipeline and wait until it is what `spec` asks for. An orphan of this very resource is taken over.

    Raises:
        GoldRushError: the server did not take it; nothing was made, or the message says that this is not known.
        OperationFailed: it was made, but is not live.
    """
    run = context.record("create", spec.config_version)
    run.enter("look-up")
    found = look_for_orphan(context, spec)
    if found.orphan is not None:
        context.warn(f"{found.orphan.id} was created by an earlier run that was cut off; it is taken over")
        return adopt(context, spec, found.orphan.id)
    run.enter("submit")
    pipeline = submit_new(context, spec, found.passed_over)
    progress = Progress(pipeline.id, run, pipeline)
    with keep(context, progress):
        context.claims.take(pipeline.id, context.urn)
        repair_cut_description(context, spec, progress)
        settle_status(context, spec, progress)
        return roll_out(context, spec, progress, previous=None)


def adopt(context: OperationContext, spec: PipelineSpec, pipeline_id: str) -> Progress:
    """Take over an existing pipeline: make it what `spec` asks for, and wait.

    One that this very process has deleted, as a forced replacement does, is created again instead.

    Raises:
        AdoptionRefused: there is no such pipeline, another resource has it, or what cannot be changed differs.
        OperationFailed: it was changed, but is not live.
    """
    if context.claims.was_deleted(pipeline_id):
        context.warn(f"{pipeline_id} was deleted to be replaced, so adopt_id is ignored and a new pipeline is created")
        return create(context, spec)
    run = context.record("adopt", spec.config_version)
    run.enter("look-up")
    pipeline, status = _look_up_for_adoption(context, spec, pipeline_id)
    holder = context.claims.take(pipeline_id, context.urn)
    if holder is not None:
        raise AdoptionRefused(
            f"adopt pipeline {context.name}: {pipeline_id} is managed as {holder} already;"
            " give each resource its own adopt_id"
        )
    run.changed = drifted_fields(spec.inputs, pipeline)
    progress = Progress(pipeline_id, run, pipeline, status)
    names = _fields_to_send(context, spec, pipeline)
    if not names:
        with keep(context, progress):
            return roll_out(context, spec, progress, previous=None)
    run.enter("submit")
    return send_change(context, spec, progress, names, old=overlay(spec.inputs, pipeline))


@dataclass(frozen=True)
class LookUp:
    """What was found before a POST: an orphan to take over, or the ids that carry the tag and are something else."""

    orphan: Pipeline | None = None
    passed_over: tuple[str, ...] = ()


def look_for_orphan(context: OperationContext, spec: PipelineSpec) -> LookUp:
    """Look for the pipeline that a create of the same resource left behind.

    A tag alone proves nothing: the pipeline may have been moved to another stack, renamed or copied since. It is taken
    over when it is what this create would have made, or when the create journal proves that no state knows it.

    Raises:
        CreateRefused: something is there that cannot be taken over without being asked to.
        GoldRushError: the pipelines could not be listed; nothing was sent.
    """
    listing = context.inventory.listing(context.client, context.clock)
    unknown = (item for item in listing.pipelines if not context.claims.has_seen(item.id))
    # A list may lag behind, so whatever could matter is looked at as it is now.
    found = [_by_id(context, item.id) for item in unknown if _may_matter(context, spec, item)]
    present = [pipeline for pipeline in found if pipeline is not None]
    entry = None if context.tag is None else context.journal.find(context.tag)
    tagged = [item for item in present if context.tag is not None and _tag_of(item) == context.tag]
    candidates = [item for item in tagged if entry is None or item.id not in entry.passed_over]
    candidates = candidates or _begun_here(context, entry)
    if len(candidates) == 1 and _is_orphan(context, spec, candidates[0], listing, entry):
        return LookUp(candidates[0])
    others = {item.id: item for item in (*candidates, *tagged)}
    if others and context.policies.on_existing == "fail":
        raise CreateRefused(_explain_tagged(context, spec, list(others.values())))
    for pipeline_id in others:
        # Should the response of the POST be lost, this is not what it created.
        context.claims.see(pipeline_id)
    require_no_namesake(context, spec, [item for item in present if item.id not in others])
    return LookUp(None, tuple(others))


def require_no_namesake(context: OperationContext, spec: PipelineSpec, present: list[Pipeline]) -> None:
    """Apply the policy for pipelines of the same project and name that this resource did not create.

    Raises:
        CreateRefused: there is one, and the policy is to fail.
    """
    for pipeline in present:
        if (pipeline.project, pipeline.name) != (spec.inputs["project"], spec.name):
            continue
        tag = _tag_of(pipeline)
        if tag is not None and not is_foreign(pipeline.description, context.owners):
            context.warn(
                f"{pipeline.id} has the same project and name and belongs to another resource of this stack; if that"
                ' resource was renamed, give this one opts=ResourceOptions(aliases=[Alias(name="the old name")])'
            )
        elif context.policies.on_existing == "fail":
            other = context.another_stack(pipeline.description, "another stack")
            foreign = "" if tag is None else f", with goldrush:adoptForeign set to true because {other} owns it"
            raise CreateRefused(
                f"create pipeline {context.name}: {pipeline.id} has the same project and name already; write"
                f' adopt_id="{pipeline.id}" to take it over{foreign}, or set goldrush:onExisting to create for a second'
                " one beside it"
            )


def look_for_namesakes(context: OperationContext, spec: PipelineSpec, but_not: str) -> None:
    """Refuse, before a pipeline is deleted to be replaced, what would be refused when the new one is created.

    Raises:
        CreateRefused: the new project holds a pipeline of that name.
    """
    listing = context.inventory.listing(context.client, context.clock)
    unknown = (item for item in listing.pipelines if item.id != but_not and not context.claims.has_seen(item.id))
    found = [_by_id(context, item.id) for item in unknown if _may_matter(context, spec, item)]
    require_no_namesake(context, spec, [item for item in found if item is not None])


def _is_orphan(
    context: OperationContext, spec: PipelineSpec, pipeline: Pipeline, listing: Listing, entry: JournalEntry | None
) -> bool:
    """Whether no state knows the pipeline, as far as can be seen."""
    if not listing.is_recent(pipeline) or _differences(spec, pipeline, REPLACING):
        return False
    if context.journal.has_recorded(pipeline.id) or (entry is not None and entry.disproves_orphan(pipeline.id)):
        return False
    return not _differences(spec, pipeline, SENT) or (entry is not None and entry.proves_orphan(pipeline.id))


def _explain_tagged(context: OperationContext, spec: PipelineSpec, tagged: list[Pipeline]) -> str:
    ids = ", ".join(pipeline.id for pipeline in tagged)
    if len(tagged) > 1:
        reason = f"{ids} all carry its ownership tag"
    else:
        other = _differences(spec, tagged[0], SENT)
        differs = f" and differs in {', '.join(other)}" if other else ", and a stack has recorded it since"
        reason = f"{ids} carries its ownership tag{differs}, so it may be another resource's live pipeline"
    return (
        f'create pipeline {context.name}: {reason}; write adopt_id="pipe_…" to take over the one you mean, or set'
        " goldrush:onExisting to create for a new one beside it"
    )


def _differences(spec: PipelineSpec, pipeline: Pipeline, names: tuple[str, ...]) -> tuple[str, ...]:
    """The inputs among `names` in which the pipeline is visibly not what `spec` asks for."""
    if names == SENT:
        # Credentials cannot be compared, and pausing is no other configuration.
        return tuple(name for name in drifted_fields(spec.inputs, pipeline) if name != "status")
    actual = {name: getattr(pipeline, name) for name in names}
    return tuple(name for name in names if canonical(name, spec.inputs.get(name)) != canonical(name, actual[name]))


def _begun_here(context: OperationContext, entry: JournalEntry | None) -> list[Pipeline]:
    """The pipeline that this machine began to create for the same resource and that the list does not show, if any."""
    if context.tag is None or entry is None:
        return []
    if entry.pipeline_id is not None:
        known = None if context.claims.has_seen(entry.pipeline_id) else _by_id(context, entry.pipeline_id)
        if known is None:
            return []
        # Where the server has no room for a tag, the journal alone says what was created.
        is_ours = _tag_of(known) == context.tag or (_tag_of(known) is None and entry.proves_orphan(known.id))
        return [known] if is_ours else []
    # Even when the time is over: the list of this run may have been read before it was.
    seconds_left = max(context.policies.recovery_seconds - entry.seconds_ago, 0.0)
    context.status(f"an earlier run was cut off while it created this: looking for it, {seconds_left:.0f} s")
    found = look_for_tag(context, context.tag, seconds_left, entry.passed_over)
    return [] if found is None else [found]


def _may_matter(context: OperationContext, spec: PipelineSpec, item: Pipeline) -> bool:
    """Whether a listed pipeline may be ours or a namesake; a list may leave out any field but the id."""
    if context.tag is not None and _tag_of(item) == context.tag:
        return True
    return item.name in {"", spec.name} and item.project in {"", spec.inputs["project"]}


def _tag_of(pipeline: Pipeline) -> OwnershipTag | None:
    return OwnershipTag.found_in(pipeline.description)


def _by_id(context: OperationContext, pipeline_id: str) -> Pipeline | None:
    try:
        return context.client.get_pipeline(pipeline_id)
    except PipelineNotFound:
        return None


def _fields_to_send(context: OperationContext, spec: PipelineSpec, pipeline: Pipeline) -> tuple[str, ...]:
    """What adoption has to send: all that differs, and a destination with secrets, for those cannot be compared."""
    names = set(drifted_fields(spec.inputs, pipeline))
    if secret_leaf_paths(spec.inputs):
        names.add("destination_config")
    if _tag_of(pipeline) not in (None, context.tag):
        # The stack or resource that left this tag would take the pipeline for its own.
        names.add("description")
    return tuple(name for name in PATCHED if name in names)


def _look_up_for_adoption(
    context: OperationContext, spec: PipelineSpec, pipeline_id: str
) -> tuple[Pipeline, PipelineStatus]:
    try:
        pipeline, status = context.look(pipeline_id)
    except PipelineNotFound:
        raise AdoptionRefused(
            f"adopt pipeline {context.name}: {pipeline_id} does not exist or is hidden from this ServiceKey;"
            " correct adopt_id, or remove it to create a new pipeline"
        ) from None
    _require_adoptable(context, spec, pipeline)
    return pipeline, status


def _require_adoptable(context: OperationContext, spec: PipelineSpec, pipeline: Pipeline) -> None:
    if is_foreign(pipeline.description, context.owners) and not context.policies.adopt_foreign:
        raise AdoptionRefused(
            f"adopt pipeline {context.name}: {pipeline.id} carries the ownership tag of"
            f" {context.another_stack(pipeline.description)}, which may go on changing it; make sure that no other"
            " stack manages it, then set goldrush:adoptForeign to true"
        )
    sibling = _sibling_of(context, spec, pipeline)
    if sibling is not None:
        raise AdoptionRefused(
            f"adopt pipeline {context.name}: {pipeline.id} belongs to {sibling}, which this program declares too;"
            " give each resource its own adopt_id"
        )
    other = {name: getattr(pipeline, name) for name in _differences(spec, pipeline, REPLACING)}
    if other:
        listed = ", ".join(f"{name} is {context.redact(str(value))!r}" for name, value in other.items())
        raise AdoptionRefused(
            f"adopt pipeline {context.name}: {pipeline.id} cannot become what is declared: {listed}, and GoldRush"
            " changes none of these; declare the same values, or remove adopt_id to create a new pipeline"
        )


def _sibling_of(context: OperationContext, spec: PipelineSpec, pipeline: Pipeline) -> str | None:
    """Return the name of the other pipeline of the program that the tag names, where its URN can be derived."""
    tag, names = _tag_of(pipeline), spec.inputs.get(SIBLINGS) or ()
    if tag is None or context.tag is None or tag.owner != context.tag.owner or tag == context.tag:
        return None
    chain = context.urn.rpartition("::")[0]
    own_type = f"{chain.rpartition('::')[0]}::{chain.rpartition('::')[2].rpartition('$')[2]}"
    for name in names:
        if tag in (OwnershipTag.of(tag.owner, f"{start}::{name}") for start in {chain, own_type}):
            return str(name)
    return None


def submit_new(context: OperationContext, spec: PipelineSpec, passed_over: tuple[str, ...] = ()) -> Pipeline:
    """Create the pipeline on the server. The POST is never sent twice. `passed_over` carry the resource's tag already.

    Raises:
        CreateUnknown: it is not known whether it was created.
        GoldRushError: it was refused; nothing was created.
    """
    if context.tag is None:
        return _submit_untagged(context, spec)
    context.journal.begin(context.tag, passed_over)
    try:
        pipeline = _submit_tagged(context, spec, context.tag)
    except CreateUnknown:
        raise
    except GoldRushError:
        context.journal.forget(context.tag)
        raise
    context.journal.finish(context.tag, pipeline.id, passed_over)
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
    try:
        found = None if context.tag is None else look_for_tag(context, context.tag, context.policies.recovery_seconds)
    except GoldRushError:
        raise _unknown(context, error) from None
    if found is None:
        raise _unknown(context, error)
    return found


def _unknown(context: OperationContext, error: AmbiguousResult) -> CreateUnknown:
    reason = error.redacted(context.redact).cause
    return CreateUnknown(
        f"create pipeline {context.name}: it is not known whether it was created ({reason}); run `pulumi up` again,"
        " which looks for it first"
    )
