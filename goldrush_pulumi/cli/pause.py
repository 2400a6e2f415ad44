"""`pause`, `resume`, `restart` and `delete`: what changes a pipeline without changing its configuration."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from goldrush_pulumi.api import PipelineNotFound
from goldrush_pulumi.cli.context import Account, Target, find_target, open_account
from goldrush_pulumi.cli.errors import CommandFailed, ExitCode
from goldrush_pulumi.cli.options import DEFAULT_TIMEOUT_SECONDS, HERE, AsJson, Folder, Name, StackName, Timeout, Wait
from goldrush_pulumi.cli.output import note, print_json, print_line, safe, safe_values
from goldrush_pulumi.operations import wait as waiting
from goldrush_pulumi.operations.wait import EventClock, Observation, WaitEnd, WaitOutcome, goal_of
from goldrush_pulumi.schema.phases import Phase

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

Force = Annotated[bool, typer.Option("--force", help="Delete even what a stack manages.")]

_CODES = {
    WaitEnd.REACHED: ExitCode.OK,
    WaitEnd.TIMED_OUT: ExitCode.TIMED_OUT,
    WaitEnd.GONE: ExitCode.NOT_FOUND,
    WaitEnd.CANCELLED: ExitCode.INTERRUPTED,
}


def pause_pipeline(
    name: Name,
    wait: Wait = True,
    timeout: Timeout = DEFAULT_TIMEOUT_SECONDS,
    stack: StackName = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Pause a pipeline and wait until it is PAUSED."""
    with open_account(stack, folder) as account:
        target = find_target(account, name)
        _warn_of_drift(account, target, "paused")
        _end(account, target, _set(account, target, "paused", timeout if wait else None), as_json=as_json)


