"""Everything one test has: a GoldRush of its own, stacks that use it, secrets planted in them, and the final search."""

from __future__ import annotations

import re
import time
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import yaml

from tests.e2e.cli import PASSPHRASE, PATIENCE_SECONDS, Cli
from tests.e2e.leaks import core, files_below, find_leaks
from tests.e2e.stack import Stack, copy_project, make_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from goldrush_pulumi.emulator import Emulator

QUICK: dict[str, Any] = {
    "goldrush:failedGraceSeconds": 0.3,
    "goldrush:stabilizationSeconds": 0.3,
    "goldrush:retrySeconds": 3,
}
"""Settings that spare tests the patience which a real service needs."""

_MARK = re.compile(r"\s*\[pulumi:[^\]]*\]$")


class World:
    """One emulator, one state backend, any number of stacks.

    Stacks reach the emulator by `goldrush:baseUrl` in their config, and take the ServiceKey from the environment.
    """

    def __init__(self, folder: Path, emulator: Emulator, backend_options: str = "") -> None:
        self.folder = folder
        self.emulator = emulator
        settings = {"GOLDRUSH_SERVICE_KEY": emulator.service_key}
        self.cli = Cli(folder / "home", folder / "backend", settings, backend_options)
        self.stacks: list[Stack] = []
        self.secrets: set[str] = set()
        self.strays: set[str] = set()
        """Ids of pipelines that are on the server on purpose without being in any state."""

    def plant(self, what: str = "secret") -> str:
        """A new secret, which the final search will look for."""
        secret = core(what)
        self.secrets.add(secret)
        return secret

    def stack(self, *parts: str, project: str = "shop", name: str = "dev", config: Mapping[str, Any] = QUICK) -> Stack:
        """A new project of a program's `parts`, and a stack of it."""
        folder = make_project(self.folder / f"{project}-{name}", project)
        stack = Stack(self.cli, folder, name)
        is_usual = self.cli.passphrase == PASSPHRASE and not self.cli.backend_options
        if is_usual:
            _copy_empty_stack(stack)
        self._adopt(stack, config, init=not is_usual)
        stack.program(*parts)
        return stack

    def copy(self, source: Path, name: str = "dev", config: Mapping[str, Any] = QUICK) -> Stack:
        """A copy of a whole project and one of its stacks, which then runs on this emulator."""
        folder = copy_project(source, self.folder / source.name)
        return self._adopt(Stack(self.cli, folder, name), config)

    def _adopt(self, stack: Stack, config: Mapping[str, Any], *, init: bool = True) -> Stack:
        stack.write_config({"goldrush:baseUrl": self.emulator.base_url, **config})
        if init:
            stack.init()
        self.stacks.append(stack)
        return stack

    def until(self, condition: Callable[[], Any], what: str) -> None:
        """Wait until something is so; what it waits for is named when it never comes."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < end, f"never came: {what}"
            time.sleep(0.02)

    def sent(self, method: str) -> list[Any]:
        """The bodies of the requests of one method so far, in their order, ownership marks left out."""
        return [_without_mark(request.body or {}) for request in self.emulator.requests() if request.method == method]

    def pipeline(self, name: str = "swaps") -> dict[str, Any]:
        """The one pipeline of that name on the server, in clear, its ownership mark left out."""
        (found,) = [_without_mark(item) for item in self.emulator.pipelines() if item["name"] == name]
        return found

    def check(self) -> None:
        """What every test ends with: no planted secret in clear, and server and states hold the same pipelines."""
        self.check_secrets()
        self.check_pipelines()

    def check_secrets(self) -> None:
        leaks = find_leaks({*self.secrets, self.emulator.service_key, PASSPHRASE}, self._places())
        assert not leaks, "secrets in clear:\n" + "\n".join(leaks)

    def check_pipelines(self) -> None:
        recorded = [item.id for stack in self.stacks for item in stack.resources() if item.managed]
        present = [item["id"] for item in self.emulator.pipelines() if item["id"] not in self.strays]
        assert sorted(recorded) == sorted(present), f"state has {sorted(recorded)}, the server {sorted(present)}"

    def _places(self) -> Iterator[tuple[str, bytes]]:
        for stack in self.stacks:
            yield str(stack.config_file), stack.config_file.read_bytes()
        yield from files_below(self.cli.backend, self.cli.home)
        for ended in self.cli.transcript:
            yield f"the output of {' '.join(ended.arguments)}", ended.text.encode()
        for request in self.emulator.requests():
            body = "" if request.method in {"POST", "PATCH"} else repr(request.body)
            yield f"{request.method} {request.path}", f"{request.path}?{request.query} {body}".encode()


def _copy_empty_stack(stack: Stack) -> None:
    salt, files = _empty_stack(stack.project, stack.name)
    stack.config_file.write_text(f"encryptionsalt: {salt}\n", "utf-8")
    for path, content in files.items():
        target = stack.cli.backend / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


@cache
def _empty_stack(project: str, name: str) -> tuple[str, dict[Path, bytes]]:
    """The salt of a new stack and the files of its backend, made by the CLI once, for all tests begin with the same."""
    with TemporaryDirectory() as folder:
        cli = Cli(Path(folder) / "home", Path(folder) / "backend")
        stack = Stack(cli, make_project(Path(folder) / "project", project), name)
        stack.init()
        salt = yaml.safe_load(stack.config_file.read_text("utf-8"))["encryptionsalt"]
        files = {path.relative_to(cli.backend): path.read_bytes() for path in cli.backend.rglob("*") if path.is_file()}
        return salt, files


def _without_mark(values: dict[str, Any]) -> dict[str, Any]:
    """A pipeline or a body with the description as the user wrote it."""
    if isinstance(values.get("description"), str):
        return {**values, "description": _MARK.sub("", values["description"])}
    return values
