"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from goldrush_pulumi.cli.completion import complete_pipelines, complete_stacks

_WHICH = "by id or name; with --stack also by the name of its resource."

Name = Annotated[str, typer.Argument(help=f"The pipeline, {_WHICH}", metavar="NAME", autocompletion=complete_pipelines)]

Names = Annotated[
    list[str] | None,
    typer.Argument(
        help=f"The pipelines, each {_WHICH}",
        metavar="NAME",
        show_default=False,
        autocompletion=complete_pipelines,
    ),
]

ProjectGlob = Annotated[
    str | None, typer.Option("--project", help="Only pipelines whose project matches.", metavar="GLOB")
]

TopicGlob = Annotated[str | None, typer.Option("--topic", help="Only pipelines whose topic matches.", metavar="GLOB")]

NameGlob = Annotated[str | None, typer.Option("--name", help="Only pipelines whose name matches.", metavar="GLOB")]

AllFailed = Annotated[bool, typer.Option("--all-failed", help="Only pipelines whose phase is FAILED.")]

DesiredStatus = Annotated[
    str | None, typer.Option("--status", help="Only pipelines with this desired status: running or paused.")
]

StackName = Annotated[
    str | None,
    typer.Option(
        "--stack",
        "-s",
        help="Stack whose config and state are used.",
        metavar="STACK",
        autocompletion=complete_stacks,
    ),
]

Folder = Annotated[Path, typer.Option("--cwd", "-C", help="Folder of the Pulumi project.", metavar="FOLDER")]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON; a command that keeps running prints JSON lines.")]

Wide = Annotated[bool, typer.Option("--wide", help="Show every column in full, however wide the terminal is.")]

Watch = Annotated[bool, typer.Option("--watch", "-w", help="Keep polling until Ctrl-C.")]

Interval = Annotated[float, typer.Option("--interval", min=0.5, help="Seconds between two polls.", metavar="SECONDS")]

Rounds = Annotated[
    int | None, typer.Option("--rounds", min=1, help="End after this many polls.", metavar="COUNT", show_default=False)
]

Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Return only once the pipeline is there.")]

Timeout = Annotated[float, typer.Option("--timeout", min=0, help="Longest wait in seconds.", metavar="SECONDS")]

HERE = Path()

DEFAULT_TIMEOUT_SECONDS = 600.0
