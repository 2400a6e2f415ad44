"""The files of the running program's project: where `Pulumi.yaml` lies, and the config file of the selected stack."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pulumi

from goldrush_pulumi.validation.documents import DocumentError, read_document

_PROJECT_FILES: Final = ("Pulumi.yaml", "Pulumi.yml", "Pulumi.json")


def project_folder() -> Path:
    """Return the folder of `Pulumi.yaml`.

    A program with `main: infra` runs in that folder, and older language hosts don't name the project's, so it is looked
    for from the working directory upwards. Without a project file, as in an inline program, it is the working
    directory.
    """
    named = pulumi.get_root_directory()
    if named:
        return Path(named)
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if _project_file(folder)), here)


def stack_file() -> Path | None:
    """Return the config file of the selected stack, where Pulumi looks for it; None where there is no project file.

    The file may not exist, or not be the one in use: a program can't see the option `--config-file`.
    """
    folder = project_folder()
    project = _project_file(folder)
    if project is None:
        return None
    stack = pulumi.get_stack().rpartition("/")[2]
    return folder / _config_folder(project) / f"Pulumi.{stack}{project.suffix}"


def _project_file(folder: Path) -> Path | None:
    return next((folder / name for name in _PROJECT_FILES if (folder / name).is_file()), None)


def _config_folder(project: Path) -> str:
    try:
        settings = read_document(project).value
    except DocumentError:
        return ""
    # Before it had a name of its own, the folder stood under `config`.
    named = (settings.get("stackConfigDir") or settings.get("config")) if isinstance(settings, dict) else None
    return named if isinstance(named, str) else ""
