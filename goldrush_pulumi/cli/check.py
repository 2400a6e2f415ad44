"""`check`: everything that is wrong with running pipelines, in one pass, for cron, probes and CI."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer

from goldrush_pulumi.api import (
    ConnectionFailed,
    DestinationHealth,
    Forbidden,
    GoldRushError,
    Pipeline,
    PipelineMetrics,
    PipelineNotFound,
    PipelineStatus,
)
from goldrush_pulumi.cli.context import CommandContext, clock_ahead, open_context, run_all
from goldrush_pulumi.cli.drift import drift_of
from goldrush_pulumi.cli.errors import ExitCode, is_fatal
from goldrush_pulumi.cli.json_models import CheckFinding, CheckReport, Severity
from goldrush_pulumi.cli.options import HERE, AsJson, Folder, NameGlob, Names, ProjectGlob, StackName, TopicGlob
from goldrush_pulumi.cli.output import count_of, print_line, print_models
from goldrush_pulumi.cli.targets import Filters, Target, find_targets, with_configuration
from goldrush_pulumi.cli.wait import is_current
from goldrush_pulumi.operations.history import utc_now
from goldrush_pulumi.schema.phases import TONES, Phase
from goldrush_pulumi.schema.wire import read_time


def _seconds(text: str) -> float:
    """Return the seconds of a duration such as "60s", "5m" or "1h30m"; a plain number is in seconds.

    Raises:
        typer.BadParameter: The text is not a duration.
    """
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return float(text)
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text)
    if not text or found is None:
        raise typer.BadParameter("not a duration, write one such as 60s, 5m or 1h30m")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(hours * 3600 + minutes * 60 + seconds)


MaxLag = Annotated[
    float | None,
    typer.Option("--max-lag", parser=_seconds, help="Report pipelines that lag by more.", metavar="DURATION"),
]

MaxProbeAge = Annotated[
    float | None,
    typer.Option(
        "--max-probe-age",
        parser=_seconds,
        help="Report destinations whose last probe is older; 1h by default.",
        metavar="DURATION",
        show_default=False,
    ),
]

Between = Annotated[
    float, typer.Option("--interval", min=0.0, help="Seconds between two counts of errors.", metavar="SECONDS")
]

KINDS: Final[dict[str, tuple[Severity, str]]] = {
    "failed": ("error", "The phase is FAILED."),
    "gone": ("error", "The stack records the pipeline, but GoldRush does not return it."),
    "not_readable": ("error", "GoldRush returned an error for this pipeline."),
    "not_as_desired": ("error", "The phase is not the one that the desired status asks for."),
    "not_ready": ("error", "The phase is RUNNING, but not all replicas are ready."),
    "destination_unhealthy": ("error", "The last probe of the destination failed."),
    "start_not_honored": ("error", "A pipeline that was just created is far above its `execution_start_from`."),
    "lag": ("warning", "The pipeline lags by more than `--max-lag`."),
    "errors_growing": ("warning", "The count of normalization errors grew within `--interval` seconds."),
    "drift": (
        "warning",
        "The pipeline differs from what the state of the stack declares, because somebody changed it.",
    ),
    "deploying": ("warning", "The pipeline is on its way to the desired status."),
    "probe_old": ("warning", "The last probe of the destination is older than `--max-probe-age`."),
}
"""Every kind of finding, worst first, with its severity and what it means."""

_RANKS: Final = {kind: rank for rank, kind in enumerate(KINDS)}

_PROBE_AGE_SECONDS: Final = 3600.0

_JUST_DEPLOYED_SECONDS: Final = 3600.0

_IMPLAUSIBLE_BLOCKS: Final = 100_000

_IMPLAUSIBLE_BLOCKS_PER_SECOND: Final = 10_000


@dataclass(frozen=True)
class Limits:
    """What counts as a finding: lag and age of a probe in seconds; None does not look at the lag."""

    max_lag_seconds: float | None
    max_probe_age_seconds: float


@dataclass(frozen=True)
class Observed:
    """What one pass observed of a pipeline, and when by GoldRush's clock."""

    target: Target
    status: PipelineStatus
    metrics: PipelineMetrics
    health: DestinationHealth
    now: datetime


