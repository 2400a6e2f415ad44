"""The plugin on this machine, as Pulumi finds it: on PATH, or in Pulumi's own folder by its version."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

from goldrush_pulumi.operations.notes import pulumi_home

PLUGIN: Final = "pulumi-resource-goldrush"

PYTHON_VARIABLE: Final = "GOLDRUSH_PULUMI_PYTHON"
"""Names the interpreter for an installed archive; without it, the archive makes an environment of its own."""

_SDK: Final = Path("sdks", "goldrush")
_SDK_VERSIONS: Final = (_SDK / "package.json", _SDK / "goldrush" / "pulumi-plugin.json")
"""Where the SDKs of TypeScript and Go, as `pulumi package add` lays them into a project, say their version."""

_PYTHONS: Final = ("python3", "python3.14", "python3.13", "python3.12", "python3.11")
_IS_NEW_ENOUGH: Final = "import sys; sys.exit(sys.version_info < (3, 11))"
_START_TIMEOUT_SECONDS: Final = 60.0


def installed_plugins() -> dict[str, Path]:
    """Return the folders of the plugin that `pulumi plugin install` filled, by version, the newest last."""
    home = pulumi_home(os.environ)
    found = (home / "plugins").glob("resource-goldrush-v*") if home else ()
    folders = [folder for folder in found if (folder / PLUGIN).is_file()]
    folders.sort(key=lambda folder: [int(number) for number in re.findall(r"\d+", folder.name)])
    return {folder.name.partition("-v")[2]: folder for folder in folders}


def sdk_version(project: Path) -> str | None:
    """Return the version of the plugin that the SDK in a project asks for; None where there is no SDK."""
    for file in _SDK_VERSIONS:
        try:
            read: Any = json.loads((project / file).read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(read, dict) and isinstance(read.get("version"), str):
            return str(read["version"])
    return None


def python_for(plugin: Path) -> str | None:
    """Return the interpreter that an installed plugin runs in, or makes its environment from; None: there is none."""
    named = os.environ.get(PYTHON_VARIABLE)
    own = plugin / "venv" / "bin" / "python"
    candidates = (named,) if named else (str(own),) if own.exists() else _PYTHONS
    return next((found for name in candidates if (found := shutil.which(name)) and _is_new_enough(found)), None)


def _is_new_enough(python: str) -> bool:
    try:
        ended = subprocess.run(  # noqa: S603 - an interpreter of the user's own, with fixed words
            [python, "-c", _IS_NEW_ENOUGH], capture_output=True, timeout=_START_TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == 0
