"""`logs`: the log lines of pipelines, once or as a stream."""

from __future__ import annotations

import dataclasses
import functools
import queue
import threading
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final

import typer

from goldrush_pulumi.api import GoldRushError
from goldrush_pulumi.cli.context import MOST_THREADS, CommandContext, open_context, run_all
from goldrush_pulumi.cli.errors import CommandFailed, ExitCode, explain, worst
from goldrush_pulumi.cli.json_models import LogEvent
from goldrush_pulumi.cli.options import (
    HERE,
    AllFailed,
    AsJson,
    Folder,
    NameGlob,
    Names,
    ProjectGlob,
    StackName,
    TopicGlob,
)
from goldrush_pulumi.cli.output import note, print_line, print_models
from goldrush_pulumi.cli.targets import Filters, Target, find_targets
from goldrush_pulumi.logs import (
    CaughtUp,
    End,
    EndReason,
    Event,
    Gap,
    Line,
    LogStream,
    NewDeployment,
    NewPod,
    NothingToTail,
    Waiting,
)

Follow = Annotated[bool, typer.Option("--follow", "-f", help="Keep printing new lines until the pipelines end.")]

TailLines = Annotated[
    int | None, typer.Option("--tail", "-n", min=0, help="Lines of each pod to begin with.", metavar="COUNT")
]

Cursor = Annotated[
    str | None, typer.Option("--cursor", help="Continue where an earlier command stopped.", metavar="CURSOR")
]

Found = tuple[Target, "Event | GoldRushError"]