def check_pipelines(
    *,
    names: Names = None,
    project: ProjectGlob = None,
    topic: TopicGlob = None,
    name: NameGlob = None,
    max_lag: MaxLag = None,
    max_probe_age: MaxProbeAge = None,
    interval: Between = 5.0,
    stack: StackName = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Check pipelines in one pass and print one line per finding, worst first; the exit code is 10 if there is one.

    Without names and filters, it checks all pipelines of the stack, or without --stack of the account.
    """
    filters = Filters(project, topic, name)
    limits = Limits(max_lag, _PROBE_AGE_SECONDS if max_probe_age is None else max_probe_age)
    with open_context(stack, folder) as context:
        targets, findings = _select(context, names, filters)
        findings += _examine_all(context, targets, limits, interval)
    findings.sort(key=lambda finding: (_RANKS[finding.kind], finding.project, finding.name, finding.id))
    if as_json:
        print_models(CheckReport(checked=len(targets), findings=findings, observed_at=utc_now()), context.redact)
    else:
        for finding in findings:
            label = f"{finding.name} ({finding.id})" if finding.name else finding.id
            print_line(context.shown(f"{finding.severity:<7}  {finding.kind:<21}  {label}: {finding.text}"))
        print_line(f"{count_of(len(targets), 'pipeline')} checked: {count_of(len(findings), 'finding')}")
    if findings:
        raise typer.Exit(ExitCode.UNHEALTHY)


def _select(
    context: CommandContext, names: Sequence[str] | None, filters: Filters
) -> tuple[list[Target], list[CheckFinding]]:
    """Return the pipelines to check, and a finding for each that the stack records and that does not exist."""
    if names or filters.are_set:
        return find_targets(context, names, filters), []
    pipelines = {item.id: item for item in context.client.iterate_pipelines()}
    if context.stack is None:
        return [Target.of(item, None) for item in pipelines.values()], []
    managed = context.stack.pipelines
    hidden = [item.pipeline_id for item in managed if item.pipeline_id not in pipelines]
    looked_up = run_all(lambda pipeline_id: _look_up(context, pipeline_id), hidden, context.cancelled)
    pipelines |= {item.id: item for item in looked_up if item is not None}
    gone = [
        CheckFinding(
            id=item.pipeline_id,
            name=item.resource,
            project=str(item.outputs.get("project") or ""),
            kind="gone",
            severity=KINDS["gone"][0],
            text=f"stack {context.stack.name} records it, but it does not exist or belongs to another account",
        )
        for item in managed
        if item.pipeline_id not in pipelines
    ]
    found = [pipelines[item.pipeline_id] for item in managed if item.pipeline_id in pipelines]
    return [Target.of(item, context.stack) for item in found], gone


def _look_up(context: CommandContext, pipeline_id: str) -> Pipeline | None:
    """Return a pipeline that the list does not show, because it is young or the list changed; None if it is gone."""
    try:
        return context.client.get_pipeline(pipeline_id)
    except (PipelineNotFound, Forbidden):
        return None


def _examine_all(
    context: CommandContext, targets: Sequence[Target], limits: Limits, interval_seconds: float
) -> list[CheckFinding]:
    # Ages are measured by GoldRush's clock.
    ahead = clock_ahead(context.client.list_pipelines(page_size=1)) or timedelta()
    observed = list(run_all(lambda target: _observe(context, target, ahead), targets, context.cancelled))
    findings = []
    for target, seen in zip(targets, observed, strict=True):
        problems = _problems(seen, limits) if isinstance(seen, Observed) else [seen]
        findings += [_finding(target, kind, text) for kind, text in problems]
    counted = [seen for seen in observed if isinstance(seen, Observed) and seen.metrics.normalization_errors]
    if counted and not context.cancelled.wait(interval_seconds):
        for seen, text in zip(
            counted, run_all(lambda seen: _growth(context, seen), counted, context.cancelled), strict=True
        ):
            findings += [_finding(seen.target, "errors_growing", text)] if text else []
    return findings


def _finding(target: Target, kind: str, text: str) -> CheckFinding:
    return CheckFinding(
        **target.reference(), project=target.pipeline.project, kind=kind, severity=KINDS[kind][0], text=text
    )


def _observe(context: CommandContext, target: Target, ahead: timedelta) -> Observed | tuple[str, str]:
    """Return an observation, or the kind and text of the finding that there is none."""
    client, pipeline_id = context.client, target.pipeline.id
    try:
        return Observed(
            with_configuration(context, target),
            client.get_pipeline_status(pipeline_id),
            client.get_pipeline_metrics(pipeline_id),
            client.get_destination_health(pipeline_id),
            datetime.now(UTC) - ahead,
        )
    except PipelineNotFound:
        return "gone", "it was deleted during the check"
    except GoldRushError as error:
        if is_fatal(error) or isinstance(error, ConnectionFailed):
            raise
        return "not_readable", str(error)


def _growth(context: CommandContext, seen: Observed) -> str:
    """Return how the count of errors grew since the first look; "" if it did not."""
    before = seen.metrics.normalization_errors or 0
    try:
        after = context.client.get_pipeline_metrics(seen.target.pipeline.id).normalization_errors or 0
    except GoldRushError as error:
        if is_fatal(error):
            raise
        return ""
    return f"normalization errors grew from {before:,} to {after:,}" if after > before else ""


def _problems(seen: Observed, limits: Limits) -> Iterator[tuple[str, str]]:
    """Yield the kind and the text of each finding about one pipeline."""
    yield from _phase_problems(seen)
    yield from _destination_problems(seen, limits.max_probe_age_seconds)
    delay, limit = seen.metrics.processing_delay_ms, limits.max_lag_seconds
    if delay is not None and limit is not None and delay / 1000 > limit:
        yield "lag", f"it lags by {delay / 1000:,.0f} s, more than {limit:,.0f} s"
    managed = seen.target.managed
    if managed is not None and (drift := drift_of(managed, seen.target.pipeline, seen.status)):
        yield "drift", f"differs from stack {seen.target.stack_name} in {', '.join(drift)}"
    yield from _start_problems(seen)


def _phase_problems(seen: Observed) -> Iterator[tuple[str, str]]:
    status, desired_status = seen.status, seen.target.pipeline.status
    if status.phase == Phase.FAILED:
        yield "failed", f"it is FAILED, ready {status.ready} of {status.replicas}"
    elif seen.target.is_as_desired(status):
        return
    elif status.phase == Phase.RUNNING and desired_status != "paused":
        yield "not_ready", f"only {status.ready} of {status.replicas} replicas are ready"
    elif status.phase in TONES and TONES[Phase(status.phase)] == "pending":
        yield "deploying", f"it is {status.phase}, and not yet {desired_status}"
    else:
        yield "not_as_desired", f"it is {status.phase}, and should be {desired_status}"


def _destination_problems(seen: Observed, max_age_seconds: float) -> Iterator[tuple[str, str]]:
    health = seen.health
    if not is_current(health, seen.status):
        return
    if health.healthy is False:
        yield "destination_unhealthy", f"the last probe of its destination failed: {health.last_error or 'no reason'}"
    checked = read_time(health.last_checked_at or "")
    age = (seen.now - checked).total_seconds() if checked else 0.0
    if seen.status.phase == Phase.RUNNING and age > max_age_seconds:
        yield "probe_old", f"the last probe of its destination was {age:,.0f} s ago"


def _start_problems(seen: Observed) -> Iterator[tuple[str, str]]:
    """Find a pipeline that was just created and is far above its start: it did not begin where it should."""
    pipeline, height = seen.target.pipeline, seen.metrics.last_block_height
    created, started = read_time(pipeline.created_at), read_time(seen.status.start_time or "")
    if height is None or not pipeline.execution_start_from.isdigit() or created is None or started is None:
        return
    # A later deployment goes on where the one before stopped, so only the first one says something.
    is_first = (started - created).total_seconds() < _JUST_DEPLOYED_SECONDS
    seconds = max((seen.now - started).total_seconds(), 1.0)
    blocks = height - int(pipeline.execution_start_from)
    implausible = max(_IMPLAUSIBLE_BLOCKS, _IMPLAUSIBLE_BLOCKS_PER_SECOND * seconds)
    if is_first and seconds < _JUST_DEPLOYED_SECONDS and blocks > implausible:
        text = f"{seconds:,.0f} s after its start it is at block {height:,}, {blocks:,} above execution_start_from"
        yield "start_not_honored", text
