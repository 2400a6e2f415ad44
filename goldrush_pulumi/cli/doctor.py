"""`doctor`: what on this machine or in this project keeps pipelines from being deployed, and what to do about it."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer
import yaml

from goldrush_pulumi.api import APIError, ConnectionFailed, Forbidden, GoldRushError, Unauthorized
from goldrush_pulumi.cli.context import open_account
from goldrush_pulumi.cli.errors import CommandFailed, ExitCode, explain
from goldrush_pulumi.cli.options import HERE, AsJson, Folder, StackName
from goldrush_pulumi.cli.output import print_json, print_line, safe
from goldrush_pulumi.cli.stacks import cli_version
from goldrush_pulumi.settings import SettingsError

if TYPE_CHECKING:
    from goldrush_pulumi.cli.context import Account


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


class Level(Enum):
    """How much a finding matters."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `advice` says what to do, and is empty only where all is well."""

    subject: str
    level: Level
    text: str
    advice: str = ""


OLDEST_PYTHON: Final = (3, 11)

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


_PATIENCE_SECONDS: Final = 60.0

_LOCK_FILES: Final = {"uv.lock": "uv", "poetry.lock": "poetry"}

_WINDOWS: Final = os.name == "nt"


def check_project(folder: Path) -> Iterator[Finding]:
    """Judge the project in `folder`: its runtime options, and the Python of its provider."""
    path = next((folder / name for name in ("Pulumi.yaml", "Pulumi.yml") if (folder / name).is_file()), None)
    if path is None:
        advice = "run this in a project's folder or use --cwd to have one checked"
        yield Finding("project", Level.WARNING, "there is no Pulumi.yaml here", advice)
        return
    settings = _read(path)
    if settings is None:
        yield Finding("project", Level.WRONG, "Pulumi.yaml cannot be read", "make it valid YAML")
        return
    runtime = settings.get("runtime")
    name = runtime.get("name") if isinstance(runtime, Mapping) else runtime
    options = (runtime.get("options") or {}) if isinstance(runtime, Mapping) else {}
    if name != "python":
        text = f"its runtime is {name}, and pipelines are declared in Python"
        yield Finding("project", Level.WARNING, text, "write runtime: python where goldrush_pulumi is used")
        return
    yield from _check_options(folder, options, settings.get("main"))
    yield _check_interpreter(folder / str(settings.get("main") or ""), options)


def _check_options(folder: Path, options: Mapping[str, Any], main: object) -> Iterator[Finding]:
    virtualenv = options.get("virtualenv")
    for file, toolchain in _LOCK_FILES.items():
        if (folder / file).exists() and not options.get("toolchain"):
            text = f"{file} is there, and Pulumi.yaml names no toolchain: the program finds it, the provider does not"
            yield Finding("toolchain", Level.WRONG, text, f"write toolchain: {toolchain} under runtime: options:")
    if main and virtualenv and not Path(str(virtualenv)).is_absolute():
        text = "the program looks for virtualenv beside Pulumi.yaml, the provider in the folder of main:"
        advice = "write an absolute virtualenv, link it into that folder, or do without main:"
        found = (folder / str(main) / str(virtualenv)).exists()
        yield Finding("main", Level.OK if found else Level.WRONG, text, "" if found else advice)
    if virtualenv and not options.get("toolchain") and not (folder / str(virtualenv)).exists():
        text = f"virtualenv {virtualenv} of Pulumi.yaml does not exist"
        yield Finding("venv", Level.WRONG, text, "run pulumi install, or make the venv")


def _check_interpreter(folder: Path, options: Mapping[str, Any]) -> Finding:
    """Start the Python that the provider process would get, and let it import what it needs."""
    python = _interpreter(folder, options)
    if python is None:
        text = "no Python was found that the provider process could run in"
        return Finding("provider", Level.WRONG, text, "make the venv that Pulumi.yaml names, or put its bin on PATH")
    # The language host runs in the project's folder, which Python then imports from.
    command = [python, "-c", "import pulumi.dynamic, goldrush_pulumi.provider"]
    try:
        ended = subprocess.run(  # noqa: S603 - the interpreter of the user's own project, with fixed words
            command, cwd=folder, capture_output=True, timeout=_PATIENCE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return Finding("provider", Level.WRONG, f"{python} cannot be started", "make the venv anew")
    if ended.returncode:
        text = f"{python} cannot import goldrush_pulumi and pulumi"
        advice = (
            "install goldrush-pulumi there, or name the project's venv in Pulumi.yaml (runtime: options: virtualenv)"
        )
        return Finding("provider", Level.WRONG, text, advice)
    return Finding("provider", Level.OK, f"runs in {python}")


def _interpreter(folder: Path, options: Mapping[str, Any]) -> str | None:
    virtualenv, toolchain = options.get("virtualenv"), options.get("toolchain")
    if virtualenv or toolchain == "uv":
        found = folder / str(virtualenv or ".venv") / ("Scripts/python.exe" if _WINDOWS else "bin/python")
        return str(found) if found.exists() else None
    if toolchain == "poetry":
        return _poetry_interpreter(folder)
    return shutil.which(os.environ.get("PULUMI_PYTHON_CMD") or ("python" if _WINDOWS else "python3"))


def _poetry_interpreter(folder: Path) -> str | None:
    if (poetry := shutil.which("poetry")) is None:
        return None
    try:
        ended = subprocess.run(  # noqa: S603 - a fixed command
            [poetry, "env", "info", "--executable"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ended.stdout.strip() or None


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        settings = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None
    return settings if isinstance(settings, Mapping) else None


_SKEW_SECONDS: Final = 60.0


def check_service(account: Account) -> Iterator[Finding]:
    """Ask for one pipeline and judge the answer."""
    url = account.shown(account.settings.base_url)
    try:
        page = account.client.list_pipelines(page_size=1)
    except ConnectionFailed as error:
        advice = "check the network, goldrush:baseUrl, and HTTPS_PROXY where there is a proxy"
        yield Finding("endpoint", Level.WRONG, account.shown(error), advice)
        return
    except (Unauthorized, Forbidden) as error:
        yield Finding("endpoint", Level.OK, f"{url} answers")
        advice = "make a ServiceKey in the platform's account settings; an API key of another product does not work"
        yield Finding("ServiceKey", Level.WRONG, account.shown(error), advice)
        return
    except APIError as error:
        yield Finding("endpoint", Level.WRONG, account.shown(error), "check goldrush:baseUrl, or try again later")
        return
    yield Finding("endpoint", Level.OK, f"{url} answers")
    count = "" if page.total_count is None else f", pipelines that it sees: {page.total_count}"
    yield Finding("ServiceKey", Level.OK, f"accepted, from {account.settings.key_source}{count}")
    yield from _check_clock(page.updated_at)


def _check_clock(server_time: str) -> Iterator[Finding]:
    try:
        read_time = datetime.fromisoformat(server_time)
    except ValueError:
        return
    if read_time.tzinfo is None:
        read_time = read_time.replace(tzinfo=UTC)
    seconds = (datetime.now(UTC) - read_time).total_seconds()
    if abs(seconds) > _SKEW_SECONDS:
        side = "ahead of" if seconds > 0 else "behind"
        text = f"this machine is {abs(seconds):,.0f} s {side} GoldRush"
        yield Finding("clock", Level.WARNING, text, "set the clock by NTP: certificates and run times depend on it")
    else:
        yield Finding("clock", Level.OK, f"within {_SKEW_SECONDS:.0f} s of GoldRush's")
