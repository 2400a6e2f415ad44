"""`wait`, and what it shares with the commands that change pipelines: one wait for each, and one result of all."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Annotated, Final

import typer

from goldrush_pulumi.api import DestinationHealth, GoldRushError, Pipeline, PipelineNotFound, PipelineStatus
from goldrush_pulumi.cli.context import MOST_THREADS, CommandContext, open_context, run_all
from goldrush_pulumi.cli.errors import CommandFailed, ExitCode, explain, is_fatal, worst
from goldrush_pulumi.cli.json_models import Change, Outcome
from goldrush_pulumi.cli.options import (
    DEFAULT_TIMEOUT_SECONDS,
    HERE,
    AllFailed,
    AsJson,
    Folder,
    NameGlob,
    Names,
    ProjectGlob,
    StackName,
    Timeout,
    TopicGlob,
)
from goldrush_pulumi.cli.output import note, print_line, print_models
from goldrush_pulumi.cli.targets import Filters, Target, find_targets, status_of
from goldrush_pulumi.operations import wait as waiting
from goldrush_pulumi.operations.history import utc_now
from goldrush_pulumi.operations.wait import (
    EventClock,
    Goal,
    Observation,
    PreviousStart,
    WaitEnd,
    WaitOutcome,
    goal_of,
)
from goldrush_pulumi.schema.phases import Phase
from goldrush_pulumi.schema.wire import read_time


class State(StrEnum):
    """What to wait for."""

    RUNNING = "running"
    HEALTHY = "healthy"
    PAUSED = "paused"
    STOPPED = "stopped"
    DELETED = "deleted"


WaitFor = Annotated[
    State,
    typer.Option(
        "--for", help="RUNNING with all replicas ready; the same with a healthy destination; PAUSED; STOPPED; or gone."
    ),
]

_OUTCOMES: Final[dict[WaitEnd, tuple[Outcome, ExitCode]]] = {
    WaitEnd.REACHED: ("reached", ExitCode.OK),
    WaitEnd.FAILED: ("failed", ExitCode.UNHEALTHY),
    WaitEnd.STALE_FAILURE: ("failed", ExitCode.UNHEALTHY),
    WaitEnd.UNHEALTHY: ("failed", ExitCode.UNHEALTHY),
    WaitEnd.TIMED_OUT: ("timed_out", ExitCode.TIMED_OUT),
    WaitEnd.GONE: ("gone", ExitCode.NOT_FOUND),
    WaitEnd.CANCELLED: ("cancelled", ExitCode.INTERRUPTED),
}


def wait_for_pipelines(
    *,
    names: Names = None,
    target_state: WaitFor = State.RUNNING,
    timeout: Timeout = DEFAULT_TIMEOUT_SECONDS,
    project: ProjectGlob = None,
    topic: TopicGlob = None,
    name: NameGlob = None,
    all_failed: AllFailed = False,
    stack: StackName = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Wait until pipelines are running, healthy, paused, stopped or deleted. Changes nothing."""
    filters = Filters.of_options(project, topic, name, all_failed=all_failed)
    with open_context(stack, folder) as context:
        gone = [item for item in names or () if target_state is State.DELETED and _is_gone(context, item)]
        others = [item for item in names or () if item not in gone]
        targets = [Target(Pipeline(id=item)) for item in gone]
        targets += find_targets(context, others, filters) if others or not gone else []
        change_each(context, targets, lambda target: _wait_for(context, target, target_state, timeout), as_json=as_json)


def _is_gone(context: CommandContext, name: str) -> bool:
    """Return whether an id leads nowhere. A name that does is more likely misspelt, and is an error later."""
    return name.startswith("pipe_") and status_of(context, name) is None


def _wait_for(context: CommandContext, target: Target, state: State, timeout_seconds: float) -> Change:
    if state is State.DELETED:
        outcome = wait_until_gone(context, target, timeout_seconds)
        if outcome.ending is WaitEnd.REACHED:
            outcome = dataclasses.replace(outcome, status=None)
    else:
        outcome = wait_for_goal(context, target, _goal(state, target), timeout_seconds)
    return change_of(target, target.pipeline.status, outcome)


def _goal(state: State, target: Target) -> Goal:
    if state is State.STOPPED:
        return Goal(frozenset({Phase.STOPPED}), frozenset({Phase.FAILED}))
    desired_status = "paused" if state is State.PAUSED else "running"
    return goal_of(desired_status, is_bounded=target.is_bounded, healthy=state is State.HEALTHY)


def wait_for_goal(
    context: CommandContext,
    target: Target,
    goal: Goal,
    timeout_seconds: float,
    previous: PreviousStart | None = None,
) -> WaitOutcome:
    """Poll a pipeline until it reaches the goal, fails, is gone, or time is up; print progress to stderr.

    A failure has to last for `goldrush:failedGraceSeconds`. `previous` is the deployment before a change.
    """
    wait = waiting.Wait(
        goal,
        timeout_seconds,
        previous,
        grace_seconds=context.settings.failed_grace_seconds,
        stabilization_seconds=context.settings.stabilization_seconds,
    )
    return waiting.wait_until(
        wait,
        lambda: _look(context, target, healthy=goal.healthy),
        EventClock(context.cancelled),
        lambda text: note(f"{target.label}: {context.shown(text)}"),
    )


