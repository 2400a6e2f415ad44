"""One stack of a Pulumi project in a folder of its own, as a user would drive it from a terminal."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from tests.e2e.programs import program

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.e2e.cli import Cli, Ended, Running

PIPELINE_TYPES: Final = frozenset({"pulumi-python:dynamic/goldrush:Pipeline", "goldrush:index:Pipeline"})
"""The type of a pipeline in state, by the dynamic provider and by the plugin."""
_SECRET_MARK: Final = "4dabf18193072939515e22adb298388d"
_QUIET: Final = ("--non-interactive", "--color", "never")


@dataclass(frozen=True)
class Recorded:
    """A pipeline as state has it."""

    name: str
    id: str
    urn: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    init_errors: tuple[str, ...]
    managed: bool


def is_secret(value: Any) -> bool:
    """Whether a value of the state is stored encrypted."""
    return isinstance(value, dict) and _SECRET_MARK in value and "ciphertext" in value


class Stack:
    """A project, the selected stack of it, and the verbs.

    Every verb takes further options of the command, and `expect`, its exit code. `up` and `destroy` skip the preview
    that nobody reads here unless told not to.
    """

    def __init__(self, cli: Cli, folder: Path, name: str = "dev") -> None:
        self.cli = cli
        self.folder = folder
        self.name = name

    @property
    def project(self) -> str:
        settings = yaml.safe_load((self.folder / "Pulumi.yaml").read_text("utf-8"))
        return str(settings["name"])

    @property
    def config_file(self) -> Path:
        return self.folder / f"Pulumi.{self.name}.yaml"

    @property
    def state_file(self) -> Path:
        return self.cli.backend / ".pulumi" / "stacks" / self.project / f"{self.name}.json"

    def init(self) -> None:
        """Make the stack, with whatever its config file says already."""
        self.run("stack", "init", self.name, stack=False)

    def program(self, *parts: str) -> None:
        """Replace the project's program."""
        (self.folder / "__main__.py").write_text(program(*parts), "utf-8")

    def write_config(self, values: Mapping[str, Any]) -> None:
        """Put plain values into the stack's config, without the CLI."""
        settings = yaml.safe_load(self.config_file.read_text("utf-8")) if self.config_file.exists() else {}
        settings["config"] = {**settings.get("config", {}), **values}
        self.config_file.write_text(yaml.safe_dump(settings), "utf-8")

    def config(
        self, plain: Mapping[str, str] | None = None, secret: Mapping[str, str] | None = None, *, paths: bool = False
    ) -> None:
        """Set config values by the CLI; `paths` reads the keys as paths."""
        values = [f"--plaintext={key}={value}" for key, value in (plain or {}).items()]
        values += [f"--secret={key}={value}" for key, value in (secret or {}).items()]
        self.run("config", "set-all", *(["--path"] if paths else []), *values)

    def up(self, *options: str, expect: int | None = 0, preview: bool = False) -> Ended:
        return self.run(*self._up(options, preview=preview), expect=expect)

    def start_up(self, *options: str) -> Running:
        """Begin an `up` and go on while it runs."""
        return self._start(*self._up(options, preview=False))

    def preview(self, *options: str, expect: int | None = 0) -> Ended:
        return self.run("preview", *_QUIET, *options, expect=expect)

    def preview_clean(self, *options: str) -> Ended:
        """A preview that must not find any change."""
        return self.preview("--expect-no-changes", *options)

    def refresh(self, *options: str, expect: int | None = 0) -> Ended:
        return self.run("refresh", "--yes", "--skip-preview", *_QUIET, *options, expect=expect)

    def destroy(self, *options: str, expect: int | None = 0) -> Ended:
        return self.run("destroy", "--yes", "--skip-preview", *_QUIET, *options, expect=expect)

    def export(self, file: Path | None = None) -> str:
        """The state as `pulumi stack export` writes it, secrets encrypted."""
        return self.run("stack", "export", *(["--file", str(file)] if file else [])).text

    def import_(self, file: Path) -> Ended:
        return self.run("stack", "import", "--file", str(file))

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secrets left out."""
        found: dict[str, Any] = json.loads(self.run("stack", "output", "--json").text)
        return found

    def rename(self, name: str) -> None:
        self.run("stack", "rename", name)
        self.name = name

    def run(self, *arguments: str, expect: int | None = 0, stack: bool = True) -> Ended:
        """Any other command of the CLI on this stack."""
        chosen = ("--stack", self.name) if stack else ()
        return self.cli.run(*arguments, *chosen, folder=self.folder, expect=expect)

    def state(self) -> dict[str, Any]:
        """The latest checkpoint as it lies in the backend."""
        if not self.state_file.exists():
            return {}
        checkpoint: dict[str, Any] = json.loads(self.state_file.read_text("utf-8"))["checkpoint"]
        return checkpoint.get("latest") or {}

    def resources(self) -> list[Recorded]:
        """The pipelines in state."""
        found = [item for item in self.state().get("resources") or [] if item["type"] in PIPELINE_TYPES]
        return [_recorded(item) for item in found]

    def snapshot(self) -> list[Any]:
        """The pipelines in state, to be compared: every write of the state encrypts again."""
        return [_without_ciphertext(dataclasses.asdict(item)) for item in self.resources()]

    def resource(self, name: str = "swaps") -> Recorded:
        """The pipeline `name` in state."""
        (found,) = [item for item in self.resources() if item.name == name]
        return found

    def _up(self, options: tuple[str, ...], *, preview: bool) -> tuple[str, ...]:
        return ("up", "--yes", *(() if preview else ("--skip-preview",)), *_QUIET, *options)

    def _start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Running:
        return self.cli.start(*arguments, "--stack", self.name, folder=self.folder, environment=environment)


def make_project(folder: Path, name: str, runtime: Mapping[str, Any] | str = "python") -> Path:
    """Write the project file of an empty project."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": name, "runtime": runtime}), "utf-8")
    return folder


def copy_project(source: Path, folder: Path) -> Path:
    """Copy the files of a project, with the venv of the tests where it expects one of its own.

    Only files of the project itself: the root of the repository is a project too.
    """
    if not (source / "Pulumi.yaml").exists():
        raise AssertionError(f"{source} is no Pulumi project: it has no Pulumi.yaml")
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        if path.is_file():
            shutil.copy2(path, folder / path.name)
    (folder / ".venv").symlink_to(Path(sys.prefix))
    return folder


def _without_ciphertext(value: Any) -> Any:
    if is_secret(value):
        return "secret"
    if isinstance(value, dict):
        return {key: _without_ciphertext(item) for key, item in value.items()}
    return [_without_ciphertext(item) for item in value] if isinstance(value, list) else value


def _recorded(item: dict[str, Any]) -> Recorded:
    return Recorded(
        name=item["urn"].rpartition("::")[2],
        id=item["id"],
        urn=item["urn"],
        inputs=item.get("inputs") or {},
        outputs=item.get("outputs") or {},
        init_errors=tuple(item.get("initErrors") or ()),
        managed=not item.get("external", False),
    )
