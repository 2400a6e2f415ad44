"""Create, adopt, update and delete: the requests of each verb, in order.

Until the server has taken a change, an error is a plain error and state stays as it is. From then on every failure is a
`OperationFailed`, so that no pipeline is forgotten and no change is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldrush_pulumi.api.errors import GoldRushError, PipelineNotFound
from goldrush_pulumi.api.models import PipelineStatus
from goldrush_pulumi.operations.context import OperationContext
from goldrush_pulumi.operations.wait import Observation, WaitEnd, wait_until_gone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldrush_pulumi.operations.context import OperationContext


def delete(context: OperationContext, pipeline_id: str, outputs: Mapping[str, Any]) -> None:
    """Delete a pipeline and wait until the server says that it is gone. One that is gone already is no error.

    Raises:
        AbsenceUnproven: the pipeline is not visible, and the key may be another account's.
        DeleteRefused: another resource of the program has it.
        GoldRushError: it was refused, or the pipeline was still there when time was up.
    """
    require_only_holder(context, pipeline_id)
    context.claims.see(pipeline_id)
    try:
        context.client.delete_pipeline(pipeline_id)
    except PipelineNotFound:
        context.require_absence("delete", pipeline_id, outputs)
        return
    outcome = wait_until_gone(context.seconds_left, lambda: _sight(context, pipeline_id), context.clock, context.status)
    if outcome.ending is not WaitEnd.REACHED:
        phase = outcome.status.phase if outcome.status else "still there"
        cause = "cancelled" if outcome.ending is WaitEnd.CANCELLED else "time is up"
        raise GoldRushError(
            f"delete pipeline {context.name}: {cause}, {pipeline_id} is {phase}; run the command again to go on"
        )


def _sight(context: OperationContext, pipeline_id: str) -> Observation | None:
    """Look at a pipeline that is being deleted: it is gone when the object is, whatever its worker still reports."""
    try:
        context.client.get_pipeline(pipeline_id)
    except PipelineNotFound:
        return None
    try:
        return Observation(context.client.get_pipeline_status(pipeline_id))
    except PipelineNotFound:
        return Observation(PipelineStatus())


class DeleteRefused(GoldRushError):  # noqa: N818 - the name says what happened
    """The pipeline to delete is known to be another resource's."""


def require_only_holder(context: OperationContext, pipeline_id: str) -> None:
    """Refuse to delete a pipeline that another resource of the program has, as after a rename with `adopt_id`.

    Raises:
        DeleteRefused: another resource has it.
    """
    other = context.claims.other_holder(pipeline_id, context.urn)
    if other is not None:
        raise DeleteRefused(
            f"delete pipeline {context.name}: {pipeline_id} is also recorded as {name_in(other)}'s, so it stays; remove"
            f" this record with `pulumi state delete '{context.urn}'`"
        )


def name_in(urn: str) -> str:
    """The resource's name at the end of a URN."""
    return urn.split("::", 3)[-1]
