"""What `watch` and `exporter` know about pipelines: each with its last observation, and when that was."""

from __future__ import annotations

import dataclasses
import threading
import time
from dataclasses import dataclass
from typing import Final

from goldrush_pulumi.api import (
    ConnectionFailed,
    DestinationHealth,
    GoldRushError,
    Pipeline,
    PipelineMetrics,
    PipelineNotFound,
    PipelineStatus,
)
from goldrush_pulumi.cli.context import CommandContext, run_all
from goldrush_pulumi.cli.drift import drift_of
from goldrush_pulumi.cli.errors import is_fatal
from goldrush_pulumi.cli.json_models import WatchedPipeline
from goldrush_pulumi.cli.stacks import Stack
from goldrush_pulumi.cli.status import Trend
from goldrush_pulumi.cli.targets import Filters, Target, require_match, with_configuration
from goldrush_pulumi.operations.history import utc_now
from goldrush_pulumi.schema.phases import Phase

_ROUNDS_BETWEEN_LISTS: Final = 10

_ROUNDS_BETWEEN_PROBES: Final = 5


@dataclass(frozen=True)
class Row:
    """One pipeline. What is None was not observed yet.

    Attributes:
        target: The pipeline, and what the selected stack records about it.
        health: The last probe of its destination.
        lag_blocks: How many blocks the pipeline lags, where that is known.
        observed_at: When the status was last observed.
        phase_since: When the present phase was first observed; for the first one, the start of the deployment.
        trouble: Why the last round could not observe it. Everything else is then older.
        drift: The inputs that differ from what the selected stack declares.
    """

    target: Target
    status: PipelineStatus | None = None
    metrics: PipelineMetrics | None = None
    health: DestinationHealth | None = None
    lag_blocks: int | None = None
    observed_at: str | None = None
    phase_since: str | None = None
    trouble: str | None = None
    drift: tuple[str, ...] = ()

    @property
    def is_stale(self) -> bool:
        """Whether the last round could not observe the pipeline."""
        return self.trouble is not None

    @property
    def healthy(self) -> bool | None:
        """Whether the last probe reached the destination, None if there was no probe."""
        return self.health.healthy if self.health else None

    @property
    def urgency(self) -> int:
        """How soon somebody should look at the pipeline: 0 at once, and the greatest if it is as desired."""
        status = self.status
        if status is not None and status.phase == Phase.FAILED:
            return 0
        if self.trouble:
            return 1
        if status is not None and status.phase == Phase.RUNNING and self.healthy is False:
            return 2
        if status is None or not self.target.is_as_desired(status):
            return 3
        return 4 if self.drift else 5

    def observed(
        self,
        status: PipelineStatus,
        metrics: PipelineMetrics,
        health: DestinationHealth | None,
        lag_blocks: int | None = None,
    ) -> Row:
        """Return the row with a new observation."""
        now = utc_now()
        same_phase = self.status is not None and self.status.phase == status.phase
        first = status.start_time or now if self.status is None else now
        managed = self.target.managed
        return Row(
            self.target,
            status,
            metrics,
            health,
            lag_blocks,
            observed_at=now,
            phase_since=self.phase_since if same_phase else first,
            drift=tuple(drift_of(managed, self.target.pipeline, status)) if managed else (),
        )

    def as_model(self) -> WatchedPipeline:
        """Return the row as it is printed as JSON."""
        pipeline, status, metrics = self.target.pipeline, self.status, self.metrics
        return WatchedPipeline(
            **self.target.reference(),
            project=pipeline.project,
            status=pipeline.status,
            phase=status.phase if status else None,
            ready=status.ready if status else None,
            replicas=status.replicas if status else None,
            start_time=status.start_time if status else None,
            observed_at=self.observed_at,
            error=self.trouble,
            phase_since=self.phase_since,
            records_per_second=metrics.records_per_second if metrics else None,
            processing_delay_ms=metrics.processing_delay_ms if metrics else None,
            pending_records=metrics.pending_records if metrics else None,
            healthy=self.healthy,
            drift=list(self.drift),
        )