def show_logs(
    *,
    names: Names = None,
    follow: Follow = False,
    tail: TailLines = None,
    cursor: Cursor = None,
    project: ProjectGlob = None,
    topic: TopicGlob = None,
    name: NameGlob = None,
    all_failed: AllFailed = False,
    stack: StackName = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Show pipelines' logs. Lines go to stdout, everything else to stderr; exit code 10 if one ends in FAILED."""
    filters = Filters.of_options(project, topic, name, all_failed=all_failed)
    # While following, the stream itself pauses after a failed call.
    with open_context(stack, folder, retry_seconds=0.0 if follow else None) as context:
        targets = find_targets(context, names, filters)
        _require_possible(targets, cursor, follow=follow)
        open_stream = functools.partial(
            LogStream, context.client, cursor=cursor, tail=tail, cancelled=context.cancelled, once=not follow
        )
        streams = [open_stream(target.pipeline.id) for target in targets]
        code = _print_all(context, targets, streams, follow=follow, as_json=as_json)
    if code is not ExitCode.OK:
        raise typer.Exit(code)


def _require_possible(targets: Sequence[Target], cursor: str | None, *, follow: bool) -> None:
    if cursor is not None and len(targets) > 1:
        raise CommandFailed("continue logs: a cursor belongs to one pipeline, name only that one", ExitCode.USAGE)
    if follow and len(targets) > MOST_THREADS:
        text = f"follow logs: {len(targets)} pipelines match and at most {MOST_THREADS} can be followed, filter more"
        raise CommandFailed(text, ExitCode.USAGE)


def _print_all(
    context: CommandContext, targets: Sequence[Target], streams: Sequence[LogStream], *, follow: bool, as_json: bool
) -> ExitCode:
    """Print the events of all streams until they end, and return the exit code.

    Raises:
        CommandFailed: Ctrl-C; for one pipeline with the cursor to continue from.
    """
    printer = _Printer(context, targets, as_json=as_json)
    try:
        for target, event in _follow_all(targets, streams) if follow else _read_all(context, targets, streams):
            printer.print_event(target, event)
    except KeyboardInterrupt:
        text = f"interrupted; continue with --cursor '{streams[0].cursor}'" if len(streams) == 1 else "interrupted"
        raise CommandFailed(text, ExitCode.INTERRUPTED) from None
    if as_json:
        for target, stream in zip(targets, streams, strict=True):
            printer.print_cursor(target, stream.cursor)
    return printer.code


def _read_all(context: CommandContext, targets: Sequence[Target], streams: Sequence[LogStream]) -> Iterator[Found]:
    """Yield the lines that exist, pipeline by pipeline."""
    pairs = list(zip(targets, streams, strict=True))
    for target, events in run_all(lambda pair: (pair[0], list(pair[1])), pairs, context.cancelled):
        yield from ((target, event) for event in events)


def _follow_all(targets: Sequence[Target], streams: Sequence[LogStream]) -> Iterator[Found]:
    """Yield the events of all streams as they come, until all have ended."""
    if len(streams) == 1:
        yield from ((targets[0], event) for event in streams[0])
        return
    events: queue.SimpleQueue[Found | None] = queue.SimpleQueue()

    def read(target: Target, stream: LogStream) -> None:
        try:
            for event in stream:
                events.put((target, event))
        except GoldRushError as error:
            events.put((target, error))
        finally:
            events.put(None)

    for target, stream in zip(targets, streams, strict=True):
        threading.Thread(target=read, args=(target, stream), name="logs", daemon=True).start()
    running = len(streams)
    while running:
        found = events.get()
        if found is None:
            running -= 1
        else:
            yield found


class _Printer:
    """Prints events. A line names its pipeline and pod as soon as there is more than one."""

    def __init__(self, context: CommandContext, targets: Sequence[Target], *, as_json: bool) -> None:
        self._context = context
        self._as_json = as_json
        self._width = max(len(target.name) for target in targets) if len(targets) > 1 else 0
        self._pods: dict[str, set[str]] = {}
        self.code = ExitCode.OK

    def print_event(self, target: Target, event: Event | GoldRushError) -> None:
        """Print one event, and remember the exit code that it means."""
        if isinstance(event, GoldRushError):
            failure = explain(event)
            self.code = worst((self.code, failure.code))
            note(f"error: {self._prefix(target)}{self._context.shown(failure)}")
            return
        if isinstance(event, End) and event.reason is EndReason.FAILED:
            self.code = worst((self.code, ExitCode.UNHEALTHY))
        if self._as_json:
            self._print_json({**_as_json(event), "id": target.pipeline.id})
        elif isinstance(event, Line):
            self._print_line(target, event)
        elif text := _text(event, target):
            note(f"-- {self._prefix(target)}{self._context.shown(text)}")

    def print_cursor(self, target: Target, cursor: str) -> None:
        """Print as JSON how far the log of a pipeline was read."""
        self._print_json({"event": "cursor", "id": target.pipeline.id, "cursor": cursor})

    def _print_json(self, values: dict[str, Any]) -> None:
        print_models(LogEvent.model_validate(values), self._context.redact, on_one_line=True)

    def _print_line(self, target: Target, line: Line) -> None:
        pods = self._pods.setdefault(target.pipeline.id, set())
        pods.add(line.pod)
        # Names of pods of one pipeline differ only at the end.
        pod = f"[{self._context.shown(line.pod[-5:])}] " if len(pods) > 1 else ""
        print_line(f"{self._prefix(target)}{pod}{self._context.shown(line.text)}", whole=True)

    def _prefix(self, target: Target) -> str:
        return f"{self._context.shown(target.name):<{self._width}} | " if self._width else ""


_TEXTS: Final[dict[type[Any], str]] = {
    Gap: "lines of pod {pod} may be missing here",
    NewPod: "new pod {pod}",
    NewDeployment: "new deployment, started {start_time}",
    NothingToTail: "pod {pod} has no log now: {reason}",
    Waiting: "{reason}; trying again in {seconds:.0f} s",
}


def _text(event: Event, target: Target) -> str:
    """Return an event for people; "" for one that only programs need."""
    if isinstance(event, End):
        return f"end: pipeline {target.label} is {event.reason.value}"
    return _TEXTS.get(type(event), "").format(**dataclasses.asdict(event))


_EVENT_NAMES: Final[dict[type[Any], str]] = {
    Line: "line",
    Gap: "gap",
    NewPod: "new_pod",
    NewDeployment: "new_deployment",
    NothingToTail: "nothing_to_tail",
    CaughtUp: "caught_up",
    Waiting: "waiting",
    End: "end",
}


def _as_json(event: Event) -> dict[str, Any]:
    values = dataclasses.asdict(event)
    if isinstance(event, End):
        values["reason"] = event.reason.value
    return {"event": _EVENT_NAMES[type(event)], **values}
