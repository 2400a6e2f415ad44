"""From "the server took the change" to "the pipeline is live": the wait, its record, and the failure it may end in."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from goldrush_pulumi.api.errors import GoldRushError, Interrupted, OutOfTime, PipelineNotFound
from goldrush_pulumi.operations.context import OperationContext, OperationFailed, Progress
from goldrush_pulumi.operations.diagnosis import diagnose, explain_error
from goldrush_pulumi.operations.wait import (
    Goal,
    Observation,
    PreviousStart,
    Wait,
    WaitEnd,
    WaitOutcome,
    fresh_health,
    goal_of,
    wait_until,
)
from goldrush_pulumi.schema.phases import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goldrush_pulumi.operations import history as runs
    from goldrush_pulumi.operations.spec import PipelineSpec

_RUN_ENDINGS: Final[dict[WaitEnd, runs.RunStatus]] = {
    WaitEnd.TIMED_OUT: "TimedOut",
    WaitEnd.CANCELLED: "Cancelled",
}


@contextmanager
def keep(context: OperationContext, progress: Progress) -> Iterator[None]:
    """From here on the pipeline is on the server and changed: whatever goes wrong becomes an `OperationFailed`.

    A plain error would make the engine forget a pipeline that exists.
    """
    subject = context.subject(progress.pipeline_id)
    try:
        yield
    except OperationFailed:
        raise
    except (Interrupted, OutOfTime) as error:
        ending = WaitEnd.CANCELLED if isinstance(error, Interrupted) else WaitEnd.TIMED_OUT
        progress.run.finish(_RUN_ENDINGS[ending])
        outcome = WaitOutcome(ending, context.timeout_seconds - context.seconds_left, progress.status)
        raise OperationFailed(progress, diagnose(subject, outcome, context.client, context.redact)) from None
    except GoldRushError as error:
        progress.run.finish("Failed")
        raise OperationFailed(progress, explain_error(subject, str(error.redacted(context.redact)))) from None
    except BaseException as error:
        progress.run.finish("Failed")
        reason = explain_error(subject, f"internal error {type(error).__name__}")
        raise OperationFailed(progress, reason) from error


def roll_out(
    context: OperationContext, spec: PipelineSpec, progress: Progress, previous: PreviousStart | None
) -> Progress:
    """Wait until the pipeline is what `spec` asks for, and close the record.

    `previous` names the deployment before the change (None: there was none). A failure that GoldRush left standing from
    before the change is healed once by a pause and a resume.

    Raises:
        OperationFailed: it failed, timed out, was cancelled or is gone.
    """
    if spec.wait_for == "none":
        return _finish_unwaited(context, progress)
    goal = goal_of(spec.desired_status, is_bounded=spec.is_bounded, healthy=spec.wait_for == "healthy")
    outcome = _wait(context, progress, goal, previous)
    if outcome.ending is WaitEnd.STALE_FAILURE and spec.desired_status == "running":
        outcome = _wait(context, progress, goal, pause_and_resume(context, progress))
    return _conclude(context, progress, outcome)


def _conclude(context: OperationContext, progress: Progress, outcome: WaitOutcome) -> Progress:
    """Close the record with how the wait ended.

    Raises:
        OperationFailed: the goal was not reached; the reason is the diagnosis.
    """
    if outcome.ending is WaitEnd.REACHED:
        progress.run.finish("Succeeded")
        return progress
    progress.run.finish(_RUN_ENDINGS.get(outcome.ending, "Failed"))
    reason = diagnose(context.subject(progress.pipeline_id), outcome, context.client, context.redact)
    raise OperationFailed(progress, reason)


def pause_and_resume(context: OperationContext, progress: Progress) -> PreviousStart:
    """Make GoldRush deploy the pipeline again without changing it; return the start of the deployment before."""
    status = progress.status
    previous = PreviousStart(status.start_time if status else None)
    context.client.set_pipeline_status(progress.pipeline_id, "paused")
    # A worker that failed may stay FAILED when paused; the stabilization window is then all there is to wait for.
    goal = Goal(frozenset({Phase.PAUSED}), frozenset({Phase.FAILED, Phase.STOPPED}))
    wait = Wait(
        goal,
        context.seconds_left,
        previous,
        context.policies.stabilization_seconds,
        context.policies.stabilization_seconds,
    )
    outcome = wait_until(wait, _look(context, progress, goal), context.clock, context.status)
    if outcome.ending is WaitEnd.CANCELLED:
        raise Interrupted(f"deploy pipeline {context.name}: cancelled between pause and resume, run `pulumi up` again")
    progress.pipeline = context.client.set_pipeline_status(progress.pipeline_id, "running")
    return previous


def _wait(context: OperationContext, progress: Progress, goal: Goal, previous: PreviousStart | None) -> WaitOutcome:
    progress.run.enter("deploy")
    policies = context.policies
    wait = Wait(goal, context.seconds_left, previous, policies.failed_grace_seconds, policies.stabilization_seconds)
    return wait_until(wait, _look(context, progress, goal), context.clock, context.status)


def _look(context: OperationContext, progress: Progress, goal: Goal) -> Callable[[], Observation | None]:
    def look() -> Observation | None:
        try:
            status = context.client.get_pipeline_status(progress.pipeline_id)
        except PipelineNotFound:
            return None
        progress.status = status
        if status.phase == Phase.RUNNING:
            progress.run.enter("ready")
        if not (goal.healthy and status.phase == Phase.RUNNING and goal.is_live(status)):
            return Observation(status)
        progress.run.enter("destination")
        health = context.client.get_destination_health(progress.pipeline_id)
        return Observation(status, *fresh_health(health, status.start_time, progress.changed_at))

    return look


def _finish_unwaited(context: OperationContext, progress: Progress) -> Progress:
    """Close the record without waiting; the status that is kept should be the present one where it can be had."""
    try:
        progress.status = context.client.get_pipeline_status(progress.pipeline_id)
    except PipelineNotFound:
        context.warn(f"pipeline {context.name}: its status cannot be seen yet")
    progress.run.finish("Succeeded")
    return progress
