"""`status`, `metrics` and `health`: what GoldRush reports about the worker of a pipeline."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import typer

from goldrush_pulumi.api import GoldRushError, Pipeline, PipelineMetrics, PipelineNotFound
from goldrush_pulumi.cli.context import CommandContext, open_context, quiet_interrupt, run_all
from goldrush_pulumi.cli.errors import CommandFailed, ExitCode, is_fatal
from goldrush_pulumi.cli.json_models import Health, Metrics, PipelineState
from goldrush_pulumi.cli.options import (
    HERE,
    AllFailed,
    AsJson,
    Folder,
    Interval,
    Name,
    NameGlob,
    Names,
    ProjectGlob,
    Rounds,
    StackName,
    TopicGlob,
    Watch,
)
from goldrush_pulumi.cli.output import note, print_facts, print_line, print_models, sparkline, terminal_width
from goldrush_pulumi.cli.targets import Filters, Target, find_target, find_targets
from goldrush_pulumi.operations.history import utc_now

_RATES_IN_A_SPARKLINE: Final = 40

_SECONDS_BETWEEN_POLLS: Final = 2.0


def show_status(
    *,
    names: Names = None,
    project: ProjectGlob = None,
    topic: TopicGlob = None,
    name: NameGlob = None,
    all_failed: AllFailed = False,
    watch: Watch = False,
    interval: Interval = _SECONDS_BETWEEN_POLLS,
    rounds: Rounds = None,
    stack: StackName = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Show the desired status and the observed phase of pipelines; --watch prints a line whenever they change."""
    filters = Filters.of_options(project, topic, name, all_failed=all_failed)
    # While watching, the next poll is the retry.
    with open_context(stack, folder, retry_seconds=0.0 if watch else None) as context:
        targets = find_targets(context, names, filters)
        if watch:
            _watch_status(context, targets, interval, rounds, as_json=as_json)
            return
        states = list(run_all(lambda target: observe(context, target), targets, context.cancelled))
        if as_json:
            print_models(states, context.redact)
        else:
            for target, state in zip(targets, states, strict=True):
                print_line(_status_line(context, target, state))


def observe(context: CommandContext, target: Target) -> PipelineState:
    """Request the status of a pipeline and return it beside the desired status."""
    status = context.client.get_pipeline_status(target.pipeline.id)
    return PipelineState(
        **target.reference(),
        status=target.pipeline.status,
        phase=status.phase,
        ready=status.ready,
        replicas=status.replicas,
        start_time=status.start_time,
        observed_at=utc_now(),
    )


def _watch_status(
    context: CommandContext, targets: Sequence[Target], interval: float, rounds: int | None, *, as_json: bool
) -> None:
    """Print the state of each pipeline whenever it changes. An outage is a change, and does not end the watch.

    Raises:
        CommandFailed: None of the pipelines exists any more.
    """
    known: dict[str, PipelineState] = {}

    def poll(target: Target) -> PipelineState | None:
        try:
            return observe(context, target)
        except PipelineNotFound:
            return None
        except GoldRushError as error:
            last = known.get(target.pipeline.id)
            if is_fatal(error) or last is None:
                raise
            return last.model_copy(update={"error": context.shown(error)})

    with quiet_interrupt():
        for _ in _polls(context, interval, rounds):
            states = list(run_all(poll, targets, context.cancelled))
            for target, state in zip(targets, states, strict=True):
                if state is None:
                    note(f"-- {target.label} does not exist any more")
                    continue
                if _without_time(state) != _without_time(known.get(target.pipeline.id)):
                    _print_state(context, target, state, as_json=as_json)
                known[target.pipeline.id] = state
            targets = [target for target, state in zip(targets, states, strict=True) if state is not None]
            if not targets:
                raise CommandFailed("watch pipelines: none exists any more", ExitCode.NOT_FOUND)


def _print_state(context: CommandContext, target: Target, state: PipelineState, *, as_json: bool) -> None:
    if as_json:
        print_models(state, context.redact, on_one_line=True)
    else:
        print_line(f"{clock_time(utc_now())}  {_status_line(context, target, state)}")


def _without_time(state: PipelineState | None) -> PipelineState | None:
    return state.model_copy(update={"observed_at": None}) if state else None


def _status_line(context: CommandContext, target: Target, state: PipelineState) -> str:
    since = f", since {state.start_time}" if state.start_time else ""
    text = f"{state.phase}, ready {state.ready}/{state.replicas}{since}, desired status {state.status}"
    if state.error:
        text = f"not observed since {clock_time(state.observed_at)}: {state.error}; it was {text}"
    return f"{target.label}: {context.shown(text)}"


