"""The traps of a Pulumi project in Python: which interpreter its provider runs in.

The program and the provider process find their Python by different rules. Where they differ, the program works and the
provider cannot be started. Source: Pulumi's `pulumi-resource-pulumi-python` script and its Python toolchain.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from goldrush_pulumi.cli.findings import Finding, Level

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
