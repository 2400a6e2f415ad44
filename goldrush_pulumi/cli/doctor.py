"""`doctor`: what on this machine, in this project or at GoldRush prevents a deployment, and what to do about it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import typer

from goldrush_pulumi.api import APIError, ConnectionFailed, Forbidden, GoldRushError, Unauthorized
from goldrush_pulumi.cli.context import CommandContext, clock_ahead, open_context
from goldrush_pulumi.cli.errors import CommandFailed, ExitCode, explain
from goldrush_pulumi.cli.json_models import DoctorFinding
from goldrush_pulumi.cli.options import HERE, AsJson, Folder, StackName
from goldrush_pulumi.cli.output import print_line, print_models, safe
from goldrush_pulumi.cli.plugins import PLUGIN, PYTHON_VARIABLE, installed_plugins, python_for, sdk_version
from goldrush_pulumi.cli.stacks import Stack, cli_version
from goldrush_pulumi.settings import SETTINGS, SettingsError
from goldrush_pulumi.validation.projects import find_project

OLDEST_PYTHON: Final = (3, 11)

OLDEST_SDK: Final = (3, 216)

OLDEST_CLI: Final = (3, 216)
"""Older CLIs take no inputs from a refresh, so that every pipeline looks changed after one."""

_WORKERS_PER_CORE: Final = 4

_START_TIMEOUT_SECONDS: Final = 60.0

_CLOCK_TOLERANCE_SECONDS: Final = 60.0

_LOCK_FILES: Final = {"uv.lock": "uv", "poetry.lock": "poetry"}

_IS_WINDOWS: Final = os.name == "nt"


class Level(StrEnum):
    """How serious a result is."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True)
class Examination:
    """The result of examining one thing. `advice` says what to do, and is empty only if all is well."""

    subject: str
    level: Level
    text: str
    advice: str = ""


def examine(stack: StackName = None, folder: Folder = HERE, as_json: AsJson = False) -> None:
    """Examine versions, project, parallelism, ServiceKey, endpoint and clock; exit code 9 if something is wrong."""
    results = [*check_versions(), *check_project(folder), *_check_account(stack, folder)]
    if as_json:
        print_models([DoctorFinding.model_validate(vars(result)) for result in results])
    else:
        for result in results:
            print_line(safe(f"{result.level:<7}  {result.subject}: {result.text}"))
            if result.advice:
                print_line(f"         {safe(result.advice)}")
    if any(result.level is Level.WRONG for result in results):
        raise typer.Exit(ExitCode.PROBLEMS)


def check_versions() -> Iterator[Examination]:
    """Examine Python, the SDK of this environment, and the CLI on PATH."""
    python = ".".join(map(str, sys.version_info[:3]))
    yield _judge_version("Python", python, OLDEST_PYTHON, "create the venv with a newer Python")
    try:
        sdk = metadata.version("pulumi")
    except metadata.PackageNotFoundError:
        advice = "install goldrush-pulumi into the project's venv"
        yield Examination("Pulumi SDK", Level.WRONG, "is not installed here", advice)
    else:
        yield _judge_version("Pulumi SDK", sdk, OLDEST_SDK, "upgrade the package pulumi in the project's venv")
    cli = cli_version()
    if cli is None:
        yield Examination("Pulumi CLI", Level.WRONG, "is not on PATH", "install it, and open a new shell")
    else:
        yield _judge_version("Pulumi CLI", cli, OLDEST_CLI, "install a newer Pulumi CLI")


def _judge_version(subject: str, version: str, oldest: tuple[int, ...], advice: str) -> Examination:
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[: len(oldest)])
    if not numbers:
        return Examination(subject, Level.WARNING, f"has an unknown version ({version})", advice)
    if numbers < oldest:
        return Examination(subject, Level.WRONG, f"{version} is older than {'.'.join(map(str, oldest))}", advice)
    return Examination(subject, Level.OK, version)


def check_project(folder: Path) -> Iterator[Examination]:
    """Examine the project in `folder`: its runtime options, and the Python of its provider."""
    project = find_project(folder)
    if project is None:
        advice = "run this in the folder of a project, or name the folder with --cwd"
        yield Examination("project", Level.WARNING, "there is no Pulumi.yaml here", advice)
        return
    folder, settings = project.root, project.settings
    if not settings:
        yield Examination("project", Level.WRONG, f"{project.file.name} cannot be read", "make it valid YAML")
        return
    runtime = settings.get("runtime")
    name = runtime.get("name") if isinstance(runtime, Mapping) else runtime
    options = (runtime.get("options") or {}) if isinstance(runtime, Mapping) else {}
    if name != "python":
        yield _check_plugin(name, folder)
        return
    yield from _check_options(folder, options, settings.get("main"))
    yield _check_interpreter(folder / str(settings.get("main") or ""), options)


