"""Running the CLI on a throw-away stack, and taking the time."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.programs import program
from tools.environment import ROOT, command_path, default_interrupt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Stack:
    """One stack of one program, in a folder of its own."""

    def __init__(self, folder: Path, provider: str, variables: Mapping[str, str]) -> None:
        self._folder = folder
        self._variables = {
            **os.environ,
            "PATH": command_path(),
            "PYTHONPATH": str(ROOT),
            "PULUMI_BACKEND_URL": f"file://{folder}",
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            **variables,
        }
        (folder / "Pulumi.yaml").write_text("name: bench\nruntime: python\n", "utf-8")
        (folder / "__main__.py").write_text(program(provider), "utf-8")
        self.run("stack", "init", "bench")

    def config(self, values: Mapping[str, str]) -> None:
        """Set plain config values."""
        for key, value in values.items():
            self.run("config", "set", key, value)

    def timed(self, *arguments: str) -> float:
        """Run a command; answer its wall time in seconds."""
        started = time.perf_counter()
        self.run(*arguments)
        return time.perf_counter() - started

    def run(self, *arguments: str) -> None:
        """Run a command.

        Raises:
            subprocess.CalledProcessError: it failed; what it printed is in the error.
        """
        subprocess.run(
            ["pulumi", *arguments, "--stack", "bench"] if arguments[0] != "stack" else ["pulumi", *arguments],
            cwd=self._folder,
            env=self._variables,
            check=True,
            capture_output=True,
            preexec_fn=default_interrupt,
        )


@contextmanager
def stack(provider: str, variables: Mapping[str, str]) -> Iterator[Stack]:
    """A new stack that goes with its folder."""
    with TemporaryDirectory(prefix="goldrush-bench-") as folder:
        yield Stack(Path(folder), provider, variables)
