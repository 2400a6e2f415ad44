"""What a pipeline is now, in the words of its state: the inputs that drifted, and whether it is live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.api.errors import PipelineNotFound
from goldrush_pulumi.operations.diagnosis import describe
from goldrush_pulumi.operations.diff import overlay
from goldrush_pulumi.operations.wait import goal_of
from goldrush_pulumi.schema.phases import Phase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldrush_pulumi.api import Pipeline, PipelineStatus
    from goldrush_pulumi.operations.context import OperationContext
    from goldrush_pulumi.schema.pipeline import Inputs


@dataclass(frozen=True)
class Reading:
    """A pipeline as the server shows it.

    `inputs` are the user's with what drifted. `diagnosis` is the redacted diagnosis of a pipeline whose phase
    contradicts its wish; None while all is well.
    """

    pipeline: Pipeline
    status: PipelineStatus
    inputs: dict[str, Any]
    diagnosis: str | None


def read(context: OperationContext, pipeline_id: str, inputs: Inputs, outputs: Mapping[str, Any]) -> Reading | None:
    """Look at a pipeline; None when it is proven to be gone.

    With no `inputs` (a look-up by id, not a refresh) nothing is complained of: nobody has asked for anything yet.

    Raises:
        AbsenceUnproven: it is not visible, and the key may be another account's.
    """
    try:
        pipeline = context.client.get_pipeline(pipeline_id)
        status = context.client.get_pipeline_status(pipeline_id)
    except PipelineNotFound:
        context.require_absence("read", pipeline_id, outputs)
        return None
    ended = status.phase == Phase.STOPPED and pipeline.execution_mode == "bounded"
    actual = overlay(inputs, pipeline, ended=ended)
    fine = not inputs or _is_as_wished(context, actual, status, pipeline_id)
    diagnosis = None if fine else describe(context.subject(pipeline_id), status, context.client, context.redact)
    return Reading(pipeline, status, actual, diagnosis)


def _is_as_wished(context: OperationContext, inputs: Inputs, status: PipelineStatus, pipeline_id: str) -> bool:
    wait_for = inputs.get("wait_for", "running")
    if wait_for == "none":
        return status.phase != Phase.FAILED
    goal = goal_of(inputs.get("status", "running"), is_bounded=inputs.get("execution_mode") == "bounded")
    if not goal.is_live(status):
        return False
    asks_health = wait_for == "healthy" and status.phase == Phase.RUNNING
    return not asks_health or context.client.get_destination_health(pipeline_id).healthy is not False
