"""`logs`: the lines of a pipeline's pods, once or as a stream."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import typer

from goldrush_pulumi.cli.context import Account, Target, find_target, open_account
from goldrush_pulumi.cli.errors import CommandFailed, ExitCode
from goldrush_pulumi.cli.options import HERE, AsJson, Folder, Name, StackName
from goldrush_pulumi.cli.output import note, print_json, print_line, safe_values
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

Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines until the pipeline ends.")]

TailLines = Annotated[
    int | None, typer.Option("--tail", "-n", min=0, help="Lines of each pod to begin with.", metavar="COUNT")
]

Cursor = Annotated[
    str | None, typer.Option("--cursor", help="Go on where an earlier command stopped.", metavar="CURSOR")
]


def show_logs(
    name: Name,
    follow: Follow = False,
    tail: TailLines = None,
    cursor: Cursor = None,
    stack: StackName = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Show a pipeline's logs. Lines go to stdout, everything else to stderr; exit code 10 when it ends in FAILED."""
    # While following, the stream makes its own pauses after a failed call.
    with open_account(stack, folder, retry_seconds=0.0 if follow else None) as account:
        target = find_target(account, name)
        stream = LogStream(
            account.client,
            target.pipeline.id,
            cursor=cursor,
            tail=tail,
            cancelled=account.cancelled,
            once=not follow,
        )
        printer = _Printer(account, target, as_json=as_json)
        try:
            ending = printer.print_all(stream)
        except KeyboardInterrupt:
            text = f"interrupted; go on with --cursor '{stream.cursor}'"
            raise CommandFailed(text, ExitCode.INTERRUPTED) from None
        if as_json:
            print_json({"event": "cursor", "cursor": stream.cursor}, on_one_line=True)
    if ending is EndReason.FAILED:
        raise typer.Exit(ExitCode.UNHEALTHY)


class _Printer:
    """Prints events. Lines name their pod as soon as there is more than one."""

    def __init__(self, account: Account, target: Target, *, as_json: bool) -> None:
        self._account = account
        self._target = target
        self._as_json = as_json
        self._pods: set[str] = set()

    def print_all(self, stream: LogStream) -> EndReason | None:
        """Print until the stream ends; answer why it did."""
        for event in stream:
            if self._as_json:
                print_json(safe_values(_as_json(event), self._account.redact), on_one_line=True)
            elif isinstance(event, Line):
                self._print_line(event)
            else:
                self._tell(event)
            if isinstance(event, End):
                return event.reason
        return None

    def _print_line(self, line: Line) -> None:
        self._pods.add(line.pod)
        text = self._account.shown(line.text)
        # Pods of one pipeline differ in their ends alone.
        print_line(f"[{self._account.shown(line.pod[-5:])}] {text}" if len(self._pods) > 1 else text)

    def _tell(self, event: Event) -> None:
        text = _told(event, self._target)
        if text:
            note(f"-- {self._account.shown(text)}")


_WORDS: dict[type[Any], str] = {
    Gap: "lines of pod {pod} may be missing here",
    NewPod: "new pod {pod}",
    NewDeployment: "new deployment, started {start_time}",
    NothingToTail: "pod {pod} has no log now: {reason}",
    Waiting: "{reason}; asking again in {seconds:.0f} s",
}


def _told(event: Event, target: Target) -> str:
    """A marker in words; "" for those that only programs need."""
    if isinstance(event, End):
        return f"end: pipeline {target.label} is {event.reason.value}"
    return _WORDS.get(type(event), "").format(**dataclasses.asdict(event))


_NAMES: dict[type[Any], str] = {
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
    return {"event": _NAMES[type(event)], **values}
