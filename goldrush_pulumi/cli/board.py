"""What is known of all pipelines at a moment, kept fresh in the background at no more than the allowed rate."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

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

WORKERS: Final = 8
"""How many requests are under way at once; the account's rate bounds them all together."""

_ROUNDS_BETWEEN_LISTS: Final = 10
_ROUNDS_BETWEEN_PROBES: Final = 5
_HOPELESS: Final = (Unauthorized, Forbidden, ConfigurationError, Interrupted)


Question = TypeVar("Question")
Answer = TypeVar("Answer")


def ask_all(
    ask: Callable[[Question], Answer], questions: Sequence[Question], cancelled: threading.Event
) -> Iterator[Answer]:
    """The answers to many questions, in their order, a few of them asked at once.

    The first error, Ctrl-C too, sets `cancelled`: questions that wait for their turn must not hold up the end.
    """
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            yield from pool.map(ask, questions)
        except BaseException:
            cancelled.set()
            raise


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
