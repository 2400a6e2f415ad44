"""The metrics of `exporter`: which there are, and their text for Prometheus.

A pipeline's lines are rendered once for each observation, and a scrape joins them: rendering 500 pipelines takes half a
second. Times are exported as timestamps, so that lines stay right until the next observation.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from prometheus_client import ProcessCollector, exposition
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
    StateSetMetricFamily,
)
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from goldrush_pulumi.cli.monitor import Row
from goldrush_pulumi.cli.wait import is_current
from goldrush_pulumi.schema.phases import Phase
from goldrush_pulumi.schema.pipeline import INPUTS, METRICS
from goldrush_pulumi.schema.wire import read_time

LABELS: Final = ("pipeline_id", "name", "project", "topic", "destination_type", "stack", "resource")
"""The labels of every metric about a pipeline. `stack` and `resource` are empty without a selected stack."""

Value = float | None

_MILLISECONDS: Final = 1000.0

_COUNTED_FROM_THE_START: Final = (200, 429)
"""Statuses that are exported as 0 until they occur, so that the first one is an increase."""


class Gauge(NamedTuple):
    """A number about one pipeline. `value` returns None where it is not known, and it is then left out."""

    name: str
    description: str
    value: Callable[[Row], Value]
    unit: str = ""
    is_counter: bool = False


class StateSet(NamedTuple):
    """A word about one pipeline out of a set, exported as 1 for the word and 0 for each of the others."""

    name: str
    description: str
    states: tuple[str, ...]
    value: Callable[[Row], str | None]


@dataclass(frozen=True)
class Totals:
    """What the exporter reports about itself.

    Attributes:
        version: Version of this package.
        is_up: Whether GoldRush responded in the last round.
        last_success: When GoldRush last responded to a round, as an ISO 8601 time.
        rounds: How many rounds are over.
        round_seconds: How long the last round took.
        outcomes: How many requests were sent, by the status of the response; None counts those without a response.
    """

    version: str
    is_up: bool
    last_success: str | None
    rounds: int
    round_seconds: float
    outcomes: dict[int | None, int]


def timestamp(text: str | None) -> Value:
    """Return an ISO 8601 time as seconds since 1970, None if it is not a time."""
    moment = read_time(text or "")
    return moment.timestamp() if moment else None


def _gauge_of_metric(name: str, unit: str, description: str, *, is_counter: bool) -> Gauge:
    """Return how one number of GoldRush's metrics is exported; milliseconds become seconds, as Prometheus asks."""
    is_time = unit == "milliseconds"

    def value(row: Row) -> Value:
        number: Value = getattr(row.metrics, name, None)
        return number / _MILLISECONDS if is_time and number is not None else number

    exported, shown_unit = (f"{name.removesuffix('_ms')}_seconds", "seconds") if is_time else (name, unit)
    text = f"{description} Unit: {shown_unit}."
    return Gauge(f"goldrush_pipeline_{exported}", text, value, "seconds" if is_time else "", is_counter)


def _as_desired(row: Row) -> Value:
    return None if row.status is None else float(row.target.is_as_desired(row.status))


def _destination_healthy(row: Row) -> Value:
    if row.status is None or row.health is None or row.health.healthy is None:
        return None
    return float(row.health.healthy) if is_current(row.health, row.status) else None


def _probe_latency(row: Row) -> Value:
    latency = row.health.latency_ms if row.health else None
    return None if latency is None else latency / _MILLISECONDS


STATE_SETS: Final = (
    StateSet(
        "goldrush_pipeline_phase",
        "What the worker does. A phase that is not listed is exported under its own name.",
        tuple(Phase),
        lambda row: row.status.phase if row.status else None,
    ),
    StateSet(
        "goldrush_pipeline_desired_status",
        "The desired status.",
        INPUTS["status"].choices,
        lambda row: row.target.pipeline.status or None,
    ),
)

GAUGES: Final = (
    Gauge(
        "goldrush_pipeline_as_desired",
        "Whether the phase is the goal of the desired status, with all replicas ready.",
        _as_desired,
    ),
    Gauge(
        "goldrush_pipeline_bounded",
        "Whether the pipeline ends at a block height.",
        lambda row: float(row.target.is_bounded),
    ),
    Gauge(
        "goldrush_pipeline_replicas_desired",
        "Desired number of workers.",
        lambda row: row.status.replicas if row.status else None,
    ),
    Gauge(
        "goldrush_pipeline_replicas_ready",
        "Number of workers that are ready.",
        lambda row: row.status.ready if row.status else None,
    ),
    Gauge(
        "goldrush_pipeline_start_timestamp_seconds",
        "Start of the current deployment, by the server's clock.",
        lambda row: timestamp(row.status.start_time) if row.status else None,
        "seconds",
    ),
    *(_gauge_of_metric(row.name, row.unit, row.description, is_counter=row.is_counter) for row in METRICS),
    Gauge(
        "goldrush_pipeline_lag_blocks",
        "How many blocks the pipeline lags: up to its end if it is bounded, otherwise an estimate.",
        lambda row: row.lag_blocks,
    ),
    Gauge(
        "goldrush_pipeline_destination_healthy",
        "Whether the last probe reached the destination; absent until the current deployment was probed.",
        _destination_healthy,
    ),
    Gauge(
        "goldrush_pipeline_destination_probe_timestamp_seconds",
        "When the destination was last probed, by the server's clock.",
        lambda row: timestamp(row.health.last_checked_at) if row.health else None,
        "seconds",
    ),
    Gauge(
        "goldrush_pipeline_destination_probe_latency_seconds",
        "How long the last probe of the destination took.",
        _probe_latency,
        "seconds",
    ),
    Gauge(
        "goldrush_pipeline_drifted_inputs",
        "How many inputs differ from what the selected stack declares; absent if the stack does not manage it.",
        lambda row: len(row.drift) if row.target.managed else None,
    ),
    Gauge(
        "goldrush_pipeline_last_observation_timestamp_seconds",
        "When the exporter last observed the pipeline. Everything else about it is as old.",
        lambda row: timestamp(row.observed_at),
        "seconds",
    ),
)
"""The numbers about a pipeline."""


