"""Delete a pipeline: look who owns it, send the DELETE, and wait until it is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldrush_pulumi.api.errors import AmbiguousResult, GoldRushError, PipelineNotFound
from goldrush_pulumi.operations.call import name_in
from goldrush_pulumi.operations.create import look_for_namesakes
from goldrush_pulumi.operations.identity import OwnershipTag, is_foreign
from goldrush_pulumi.operations.spec import PipelineSpec
from goldrush_pulumi.operations.wait import Observation, WaitEnd, wait_until_gone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldrush_pulumi.api import Pipeline
    from goldrush_pulumi.operations.context import OperationContext


class DeleteRefused(GoldRushError):  # noqa: N818 - the name says what happened
    """The pipeline to delete is known to be another resource's or another stack's."""


def delete(context: OperationContext, pipeline_id: str, outputs: Mapping[str, Any]) -> None:
    """Delete a pipeline and wait until the server says that it is gone. One that is already gone counts as deleted.

    Raises:
        AbsenceUnproven: the pipeline is not visible, and the key may be another account's.
        DeleteRefused: another resource of the program or another stack has it.
        CreateRefused: it is to be replaced, and the replacement would be refused.
        GoldRushError: it was refused, or the pipeline was still there when time was up.
    """
    context.claims.see(pipeline_id)
    try:
        pipeline = context.client.get_pipeline(pipeline_id)
        _require_own(context, pipeline)
        planned = context.claims.planned_replacement(pipeline_id)
        if planned is not None:
            look_for_namesakes(context, PipelineSpec(planned), but_not=pipeline_id)
        _send(context, pipeline_id)
    except PipelineNotFound:
        context.require_absence("delete", pipeline_id, outputs)
        context.claims.note_deleted(pipeline_id)
        return
    outcome = wait_until_gone(context.seconds_left, lambda: _look(context, pipeline_id), context.clock, context.status)
    if outcome.ending is not WaitEnd.REACHED:
        phase = context.redact(outcome.status.phase or "in no known phase") if outcome.status else "still there"
        cause = "cancelled" if outcome.ending is WaitEnd.CANCELLED else "time is up"
        raise GoldRushError(
            f"delete pipeline {context.name}: {cause}, {pipeline_id} is {phase}; run the command again to go on"
        )
    context.claims.note_deleted(pipeline_id)


def _send(context: OperationContext, pipeline_id: str) -> None:
    """Send the DELETE.

    Raises:
        PipelineNotFound: it is gone, which has to be proven.
        GoldRushError: it was refused, or its response was lost and the pipeline is still there.
    """
    try:
        context.client.delete_pipeline(pipeline_id)
    except AmbiguousResult:
        # Whether the response was lost before or after the deletion shows when the pipeline is looked at.
        context.client.get_pipeline(pipeline_id)
        raise


def _require_own(context: OperationContext, pipeline: Pipeline) -> None:
    """Refuse to delete a pipeline that another stack, or another resource of the program, has.

    Raises:
        DeleteRefused: it does.
    """
    if is_foreign(pipeline.description, context.owners) and not context.policies.adopt_foreign:
        raise DeleteRefused(
            f"delete pipeline {context.name}: {pipeline.id} carries the ownership tag of"
            f" {context.another_stack(pipeline.description)}, which has taken it over, so it stays; remove this record"
            f" with `pulumi state delete '{context.urn}'`"
        )
    other = context.claims.other_holder(pipeline.id, context.urn)
    if other is not None and _is_held(context, pipeline, other):
        raise DeleteRefused(
            f"delete pipeline {context.name}: {pipeline.id} is also recorded by {name_in(other)}, so it stays; remove"
            f" this record with `pulumi state delete '{context.urn}'`"
        )


def _is_held(context: OperationContext, pipeline: Pipeline, other: str) -> bool:
    """Whether the resource `other` has a pipeline of its own account, not only the new name of the one to delete.

    A resource that was renamed by an alias is compared under its new URN, and deleted for a replacement under the old.
    """
    tag = OwnershipTag.found_in(pipeline.description)
    return context.claims.was_taken(pipeline.id) or tag is None or tag == OwnershipTag.of(tag.owner, other)


def _look(context: OperationContext, pipeline_id: str) -> Observation | None:
    """Look at a pipeline that is being deleted: it is gone when the object is, whatever its worker still shows."""
    try:
        _, status = context.look(pipeline_id)
    except PipelineNotFound:
        return None
    return Observation(status)