def _check_plugin(runtime: object, folder: Path) -> Examination:
    """Examine the resource plugin, which serves programs in every other language than Python."""
    path, installed, wanted = shutil.which(PLUGIN), installed_plugins(), sdk_version(folder)
    if path is not None:
        return Examination("plugin", Level.OK, f"is at {path}")
    if not installed:
        text = f"the runtime of the project is {runtime}, and the plugin goldrush is neither on PATH nor installed"
        return Examination("plugin", Level.WRONG, text, "install it, see docs/languages.md")
    if wanted is not None and wanted not in installed:
        text = f"the SDK of this project asks for version {wanted}, and installed is {', '.join(installed)}"
        advice = f"run `pulumi package add goldrush` again, or install version {wanted}, see docs/languages.md"
        return Examination("plugin", Level.WRONG, text, advice)
    plugin = installed[wanted or list(installed)[-1]]
    python = python_for(plugin)
    if python is None:
        advice = f"install Python 3.11 or newer, or set {PYTHON_VARIABLE} to one that has goldrush-pulumi"
        return Examination("plugin", Level.WRONG, f"{plugin} finds no Python that it could run in", advice)
    return Examination("plugin", Level.OK, f"is in {plugin}, and runs with {python}")


def _check_options(folder: Path, options: Mapping[str, Any], main: object) -> Iterator[Examination]:
    virtualenv = options.get("virtualenv")
    for file, toolchain in _LOCK_FILES.items():
        if (folder / file).exists() and not options.get("toolchain"):
            text = (
                f"{file} exists, but Pulumi.yaml names no toolchain: only the program finds the venv, not the provider"
            )
            yield Examination("toolchain", Level.WRONG, text, f"write toolchain: {toolchain} under runtime: options:")
    if main and virtualenv and not Path(str(virtualenv)).is_absolute():
        text = "the program looks for virtualenv beside Pulumi.yaml, the provider in the folder of main:"
        advice = "write an absolute virtualenv, link it into that folder, or remove main:"
        found = (folder / str(main) / str(virtualenv)).exists()
        yield Examination("main", Level.OK if found else Level.WRONG, text, "" if found else advice)
    if virtualenv and not options.get("toolchain") and not (folder / str(virtualenv)).exists():
        text = f"virtualenv {virtualenv} of Pulumi.yaml does not exist"
        yield Examination("venv", Level.WRONG, text, "run `pulumi install`, or create the venv")


