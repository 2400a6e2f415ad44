"""From "the server took the change" to "the pipeline is live": the wait, its record, and the failure it may end in."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from goldrush_pulumi.api.errors import GoldRushError, Interrupted, PipelineNotFound
from goldrush_pulumi.deployment.diagnosis import diagnose, explain_error
from goldrush_pulumi.deployment.job import Deployment, DeploymentFailed, Job
from goldrush_pulumi.deployment.wait import (
    FAILED,
    PAUSED,
    RUNNING,
    STOPPED,
    Ending,
    Goal,
    Outcome,
    Sighting,
    Since,
    Wait,
    goal_of,
    wait_until,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goldrush_pulumi.deployment import runs
    from goldrush_pulumi.deployment.spec import PipelineSpec

_RUN_ENDINGS: Final[dict[Ending, runs.Ending]] = {
    Ending.TIMED_OUT: "TimedOut",
    Ending.CANCELLED: "Cancelled",
}


@contextmanager
def keep(job: Job, deployment: Deployment) -> Iterator[None]:
    """From here on the pipeline is on the server and changed: whatever goes wrong becomes a `DeploymentFailed`.

    A plain error would make the engine forget a pipeline that exists.
    """
    subject = job.subject(deployment.pipeline_id)
    try:
        yield
    except DeploymentFailed:
        raise
    except Interrupted:
        deployment.run.finish("Cancelled")
        outcome = Outcome(Ending.CANCELLED, job.timeout_seconds - job.seconds_left, deployment.status)
        raise DeploymentFailed(deployment, diagnose(subject, outcome, job.client, job.redact)) from None
    except GoldRushError as error:
        deployment.run.finish("Failed")
        raise DeploymentFailed(deployment, explain_error(subject, str(error.redacted(job.redact)))) from None
    except BaseException as error:
        deployment.run.finish("Failed")
        reason = explain_error(subject, f"internal error {type(error).__name__}")
        raise DeploymentFailed(deployment, reason) from error


def roll_out(job: Job, spec: PipelineSpec, deployment: Deployment, since: Since | None) -> Deployment:
    """Wait until the pipeline is what `spec` wants, and close the record.

    `since` names the deployment before the change (None: there was none). A failure that GoldRush left standing from
    before the change is healed once by a pause and a resume.

    Raises:
        DeploymentFailed: it failed, timed out, was cancelled or is gone.
    """
    if spec.wait_for == "none":
        return _finish_unwaited(job, deployment)
    goal = goal_of(spec.wish, is_bounded=spec.is_bounded, healthy=spec.wait_for == "healthy")
    outcome = _wait(job, deployment, goal, since)
    if outcome.ending is Ending.STALE_FAILURE and spec.wish == "running":
        outcome = _wait(job, deployment, goal, pause_and_resume(job, deployment))
    return _conclude(job, deployment, outcome)


def _conclude(job: Job, deployment: Deployment, outcome: Outcome) -> Deployment:
    """Close the record with how the wait ended.

    Raises:
        DeploymentFailed: the goal was not reached; the reason is the diagnosis.
    """
    if outcome.ending is Ending.REACHED:
        deployment.run.finish("Succeeded")
        return deployment
    deployment.run.finish(_RUN_ENDINGS.get(outcome.ending, "Failed"))
    reason = diagnose(job.subject(deployment.pipeline_id), outcome, job.client, job.redact)
    raise DeploymentFailed(deployment, reason)


def pause_and_resume(job: Job, deployment: Deployment) -> Since:
    """Make GoldRush deploy the pipeline anew without changing it; answers what the new deployment comes after."""
    status = deployment.status
    since = Since(status.start_time if status else None)
    job.client.set_pipeline_status(deployment.pipeline_id, "paused")
    # A worker that failed may stay FAILED when paused; the settle period is then all there is to wait for.
    goal = Goal(frozenset({PAUSED}), frozenset({FAILED, STOPPED}))
    wait = Wait(goal, job.seconds_left, since, job.policies.settle_seconds, job.policies.settle_seconds)
    outcome = wait_until(wait, _look(job, deployment, goal), job.clock, job.status)
    if outcome.ending is Ending.CANCELLED:
        raise Interrupted(f"deploy pipeline {job.name}: cancelled between pause and resume, run `pulumi up` again")
    deployment.pipeline = job.client.set_pipeline_status(deployment.pipeline_id, "running")
    return since


def _wait(job: Job, deployment: Deployment, goal: Goal, since: Since | None) -> Outcome:
    deployment.run.enter("deploy")
    policies = job.policies
    wait = Wait(goal, job.seconds_left, since, policies.failed_grace_seconds, policies.settle_seconds)
    return wait_until(wait, _look(job, deployment, goal), job.clock, job.status)


def _look(job: Job, deployment: Deployment, goal: Goal) -> Callable[[], Sighting | None]:
    def look() -> Sighting | None:
        try:
            status = job.client.get_pipeline_status(deployment.pipeline_id)
        except PipelineNotFound:
            return None
        deployment.status = status
        if status.phase == RUNNING:
            deployment.run.enter("ready")
        if not (goal.healthy and status.phase == RUNNING and goal.is_live(status)):
            return Sighting(status)
        deployment.run.enter("destination")
        return Sighting(status, job.client.get_destination_health(deployment.pipeline_id).healthy)

    return look


def _finish_unwaited(job: Job, deployment: Deployment) -> Deployment:
    """Nobody waits, but the report that is kept should be of now where it can be had."""
    try:
        deployment.status = job.client.get_pipeline_status(deployment.pipeline_id)
    except PipelineNotFound:
        job.warn(f"pipeline {job.name}: its status cannot be seen yet")
    deployment.run.finish("Succeeded")
    return deployment
