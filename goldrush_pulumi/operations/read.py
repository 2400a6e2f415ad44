"""Read a pipeline as it is now: the inputs that drifted, and whether it is live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.api.errors import PipelineNotFound
from goldrush_pulumi.operations.diagnosis import describe
from goldrush_pulumi.operations.diff import overlay
from goldrush_pulumi.operations.wait import fresh_health, goal_of
from goldrush_pulumi.schema.phases import Phase
from goldrush_pulumi.schema.wire import UNCONFIRMED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldrush_pulumi.api import Pipeline, PipelineStatus
    from goldrush_pulumi.operations.context import OperationContext
    from goldrush_pulumi.schema.pipeline import Inputs


@dataclass(frozen=True)
class Reading:
    """A pipeline as the server shows it.

    `inputs` are the user's with what drifted. `diagnosis` is the redacted reason why it is not as desired; None while
    all is well. `unconfirmed` are the inputs of an earlier update that nobody can see on the server.
    """

    pipeline: Pipeline
    status: PipelineStatus
    inputs: dict[str, Any]
    diagnosis: str | None
    unconfirmed: tuple[str, ...] = ()


def read(context: OperationContext, pipeline_id: str, inputs: Inputs, outputs: Mapping[str, Any]) -> Reading | None:
    """Look at a pipeline; return None when it is proven to be gone.

    With no `inputs` (a look-up by id, not a refresh) there is nothing to diagnose: nobody has asked for anything yet.

    Raises:
        AbsenceUnproven: it is not visible, and the key may be another account's.
    """
    try:
        pipeline, status = context.look(pipeline_id)
    except PipelineNotFound:
        context.require_absence("read", pipeline_id, outputs)
        return None
    ended = status.phase == Phase.STOPPED and pipeline.execution_mode == "bounded"
    actual = overlay(inputs, pipeline, ended=ended)
    subject = context.subject(pipeline_id)
    # What can be compared was compared just now; only credentials remain unknown.
    unconfirmed = tuple(name for name in outputs.get(UNCONFIRMED) or () if name == "destination_config")
    diagnosis = None
    if inputs and not _is_as_desired(context, actual, status, pipeline_id):
        diagnosis = describe(subject, status, context.client, context.redact)
    elif inputs and unconfirmed:
        diagnosis = f"{subject}: it is not known whether GoldRush applied {unconfirmed[0]}; run `pulumi up` again"
    return Reading(pipeline, status, actual, diagnosis, unconfirmed)


def _is_as_desired(context: OperationContext, inputs: Inputs, status: PipelineStatus, pipeline_id: str) -> bool:
    wait_for = inputs.get("wait_for", "running")
    if wait_for == "none":
        return status.phase != Phase.FAILED
    goal = goal_of(inputs.get("status", "running"), is_bounded=inputs.get("execution_mode") == "bounded")
    if not goal.is_live(status):
        return False
    asks_health = wait_for == "healthy" and status.phase == Phase.RUNNING
    if not asks_health:
        return True
    healthy, _ = fresh_health(context.client.get_destination_health(pipeline_id), status.start_time)
    return healthy is not False