class Monitor:
    """All pipelines that match, in the order of the list. One thread polls, any thread may read.

    A round requests status and metrics of each pipeline. The list and the health of destinations change less often, so
    they are requested in some rounds only. The client's rate limit holds however many pipelines there are.
    """

    def __init__(self, context: CommandContext, filters: Filters) -> None:
        self.context = context
        self._filters = filters
        self._lock = threading.Lock()
        self._rows: dict[str, Row] = {}
        self._trends: dict[str, Trend] = {}
        self._needs_list = True
        self._is_unreachable = threading.Event()
        self._reason = ""
        self.rounds = 0
        """How many rounds are over."""
        self.trouble: str | None = None
        """Why GoldRush did not respond in the last round."""
        self.last_success: str | None = None
        """When GoldRush last responded."""

    def rows(self) -> list[Row]:
        """Return a copy of what is known now."""
        with self._lock:
            return list(self._rows.values())

    def use_stack(self, stack: Stack) -> None:
        """Compare the pipelines with a new state of the stack from now on."""
        with self._lock:
            self.context = self.context.with_stack(stack)
            self._rows = {key: self._row(row.target.pipeline) for key, row in self._rows.items()}

    def poll(self) -> None:
        """Do one round. Once a first list was read, an outage only marks what could not be observed.

        Raises:
            GoldRushError: The key is refused, or the first list cannot be read.
            CommandFailed: No pipeline matches the filters.
        """
        self._is_unreachable.clear()
        self._reason = ""
        trouble = self._list() if self._needs_list or self.rounds % _ROUNDS_BETWEEN_LISTS == 0 else None
        probes = self.rounds % _ROUNDS_BETWEEN_PROBES == 0
        rows = self.rows()
        for row in run_all(lambda row: self._refreshed(row, probes=probes), rows, self.context.cancelled):
            self._put(row)
        troubles = [row.trouble for row in self.rows() if row.trouble]
        if troubles and len(troubles) == len(rows):
            trouble = trouble or self._reason or troubles[0]
        self.trouble = trouble
        self.last_success = self.last_success if trouble else utc_now()
        self.rounds += 1

    def _list(self) -> str | None:
        """Read the list; return why it cannot be read."""
        try:
            pipelines = [item for item in self.context.client.iterate_pipelines() if self._filters.match(item)]
        except GoldRushError as error:
            self._needs_list = True
            if is_fatal(error) or self.last_success is None:
                raise
            return self.context.shown(error)
        if self.last_success is None and self._filters.are_set:
            require_match(self._filters, pipelines)
        self._needs_list = not pipelines
        with self._lock:
            self._rows = {item.id: self._row(item) for item in pipelines}
            self._trends = {item.id: self._trend(item) for item in pipelines}
        return None

    def _row(self, pipeline: Pipeline) -> Row:
        target = Target.of(pipeline, self.context.stack)
        known = self._rows.get(pipeline.id)
        return dataclasses.replace(known, target=target) if known else Row(target)

    def _trend(self, pipeline: Pipeline) -> Trend:
        known = self._trends.get(pipeline.id)
        return known if known and known.pipeline == pipeline else Trend(pipeline)

    def _put(self, row: Row) -> None:
        with self._lock:
            if row.target.pipeline.id in self._rows:
                self._rows[row.target.pipeline.id] = row

    def _refreshed(self, row: Row, *, probes: bool) -> Row:
        if self.context.cancelled.is_set():
            return row
        if self._is_unreachable.is_set():
            return dataclasses.replace(row, trouble="ConnectionFailed")
        client, pipeline_id = self.context.client, row.target.pipeline.id
        try:
            row = dataclasses.replace(row, target=with_configuration(self.context, row.target))
            status = client.get_pipeline_status(pipeline_id)
            metrics = client.get_pipeline_metrics(pipeline_id)
            health = client.get_destination_health(pipeline_id) if probes or row.health is None else row.health
        except GoldRushError as error:
            if is_fatal(error):
                raise
            if isinstance(error, ConnectionFailed):
                # The others would only wait for the same timeout.
                self._is_unreachable.set()
                # What is said before the reason is about one of many pipelines.
                self._reason = self.context.shown(error).partition(": ")[2]
            self._needs_list = self._needs_list or isinstance(error, PipelineNotFound)
            return dataclasses.replace(row, trouble=type(error).__name__)
        lag_blocks = self._trends[pipeline_id].add(metrics, time.monotonic())["lag_blocks"]
        return row.observed(status, metrics, health, lag_blocks)