def resume_pipeline(
    name: Name,
    wait: Wait = True,
    timeout: Timeout = DEFAULT_TIMEOUT_SECONDS,
    stack: StackName = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Resume a paused pipeline and wait until it is RUNNING with all replicas ready."""
    with open_account(stack, folder) as account:
        target = find_target(account, name)
        _warn_of_drift(account, target, "running")
        _end(account, target, _set(account, target, "running", timeout if wait else None), as_json=as_json)


def restart_pipeline(
    name: Name,
    timeout: Timeout = DEFAULT_TIMEOUT_SECONDS,
    stack: StackName = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Pause a pipeline, wait, and resume it: GoldRush has no restart of its own."""
    with open_account(stack, folder) as account:
        target = find_target(account, name)
        _require_restartable(account, target)
        _warn_of_drift(account, target, "running")
        is_resumed = False
        try:
            outcome = _set(account, target, "paused", timeout)
            if outcome is not None and outcome.ending is WaitEnd.REACHED:
                outcome = _set(account, target, "running", timeout)
                is_resumed = True
        finally:
            if not is_resumed:
                note(f"warning: {target.label} may be left paused; goldrush-pulumi resume {safe(target.pipeline.id)}")
        _end(account, target, outcome, as_json=as_json)


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
    """Delete a pipeline for good. What it has written stays; one that a stack manages needs --force."""
    with open_account(stack, folder) as account:
        target = find_target(account, name)
        _require_unmanaged(account, target, force=force)
        if not yes:
            _confirm(account, target)
        try:
            account.client.delete_pipeline(target.pipeline.id)
        except PipelineNotFound:
            note(f"{target.label} is already gone")
        outcome = _wait_until_gone(account, target, timeout) if wait else None
    if outcome is not None and outcome.ending is not WaitEnd.REACHED:
        text = f"delete pipeline {target.label}: it is still there after {outcome.waited_seconds:.0f} s"
        raise CommandFailed(text, ExitCode.TIMED_OUT)
    if as_json:
        print_json({"id": target.pipeline.id, "deleted": True})
    else:
        print_line(f"{target.label} is deleted; its tables, topics and files are still there")


def _set(account: Account, target: Target, desired_status: str, timeout_seconds: float | None) -> WaitOutcome | None:
    """Ask for a wish, and wait for it unless `timeout_seconds` is None."""
    account.client.set_pipeline_status(target.pipeline.id, desired_status)
    if timeout_seconds is None:
        return None
    goal = goal_of(desired_status, is_bounded=target.pipeline.execution_mode == "bounded")
    policies = account.policies
    return waiting.wait_until(
        waiting.Wait(
            goal,
            timeout_seconds,
            grace_seconds=policies.failed_grace_seconds,
            stabilization_seconds=policies.stabilization_seconds,
        ),
        lambda: _look(account, target),
        EventClock(account.cancelled),
        lambda text: note(f"{target.label}: {account.shown(text)}"),
    )


def _wait_until_gone(account: Account, target: Target, timeout_seconds: float) -> WaitOutcome:
    clock = EventClock(account.cancelled)
    return waiting.wait_until_gone(timeout_seconds, lambda: _look(account, target), clock, lambda _: None)


def _look(account: Account, target: Target) -> Observation | None:
    try:
        return Observation(account.client.get_pipeline_status(target.pipeline.id))
    except PipelineNotFound:
        return None


def _end(account: Account, target: Target, outcome: WaitOutcome | None, *, as_json: bool) -> None:
    phase = outcome.status.phase if outcome and outcome.status else None
    if outcome is not None and outcome.ending is not WaitEnd.REACHED:
        text = (
            f"{target.label} is {phase or 'gone'} after {outcome.waited_seconds:.0f} s; goldrush-pulumi logs says more"
        )
        raise CommandFailed(account.shown(text), _CODES.get(outcome.ending, ExitCode.UNHEALTHY))
    if as_json:
        print_json(safe_values({"id": target.pipeline.id, "phase": phase}, account.redact))
    else:
        print_line(f"{target.label} is {account.shown(phase)}" if phase else f"{target.label}: asked for")


def _warn_of_drift(account: Account, target: Target, desired_status: str) -> None:
    if target.managed is not None and account.stack is not None:
        recorded = target.managed.inputs.get("status") or "running"
        if recorded != desired_status:
            text = (
                f"stack {account.stack.name} wants {target.label} {recorded}; its next refresh and up will see to that"
            )
            note(f"warning: {account.shown(text)}")
    elif target.has_owner:
        note(f"warning: {target.label} belongs to a stack, which may undo this; change its status there to keep it")


def _require_restartable(account: Account, target: Target) -> None:
    status = account.client.get_pipeline_status(target.pipeline.id)
    if status.phase == Phase.STOPPED and target.pipeline.execution_mode == "bounded":
        raise CommandFailed(f"restart pipeline {target.label}: it is bounded and done", ExitCode.REFUSED)
    if target.pipeline.status == "paused":
        text = f"restart pipeline {target.label}: it is paused, goldrush-pulumi resume {target.pipeline.id}"
        raise CommandFailed(account.shown(text), ExitCode.REFUSED)


def _require_unmanaged(account: Account, target: Target, *, force: bool) -> None:
    if not target.has_owner:
        return
    named = f"stack {account.stack.name}" if account.stack and target.managed else "a stack"
    if not force:
        advice = "remove it from the program and run pulumi up, or use --force"
        raise CommandFailed(f"delete pipeline {target.label}: {named} manages it, {advice}", ExitCode.REFUSED)
    note(f"warning: {named} manages {target.label}; its next refresh finds it gone, and its next up creates it again")


def _confirm(account: Account, target: Target) -> None:
    question = f"delete {target.label} of project {account.shown(target.pipeline.project)} for good?"
    if not sys.stdin.isatty():
        raise CommandFailed(f"{question} not done without --yes, for nobody can be asked", ExitCode.REFUSED)
    if not typer.confirm(question, err=True):
        raise CommandFailed("nothing was deleted", ExitCode.REFUSED)
