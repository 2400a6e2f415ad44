"""`watch`: all pipelines at a glance, live."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from goldrush_pulumi.cli.account import Account, open_account
from goldrush_pulumi.cli.board import Board, Row
from goldrush_pulumi.cli.listing import Filters, Project, Topic, Wish
from goldrush_pulumi.cli.options import HERE, AsJson, Folder, Interval, Rounds, StackName
from goldrush_pulumi.cli.terminal import console, make_table, print_json, safe_values
from goldrush_pulumi.deployment.wait import FAILED, RUNNING, goal_of

if TYPE_CHECKING:
    from rich.console import RenderableType

RATE_SHARE: Final = 0.5
"""The part of the account's request rate that watching takes: deployments need the rest."""

_SECONDS_BETWEEN_ROUNDS: Final = 2.0
_SECONDS_BETWEEN_FRAMES: Final = 0.25
_LINES_AROUND_ROWS: Final = 4
"""The header with its rule, the caption, and the line that the cursor stands on."""
_COLUMNS: Final = ("name", "project", "phase", "ready", "rows/s", "lag", "waiting", "healthy")


def watch(
    project: Project = None,
    topic: Topic = None,
    status: Wish = None,
    interval: Interval = _SECONDS_BETWEEN_ROUNDS,
    rounds: Rounds = None,
    stack: StackName = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Watch all pipelines in a live table: phase, ready replicas, rows per second, lag and health.

    It takes half of the account's request rate at most. Where stdout is no terminal, each round is printed on its own.
    """
    with open_account(stack, folder, share=RATE_SHARE) as account:
        board = Board(account.client, Filters(project, topic, status).fit, account.cancelled)
        if sys.stdout.isatty() and not as_json:
            _show_live(account, board, interval, rounds)
            return
        while rounds is None or board.rounds < rounds:
            board.look()
            if as_json:
                print_json(safe_values([row.as_json() for row in board.rows()], account.redact), on_one_line=True)
            else:
                console().print(render(account, board))
            if board.rounds != rounds and account.cancelled.wait(interval):
                return


def render(account: Account, board: Board, lines: int | None = None) -> RenderableType:
    """The board as a table of at most so many lines; where not all fit, those that need a look come first."""
    rows = board.rows()
    room = len(rows) if lines is None else max(lines - _LINES_AROUND_ROWS, 1)
    shown = rows if len(rows) <= room else sorted(rows, key=_urgency)[:room]
    table = make_table(_COLUMNS, (_cells(account, row) for row in shown), right=("rows/s", "lag", "waiting"))
    live = sum(row.status is not None and row.status.phase == RUNNING for row in rows)
    failed = sum(row.status is not None and row.status.phase == FAILED for row in rows)
    hidden = f", {len(rows) - len(shown)} not shown" if len(rows) > len(shown) else ""
    table.caption = f"{len(rows)} pipelines, {live} RUNNING, {failed} FAILED, look {board.rounds}{hidden}"
    return table


def _urgency(row: Row) -> int:
    """How soon somebody should look at a pipeline: 0 at once, and the last for one that is as wished."""
    status, pipeline = row.status, row.pipeline
    if row.trouble or (status is not None and status.phase == FAILED):
        return 0
    goal = goal_of(pipeline.status, is_bounded=pipeline.execution_mode == "bounded")
    if status is None or not goal.is_live(status):
        return 2
    return 1 if status.phase == RUNNING and row.healthy is False else 3


def _show_live(account: Account, board: Board, interval: float, rounds: int | None) -> None:
    from rich.live import Live  # noqa: PLC0415 - only a terminal needs it

    with ThreadPoolExecutor(1) as pool, Live(console=console(), auto_refresh=False, screen=False) as live:
        looking = pool.submit(_look_on, board, account.cancelled, interval, rounds)
        try:
            while not looking.done():
                live.update(render(account, board, live.console.size.height), refresh=True)
                _wait(looking)
            live.update(render(account, board, live.console.size.height), refresh=True)
        finally:
            # The thread ends with its next request or pause.
            account.cancelled.set()
        looking.result()


def _look_on(board: Board, cancelled: threading.Event, interval: float, rounds: int | None) -> None:
    while not cancelled.is_set() and (rounds is None or board.rounds < rounds):
        board.look()
        if board.rounds != rounds:
            cancelled.wait(interval)


def _wait(looking: Future[None]) -> None:
    done = threading.Event()
    looking.add_done_callback(lambda _: done.set())
    done.wait(_SECONDS_BETWEEN_FRAMES)


def _cells(account: Account, row: Row) -> tuple[str, ...]:
    status, metrics = row.status, row.metrics
    phase = row.trouble or (status.phase if status else "…")
    texts = (row.pipeline.name or row.pipeline.id, row.pipeline.project, phase)
    rate = metrics.records_per_second if metrics else None
    delay = metrics.processing_delay_ms if metrics else None
    pending = metrics.pending_records if metrics else None
    return (
        *map(account.shown, texts),
        f"{status.ready} of {status.replicas}" if status else "",
        "" if rate is None else f"{rate:,.1f}",
        "" if delay is None else f"{delay:,.0f} ms",
        "" if pending is None else f"{pending:,}",
        {True: "yes", False: "no", None: ""}[row.healthy],
    )
