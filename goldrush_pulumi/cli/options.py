"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Name = Annotated[
    str, typer.Argument(help="Id or name of the pipeline; with --stack also the name of its resource.", metavar="NAME")
]

StackName = Annotated[
    str | None, typer.Option("--stack", "-s", help="Stack whose config and state are used.", metavar="STACK")
]

Folder = Annotated[Path, typer.Option("--cwd", "-C", help="Folder of the Pulumi project.", metavar="FOLDER")]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON; while following, one object a line.")]

Interval = Annotated[float, typer.Option("--interval", min=0.5, help="Seconds between two looks.", metavar="SECONDS")]

Rounds = Annotated[
    int | None, typer.Option("--rounds", min=1, help="End after so many looks.", metavar="COUNT", show_default=False)
]

Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Return only when the pipeline is there.")]

Timeout = Annotated[float, typer.Option("--timeout", min=0, help="Longest wait in seconds.", metavar="SECONDS")]

HERE = Path()

DEFAULT_TIMEOUT_SECONDS = 600.0
