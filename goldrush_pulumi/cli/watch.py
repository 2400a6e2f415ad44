"""`watch`: all pipelines at a glance, live, the failing ones first. An outage of GoldRush does not end it."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from goldrush_pulumi.cli.context import CommandContext, open_context, quiet_interrupt
from goldrush_pulumi.cli.monitor import Monitor, Row
from goldrush_pulumi.cli.options import (
    HERE,
    AsJson,
    DesiredStatus,
    Folder,
    Interval,
    NameGlob,
    ProjectGlob,
    Rounds,
    StackName,
    TopicGlob,
    Wide,
)
from goldrush_pulumi.cli.output import Column, console, count_of, make_table, overflow, print_models
from goldrush_pulumi.cli.status import clock_time
from goldrush_pulumi.cli.targets import Filters
from goldrush_pulumi.schema.phases import Phase

if TYPE_CHECKING:
    from rich.console import RenderableType

RATE_SHARE: Final = 0.5
"""The part of the account's rate limit that watching may use: deployments need the rest."""

_SECONDS_BETWEEN_ROUNDS: Final = 2.0

_SECONDS_BETWEEN_FRAMES: Final = 0.25

_LINES_AROUND_ROWS: Final = 4
"""The header, the caption, the banner, and the line that the cursor stands on."""

_COLUMNS: Final = (
    Column("name", flexible=True, least=28),
    Column("project", flexible=True, optional=7),
    Column("phase"),
    Column("ready"),
    Column("rows/s", right=True, optional=3),
    Column("lag", right=True, optional=5),
    Column("waiting", right=True, optional=8),
    Column("healthy", optional=4),
    Column("since", optional=6),
    Column("seen", optional=2),
    Column("drift", flexible=True),
)


def watch(
    *,
    project: ProjectGlob = None,
    topic: TopicGlob = None,
    name: NameGlob = None,
    status: DesiredStatus = None,
    interval: Interval = _SECONDS_BETWEEN_ROUNDS,
    rounds: Rounds = None,
    stack: StackName = None,
    folder: Folder = HERE,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Watch all pipelines in a live table: phase, ready replicas, rows per second, lag, health and drift.

    It uses at most half of the account's rate limit. If stdout is not a terminal, each round is printed separately.
    """
    filters = Filters(project, topic, name, status)
    # Retries would hold a round back; the next round is the retry.
    with open_context(stack, folder, retry_seconds=0.0, rate_share=RATE_SHARE) as context, quiet_interrupt():
        monitor = Monitor(context, filters)
        if sys.stdout.isatty() and not as_json:
            _show_live(monitor, interval, rounds, wide=wide)
            return
        while rounds is None or monitor.rounds < rounds:
            monitor.poll()
            if as_json:
                print_models([row.as_model() for row in monitor.rows()], context.redact, on_one_line=True)
            else:
                console().print(render(monitor))
            if monitor.rounds != rounds and context.cancelled.wait(interval):
                return


def render(monitor: Monitor, width: int | None = None, lines: int | None = None) -> RenderableType:
    """Return the rows as a table of at most so many columns and lines, what needs attention first."""
    from rich.console import Group  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    rows = sorted(monitor.rows(), key=lambda row: row.urgency)
    shown = rows if lines is None else rows[: max(lines - _LINES_AROUND_ROWS, 1)]
    has_drift = any(row.drift for row in shown)
    columns = _COLUMNS if has_drift else _COLUMNS[:-1]
    cells = [_cells(monitor.context, row)[: len(columns)] for row in shown]
    sizes = {} if width is None else {"width": width}
    table = make_table(columns, cells, **sizes, dimmed=[row.is_stale for row in shown])
    caption = _caption(rows, monitor.rounds, len(rows) - len(shown))
    parts: list[RenderableType] = [table, Text(caption, style="dim italic", no_wrap=True, overflow=overflow())]
    if not monitor.trouble:
        return Group(*parts)
    banner = monitor.context.shown(f"no response since {clock_time(monitor.last_success)}: {monitor.trouble}")
    return Group(Text(banner, style="bold red", no_wrap=True, overflow=overflow()), *parts)


def _caption(rows: list[Row], rounds: int, hidden: int) -> str:
    """Count only what the last round has seen."""
    fresh = [row.status.phase for row in rows if row.status is not None and not row.is_stale]
    stale = sum(row.is_stale for row in rows)
    parts = [
        count_of(len(rows), "pipeline"),
        f"{fresh.count(Phase.RUNNING)} RUNNING",
        f"{fresh.count(Phase.FAILED)} FAILED",
        *([f"{stale} not observed"] if stale else []),
        f"round {rounds}",
        *([f"{hidden} not shown"] if hidden else []),
    ]
    return ", ".join(parts)


def _cells(context: CommandContext, row: Row) -> list[str]:
    status, metrics = row.status, row.metrics
    rate = metrics.records_per_second if metrics else None
    delay = metrics.processing_delay_ms if metrics else None
    pending = metrics.pending_records if metrics else None
    texts = (
        row.target.name,
        row.target.pipeline.project,
        (status.phase if status else None) or row.trouble or "...",
        f"{status.ready}/{status.replicas}" if status else "",
        "" if rate is None else f"{rate:,.1f}",
        "" if delay is None else f"{delay:,.0f} ms",
        "" if pending is None else f"{pending:,}",
        {True: "yes", False: "no", None: ""}[row.healthy],
        clock_time(row.phase_since) if row.phase_since else "",
        clock_time(row.observed_at),
        ", ".join(row.drift),
    )
    return [context.shown(text) for text in texts]


def _show_live(monitor: Monitor, interval: float, rounds: int | None, *, wide: bool) -> None:
    from rich.live import Live  # noqa: PLC0415 - only a terminal needs it

    cancelled = monitor.context.cancelled

    def frame() -> RenderableType:
        return render(monitor, None if wide else live.console.width, live.console.height)

    with ThreadPoolExecutor(1) as pool, Live(console=console(wide=wide), auto_refresh=False, screen=False) as live:
        polling = pool.submit(_poll_on, monitor, interval, rounds)
        try:
            while not polling.done():
                live.update(frame(), refresh=True)
                _wait(polling)
            live.update(frame(), refresh=True)
        finally:
            # The thread ends with its next request or pause.
            cancelled.set()
        polling.result()


def _poll_on(monitor: Monitor, interval: float, rounds: int | None) -> None:
    cancelled = monitor.context.cancelled
    while not cancelled.is_set() and (rounds is None or monitor.rounds < rounds):
        monitor.poll()
        if monitor.rounds != rounds:
            cancelled.wait(interval)


def _wait(polling: Future[None]) -> None:
    done = threading.Event()
    polling.add_done_callback(lambda _: done.set())
    done.wait(_SECONDS_BETWEEN_FRAMES)
