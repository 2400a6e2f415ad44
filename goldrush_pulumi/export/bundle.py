"""Write an export: a complete Pulumi project, the commands that set its secrets, and the import file."""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from goldrush_pulumi.export.import_file import render_import_file
from goldrush_pulumi.export.plugin_program import render_id_file, render_plugin_program
from goldrush_pulumi.export.python_program import render_program
from goldrush_pulumi.export.stack_file import PROGRAM, config_path, render_stack_file, render_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from goldrush_pulumi.export.credentials import Leaf
    from goldrush_pulumi.export.survey import Declared

Form = Literal["python", "yaml", "plugin", "import"]
"""What an export declares the pipelines in: a program in Python, stack config, a program in YAML for the plugin, or
nothing, and only the file for an import by the plugin."""

IMPORT_FILE: Final = "import.json"

IMPORT_COMMAND: Final = f"pulumi import --file {IMPORT_FILE} --generate-code=false --protect=false --yes"

_SECRETS_FILE: Final = "set-secrets.sh"

_SECRETS_HEAD: Final = """#!/bin/sh
# Set the secrets of the exported pipelines; Pulumi asks for each value.
set -eu
"""


class ExportError(Exception):
    """An export cannot be written; the text is one line: what, why, and what to do."""


@dataclass(frozen=True)
class Bundle:
    """What an export consists of.

    Attributes:
        files: Texts by their paths inside the project's folder. Only the import file may hold credentials.
        commands: The commands that put the secrets into the stack's config.
        unknown: The credentials that nobody gave: the first preview after the import shows exactly those as changes.
        owned: Names of resources whose pipelines some stack already manages, by their ownership tags.
        count: How many pipelines were exported.
    """

    files: Mapping[str, str] = field(repr=False)
    commands: tuple[str, ...]
    unknown: tuple[Leaf, ...]
    owned: tuple[str, ...]
    count: int


def make_bundle(
    declared: Sequence[Declared],
    *,
    form: Form,
    project: str,
    stack: str,
    service_key: str,
    base_url: str,
    owner: str | None = None,
) -> Bundle:
    """Return an export of some pipelines.

    Args:
        declared: The pipelines.
        form: What declares them.
        project: Name of the Pulumi project.
        stack: Name of the stack, without organization and project; only the "yaml" form writes its file.
        service_key: The key they were found with; at most a fingerprint of it is written.
        base_url: The endpoint they were found at, likewise.
        owner: Id of the stack's `Owner` if the stack already has one.
    """
    leaves = [leaf for item in declared for leaf in item.leaves]
    commands = () if form == "import" else tuple(_command(leaf, form) for leaf in leaves)
    imported = (
        render_id_file(declared)
        if form in {"plugin", "import"}
        else render_import_file(declared, service_key=service_key, base_url=base_url, owner=owner)
    )
    files = {
        **({} if form == "import" else _sources(declared, form, project, stack)),
        **({_SECRETS_FILE: _SECRETS_HEAD + "".join(f"{command}\n" for command in commands)} if commands else {}),
        IMPORT_FILE: imported,
    }
    return Bundle(
        files,
        commands,
        tuple(leaf for leaf in leaves if not leaf.is_known),
        tuple(item.resource for item in declared if item.owned_elsewhere),
        len(declared),
    )


def write_bundle(bundle: Bundle, folder: Path, *, overwrite: bool = False) -> list[Path]:
    """Write the files of an export, the import file readable by its owner alone, and return their paths.

    Raises:
        ExportError: A file already exists and `overwrite` is false, or a file cannot be written.
    """
    targets = {folder / name: text for name, text in bundle.files.items()}
    taken = [str(path) for path in targets if path.exists()]
    if taken and not overwrite:
        raise ExportError(f"write export to {folder}: {', '.join(taken)} already exists, choose another folder")
    try:
        for path, text in targets.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, text, 0o600 if path.name == IMPORT_FILE else 0o644)
    except OSError as error:
        reason = (error.strerror or "failed").lower()
        raise ExportError(f"write export to {folder}: {reason}, choose another folder") from None
    return list(targets)


def _sources(declared: Sequence[Declared], form: Form, project: str, stack: str) -> dict[str, str]:
    abis = {item.resource: item.inputs["abi_file"] for item in declared if "abi_file" in item.inputs}
    paths = {resource: f"abis/{resource}.json" for resource in abis}
    abi_files = {paths[resource]: json.dumps(abi, indent=2) + "\n" for resource, abi in abis.items()}
    if form == "plugin":
        return {"Pulumi.yaml": render_plugin_program(declared, paths, project), **abi_files}
    files = {"Pulumi.yaml": render_yaml({"name": project, "runtime": "python"}), **abi_files}
    if form == "python":
        return {**files, "__main__.py": render_program(declared, paths)}
    return {**files, "__main__.py": PROGRAM, f"Pulumi.{stack}.yaml": render_stack_file(declared, paths, project)}


def _command(leaf: Leaf, form: Form) -> str:
    if form == "yaml":
        return f"pulumi config set --secret --path {shlex.quote(config_path(leaf))}"
    return f"pulumi config set --secret {shlex.quote(leaf.key)}"


def _write(path: Path, text: str, mode: int) -> None:
    """Write a file beside and move it into place, so that it has its mode from the first byte, even if it existed."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        beside.replace(path)
    except BaseException:
        # It may hold credentials, and nobody would look for it.
        beside.unlink(missing_ok=True)
        raise
