"""`pause`, `resume`, `restart` and `delete`: change a pipeline without changing its configuration."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from goldrush_pulumi.api import PipelineNotFound, PipelineStatus
from goldrush_pulumi.cli.context import CommandContext, open_context
from goldrush_pulumi.cli.errors import CommandFailed, ExitCode
from goldrush_pulumi.cli.json_models import Change, Deletion
from goldrush_pulumi.cli.local_runs import recorded, recording
from goldrush_pulumi.cli.options import (
    DEFAULT_TIMEOUT_SECONDS,
    HERE,
    AllFailed,
    AsJson,
    Folder,
    Name,
    NameGlob,
    Names,
    ProjectGlob,
    StackName,
    Timeout,
    TopicGlob,
    Wait,
)
from goldrush_pulumi.cli.output import note, print_line, print_models
from goldrush_pulumi.cli.targets import Filters, Target, find_target, find_targets
from goldrush_pulumi.cli.wait import change_each, change_of, wait_for_goal, wait_until_gone
from goldrush_pulumi.operations.wait import PreviousStart, WaitEnd, WaitOutcome, goal_of
from goldrush_pulumi.schema.phases import Phase

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

Force = Annotated[bool, typer.Option("--force", help="Delete the pipeline even if a stack manages it.")]


def pause_pipelines(
    *,
    names: Names = None,
    project: ProjectGlob = None,
    topic: TopicGlob = None,
    name: NameGlob = None,
    all_failed: AllFailed = False,
    wait: Wait = True,
    timeout: Timeout = DEFAULT_TIMEOUT_SECONDS,
    stack: StackName = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Pause pipelines and wait until they are PAUSED."""
    filters = Filters.of_options(project, topic, name, all_failed=all_failed)
    with open_context(stack, folder) as context:
        targets = find_targets(context, names, filters)
        change = recorded(context, "pause", _setter(context, "paused", timeout if wait else None))
        change_each(context, targets, change, as_json=as_json)


