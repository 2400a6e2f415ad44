"""Workflows of GitHub Actions, run step by step on this machine: the part of their language that the examples use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.e2e.cli import Cli

# The checkout, the interpreter and the packages are what the tests themselves run on.
_GIVEN = ("actions/checkout@", "actions/setup-python@", "pip install ")
_EXPRESSION = re.compile(r"\$\{\{ (matrix|secrets)\.(\w+) \}\}")


@dataclass
class Runner:
    """What runs workflows: a CLI, the folder of the repository, and the secrets of the repository.

    Only what a step names in its `env` reaches it, as on a runner of its own.
    """

    cli: Cli
    folder: Path
    secrets: Mapping[str, str]

    def run(self, workflow: Path) -> list[str]:
        """Run all jobs, a matrix in turn; answers the stacks that went well, up to the first failure."""
        jobs = yaml.safe_load(workflow.read_text("utf-8"))["jobs"]
        went_well: list[str] = []
        for job, stack in _legs(jobs):
            if any(self._step(step, stack) != 0 for step in job["steps"]):
                break
            went_well.append(stack)
        return went_well

    def _step(self, step: dict[str, Any], stack: str) -> int:
        if step.get("uses", step.get("run", "")).startswith(_GIVEN):
            return 0
        environment = {name: self._filled(value, stack) for name, value in step.get("env", {}).items()}
        command = self._filled(step["run"], stack).split() if "run" in step else self._pulumi(step, stack)
        # The token is for a backend that is not here.
        environment.pop("PULUMI_ACCESS_TOKEN", None)
        return self.cli.run_program(command, folder=self.folder, expect=None, environment=environment).code

    def _pulumi(self, step: dict[str, Any], stack: str) -> list[str]:
        """The command that `pulumi/actions` makes of its inputs."""
        assert step["uses"].startswith("pulumi/actions@"), step
        given = step["with"]
        command = ["pulumi", given["command"], "--stack", self._filled(given["stack-name"], stack), "--non-interactive"]
        command += ["--yes", "--skip-preview"] if given["command"] == "up" else []
        options = [f"--{name}" for name in ("refresh", "expect-no-changes") if given.get(name)]
        return [*command, *options]

    def _filled(self, text: str, stack: str) -> str:
        known = {"matrix": {"stack": stack}, "secrets": self.secrets}
        return _EXPRESSION.sub(lambda found: known[found[1]][found[2]], text)


def _legs(jobs: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    for job in jobs.values():
        for stack in job["strategy"]["matrix"]["stack"]:
            yield job, stack
