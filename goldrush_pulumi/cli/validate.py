"""`validate`: files of pipelines, judged offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from goldrush_pulumi.cli.errors import CommandFailed, ExitCode
from goldrush_pulumi.cli.options import HERE, AsJson, Folder
from goldrush_pulumi.cli.output import print_json, print_line, safe
from goldrush_pulumi.validation.files import validate_files

Files = Annotated[
    list[Path] | None,
    typer.Argument(help="Stack files or pipelines in YAML or JSON; the stack files of the project unless given."),
]

StackOfFile = Annotated[
    str | None, typer.Option("--stack", "-s", help="Only the stack file of this stack.", metavar="STACK")
]

Strict = Annotated[bool, typer.Option("--strict", help="Let warnings count as problems too.")]


def validate(
    files: Files = None,
    stack: StackOfFile = None,
    folder: Folder = HERE,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Find everything that is wrong with declared pipelines, without network and without Pulumi."""
    chosen = files or _stack_files(folder, stack)
    report = validate_files(chosen)
    if as_json:
        print_json(report.as_dict())
    else:
        for finding in report.findings:
            print_line(safe(finding))
        if not report.findings:
            print_line(f"{len(report.tables)} pipelines in {len(chosen)} files: nothing is wrong")
    if report.fails(strict=strict):
        raise typer.Exit(ExitCode.PROBLEMS)


def _stack_files(folder: Path, stack: str | None) -> list[Path]:
    pattern = f"Pulumi.{stack or '*'}"
    found = sorted(path for ending in ("yaml", "yml") for path in folder.glob(f"{pattern}.{ending}"))
    if not found:
        text = f"find stack files: there is no {pattern}.yaml in {safe(folder.resolve())}, name files or use --cwd"
        raise CommandFailed(text, ExitCode.NOT_FOUND)
    return found