def _check_interpreter(folder: Path, options: Mapping[str, Any]) -> Examination:
    """Start the Python that the provider process would get, and let it import what it needs."""
    python = _interpreter(folder, options)
    if python is None:
        text = "no Python was found that the provider process could run in"
        advice = "create the venv that Pulumi.yaml names, or put its bin folder on PATH"
        return Examination("provider", Level.WRONG, text, advice)
    # The language host runs in the project's folder, which Python then imports from.
    command = [python, "-c", "import pulumi.dynamic, goldrush_pulumi.provider"]
    try:
        ended = subprocess.run(  # noqa: S603 - the interpreter of the user's own project, with fixed words
            command, cwd=folder, capture_output=True, timeout=_START_TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return Examination("provider", Level.WRONG, f"{python} cannot be started", "create the venv again")
    if ended.returncode:
        text = f"{python} cannot import goldrush_pulumi and pulumi"
        advice = "install goldrush-pulumi there, or set runtime: options: virtualenv in Pulumi.yaml"
        return Examination("provider", Level.WRONG, text, advice)
    return Examination("provider", Level.OK, f"runs in {python}")


def _interpreter(folder: Path, options: Mapping[str, Any]) -> str | None:
    virtualenv, toolchain = options.get("virtualenv"), options.get("toolchain")
    if virtualenv or toolchain == "uv":
        found = folder / str(virtualenv or ".venv") / ("Scripts/python.exe" if _IS_WINDOWS else "bin/python")
        return str(found) if found.exists() else None
    if toolchain == "poetry":
        return _poetry_interpreter(folder)
    return shutil.which(os.environ.get("PULUMI_PYTHON_CMD") or ("python" if _IS_WINDOWS else "python3"))


def _poetry_interpreter(folder: Path) -> str | None:
    if (poetry := shutil.which("poetry")) is None:
        return None
    try:
        ended = subprocess.run(  # noqa: S603 - a fixed command
            [poetry, "env", "info", "--executable"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_START_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ended.stdout.strip() or None


def _check_account(stack: str | None, folder: Path) -> Iterator[Examination]:
    count = 0
    results: list[Examination] = []
    try:
        with open_context(stack, folder, retry_seconds=0.0) as context:
            selected = context.stack
            count = max(len(selected.pipelines), selected.declared) if selected else 0
            results += _check_key_secrecy(selected)
            results += check_service(context)
    except (CommandFailed, SettingsError, GoldRushError) as error:
        failure = explain(error)
        subject = "stack" if failure.code is ExitCode.NO_STACK else "ServiceKey"
        if isinstance(error, SettingsError):
            subject = "settings"
        advice = "fix this first; the checks that depend on it were skipped"
        results.append(Examination(subject, Level.WRONG, str(failure), advice))
    yield from check_parallelism(count)
    yield from results


def _check_key_secrecy(stack: Stack | None) -> Iterator[Examination]:
    """Examine whether the stack's config stores the ServiceKey encrypted."""
    setting = SETTINGS["service_key"]
    key = stack.config.get(setting.key) if stack else None
    if stack is not None and key and key not in stack.secrets:
        text = f"{setting.key} is not encrypted: the stack file, the state and its history hold it in clear text"
        advice = f"run `pulumi config set --secret {setting.key} --stack {stack.name}`, and create a new key"
        yield Examination("stack config", Level.WRONG, text, advice)


def check_parallelism(pipelines: int) -> Iterator[Examination]:
    """Compare PULUMI_PARALLEL with the number of pipelines, each of which occupies a worker while it waits."""
    text = os.environ.get("PULUMI_PARALLEL", "").strip()
    if text and not text.isdigit():
        advice = "set it to a number such as 64, or unset it"
        yield Examination("PULUMI_PARALLEL", Level.WRONG, "is not a number", advice)
        return
    workers = int(text) if text else (os.cpu_count() or 1) * _WORKERS_PER_CORE
    source = "set by PULUMI_PARALLEL" if text else "four per core"
    summary = f"Pulumi works on {workers} resources at once, {source}"
    if pipelines > workers:
        advice = f"set PULUMI_PARALLEL={pipelines} or use `pulumi up --parallel {pipelines}`; waiting is cheap"
        yield Examination("parallelism", Level.WARNING, f"{summary}; the stack has {pipelines} pipelines", advice)
    else:
        yield Examination("parallelism", Level.OK, summary)


def check_service(context: CommandContext) -> Iterator[Examination]:
    """Request one pipeline and judge the response."""
    url = context.shown(context.settings.base_url)
    try:
        page = context.client.list_pipelines(page_size=1)
    except ConnectionFailed as error:
        advice = "check the network, goldrush:baseUrl, and HTTPS_PROXY if there is a proxy"
        yield Examination("endpoint", Level.WRONG, context.shown(error), advice)
        return
    except (Unauthorized, Forbidden) as error:
        yield Examination("endpoint", Level.OK, f"{url} responds")
        advice = "create a ServiceKey in the platform's account settings; an API key of another product does not work"
        yield Examination("ServiceKey", Level.WRONG, context.shown(error), advice)
        return
    except APIError as error:
        yield Examination("endpoint", Level.WRONG, context.shown(error), "check goldrush:baseUrl, or try again later")
        return
    yield Examination("endpoint", Level.OK, f"{url} responds")
    count = "" if page.total_count is None else f", pipelines it can see: {page.total_count}"
    yield Examination("ServiceKey", Level.OK, f"accepted, from {context.settings.key_source}{count}")
    yield from _check_clock(clock_ahead(page))


def _check_clock(ahead: timedelta | None) -> Iterator[Examination]:
    if ahead is None:
        return
    seconds = ahead.total_seconds()
    if abs(seconds) > _CLOCK_TOLERANCE_SECONDS:
        side = "ahead of" if seconds > 0 else "behind"
        text = f"this machine is {abs(seconds):,.0f} s {side} GoldRush"
        yield Examination("clock", Level.WARNING, text, "set the clock by NTP: certificates and run times depend on it")
    else:
        yield Examination("clock", Level.OK, f"within {_CLOCK_TOLERANCE_SECONDS:.0f} s of GoldRush's")
