"""Stacks in YAML, which the plugin serves: the plugin installed as a user installs it, and programs for it."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from tests.e2e.programs import TOPIC
from tools.distribution import project_version
from tools.environment import command_path
from tools.plugin_archive import write_launcher

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.stack import Stack
    from tests.e2e.world import World

POSTGRES: Final[dict[str, Any]] = {
    "url": "postgresql://db.example.com:5432/analytics",
    "user": "goldrush",
    "password": "unremarkable-password",
}


def install_plugin(world: World) -> None:
    """Install the launcher of the plugin into the CLI's own folder, and let it run this package.

    Skips the test where there is no language host of YAML.
    """
    if shutil.which("pulumi-language-yaml", path=command_path()) is None:
        pytest.skip("there is no pulumi-language-yaml; `make setup` builds it where Go is installed")
    world.cli.settings["GOLDRUSH_PULUMI_PYTHON"] = sys.executable
    folder = write_launcher(world.folder / "launcher").parent
    install_version(world, project_version(), folder)


def install_version(world: World, version: str, folder: Path) -> None:
    """Install the plugin in `folder` as this version."""
    arguments = ("plugin", "install", "resource", "goldrush", version, "--file", str(folder))
    world.cli.run(*arguments, folder=world.folder)


def yaml_stack(world: World, resources: dict[str, Any], *, project: str = "shop", **more: Any) -> Stack:
    """Make a stack of a YAML project; `more` are further parts of the program, such as outputs."""
    stack = world.stack(project=project)
    declare(stack, resources, **more)
    return stack


def declare(stack: Stack, resources: dict[str, Any], **more: Any) -> None:
    """Write the program of a stack in YAML."""
    (stack.folder / "__main__.py").unlink(missing_ok=True)
    program = {"name": stack.project, "runtime": "yaml", "resources": resources, **more}
    # Pulumi reads no YAML aliases, and the dumper writes one for an object that stands twice.
    text = yaml.safe_dump(json.loads(json.dumps(program)), sort_keys=False)
    (stack.folder / "Pulumi.yaml").write_text(text, "utf-8")


def pipeline(*, options: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """One pipeline, a plain postgres one but for the `changes`; an input that is None is left out."""
    inputs = {"project": "shop", "topic": TOPIC, "destination": {"postgres": POSTGRES}, **changes}
    declared: dict[str, Any] = {
        "type": "goldrush:Pipeline",
        "properties": {name: value for name, value in inputs.items() if value is not None},
    }
    return {**declared, **({"options": options} if options else {})}


def postgres(**changes: Any) -> dict[str, Any]:
    """A postgres destination with some fields changed."""
    return {"postgres": {**POSTGRES, **changes}}