def resume_pipelines(
    *,
    names: Names = None,
    project: ProjectGlob = None,
    topic: TopicGlob = None,
    name: NameGlob = None,
    all_failed: AllFailed = False,
    wait: Wait = True,
    timeout: Timeout = DEFAULT_TIMEOUT_SECONDS,
    stack: StackName = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Resume paused pipelines and wait until they are RUNNING with all replicas ready."""
    filters = Filters.of_options(project, topic, name, all_failed=all_failed)
    with open_context(stack, folder) as context:
        targets = find_targets(context, names, filters)
        change = recorded(context, "resume", _setter(context, "running", timeout if wait else None))
        change_each(context, targets, change, as_json=as_json)


def restart_pipelines(
    *,
    names: Names = None,
    project: ProjectGlob = None,
    topic: TopicGlob = None,
    name: NameGlob = None,
    all_failed: AllFailed = False,
    timeout: Timeout = DEFAULT_TIMEOUT_SECONDS,
    stack: StackName = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Pause pipelines, wait, and resume them: GoldRush has no restart of its own."""
    filters = Filters.of_options(project, topic, name, all_failed=all_failed)
    with open_context(stack, folder) as context:
        targets = find_targets(context, names, filters)
        change = recorded(context, "restart", lambda target: _restart(context, target, timeout))
        change_each(context, targets, change, as_json=as_json)


def delete_pipeline(
    name: Name,
    yes: Yes = False,
    force: Force = False,
    wait: Wait = True,
    timeout: Timeout = DEFAULT_TIMEOUT_SECONDS,
    stack: StackName = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Delete a pipeline for good. What it has written stays; a pipeline that a stack manages needs --force."""
    with open_context(stack, folder) as context:
        target = find_target(context, name)
        _require_unmanaged(context, target, force=force)
        if not yes:
            _confirm(context, target)
        with recording(context, "delete", target) as run:
            try:
                context.client.delete_pipeline(target.pipeline.id)
            except PipelineNotFound:
                note(f"{target.label} is already gone")
            outcome = wait_until_gone(context, target, timeout) if wait else None
            is_late = outcome is not None and outcome.ending is not WaitEnd.REACHED
            run.finish("TimedOut" if is_late else "Succeeded")
    if outcome is not None and is_late:
        text = f"delete pipeline {target.label}: it still exists after {outcome.waited_seconds:.0f} s"
        raise CommandFailed(text, ExitCode.TIMED_OUT)
    if as_json:
        print_models(Deletion.model_validate({**target.reference(), "deleted": True}), context.redact)
    else:
        print_line(f"{target.label} is deleted; its tables, topics and files still exist")


def _setter(context: CommandContext, desired_status: str, timeout_seconds: float | None) -> Callable[[Target], Change]:
    def change(target: Target) -> Change:
        _warn_of_drift(context, target, desired_status)
        outcome = _set_status(context, target, desired_status, timeout_seconds)
        return change_of(target, desired_status, outcome)

    return change


def _set_status(
    context: CommandContext,
    target: Target,
    desired_status: str,
    timeout_seconds: float | None,
    before: PipelineStatus | None = None,
) -> WaitOutcome | None:
    """Set the desired status, and wait for the phase that fits it unless `timeout_seconds` is None.

    `before` is what was observed just now; without it, the status is read first.
    """
    pipeline_id = target.pipeline.id
    if timeout_seconds is None:
        context.client.set_pipeline_status(pipeline_id, desired_status)
        return None
    goal = goal_of(desired_status, is_bounded=target.is_bounded)
    before = before or context.client.get_pipeline_status(pipeline_id)
    # A worker that is there already has nothing to start; any other phase has to be that of a new deployment.
    previous = None if goal.is_live(before) else PreviousStart(before.start_time)
    context.client.set_pipeline_status(pipeline_id, desired_status)
    return wait_for_goal(context, target, goal, timeout_seconds, previous)


def _restart(context: CommandContext, target: Target, timeout_seconds: float) -> Change:
    before = _require_restartable(context, target)
    if target.managed is not None:
        _warn_of_drift(context, target, "running")
    is_resumed = False
    try:
        outcome = _set_status(context, target, "paused", timeout_seconds, before)
        if outcome is None or outcome.ending is not WaitEnd.REACHED:
            return change_of(target, "paused", outcome)
        outcome = _set_status(context, target, "running", timeout_seconds, outcome.status)
        is_resumed = True
    finally:
        if not is_resumed:
            resume = context.shown(context.command("resume", target.pipeline.id))
            note(f"warning: {target.label} may still be paused; run `{resume}`")
    return change_of(target, "running", outcome)


def _warn_of_drift(context: CommandContext, target: Target, desired_status: str) -> None:
    if target.managed is not None:
        declared = target.managed.inputs.get("status") or "running"
        if declared != desired_status:
            text = f"stack {target.stack_name} wants {target.label} {declared}; the next `pulumi up --refresh` will"
            note(f"warning: {context.shown(text)} {'resume' if declared == 'running' else 'pause'} it")
    elif target.managed_by is not None:
        manager = context.shown(_some_stack(target))
        note(f"warning: {target.label} belongs to {manager}, which may undo this; set status in its program to keep it")


def _require_restartable(context: CommandContext, target: Target) -> PipelineStatus:
    """Return the status of a pipeline that can be restarted.

    Raises:
        CommandFailed: It has ended, or is paused.
    """
    status = context.client.get_pipeline_status(target.pipeline.id)
    if status.phase == Phase.STOPPED and target.is_bounded:
        raise CommandFailed(f"restart pipeline {target.label}: it is bounded and has ended", ExitCode.REFUSED)
    if target.pipeline.status == "paused":
        resume = context.command("resume", target.pipeline.id)
        text = f"restart pipeline {target.label}: it is paused, run `{resume}`"
        raise CommandFailed(context.shown(text), ExitCode.REFUSED)
    return status


def _require_unmanaged(context: CommandContext, target: Target, *, force: bool) -> None:
    if target.managed_by is None:
        return
    manager = context.shown(f"stack {target.stack_name}" if target.managed else _some_stack(target))
    if not force:
        advice = "remove it from the program and run `pulumi up`, or use --force"
        raise CommandFailed(f"delete pipeline {target.label}: {manager} manages it, {advice}", ExitCode.REFUSED)
    note(f"warning: {manager} manages {target.label}; the next `pulumi up --refresh` will create it again")


def _some_stack(target: Target) -> str:
    """Return the stack whose ownership tag a pipeline carries, as far as it has a name here."""
    likely = target.managed_by.likely_stack if target.managed_by else None
    return f"a stack (likely {likely})" if likely else "a stack"


def _confirm(context: CommandContext, target: Target) -> None:
    if not sys.stdin.isatty():
        text = f"delete pipeline {target.label}: stdin is not a terminal, pass --yes"
        raise CommandFailed(text, ExitCode.REFUSED)
    if not typer.confirm(f"Delete {target.label} of project {context.shown(target.pipeline.project)}?", err=True):
        raise CommandFailed("nothing was deleted", ExitCode.REFUSED)
