"""`runs`: the deployments that a stack's state records, and the commands that this machine recorded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final

import typer

from goldrush_pulumi.cli.completion import complete_stacks
from goldrush_pulumi.cli.errors import CommandFailed, ExitCode
from goldrush_pulumi.cli.json_models import Run
from goldrush_pulumi.cli.local_runs import LocalRuns
from goldrush_pulumi.cli.options import HERE, AsJson, Folder
from goldrush_pulumi.cli.output import Column, print_line, print_models, print_table, safe
from goldrush_pulumi.cli.stacks import Managed, Stack, load_stack
from goldrush_pulumi.validation.problems import suggest

StackOfRuns = Annotated[
    str,
    typer.Option("--stack", "-s", help="Stack whose state is read.", metavar="STACK", autocompletion=complete_stacks),
]

Resource = Annotated[
    str | None,
    typer.Argument(help="Name of a resource, or id of its pipeline, to show as a timeline.", metavar="NAME"),
]

Version = Annotated[
    str | None,
    typer.Option("--version", help="Only runs of this config_version; a prefix is enough.", metavar="HASH"),
]

_BAR_WIDTH: Final = 30

_COLUMNS: Final = (
    Column("resource", flexible=True, least=28),
    Column("action"),
    Column("status"),
    Column("started"),
    Column("seconds", right=True),
    Column("config_version", optional=4),
    Column("changed", flexible=True, optional=2),
    Column("by", flexible=True, optional=3),
    Column("failed step", optional=1),
)

_BY: Final = ("user", "ci", "job", "commit")


def show_runs(
    stack: StackOfRuns,
    name: Resource = None,
    version: Version = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Show the last deployments of a stack's pipelines, newest first; with NAME, show each step on a timeline."""
    selected = load_stack(stack, folder)
    pipelines = selected.pipelines if name is None else (_find(selected, name),)
    runs = [(managed, run) for managed in pipelines for run in _runs_of(managed) if _has_version(run, version)]
    runs.sort(key=lambda pair: str(pair[1].get("started_at")), reverse=True)
    if as_json:
        print_models([Run.model_validate(run) for _, run in runs])
    elif name is None:
        _print_table(runs)
    else:
        for managed, run in runs:
            _print_timeline(managed, run)
    if not runs and not as_json:
        print_line("no runs are recorded")


def seconds_between(start: object, end: object) -> float | None:
    """Return the seconds between two times of a record, None if one of them is missing."""
    try:
        moments = [datetime.fromisoformat(str(text)) for text in (start, end)]
    except ValueError:
        return None
    return max((moments[1] - moments[0]).total_seconds(), 0.0)


def _find(stack: Stack, name: str) -> Managed:
    managed = stack.by_resource(name) or stack.by_id(name)
    if managed is not None:
        return managed
    likely = suggest(name, [managed.resource for managed in stack.pipelines])
    advice = f'did you mean "{likely}"?' if likely else f"goldrush-pulumi runs --stack {stack.name} shows all"
    text = f"find resource {name}: stack {stack.name} manages no pipeline of that name, {advice}"
    raise CommandFailed(safe(text), ExitCode.NOT_FOUND)


def _runs_of(managed: Managed) -> Iterator[dict[str, Any]]:
    """Yield the records of a pipeline with every field that the JSON promises; other versions may have written them."""
    local = LocalRuns.of_user().find(managed.pipeline_id)
    for run, place in [*((run, "state") for run in managed.runs), *((run, "this_machine") for run in local)]:
        changed = run.get("changed")
        yield {
            **run,
            **{name: run[name] if isinstance(run.get(name), str) else None for name in _BY},
            "changed": list(map(str, changed)) if isinstance(changed, list) else None,
            "resource": managed.resource,
            "id": managed.pipeline_id,
            "recorded_in": place,
        }


def _has_version(run: dict[str, Any], version: str | None) -> bool:
    return version is None or str(run.get("config_version", "")).startswith(version)


def _print_table(runs: list[tuple[Managed, dict[str, Any]]]) -> None:
    print_table(_COLUMNS, [_row(managed, run) for managed, run in runs])


def _row(managed: Managed, run: dict[str, Any]) -> tuple[str, ...]:
    failed = next((str(step.get("name")) for step in _steps(run) if step.get("status") != "Succeeded"), "-")
    words = (_action(run), run.get("status"), run.get("started_at"))
    version, changed = str(run.get("config_version") or "-"), ", ".join(run["changed"] or ()) or "-"
    by = ", ".join(run[name] for name in ("user", "ci") if run[name]) or "-"
    return (managed.resource, *map(str, words), _seconds(run), version, changed, by, failed)


def _print_timeline(managed: Managed, run: dict[str, Any]) -> None:
    words = (run.get("started_at"), _action(run), run.get("status"), f"{_seconds(run)} s")
    print_line(safe(f"{managed.resource}  {'  '.join(map(str, words))}  config {run.get('config_version')}"))
    for name, values in (("changed", run["changed"]), ("by", [run[name] for name in _BY if run[name]])):
        if values:
            print_line(safe(f"  {name:<12} {', '.join(values)}"))
    total = seconds_between(run.get("started_at"), run.get("finished_at")) or 0.0
    for step in _steps(run):
        bar = _bar(seconds_between(run.get("started_at"), step.get("started_at")), _length(step), total)
        print_line(safe(f"  {step.get('name')!s:<12} {bar}  {_seconds(step):>8} s  {step.get('status')}"))


def _action(run: dict[str, Any]) -> str:
    """Return what was done, and whether it was this command line that did it rather than Pulumi."""
    action = str(run.get("action"))
    return f"{action} (command line)" if run["recorded_in"] == "this_machine" else action


def _bar(before: float | None, length: float | None, total: float) -> str:
    if before is None or length is None or total <= 0:
        return " " * _BAR_WIDTH
    start = min(round(before / total * _BAR_WIDTH), _BAR_WIDTH - 1)
    size = max(min(round(length / total * _BAR_WIDTH), _BAR_WIDTH - start), 1)
    return f"{' ' * start}{'━' * size}".ljust(_BAR_WIDTH)


def _steps(run: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (step for step in run.get("steps") or [] if isinstance(step, dict))


def _length(record: dict[str, Any]) -> float | None:
    return seconds_between(record.get("started_at"), record.get("finished_at"))


def _seconds(record: dict[str, Any]) -> str:
    length = _length(record)
    return "-" if length is None else f"{length:.1f}"