def wait_until_gone(context: CommandContext, target: Target, timeout_seconds: float) -> WaitOutcome:
    """Poll a pipeline until it does not exist any more, or time is up."""
    clock = EventClock(context.cancelled)
    return waiting.wait_until_gone(
        timeout_seconds, lambda: _look(context, target, healthy=False), clock, lambda _text: None
    )


def _look(context: CommandContext, target: Target, *, healthy: bool) -> Observation | None:
    try:
        status = context.client.get_pipeline_status(target.pipeline.id)
        if not healthy or status.phase != Phase.RUNNING:
            return Observation(status)
        health = context.client.get_destination_health(target.pipeline.id)
    except PipelineNotFound:
        return None
    return Observation(status, health.healthy if is_current(health, status) else None)


def is_current(health: DestinationHealth, status: PipelineStatus) -> bool:
    """Return whether the last probe belongs to the present deployment; true if GoldRush does not report the times."""
    checked, started = read_time(health.last_checked_at or ""), read_time(status.start_time or "")
    return checked is None or started is None or checked >= started


def change_of(target: Target, desired_status: str, outcome: WaitOutcome | None) -> Change:
    """Return how a wait ended for one pipeline; without an outcome, the change was only requested."""
    if outcome is None:
        return Change.model_validate({**target.reference(), "status": desired_status, "outcome": "requested"})
    status = outcome.status
    phase = status.phase if status else None
    error = None
    if outcome.ending is not WaitEnd.REACHED:
        error = f"{target.label} is {'gone' if outcome.ending is WaitEnd.GONE else phase or 'unknown'}"
        error += ", but its destination is unhealthy" if outcome.ending is WaitEnd.UNHEALTHY else ""
        error += f" after {outcome.waited_seconds:.0f} s"
    return Change(
        **target.reference(),
        status=desired_status,
        phase=phase,
        ready=status.ready if status else None,
        replicas=status.replicas if status else None,
        start_time=status.start_time if status else None,
        observed_at=utc_now(),
        error=error,
        outcome=_OUTCOMES[outcome.ending][0],
        waited_seconds=round(outcome.waited_seconds, 1),
    )


def change_each(
    context: CommandContext, targets: Sequence[Target], change: Callable[[Target], Change], *, as_json: bool
) -> None:
    """Change pipelines side by side, and print one result for each as it comes, and a summary of several.

    One that fails does not stop the others, unless the ServiceKey is refused.

    Raises:
        CommandFailed: The only pipeline failed.
        typer.Exit: One of several failed; the code is that of the most serious failure.
    """

    def attempt(target: Target) -> tuple[Change, ExitCode]:
        try:
            done = change(target)
        except (CommandFailed, GoldRushError) as error:
            if is_fatal(error):
                raise
            failure = explain(error)
            outcome = "refused" if failure.code is ExitCode.REFUSED else "error"
            values = {**target.reference(), "status": target.pipeline.status, "outcome": outcome, "error": str(failure)}
            return Change.model_validate(values), failure.code
        return done, next((code for outcome, code in _OUTCOMES.values() if outcome == done.outcome), ExitCode.OK)

    results: list[tuple[Change, ExitCode]] = []
    for target, result in zip(targets, run_all(attempt, targets, context.cancelled, threads=MOST_THREADS), strict=True):
        results.append(result)
        _print_change(context, target, result[0], as_json=as_json)
    if as_json:
        print_models([done for done, _ in results], context.redact)
    _finish(results)


def _print_change(context: CommandContext, target: Target, done: Change, *, as_json: bool) -> None:
    if done.error:
        needs_diagnosis = done.outcome in {"failed", "timed_out"}
        advice = f"; `{context.command('diagnose', target.pipeline.id)}` shows why" if needs_diagnosis else ""
        note(f"error: {context.shown(done.error)}{advice}")
    elif not as_json:
        if done.outcome == "requested":
            text = f"requested {done.status}"
        else:
            text = f"is {context.shown(done.phase)}" if done.phase else "is gone"
        print_line(f"{target.label} {text}")


def _finish(results: Sequence[tuple[Change, ExitCode]]) -> None:
    """Print a summary of several results to stderr, and end with the worst exit code."""
    if len(results) > 1:
        counts = Counter(done.outcome.replace("_", " ") for done, _ in results)
        note(f"{len(results)} pipelines: {', '.join(f'{count} {outcome}' for outcome, count in counts.items())}")
    code = worst(code for _, code in results)
    if code is not ExitCode.OK:
        raise typer.Exit(code)
