"""Which pipelines `watch` shows where not all of them fit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from rich.table import Table

from goldrush_pulumi.api.models import Pipeline, PipelineStatus
from goldrush_pulumi.cli.watch import Row, render

if TYPE_CHECKING:
    from goldrush_pulumi.cli.context import Account
    from goldrush_pulumi.cli.watch import Board

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
    """A pipeline as the last look saw it."""
    pipeline = Pipeline(id=f"pipe_{name}", name=name, status=desired_status, execution_mode=mode)
    return Row(pipeline, PipelineStatus(phase=phase, replicas=1, ready=ready), healthy=healthy)


def shown(rows: list[Row], count: int) -> list[str]:
    """The names that a table of `count` rows shows, from the top."""
    board = cast("Board", SimpleNamespace(rows=lambda: rows, rounds=1))
    table = render(cast("Account", SimpleNamespace(shown=str)), board, count + LINES_AROUND)
    assert isinstance(table, Table)
    return [str(cell) for cell in table.columns[0].cells]


def test_the_more_urgent_comes_first() -> None:
    """Failed, then running without its destination, then not there yet; those that are as wished come last."""
    as_wished = [
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
    assert shown([*as_wished, *others], len(others)) == urgent
    assert shown([*as_wished, *others], len(others) + 2) == [*urgent, "running", "paused"]


def test_a_table_with_room_keeps_its_order() -> None:
    """Where all fit, rows stay where they are."""
    rows = [row("running", "RUNNING"), row("broken", "FAILED")]
    assert shown(rows, 2) == ["running", "broken"]
