"""Projects in TypeScript and Go: the examples with the SDK beside them, and what checks their types."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.cli import ROOT
from tests.e2e.yaml_programs import install_plugin
from tools import pulumi_build, pulumi_cli, sdk
from tools.environment import command_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.e2e.stack import Stack
    from tests.e2e.world import World

_AS_THE_ENGINE: Final = {"CGO_ENABLED": "0", "GOFLAGS": "-trimpath -buildvcs=false"}
"""How the CLI is built: what Go compiled for it serves programs too."""


@dataclass(frozen=True)
class Language:
    """One language: its SDK, its examples, and the commands that make a project ready and check a program.

    Attributes:
        name: As it stands in the names of the examples.
        sdk: Folder of its SDK below what the generator writes.
        host: The language host.
        program: File of a program.
        needs: A command without which nothing goes.
        reach: A command that tells whether packages can be had.
        prepare: The command that makes a project ready.
        check: The command that checks types.
        settings: Variables of all commands.
        wrong: Lines to add to the quickstart; those that end in `// wrong` are refused.
    """

    name: str
    sdk: str
    host: pulumi_build.Program
    program: str
    needs: str
    reach: Sequence[str]
    prepare: Sequence[str]
    check: Sequence[str]
    settings: dict[str, str]
    wrong: str

    def project(self, world: World, example: str, name: str, *, like: Stack | None = None) -> Stack:
        """A copy of an example with its SDK, ready to run; packages are those of the project `like` where given."""
        (source,) = (ROOT / "examples").glob(f"*-{self.name}-{example}")
        stack = world.copy(source, name=name)
        if like is None:
            self._add_sdk(world, stack.folder)
            self.run(self.prepare, stack.folder)
            return stack
        for folder in ("sdks", "node_modules"):
            if (like.folder / folder).exists():
                (stack.folder / folder).symlink_to(like.folder / folder)
        return stack

    def refused_lines(self, folder: Path) -> tuple[set[int], set[int]]:
        """Check the quickstart with wrong lines in it: the numbers of the lines that are wrong, and of the refused."""
        file = folder / self.program
        right = file.read_text("utf-8")
        file.write_text(right + self.wrong, "utf-8")
        said = self.run(self.check, folder, expect=None)
        wrong = {number for number, line in enumerate(file.read_text("utf-8").splitlines(), 1) if "// wrong" in line}
        file.write_text(right, "utf-8")
        return wrong, {int(number) for number in re.findall(rf"{re.escape(self.program)}[:(](\d+)", said)}

    def run(self, command: Sequence[str], folder: Path, *, expect: int | None = 0) -> str:
        """Run a command of the language's own tools and return what it printed."""
        environment = {**os.environ, **self.settings}
        ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert expect is None or ended.returncode == expect, f"{command}:\n{ended.stdout}{ended.stderr}"
        return ended.stdout + ended.stderr

    def require(self, world: World) -> None:
        """Install the plugin and find or build the language host; skip where something cannot be had."""
        for command in dict.fromkeys((self.needs, "go")):
            if shutil.which(command) is None:
                pytest.skip(f"there is no {command}")
        try:
            self.run(self.reach, world.folder.parent)
        except AssertionError as error:
            pytest.skip(f"packages for {self.name} cannot be had: {error}")
        install_plugin(world)
        host = pulumi_cli.provide_host(self.host, command_path())
        world.cli.settings |= {**self.settings, "PATH": os.pathsep.join([world.cli.environment["PATH"], str(host)])}

    def _add_sdk(self, world: World, project: Path) -> None:
        """Do what `pulumi package add` does with newer language hosts."""
        sdk.generate(world.folder / "sdk")
        shutil.copytree(world.folder / "sdk" / self.sdk, project / "sdks" / "goldrush")


TYPESCRIPT: Final = Language(
    name="typescript",
    sdk="nodejs",
    host=pulumi_build.NODE_HOST,
    program="index.ts",
    needs="npm",
    reach=("npm", "ping"),
    prepare=("npm", "install", "--no-audit", "--no-fund"),
    check=("node_modules/.bin/tsc", "--noEmit", "--skipLibCheck"),
    # The check above has judged the types.
    settings={"PULUMI_NODEJS_TRANSPILE_ONLY": "true"},
    wrong="""
const webhook = { webhook: { url: "https://example.com" } };
new goldrush.Pipeline("right", { project: "p", topic: "t", destination: webhook, waitFor: "healthy" });
new goldrush.Pipeline("a", { project: "p", topic: "t", destination: { postgress: {} } }); // wrong
new goldrush.Pipeline("b", { project: "p", topic: "t", destination: webhook, executionMod: "bounded" }); // wrong
new goldrush.Pipeline("c", { project: "p", topic: "t", destination: webhook, executionMode: "forever" }); // wrong
new goldrush.Pipeline("d", { project: "p", topic: "t", destination: { webhook: {} } }); // wrong
new goldrush.Pipeline("e", { project: "p", destination: webhook }); // wrong
new goldrush.Pipeline("f", { project: "p", topic: "t", destination: webhook, executionStartFrom: "x" }); // wrong
""",
)

GO: Final = Language(
    name="go",
    sdk="go",
    host=pulumi_build.GO_HOST,
    program="main.go",
    needs="go",
    reach=("go", "version"),
    prepare=("go", "build", "-o", os.devnull, "."),
    check=("go", "build", "-o", os.devnull, "."),
    settings=_AS_THE_ENGINE,
    wrong="""
var _ = goldrush.PipelineArgs{WaitFor: goldrush.WaitForHealthy, AbiUnmatched: goldrush.AbiUnmatchedDrop}
var _ = goldrush.DestinationArgs{Postgress: nil} // wrong
var _ = goldrush.PipelineArgs{ExecutionMod: goldrush.ExecutionModeBounded} // wrong
var _ = goldrush.PipelineArgs{ExecutionMode: goldrush.WaitForHealthy} // wrong
var _ = goldrush.PipelineArgs{ExecutionStartFrom: pulumi.String("x")} // wrong
""",
)
