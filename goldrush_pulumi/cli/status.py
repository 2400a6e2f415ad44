"""`status`, `metrics` and `health`: what a pipeline's worker reports."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from goldrush_pulumi.api import Pipeline, PipelineMetrics
from goldrush_pulumi.cli.context import Account, Target, find_target, open_account
from goldrush_pulumi.cli.errors import ExitCode
from goldrush_pulumi.cli.options import HERE, AsJson, Folder, Interval, Name, Rounds, StackName
from goldrush_pulumi.cli.output import print_facts, print_json, print_line, safe_values, sparkline

Watch = Annotated[bool, typer.Option("--watch", "-w", help="Look again and again, until Ctrl-C.")]

_LOOKS_IN_A_SPARKLINE: Final = 40

_SECONDS_BETWEEN_LOOKS: Final = 2.0


def show_status(
    name: Name,
    watch: Watch = False,
    interval: Interval = _SECONDS_BETWEEN_LOOKS,
    rounds: Rounds = None,
    stack: StackName = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Show a pipeline's phase beside its wish; --watch prints it whenever it changes."""
    with open_account(stack, folder) as account:
        target = find_target(account, name)
        shown: dict[str, Any] = {}
        for _ in _looks(account, interval, rounds, watch=watch):
            values = _status(account, target)
            if values != shown:
                _print_status(account, target, values, as_json=as_json, watch=watch)
            shown = values


def show_metrics(
    name: Name,
    watch: Watch = False,
    interval: Interval = _SECONDS_BETWEEN_LOOKS,
    rounds: Rounds = None,
    stack: StackName = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Show a pipeline's rates and lag; --watch adds the course of the rate and the lag in blocks."""
    with open_account(stack, folder) as account:
        target = find_target(account, name)
        course = Course(target.pipeline)
        for _ in _looks(account, interval, rounds, watch=watch):
            values = course.add(account.client.get_pipeline_metrics(target.pipeline.id), time.monotonic())
            _print_metrics(values, course, as_json=as_json, watch=watch)


def show_health(name: Name, stack: StackName = None, folder: Folder = HERE, as_json: AsJson = False) -> None:
    """Show what the last probe of a pipeline's destination said; exit code 10 when it is not healthy."""
    with open_account(stack, folder) as account:
        target = find_target(account, name)
        health = account.client.get_destination_health(target.pipeline.id)
    values = {"id": target.pipeline.id, "healthy": health.healthy, "last_error": health.last_error}
    if as_json:
        print_json(safe_values(values, account.redact))
    else:
        word = {True: "healthy", False: "not healthy", None: "not probed yet"}[health.healthy]
        print_line(f"{target.label}: {word}" + (f": {account.shown(health.last_error)}" if health.last_error else ""))
    if health.healthy is False:
        raise typer.Exit(ExitCode.UNHEALTHY)


@dataclass
class Course:
    """The metrics of one pipeline over time: what a single snapshot cannot tell."""

    pipeline: Pipeline

    def __post_init__(self) -> None:
        self.rates: deque[float] = deque(maxlen=_LOOKS_IN_A_SPARKLINE)
        self._first: tuple[float, int] | None = None

    def add(self, metrics: PipelineMetrics, now: float) -> dict[str, Any]:
        """Take the next snapshot; answer it with the lag in blocks, None where it is not known.

        A bounded pipeline lags by the blocks up to its end. The height of the chain is not reported, so of an
        unbounded one the lag is an estimate: its delay at the rate of blocks seen since the first look.
        """
        self.rates.append(metrics.records_per_second or 0.0)
        return {**metrics.model_dump(exclude={"uid"}), "id": self.pipeline.id, "lag_blocks": self._lag(metrics, now)}

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


def _looks(account: Account, interval: float, rounds: int | None, *, watch: bool) -> Iterator[int]:
    """Count looks: one, or one every `interval` seconds until `rounds` are over."""
    for number in itertools.count(1):
        yield number
        if not watch or number == rounds or account.cancelled.wait(interval):
            return


def _status(account: Account, target: Target) -> dict[str, Any]:
    status = account.client.get_pipeline_status(target.pipeline.id)
    return {"id": target.pipeline.id, "wish": target.pipeline.status, **status.model_dump(exclude={"uid"})}


def _print_status(account: Account, target: Target, values: dict[str, Any], *, as_json: bool, watch: bool) -> None:
    if as_json:
        print_json(safe_values(values, account.redact), on_one_line=watch)
        return
    since = f", since {values['start_time']}" if values["start_time"] else ""
    text = f"{values['phase']}, ready {values['ready']} of {values['replicas']}{since}, wish {values['wish']}"
    print_line(f"{target.label}: {account.shown(text)}")


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


def _print_metrics(values: dict[str, Any], course: Course, *, as_json: bool, watch: bool) -> None:
    if as_json:
        print_json(values, on_one_line=watch)
        return
    told = {label: form(values[key]) for key, (label, form) in _METRICS.items() if values[key] is not None}
    if not watch:
        print_facts(told or {"metrics": "none reported yet"})
        return
    names = ("rows/s", "lag", "lag in blocks", "block height")
    line = "  ".join(f"{name} {told[name]}" for name in names if name in told)
    print_line(f"{sparkline(course.rates)}  {line}")
