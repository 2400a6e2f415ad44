"""`validate`: files of pipelines, judged offline."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from goldrush_pulumi.cli.completion import complete_stacks
from goldrush_pulumi.cli.errors import CommandFailed, ExitCode
from goldrush_pulumi.cli.options import HERE, AsJson, Folder
from goldrush_pulumi.cli.output import count_of, print_json, print_line, safe
from goldrush_pulumi.settings import SETTING_NAMES
from goldrush_pulumi.validation.files import Report, validate_files
from goldrush_pulumi.validation.fixes import apply_fixes
from goldrush_pulumi.validation.projects import find_project
from goldrush_pulumi.validation.rules import CODES, FINDINGS_PAGE
from goldrush_pulumi.validation.sarif import as_sarif

Files = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Stack files or pipelines in YAML or JSON; the stack files of the project unless given.", metavar="FILE"
    ),
]

StackOfFile = Annotated[
    str | None,
    typer.Option(
        "--stack",
        "-s",
        help="Only the stack file of this stack.",
        metavar="STACK",
        autocompletion=complete_stacks,
    ),
]

Strict = Annotated[bool, typer.Option("--strict", help="Fail on warnings too.")]

Ignore = Annotated[
    list[str] | None, typer.Option("--ignore", help="Code that is not reported, such as GR405.", metavar="CODE")
]

Fix = Annotated[bool, typer.Option("--fix", help="Correct misspelt names and wrong checksums in the files.")]

AsSarif = Annotated[bool, typer.Option("--sarif", help="Print SARIF for code review tools.")]


def validate(
    files: Files = None,
    stack: StackOfFile = None,
    folder: Folder = HERE,
    strict: Strict = False,
    ignore: Ignore = None,
    fix: Fix = False,
    as_json: AsJson = False,
    sarif: AsSarif = False,
) -> None:
    """Find everything that is wrong with declared pipelines, without network and without Pulumi."""
    chosen = files or _stack_files(folder, stack)
    ignored = _read_codes(ignore or [])
    report = validate_files(chosen, SETTING_NAMES, ignored)
    if fix:
        fixed = _fix(report)
        report = validate_files(chosen, SETTING_NAMES, ignored)
        if not (as_json or sarif):
            print_line(f"{fixed} fixed")
    if sarif:
        print_json(as_sarif(report, metadata.version("goldrush-pulumi")))
    elif as_json:
        print_json(report.as_dict())
    else:
        _print(report, len(chosen))
    if report.fails(strict=strict):
        raise typer.Exit(ExitCode.PROBLEMS)


def _print(report: Report, files: int) -> None:
    for finding in report.findings:
        print_line(safe(finding))
    if not report.findings:
        print_line(f"{count_of(len(report.tables), 'pipeline')} in {count_of(files, 'file')}: nothing is wrong")
    elif any(finding.edit for finding in report.findings):
        print_line("run again with --fix to correct what is certain")


def _read_codes(codes: list[str]) -> frozenset[str]:
    """Return the codes of `--ignore`, each of which may be several separated by commas.

    Raises:
        CommandFailed: One of them does not exist.
    """
    given = [code.strip().upper() for text in codes for code in text.split(",") if code.strip()]
    for code in given:
        if code not in CODES:
            raise CommandFailed(f"ignore {safe(code)}: there is no such code, see {FINDINGS_PAGE}", ExitCode.USAGE)
    return frozenset(given)


def _fix(report: Report) -> int:
    try:
        return apply_fixes(report.findings)
    except OSError as error:
        reason = (error.strerror or "the system refuses").lower()
        raise CommandFailed(f"fix {safe(error.filename or 'files')}: {reason}") from None


def _stack_files(folder: Path, stack: str | None) -> list[Path]:
    project = find_project(folder)
    found = project.stack_files(stack or "*") if project else []
    if not found:
        # Without a project, as in a folder that only holds config.
        pattern = f"Pulumi.{stack or '*'}"
        found = sorted(path for ending in ("yaml", "yml") for path in folder.glob(f"{pattern}.{ending}"))
    if not found:
        text = f"find stack files: there is no {pattern}.yaml in {safe(folder.resolve())}, name files or use --cwd"
        raise CommandFailed(text, ExitCode.NOT_FOUND)
    return found
