"""What the table of `watch` shows, and in which order."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from rich.console import Console

from goldrush_pulumi.api.models import Pipeline, PipelineMetrics, PipelineStatus
from goldrush_pulumi.cli.monitor import Row
from goldrush_pulumi.cli.targets import Target
from goldrush_pulumi.cli.watch import render

if TYPE_CHECKING:
    from goldrush_pulumi.cli.monitor import Monitor

LINES_AROUND = 4


def row(
    name: str,
    phase: str,
    *,
    desired_status: str = "running",
    mode: str = "unbounded",
    healthy: bool = True,
    ready: int = 1,
) -> Row:
    """A pipeline as the last round observed it."""
    pipeline = Pipeline(id=f"pipe_{name}", name=name, status=desired_status, execution_mode=mode)
    status = PipelineStatus(phase=phase, replicas=1, ready=ready)
    return Row(Target(pipeline)).observed(status, PipelineMetrics(), healthy)


def drawn(rows: list[Row], *, lines: int | None = None, width: int = 200, trouble: str | None = None) -> list[str]:
    """The lines that are drawn for some rows."""
    context = SimpleNamespace(shown=str)
    monitor = SimpleNamespace(
        context=context, rows=lambda: rows, rounds=1, trouble=trouble, last_success="2026-11-23T10:00:00.000Z"
    )
    console = Console(width=width)
    with console.capture() as capture:
        console.print(render(cast("Monitor", monitor), width, lines))
    return [line.rstrip() for line in capture.get().splitlines()]


def shown(rows: list[Row], count: int) -> list[str]:
    """The names that a table of `count` rows shows, from the top."""
    lines = drawn(rows, lines=count + LINES_AROUND)
    names = [row.target.name for row in rows]
    return [next(name for name in names if line.startswith(name)) for line in lines[1:-1]]


def test_the_more_urgent_comes_first() -> None:
    """Failed, then running without its destination, then not there yet; those that are as desired come last."""
    as_desired = [
        row("running", "RUNNING"),
        row("paused", "PAUSED", desired_status="paused"),
        row("done", "STOPPED", mode="bounded"),
    ]
    others = [
        row("deploying", "DEPLOYING"),
        row("not ready", "RUNNING", ready=0),
        row("stopped", "STOPPED"),
        row("goes on", "RUNNING", desired_status="paused"),
        row("cut off", "RUNNING", healthy=False),
        row("broken", "FAILED"),
    ]
    urgent = ["broken", "cut off", "deploying", "not ready", "stopped", "goes on"]
    assert shown([*as_desired, *others], len(others)) == urgent
    assert shown([*as_desired, *others], len(others) + 2) == [*urgent, "running", "paused"]


def test_the_failing_come_first_even_where_all_fit() -> None:
    """A table with room for everything is sorted all the same."""
    rows = [row("running", "RUNNING"), row("broken", "FAILED")]
    assert shown(rows, 2) == ["broken", "running"]


def test_what_was_not_observed_is_not_counted() -> None:
    """A stale row keeps its last phase in the table, but not in the counts, and a banner names the outage."""
    stale = dataclasses.replace(row("stale", "RUNNING"), trouble="ConnectionFailed")
    lines = drawn([row("fresh", "RUNNING"), stale], trouble="connection refused")

    assert lines[0].startswith("no response since ")
    assert lines[0].endswith(": connection refused")
    assert lines[-1] == "2 pipelines, 1 RUNNING, 0 FAILED, 1 not observed, round 1"
    assert "RUNNING" in next(line for line in lines if line.startswith("stale"))


def test_names_are_shortened_and_never_folded() -> None:
    """In 80 and in 40 columns each pipeline has one line, and its name ends with an ellipsis if it is too long."""
    name = "a-pipeline-with-a-name-that-is-much-longer-than-any-terminal-is-wide-and-longer-still"
    for width in (80, 40):
        lines = drawn([row(name, "RUNNING")], width=width)
        assert len(lines) == 3
        assert all(len(line) <= width for line in lines)
        assert "…" in lines[1]
        assert lines[1].startswith("a-pipe")
        assert "RUNNING" in lines[1]


def test_the_beginning_of_a_phase_is_kept() -> None:
    """The first phase began with the deployment, a later one when it was first observed."""
    first = Row(Target(Pipeline(id="pipe_1"))).observed(
        PipelineStatus(phase="RUNNING", start_time="2026-11-23T10:00:00Z"), PipelineMetrics(), healthy=None
    )
    assert first.phase_since == "2026-11-23T10:00:00Z"
    again = first.observed(PipelineStatus(phase="RUNNING"), PipelineMetrics(), healthy=None)
    assert again.phase_since == first.phase_since
    failed = again.observed(PipelineStatus(phase="FAILED"), PipelineMetrics(), healthy=None)
    assert failed.phase_since == failed.observed_at
