"""Versions of Python, SDK and CLI, and how many resources Pulumi works on at once."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import Final

from goldrush_pulumi.cli.findings import Finding, Level
from goldrush_pulumi.cli.stacks import cli_version

OLDEST_PYTHON: Final = (3, 10)
OLDEST_SDK: Final = (3, 216)
OLDEST_CLI: Final = (3, 216)
"""Since then a refresh can tell the engine the inputs; an older CLI shows every pipeline as changed after one."""

_WORKERS_A_CORE: Final = 4


def check_versions() -> Iterator[Finding]:
    """Python, the SDK of this environment, and the CLI on PATH."""
    python = ".".join(map(str, sys.version_info[:3]))
    yield _judge("Python", python, OLDEST_PYTHON, "make the venv with a newer Python")
    try:
        sdk = metadata.version("pulumi")
    except metadata.PackageNotFoundError:
        yield Finding(
            "Pulumi SDK", Level.WRONG, "is not installed here", "install goldrush-pulumi into the project's venv"
        )
    else:
        yield _judge("Pulumi SDK", sdk, OLDEST_SDK, "upgrade the package pulumi in the project's venv")
    cli = cli_version()
    if cli is None:
        yield Finding("Pulumi CLI", Level.WRONG, "is not on PATH", "install it, and open a new shell")
    else:
        yield _judge("Pulumi CLI", cli, OLDEST_CLI, "install a newer Pulumi CLI")


def check_parallelism(pipelines: int) -> Iterator[Finding]:
    """PULUMI_PARALLEL against the number of pipelines, each of which takes a place while it waits."""
    text = os.environ.get("PULUMI_PARALLEL", "").strip()
    if text and not text.isdigit():
        yield Finding("PULUMI_PARALLEL", Level.WRONG, "is not a number", "set it to a number such as 64, or unset it")
        return
    places = int(text) if text else (os.cpu_count() or 1) * _WORKERS_A_CORE
    source = "as PULUMI_PARALLEL says" if text else "four a core"
    told = f"Pulumi works on {places} resources at once, {source}"
    if pipelines > places:
        advice = (
            f"set PULUMI_PARALLEL={pipelines} or use pulumi up --parallel {pipelines}: waiting costs next to nothing"
        )
        yield Finding("parallelism", Level.WARNING, f"{told}; the stack has {pipelines} pipelines", advice)
    else:
        yield Finding("parallelism", Level.OK, told)


def _judge(subject: str, version: str, oldest: tuple[int, ...], advice: str) -> Finding:
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[: len(oldest)])
    if not numbers:
        return Finding(subject, Level.WARNING, f"does not tell its version ({version})", advice)
    if numbers < oldest:
        return Finding(subject, Level.WRONG, f"{version} is older than {'.'.join(map(str, oldest))}", advice)
    return Finding(subject, Level.OK, version)