def show_metrics(
    name: Name,
    watch: Watch = False,
    interval: Interval = _SECONDS_BETWEEN_POLLS,
    rounds: Rounds = None,
    stack: StackName = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Show a pipeline's throughput and lag; --watch adds a chart of the rate and the lag in blocks."""
    with open_context(stack, folder, retry_seconds=0.0 if watch else None) as context, quiet_interrupt():
        target = find_target(context, name)
        trend = Trend(target.pipeline)
        latest: Metrics | None = None
        for _ in _polls(context, interval, rounds if watch else 1):
            try:
                values = trend.add(context.client.get_pipeline_metrics(target.pipeline.id), time.monotonic())
            except PipelineNotFound:
                raise
            except GoldRushError as error:
                if is_fatal(error) or latest is None:
                    raise
                _show_outage(context, latest, error, as_json=as_json)
                continue
            latest = Metrics(**target.reference(), **values, observed_at=utc_now())
            _print_metrics(context, latest, trend, as_json=as_json, watch=watch)


def _show_outage(context: CommandContext, latest: Metrics, error: GoldRushError, *, as_json: bool) -> None:
    text = context.shown(error)
    if as_json:
        print_models(latest.model_copy(update={"error": text}), context.redact, on_one_line=True)
    else:
        note(f"-- no metrics since {clock_time(latest.observed_at)}: {text}")


class Trend:
    """The metrics of one pipeline over time: what a single snapshot cannot show."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.rates: deque[float] = deque(maxlen=_RATES_IN_A_SPARKLINE)
        self._first: tuple[float, int] | None = None

    def add(self, metrics: PipelineMetrics, now: float) -> dict[str, Any]:
        """Add the next snapshot and return it with the lag in blocks, None if that is not known.

        A bounded pipeline lags by the blocks up to its end. The height of the chain is not reported, so for an
        unbounded one the lag is an estimate: its delay in seconds times the rate of blocks since the first snapshot.
        """
        self.rates.append(metrics.records_per_second or 0.0)
        return {**metrics.model_dump(exclude={"uid"}), "lag_blocks": self._lag(metrics, now)}

    def _lag(self, metrics: PipelineMetrics, now: float) -> int | None:
        height, stop = metrics.last_block_height, self.pipeline.execution_stop_from
        if height is None:
            return None
        if self.pipeline.execution_mode == "bounded" and stop.isdigit():
            return max(int(stop) - height, 0)
        if self._first is None or height < self._first[1]:
            self._first = (now, height)
        seconds, blocks = now - self._first[0], height - self._first[1]
        if metrics.processing_delay_ms is None or seconds <= 0 or blocks <= 0:
            return None
        return round(metrics.processing_delay_ms / 1000 * blocks / seconds)


_METRICS: Final[dict[str, tuple[str, Callable[[Any], str]]]] = {
    "records_per_second": ("rows/s", lambda value: f"{value:,.1f}"),
    "records_consumed": ("rows read", lambda value: f"{value:,}"),
    "pending_records": ("rows waiting", lambda value: f"{value:,}"),
    "processing_delay_ms": ("lag", lambda value: f"{value:,.0f} ms"),
    "lag_blocks": ("lag in blocks", lambda value: f"{value:,}"),
    "last_block_height": ("block height", lambda value: f"{value:,}"),
    "last_offset": ("offset", lambda value: f"{value:,}"),
    "normalization_errors": ("normalization errors", lambda value: f"{value:,}"),
}


def _print_metrics(context: CommandContext, metrics: Metrics, trend: Trend, *, as_json: bool, watch: bool) -> None:
    if as_json:
        print_models(metrics, context.redact, on_one_line=watch)
        return
    values = metrics.model_dump()
    texts = {label: form(values[key]) for key, (label, form) in _METRICS.items() if values[key] is not None}
    if not watch:
        print_facts(texts or {"metrics": "none reported yet"})
        return
    labels = ("rows/s", "lag", "lag in blocks", "block height")
    line = "  ".join(f"{label} {texts[label]}" for label in labels if label in texts)
    clock = clock_time(metrics.observed_at)
    bars = sparkline(list(trend.rates), terminal_width() - len(f"{clock}    {line}"))
    print_line(f"{clock}  {bars}  {line}")


def show_health(name: Name, stack: StackName = None, folder: Folder = HERE, as_json: AsJson = False) -> None:
    """Show the last probe of a pipeline's destination; the exit code is 10 if it is unhealthy."""
    with open_context(stack, folder) as context:
        target = find_target(context, name)
        probe = context.client.get_destination_health(target.pipeline.id)
    health = Health(
        **target.reference(),
        healthy=probe.healthy,
        last_error=probe.last_error,
        last_checked_at=probe.last_checked_at,
        latency_ms=probe.latency_ms,
        observed_at=utc_now(),
    )
    if as_json:
        print_models(health, context.redact)
    else:
        word = {True: "healthy", False: "not healthy", None: "not probed yet"}[probe.healthy]
        checked = f", probed at {probe.last_checked_at}" if probe.last_checked_at else ""
        reason = f": {probe.last_error}" if probe.last_error else ""
        print_line(f"{target.label}: {context.shown(word + checked + reason)}")
    if probe.healthy is False:
        raise typer.Exit(ExitCode.UNHEALTHY)


def clock_time(moment: str | None) -> str:
    """Return the local time of day of an ISO 8601 time, "never" if there is none."""
    if not moment:
        return "never"
    try:
        return datetime.fromisoformat(moment).astimezone().strftime("%H:%M:%S")
    except ValueError:
        return moment


def _polls(context: CommandContext, interval: float, rounds: int | None) -> Iterator[int]:
    """Count polls, with a pause of `interval` seconds between them, until `rounds` are over."""
    for number in itertools.count(1):
        yield number
        if number == rounds or context.cancelled.wait(interval):
            return