class Exposition:
    """The text of all metrics. Any thread may scrape or refresh."""

    def __init__(
        self, rows: Callable[[], Sequence[Row]], totals: Callable[[], Totals], shown: Callable[[object], str]
    ) -> None:
        """`shown` takes secrets and control characters out of the value of a label."""
        self._rows = rows
        self._totals = totals
        self._shown = shown
        self._lock = threading.Lock()
        self._rendered: dict[str, tuple[Row, dict[str, list[bytes]]]] = {}

    def refresh(self) -> None:
        """Render the lines of each pipeline that was observed since the last time."""
        with self._lock:
            known = self._rendered
            self._rendered = {}
            for row in self._rows():
                key = row.target.pipeline.id
                found = known.get(key)
                self._rendered[key] = found if found and found[0] is row else (row, self._render(row))

    def scrape(self, accept: str) -> tuple[bytes, str]:
        """Return the text of all metrics and its media type, for the `Accept` header of a scraper."""
        self.refresh()
        media_type = openmetrics.CONTENT_TYPE_LATEST
        if "application/openmetrics-text" not in accept:
            media_type = exposition.CONTENT_TYPE_PLAIN_0_0_4
        with self._lock:
            pipelines = [lines[media_type] for _, lines in self._rendered.values()]
        heads = [_split(media_type, family)[0] for family in self._families(None)]
        blocks = [b"".join(block) for block in zip(heads, *pipelines, strict=True)]
        return b"".join([*blocks, _encode(media_type, list(own_families(self._totals())))]), media_type

    def _render(self, row: Row) -> dict[str, list[bytes]]:
        families = list(self._families(row))
        return {media_type: [_split(media_type, family)[1] for family in families] for media_type in _ENCODERS}

    def _families(self, row: Row | None) -> Iterator[Metric]:
        """Yield each metric with its value for one pipeline, or with none at all."""
        labels = self._labels(row) if row else []
        for state_set in STATE_SETS:
            states = StateSetMetricFamily(state_set.name, state_set.description, labels=LABELS)
            if row and (state := state_set.value(row)):
                names = dict.fromkeys([*map(str, state_set.states), self._shown(state)])
                states.add_metric(labels, {name: name == self._shown(state) for name in names})
            yield states
        for gauge in GAUGES:
            kind = CounterMetricFamily if gauge.is_counter else GaugeMetricFamily
            family = kind(gauge.name, gauge.description, labels=LABELS, unit=gauge.unit)
            if row and (value := gauge.value(row)) is not None:
                family.add_metric(labels, value)
            yield family

    def _labels(self, row: Row) -> list[str]:
        pipeline, managed = row.target.pipeline, row.target.managed
        texts = (
            pipeline.id,
            pipeline.name,
            pipeline.project,
            pipeline.topic,
            pipeline.destination_type,
            row.target.stack_name or "",
            managed.resource if managed else "",
        )
        return [self._shown(text) for text in texts]


def own_families(totals: Totals) -> Iterator[Metric]:
    """Yield the metrics of the exporter itself and of its process."""
    yield InfoMetricFamily("goldrush_exporter", "The exporter.", {"version": totals.version})
    yield GaugeMetricFamily("goldrush_up", "Whether GoldRush responded in the last round.", float(totals.is_up))
    last_success = GaugeMetricFamily(
        "goldrush_exporter_last_success_timestamp_seconds",
        "When GoldRush last responded to a round of requests.",
        labels=(),
        unit="seconds",
    )
    if (moment := timestamp(totals.last_success)) is not None:
        last_success.add_metric([], moment)
    yield last_success
    yield CounterMetricFamily("goldrush_exporter_rounds", "Rounds over all pipelines.", totals.rounds)
    yield GaugeMetricFamily(
        "goldrush_exporter_last_round_duration_seconds",
        "How long the last round over all pipelines took.",
        totals.round_seconds,
        unit="seconds",
    )
    requests = CounterMetricFamily(
        "goldrush_exporter_requests",
        'Requests to GoldRush by the status of the response; "none" counts those without one.',
        labels=["code"],
    )
    outcomes: dict[int | None, int] = {**dict.fromkeys(_COUNTED_FROM_THE_START, 0), **totals.outcomes}
    for status, count in outcomes.items():
        requests.add_metric([str(status or "none")], count)
    yield requests
    yield from ProcessCollector(registry=None).collect()


class _Families(Collector):
    """Passes some metrics to an encoder."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Sequence[Metric]:
        """Return the metrics."""
        return self._families


_ENCODERS: Final[dict[str, Callable[[Collector], bytes]]] = {
    openmetrics.CONTENT_TYPE_LATEST: functools.partial(openmetrics.generate_latest, version="1.0.0"),
    exposition.CONTENT_TYPE_PLAIN_0_0_4: exposition.generate_latest,
}


def _encode(media_type: str, families: Sequence[Metric]) -> bytes:
    return _ENCODERS[media_type](_Families(families))


def _split(media_type: str, family: Metric) -> tuple[bytes, bytes]:
    """Return the text that describes a metric, and its samples."""
    lines = _encode(media_type, [family]).splitlines(keepends=True)
    head = [line for line in lines if line.startswith(b"# ") and line != b"# EOF\n"]
    return b"".join(head), b"".join(line for line in lines if not line.startswith(b"#"))
