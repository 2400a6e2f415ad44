"""`watch`: all pipelines at a glance, live."""

from __future__ import annotations

import dataclasses
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.api import (
    ConfigurationError,
    Forbidden,
    GoldRushClient,
    GoldRushError,
    Interrupted,
    Pipeline,
    PipelineMetrics,
    PipelineStatus,
    Unauthorized,
)
from goldrush_pulumi.cli.context import Account, ask_all, open_account
from goldrush_pulumi.cli.list import Filters, Project, Topic, Wish
from goldrush_pulumi.cli.options import HERE, AsJson, Folder, Interval, Rounds, StackName
from goldrush_pulumi.cli.output import console, make_table, print_json, safe_values
from goldrush_pulumi.operations.wait import goal_of
from goldrush_pulumi.schema.phases import Phase

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
    live = sum(row.status is not None and row.status.phase == Phase.RUNNING for row in rows)
    failed = sum(row.status is not None and row.status.phase == Phase.FAILED for row in rows)
    hidden = f", {len(rows) - len(shown)} not shown" if len(rows) > len(shown) else ""
    table.caption = f"{len(rows)} pipelines, {live} RUNNING, {failed} FAILED, look {board.rounds}{hidden}"
    return table


def _urgency(row: Row) -> int:
    """How soon somebody should look at a pipeline: 0 at once, and the last for one that is as wished."""
    status, pipeline = row.status, row.pipeline
    if row.trouble or (status is not None and status.phase == Phase.FAILED):
        return 0
    goal = goal_of(pipeline.status, is_bounded=pipeline.execution_mode == "bounded")
    if status is None or not goal.is_live(status):
        return 2
    return 1 if status.phase == Phase.RUNNING and row.healthy is False else 3


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


_ROUNDS_BETWEEN_LISTS: Final = 10

_ROUNDS_BETWEEN_PROBES: Final = 5

_HOPELESS: Final = (Unauthorized, Forbidden, ConfigurationError, Interrupted)


@dataclass(frozen=True)
class Row:
    """One pipeline; None where nothing is known yet. `trouble` is why the last look failed."""

    pipeline: Pipeline
    status: PipelineStatus | None = None
    metrics: PipelineMetrics | None = None
    healthy: bool | None = None
    trouble: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        metrics = self.metrics
        return {
            "id": self.pipeline.id,
            "name": self.pipeline.name,
            "project": self.pipeline.project,
            "status": self.pipeline.status,
            "phase": self.status.phase if self.status else None,
            "ready": self.status.ready if self.status else None,
            "replicas": self.status.replicas if self.status else None,
            "records_per_second": metrics.records_per_second if metrics else None,
            "processing_delay_ms": metrics.processing_delay_ms if metrics else None,
            "pending_records": metrics.pending_records if metrics else None,
            "healthy": self.healthy,
            "trouble": self.trouble,
        }


class Board:
    """All pipelines that fit, in the order of the list. One thread writes, any may read.

    A round asks each pipeline for its status and metrics. The list and the destinations' health change less often, so
    they are asked for in some rounds only. The client's pacer bounds the rate, however many pipelines there are.
    """

    def __init__(self, client: GoldRushClient, fits: Callable[[Pipeline], bool], cancelled: threading.Event) -> None:
        self._client = client
        self._fits = fits
        self._cancelled = cancelled
        self._lock = threading.Lock()
        self._rows: dict[str, Row] = {}
        self._rounds = 0

    @property
    def rounds(self) -> int:
        """How many rounds are over."""
        return self._rounds

    def rows(self) -> list[Row]:
        """A copy of what is known now."""
        with self._lock:
            return list(self._rows.values())

    def look(self) -> None:
        """Do one round.

        Raises:
            GoldRushError: the list cannot be had, or the key is refused. Trouble with one pipeline stays in its row.
        """
        if self._rounds % _ROUNDS_BETWEEN_LISTS == 0 or not self._rows:
            self._list()
        probes = self._rounds % _ROUNDS_BETWEEN_PROBES == 0
        for row in ask_all(lambda row: self._refreshed(row, probes=probes), self.rows(), self._cancelled):
            if row is not None:
                self._put(row)
        self._rounds += 1

    def _list(self) -> None:
        pipelines = [pipeline for pipeline in self._client.iterate_pipelines() if self._fits(pipeline)]
        with self._lock:
            known = self._rows
            self._rows = {
                item.id: dataclasses.replace(known[item.id], pipeline=item) if item.id in known else Row(item)
                for item in pipelines
            }

    def _put(self, row: Row) -> None:
        with self._lock:
            if row.pipeline.id in self._rows:
                self._rows[row.pipeline.id] = row

    def _refreshed(self, row: Row, *, probes: bool) -> Row | None:
        if self._cancelled.is_set():
            return None
        pipeline_id = row.pipeline.id
        try:
            status = self._client.get_pipeline_status(pipeline_id)
            metrics = self._client.get_pipeline_metrics(pipeline_id)
            healthy = self._client.get_destination_health(pipeline_id).healthy if probes else row.healthy
        except _HOPELESS:
            raise
        except GoldRushError as error:
            return dataclasses.replace(row, trouble=type(error).__name__)
        return Row(row.pipeline, status, metrics, healthy)
