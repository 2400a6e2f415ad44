"""`diagnose`: why a pipeline is not as desired, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass

import typer

from goldrush_pulumi.api import PipelineStatus
from goldrush_pulumi.cli.context import CommandContext, open_context, run_all
from goldrush_pulumi.cli.errors import ExitCode
from goldrush_pulumi.cli.json_models import Cause, Diagnosed, PodTail
from goldrush_pulumi.cli.options import (
    HERE,
    AllFailed,
    AsJson,
    Folder,
    NameGlob,
    Names,
    ProjectGlob,
    StackName,
    TopicGlob,
)
from goldrush_pulumi.cli.output import note, print_line, print_models
from goldrush_pulumi.cli.targets import Filters, Target, find_targets
from goldrush_pulumi.operations.diagnosis import Evidence, gather_evidence
from goldrush_pulumi.operations.history import utc_now
from goldrush_pulumi.schema.phases import Phase


def diagnose_pipelines(
    names: Names = None,
    project: ProjectGlob = None,
    topic: TopicGlob = None,
    name: NameGlob = None,
    all_failed: AllFailed = False,
    stack: StackName = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Show phase, destination error, last log lines and likely cause; exit code 10 if a pipeline is not as desired."""
    filters = Filters.of_options(project, topic, name, all_failed=all_failed)
    with open_context(stack, folder) as context:
        targets = find_targets(context, names, filters)
        diagnoses = []
        for diagnosis in run_all(lambda target: _diagnose(context, target), targets, context.cancelled):
            diagnoses.append(diagnosis)
            if not as_json:
                _print_diagnosis(context, diagnosis)
        if as_json:
            print_models([_as_model(diagnosis) for diagnosis in diagnoses], context.redact)
    in_trouble = sum(diagnosis.is_in_trouble for diagnosis in diagnoses)
    if len(diagnoses) > 1:
        note(f"{len(diagnoses)} pipelines: {in_trouble} not as desired")
    if in_trouble:
        raise typer.Exit(ExitCode.UNHEALTHY)


@dataclass(frozen=True)
class _Diagnosis:
    target: Target
    status: PipelineStatus
    evidence: Evidence
    observed_at: str

    @property
    def is_in_trouble(self) -> bool:
        return not self.target.is_as_desired(self.status) or self.evidence.healthy is False


def _diagnose(context: CommandContext, target: Target) -> _Diagnosis:
    pipeline_id = target.pipeline.id
    status = context.client.get_pipeline_status(pipeline_id)
    return _Diagnosis(target, status, gather_evidence(pipeline_id, context.client, context.redact), utc_now())


def _print_diagnosis(context: CommandContext, diagnosis: _Diagnosis) -> None:
    target, status, evidence = diagnosis.target, diagnosis.status, diagnosis.evidence
    phase = f"{status.phase} (ready {status.ready} of {status.replicas}), desired status {target.pipeline.status}"
    since = f", since {status.start_time}" if status.start_time else ""
    print_line(f"pipeline {target.label} is {context.shown(phase + since)}")
    if not diagnosis.is_in_trouble:
        print_line("  nothing is wrong: the phase is as desired, and the destination is not known to be unhealthy")
        return
    for line in evidence.lines():
        print_line(line)
    print_line(f"  next: {_advice(context, diagnosis)}")


def _advice(context: CommandContext, diagnosis: _Diagnosis) -> str:
    """Return what to do next, with a command that works as it stands."""
    target, pipeline_id = diagnosis.target, diagnosis.target.pipeline.id
    logs = f"`{context.command('logs', pipeline_id)} --follow`"
    if diagnosis.status.phase not in {Phase.FAILED, Phase.STOPPED}:
        return f"watch it with {logs}"
    if target.managed_by is not None:
        stack = f" --stack {target.stack_name}" if target.stack_name else ""
        return context.shown(f"fix the cause and run `pulumi up --refresh{stack}`, or look closer with {logs}")
    return f"fix the cause and run `{context.command('restart', pipeline_id)}`, or look closer with {logs}"


def _as_model(diagnosis: _Diagnosis) -> Diagnosed:
    target, status, evidence = diagnosis.target, diagnosis.status, diagnosis.evidence
    cause = evidence.cause
    return Diagnosed(
        **target.reference(),
        status=target.pipeline.status,
        phase=status.phase,
        ready=status.ready,
        replicas=status.replicas,
        start_time=status.start_time,
        observed_at=diagnosis.observed_at,
        healthy=evidence.healthy,
        destination_error=evidence.last_error,
        likely_cause=Cause(name=cause.name, text=cause.text) if cause else None,
        logs=[PodTail(pod=pod, lines=list(lines)) for pod, lines in evidence.tails],
    )
