"""`doctor`: what on this machine or in this project keeps pipelines from being deployed, and what to do about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import typer

from goldrush_pulumi.api import GoldRushError
from goldrush_pulumi.cli.account import open_account
from goldrush_pulumi.cli.exit_codes import ExitCode
from goldrush_pulumi.cli.failures import CommandFailed, explain
from goldrush_pulumi.cli.findings import Finding, Level
from goldrush_pulumi.cli.options import HERE, AsJson, Folder, StackName
from goldrush_pulumi.cli.project_checks import check_project
from goldrush_pulumi.cli.service_checks import check_service
from goldrush_pulumi.cli.terminal import print_json, print_line, safe
from goldrush_pulumi.cli.toolchain_checks import check_parallelism, check_versions
from goldrush_pulumi.settings import SettingsError


def examine(stack: StackName = None, folder: Folder = HERE, as_json: AsJson = False) -> None:
    """Check versions, project, parallelism, ServiceKey, endpoint and clock; exit code 9 when something is wrong."""
    findings = [*check_versions(), *check_project(folder), *_check_account(stack, folder)]
    if as_json:
        print_json([{**dataclasses.asdict(finding), "level": finding.level.value} for finding in findings])
    else:
        for finding in findings:
            print_line(safe(f"{finding.level.value:<7}  {finding.subject}: {finding.text}"))
            if finding.advice:
                print_line(f"         {safe(finding.advice)}")
    if any(finding.level is Level.WRONG for finding in findings):
        raise typer.Exit(ExitCode.PROBLEMS)


def _check_account(stack: str | None, folder: Path) -> Iterator[Finding]:
    count = 0
    found: list[Finding] = []
    try:
        with open_account(stack, folder, retry_seconds=0.0) as account:
            selected = account.stack
            count = max(len(selected.pipelines), selected.declared) if selected else 0
            found += check_service(account)
    except (CommandFailed, SettingsError, GoldRushError) as error:
        failure = explain(error)
        subject = "stack" if failure.code is ExitCode.NO_STACK else "ServiceKey"
        found.append(Finding(subject, Level.WRONG, str(failure), "fix this first; the checks behind it were left out"))
    yield from check_parallelism(count)
    yield from found
