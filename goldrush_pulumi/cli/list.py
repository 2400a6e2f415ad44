"""`list` and `get`: which pipelines exist, and how they are configured."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

import typer

from goldrush_pulumi.api import Pipeline, PipelineStatus
from goldrush_pulumi.cli.context import CommandContext, open_context
from goldrush_pulumi.cli.json_models import ListedPipeline, ManagedBy, PipelineConfiguration
from goldrush_pulumi.cli.options import (
    HERE,
    AsJson,
    DesiredStatus,
    Folder,
    Name,
    NameGlob,
    ProjectGlob,
    StackName,
    TopicGlob,
    Wide,
)
from goldrush_pulumi.cli.output import (
    Column,
    print_facts,
    print_line,
    print_models,
    print_table,
    safe,
    safe_values,
)
from goldrush_pulumi.cli.targets import Filters, Target, find_target, require_match, statuses_of
from goldrush_pulumi.operations.history import utc_now
from goldrush_pulumi.operations.identity import without_tag
from goldrush_pulumi.operations.redaction import masked_config

PhaseFilter = Annotated[
    str | None, typer.Option("--phase", help="Only pipelines in this phase, such as FAILED; requests each phase.")
]

WithPhase = Annotated[bool, typer.Option("--with-phase", help="Request the phase of each pipeline, too.")]

_COLUMNS: Final = (
    Column("id"),
    Column("name", flexible=True, least=28),
    Column("project", flexible=True, optional=1),
    Column("topic", flexible=True, optional=4),
    Column("destination_type", optional=3),
    Column("status", optional=2),
)

_PHASE_COLUMNS: Final = (Column("phase"), Column("ready"))


def list_pipelines(
    *,
    project: ProjectGlob = None,
    topic: TopicGlob = None,
    name: NameGlob = None,
    status: DesiredStatus = None,
    phase: PhaseFilter = None,
    with_phase: WithPhase = False,
    stack: StackName = None,
    folder: Folder = HERE,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """List the pipelines of the account; with --stack, show which of them the stack manages."""
    filters = Filters(project, topic, name, status, phase.upper() if phase else None)
    with open_context(stack, folder) as context:
        pipelines = [item for item in context.client.iterate_pipelines() if filters.match(item)]
        statuses = statuses_of(context, pipelines, lenient=True) if with_phase or phase else {}
        rows = [_listed(Target.of(item, context.stack), statuses.get(item.id)) for item in pipelines]
    if filters.phase:
        rows = [row for row in rows if row.phase == filters.phase]
    if filters.are_set:
        require_match(filters, rows)
    if as_json:
        print_models(rows, context.redact)
        return
    with_phases = with_phase or phase is not None
    columns = [*_COLUMNS, *(_PHASE_COLUMNS if with_phases else ()), Column("managed", flexible=True, optional=5)]
    cells = [_cells(context, row, with_phases=with_phases) for row in rows]
    print_table(columns, cells, wide=wide)


def get_pipeline(name: Name, stack: StackName = None, folder: Folder = HERE, as_json: AsJson = False) -> None:
    """Show a pipeline's configuration, credentials masked."""
    with open_context(stack, folder) as context:
        target = find_target(context, name)
    shown = _configuration(target)
    if as_json:
        print_models(shown, context.redact)
        return
    values = safe_values(shown.model_dump(mode="json"), context.redact)
    values["managed_by"] = context.shown(managed_text(shown.managed_by, has_stack=context.stack is not None))
    print_facts({key: value for key, value in values.items() if isinstance(value, str) and value})
    for key, value in values.items():
        if isinstance(value, dict) and value:
            print_line(f"{key}:")
            print_facts({f"  {path}": text for path, text in _flat(value)})


def managed_text(managed_by: ManagedBy | None, *, has_stack: bool) -> str:
    """Return who manages a pipeline, for people; "" if no stack is known to."""
    if managed_by is None:
        return ""
    if managed_by.resource is not None:
        return managed_by.resource
    if managed_by.likely_stack is not None:
        return f"likely {managed_by.likely_stack}"
    return "another stack" if has_stack else "a stack"


def _configuration(target: Target) -> PipelineConfiguration:
    """Return a pipeline's configuration with every credential masked, whatever the server masks."""
    pipeline, creator = target.pipeline, target.pipeline.created_by
    names = set(PipelineConfiguration.model_fields) & set(Pipeline.model_fields)
    values = pipeline.model_dump(include=names)
    values |= {
        **target.reference(),
        "description": without_tag(pipeline.description),
        "destination_config": masked_config(pipeline.destination_type, pipeline.destination_config),
        "abi_entries": len(pipeline.abi_file) if isinstance(pipeline.abi_file, list) else None,
        "group_id": pipeline.group_id,
        "created_by": (creator.display_name or creator.full_name or creator.email or creator.id) if creator else None,
    }
    return PipelineConfiguration.model_validate(values)


def _listed(target: Target, status: PipelineStatus | None) -> ListedPipeline:
    pipeline = target.pipeline
    return ListedPipeline(
        id=pipeline.id,
        name=pipeline.name,
        managed_by=target.managed_by,
        project=pipeline.project,
        topic=pipeline.topic,
        destination_type=pipeline.destination_type,
        execution_mode=pipeline.execution_mode,
        status=pipeline.status,
        phase=status.phase if status else None,
        ready=status.ready if status else None,
        replicas=status.replicas if status else None,
        observed_at=utc_now() if status else None,
    )


def _cells(context: CommandContext, row: ListedPipeline, *, with_phases: bool) -> list[str]:
    cells: Sequence[str] = (row.id, row.name, row.project, row.topic, row.destination_type, row.status)
    phases = (row.phase or "", "" if row.ready is None else f"{row.ready}/{row.replicas}") if with_phases else ()
    owner = managed_text(row.managed_by, has_stack=context.stack is not None)
    return [context.shown(cell) or "-" for cell in (*cells, *phases, owner)]


def _flat(values: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{safe(key)}.")
        else:
            yield f"{path}{safe(key)}", value if isinstance(value, str) else json.dumps(value)
