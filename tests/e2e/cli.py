"""The real `pulumi` command in an environment of its own: local state, no downloads, nothing of the user's."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tools.environment import command_path, default_interrupt, with_bytecode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = "a passphrase of the tests"
PATIENCE_SECONDS = 300.0
"""When a command counts as hanging. No test asks how long one took."""

_FOREIGN = re.compile(r"(PULUMI|GOLDRUSH|AWS)_|(HTTPS?|ALL|NO)_PROXY$", re.IGNORECASE)


@dataclass(frozen=True)
class Ended:
    """A command that came to its end: standard output and errors in one text, as a user reads them."""

    arguments: tuple[str, ...]
    code: int
    text: str

    def __contains__(self, words: str) -> bool:
        return words in self.text

    def line_with(self, words: str) -> str:
        """The first line that holds `words`."""
        lines = [line for line in self.text.splitlines() if words in line]
        assert lines, f"{words!r} is not in the output of {self.arguments}:\n{self.text}"
        return lines[0].strip()


class Running:
    """A command that was started and not waited for."""

    def __init__(self, cli: Cli, arguments: tuple[str, ...], process: subprocess.Popen[str]) -> None:
        self._cli = cli
        self._arguments = arguments
        self._process = process

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def interrupt(self) -> None:
        """What Ctrl-C does to the command; its plugins have process groups of their own."""
        self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End the command at once, if it still runs."""
        self._process.kill()

    def wait(self, *, expect: int | None = 0) -> Ended:
        """Wait for the end and require the exit code `expect`, any when None."""
        try:
            text, _ = self._process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            text, _ = self._process.communicate()
            raise AssertionError(f"{self._arguments} hangs:\n{text}") from None
        return self._cli.note(Ended(self._arguments, self._process.returncode, text), expect)


@dataclass
class Cli:
    """Runs `pulumi`, and programs that run it, and keeps everything they print.

    `home` takes the CLI's own files and `backend` the state; `settings` are further environment variables, and
    `backend_options` a query for the backend's URL.
    """

    home: Path
    backend: Path
    settings: dict[str, str] = field(default_factory=dict)
    backend_options: str = ""
    passphrase: str = PASSPHRASE
    transcript: list[Ended] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.backend.mkdir(parents=True, exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of a command."""
        kept = {name: value for name, value in with_bytecode().items() if not _FOREIGN.match(name)}
        return {
            **kept,
            # The fallback language host runs the `python3` that comes first on PATH.
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), command_path()]),
            "PYTHONPATH": str(ROOT),
            "PULUMI_HOME": str(self.home),
            "PULUMI_BACKEND_URL": self.backend.as_uri() + self.backend_options,
            "PULUMI_CONFIG_PASSPHRASE": self.passphrase,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            **self.settings,
        }

    def run(
        self, *arguments: str, folder: Path, expect: int | None = 0, environment: Mapping[str, str] | None = None
    ) -> Ended:
        """Run `pulumi` to its end and require the exit code `expect`, any when None."""
        return self.start(*arguments, folder=folder, environment=environment).wait(expect=expect)

    def start(self, *arguments: str, folder: Path, environment: Mapping[str, str] | None = None) -> Running:
        """Start `pulumi` and go on."""
        return self.start_program(("pulumi", *arguments), folder=folder, environment=environment)

    def run_program(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        expect: int | None = 0,
        environment: Mapping[str, str] | None = None,
    ) -> Ended:
        """Run any program in the same environment to its end."""
        return self.start_program(command, folder=folder, environment=environment).wait(expect=expect)

    def start_program(
        self, command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None
    ) -> Running:
        """Start any program in the same environment and go on."""
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            env={**self.environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            preexec_fn=default_interrupt,  # noqa: PLW1509 - the tests start no thread that holds a lock at this moment
        )
        return Running(self, tuple(command), process)

    def note(self, ended: Ended, expect: int | None) -> Ended:
        """Keep what was printed; fail when the exit code is another than `expect`."""
        self.transcript.append(ended)
        assert expect is None or ended.code == expect, (
            f"{' '.join(ended.arguments)} ended with {ended.code} instead of {expect}:\n{ended.text}"
        )
        return ended
