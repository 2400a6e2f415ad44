"""Running the CLI on a throw-away stack: how long a command takes, and how much memory its provider needs."""

from __future__ import annotations

import subprocess
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import yaml

from bench.memory import PeakMemory
from bench.programs import project_files
from tools.environment import ROOT, command_path, default_interrupt, with_bytecode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RUN_VARIABLE: Final = "BENCH_RUN"
"""Names one stack in the environment of all processes that work for it."""


class CommandFailed(RuntimeError):  # noqa: N818 - the name says what happened
    """A command of the CLI failed; what it printed last is in the text."""


@dataclass(frozen=True)
class Taken:
    """What one command took: wall time, and the peak memory of its provider process in MB (None: not known here)."""

    seconds: float
    provider_megabytes: float | None


class BenchStack:
    """One stack of one program in a folder of its own.

    Args:
        folder: An empty folder.
        provider: "ours", "yaml" for the same by the plugin, or the name of a class in `bench.providers`.
        variables: Environment variables of the program.
        config: Plain config values.
        backend: URL of the state backend; files in the folder unless given.
    """

    def __init__(
        self,
        folder: Path,
        provider: str,
        variables: Mapping[str, str],
        config: Mapping[str, Any] | None = None,
        backend: str | None = None,
    ) -> None:
        self._folder = folder
        self._provider = provider
        self._run = uuid.uuid4().hex
        self._variables = {
            **with_bytecode(),
            "PATH": command_path(),
            "PYTHONPATH": str(ROOT),
            "PULUMI_BACKEND_URL": backend or folder.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            RUN_VARIABLE: self._run,
            **variables,
        }
        (folder / "Pulumi.bench.yaml").write_text(yaml.safe_dump({"config": dict(config or {})}), "utf-8")
        self.declare(int(variables.get("BENCH_COUNT", "1")))
        self._pulumi("stack", "init", "bench")

    def declare(self, count: int) -> None:
        """Write the program for this many resources."""
        self._variables["BENCH_COUNT"] = str(count)
        # A backend that outlives the stack must not meet the same name twice.
        for name, text in project_files(self._provider, f"bench-{self._run}", count).items():
            (self._folder / name).write_text(text, "utf-8")

    @property
    def variable(self) -> str:
        """What all processes of this stack carry in their environment, as "NAME=value"."""
        return f"{RUN_VARIABLE}={self._run}"

    @property
    def state_bytes(self) -> int:
        """The size of the state, where it lies in files."""
        (file,) = (self._folder / ".pulumi" / "stacks").rglob("bench.json")
        return file.stat().st_size

    def set(self, variables: Mapping[str, str]) -> None:
        """Change environment variables of the commands to come."""
        self._variables |= variables

    def run(self, verb: str, parallel: int) -> Taken:
        """Run "preview", "up", "refresh" or "destroy".

        Raises:
            CommandFailed: it did not end well.
        """
        with PeakMemory(self.variable) as memory:
            started = time.perf_counter()
            unasked = () if verb == "preview" else ("--yes", "--skip-preview")
            self._pulumi(verb, *unasked, "--stack", "bench", "--parallel", str(parallel))
            seconds = time.perf_counter() - started
        return Taken(seconds, memory.megabytes)

    def _pulumi(self, *arguments: str) -> None:
        ended = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=self._folder,
            env=self._variables,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=default_interrupt,
        )
        if ended.returncode:
            raise CommandFailed(f"run pulumi {arguments[0]}: exit code {ended.returncode}\n{ended.stdout[-3000:]}")


@contextmanager
def bench_stack(
    provider: str,
    variables: Mapping[str, str],
    config: Mapping[str, Any] | None = None,
    backend: str | None = None,
) -> Iterator[BenchStack]:
    """A new stack that goes with its folder."""
    with TemporaryDirectory(prefix="goldrush-bench-") as folder:
        yield BenchStack(Path(folder), provider, variables, config, backend)
