"""`list` and `get`: which pipelines there are, and how they are configured."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from goldrush_pulumi.api import GoldRushError, Pipeline, PipelineStatus
from goldrush_pulumi.cli.context import Account, Target, ask_all, find_target, open_account
from goldrush_pulumi.cli.options import HERE, AsJson, Folder, Name, StackName
from goldrush_pulumi.cli.output import print_facts, print_json, print_line, print_table, safe, safe_values
from goldrush_pulumi.operations.identity import OwnershipTag, without_tag
from goldrush_pulumi.operations.redaction import masked_config

Project = Annotated[str | None, typer.Option("--project", help="Only pipelines of this project.")]

Topic = Annotated[str | None, typer.Option("--topic", help="Only pipelines that read this topic.")]

Wish = Annotated[str | None, typer.Option("--status", help="Only pipelines with this wish: running or paused.")]

Phase = Annotated[str | None, typer.Option("--phase", help="Only pipelines in this phase, such as FAILED; asks each.")]

WithPhase = Annotated[bool, typer.Option("--with-phase", help="Ask each pipeline for its phase, too.")]


@dataclass(frozen=True)
class Filters:
    """What pipelines must have to be listed; None means anything."""

    project: str | None = None
    topic: str | None = None
    status: str | None = None

    def fit(self, pipeline: Pipeline) -> bool:
        """Whether a pipeline has all of it."""
        wanted = {"project": self.project, "topic": self.topic, "status": self.status}
        return all(value is None or getattr(pipeline, name) == value for name, value in wanted.items())


def list_pipelines(
    project: Project = None,
    topic: Topic = None,
    status: Wish = None,
    phase: Phase = None,
    with_phase: WithPhase = False,
    stack: StackName = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """List the pipelines of the account; with --stack, tell which of them the stack manages."""
    with open_account(stack, folder) as account:
        filters = Filters(project, topic, status)
        pipelines = [item for item in account.client.iterate_pipelines() if filters.fit(item)]
        phases = _phases(account, pipelines) if with_phase or phase else {}
        if phase:
            pipelines = [item for item in pipelines if _phase(phases, item) == phase.upper()]
        rows = [_row(account, pipeline, phases.get(pipeline.id)) for pipeline in pipelines]
    if as_json:
        print_json(safe_values(rows, account.redact))
        return
    columns = ["id", "name", "project", "topic", "destination_type", "status"]
    columns += ["phase", "ready"] if phases else []
    print_table(
        [*columns, "managed"], ([account.shown(row[name] or "-") for name in [*columns, "managed_by"]] for row in rows)
    )


def get_pipeline(name: Name, stack: StackName = None, folder: Folder = HERE, as_json: AsJson = False) -> None:
    """Show a pipeline's configuration, credentials masked."""
    with open_account(stack, folder) as account:
        target = find_target(account, name)
    values = safe_values(configuration(target), account.redact)
    if as_json:
        print_json(values)
        return
    print_facts({key: value for key, value in values.items() if isinstance(value, str) and value})
    for key, value in values.items():
        if isinstance(value, dict) and value:
            print_line(f"{key}:")
            print_facts({f"  {name}": text for name, text in _flat(value)})


def configuration(target: Target) -> dict[str, Any]:
    """What a pipeline is, by the API's own names: every credential masked, whatever the server masks."""
    pipeline = target.pipeline
    values = pipeline.model_dump(exclude={"created_by", "group", "abi_file", "description"})
    return {
        **values,
        "description": without_tag(pipeline.description),
        "destination_config": masked_config(pipeline.destination_type, pipeline.destination_config),
        "abi_entries": len(pipeline.abi_file) if isinstance(pipeline.abi_file, list) else None,
        "group_id": pipeline.group_id,
        "managed_by": managed_by(target),
    }


def managed_by(target: Target) -> str | None:
    """The resource of the selected stack, "another stack" by its mark, or None."""
    if target.managed is not None:
        return target.managed.resource
    return "another stack" if OwnershipTag.found_in(target.pipeline.description) else None


def _row(account: Account, pipeline: Pipeline, status: PipelineStatus | None) -> dict[str, Any]:
    names = ("id", "name", "project", "topic", "destination_type", "execution_mode", "status")
    managed = account.stack.by_id(pipeline.id) if account.stack else None
    owner = managed_by(Target(pipeline, managed))
    return {
        **{name: getattr(pipeline, name) for name in names},
        # Without a stack in hand, nobody knows whether it is "another".
        "managed_by": "a stack" if owner == "another stack" and account.stack is None else owner,
        "phase": status.phase if status else None,
        "ready": f"{status.ready} of {status.replicas}" if status else None,
    }


def _phases(account: Account, pipelines: list[Pipeline]) -> dict[str, PipelineStatus]:
    answers = list(ask_all(lambda pipeline: _status(account, pipeline.id), pipelines, account.cancelled))
    return {item.id: status for item, status in zip(pipelines, answers, strict=True) if status}


def _status(account: Account, pipeline_id: str) -> PipelineStatus | None:
    try:
        return account.client.get_pipeline_status(pipeline_id)
    except GoldRushError:
        return None


def _phase(phases: Mapping[str, PipelineStatus], pipeline: Pipeline) -> str | None:
    status = phases.get(pipeline.id)
    return status.phase if status else None


def _flat(values: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{safe(key)}.")
        else:
            yield f"{path}{safe(key)}", value if isinstance(value, str) else json.dumps(value)
