"""Pictures of every command on a real terminal, for the documentation: `python -m tools.pictures [COMMAND...]`.

Each command runs in tmux at two sizes, against a local GoldRush with pipelines that are well and pipelines that are
not. What the terminal then shows becomes an SVG in `docs/pictures/`, without anything that a browser would load.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx
import yaml
from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
from rich.text import Text

from goldrush_pulumi.emulator import Emulator, Lifecycle
from tools.environment import ROOT, command_path, default_interrupt, with_bytecode
from tools.terminal import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FOLDER: Final = ROOT / "docs" / "pictures"

SIZES: Final = ((80, 24), (200, 50))
"""Columns and lines of the terminals."""

STACK: Final = "dev"

_TOPIC: Final = "base.mainnet.ref.block.swap.v3"

_MANAGED: Final = (
    "base-mints",
    "base-swaps",
    "base-transfers",
    "eth-transfers",
    "eth-uniswap-v3-swaps-for-the-warehouse",
    "hypercore-fills",
    "polygon-logs",
)

_UNMANAGED: Final = ("by-hand-80", "by-hand-200", "trial")

_PROGRAM: Final = """\
import pulumi
import goldrush_pulumi as goldrush

for name in pulumi.Config().require_object("names"):
    goldrush.Pipeline(
        name,
        project="analytics-prod",
        topic="base.mainnet.ref.block.swap.v3",
        destination_config={
            "type": "postgres",
            "url": "postgresql://db.example.com:5432/analytics",
            "user": "goldrush",
            "password": pulumi.Config().require_secret("pgPassword"),
        },
        transforms={"swaps": "SELECT chain_name, block_height, tx_hash FROM swaps"},
    )
"""

TYPED: Final = {
    "list": "list --stack dev --with-phase",
    "get": "get base-swaps --stack dev",
    "status": "status base-swaps base-mints --stack dev",
    "watch": "watch --stack dev --rounds 2",
    "check": "check --stack dev",
    "diagnose": "diagnose --all-failed --stack dev",
    "logs": "logs base-mints base-swaps --stack dev",
    "metrics": "metrics base-swaps --stack dev --watch --rounds 3 --interval 1",
    "health": "health base-mints --stack dev",
    "runs": "runs base-mints --stack dev",
    "pause": "pause base-transfers --stack dev",
    "resume": "resume base-transfers --stack dev",
    "restart": "restart --project 'analytics-*' --all-failed --stack dev",
    "wait": "wait --topic 'base.mainnet.*' --name 'base-*' --for healthy --timeout 3 --stack dev",
    "delete": "delete by-hand-{columns} --yes",
    "export": "export --project 'analytics-*' --out exported-{columns}",
    "validate": "validate --strict feeds/Pulumi.dev.yaml",
    "doctor": "doctor --stack dev",
    "exporter": "exporter --stack dev --port 0 --rounds 1",
    "emulator": "emulator --port 0 --service-key goldrush-dev-key",
}
"""What is typed after `goldrush-pulumi` for each command."""

_RUNNING: Final = frozenset({"emulator"})
"""Commands that do not end by themselves."""

_SECONDS_TO_START: Final = 3.0

_FORMAT: Final = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; \
font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">\
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>{lines}</defs>
<rect fill="#ffffff" stroke="#b8b8b8" width="100%" height="100%" />
<g transform="translate({terminal_x}, 20)" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


class PictureError(Exception):
    """There can be no pictures; the text says why and what to do."""


@dataclass
class Scene:
    """A folder with a Pulumi project, and a local GoldRush that its stack uses."""

    folder: Path
    emulator: Emulator
    environment: dict[str, str] = field(default_factory=dict)

    def prepare(self) -> None:
        """Deploy the stack, and let some of it go wrong.

        Raises:
            PictureError: The stack cannot be deployed.
        """
        self.environment = {
            **{name: value for name, value in with_bytecode().items() if not name.startswith(("PULUMI", "GOLDRUSH"))},
            "PATH": command_path(),
            "PYTHONPATH": str(ROOT),
            "PULUMI_BACKEND_URL": (self.folder / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "pictures",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "GOLDRUSH_SERVICE_KEY": self.emulator.service_key,
            "GOLDRUSH_BASE_URL": self.emulator.base_url,
        }
        self._write_projects()
        (self.folder / "state").mkdir()
        self._pulumi("stack", "init", STACK)
        self._pulumi("config", "set", "--secret", "pgPassword", "made-up")
        self._pulumi("up", "--yes", "--skip-preview", "--stack", STACK)
        self._create_by_hand()
        self._break()

    def _write_projects(self) -> None:
        (self.folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n", "utf-8")
        (self.folder / "__main__.py").write_text(_PROGRAM, "utf-8")
        config = {"goldrush:baseUrl": self.emulator.base_url, "shop:names": list(_MANAGED)}
        (self.folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": config}), "utf-8")
        feeds = self.folder / "feeds"
        feeds.mkdir()
        (feeds / "Pulumi.yaml").write_text("name: feeds\nruntime: python\n", "utf-8")
        destination = {"type": "postgres", "url": "postgresql://db.example.com/x", "user": "u", "password": "in-clear"}
        swaps = {"project": "shop", "topik": _TOPIC, "destination_config": destination, "execution_start_from": "late"}
        wrong = {"config": {"feeds:pipelines": {"base-swaps": swaps}}}
        (feeds / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump(wrong), "utf-8")

    def _create_by_hand(self) -> None:
        body = {
            "project": "trials",
            "topic": _TOPIC,
            "destination_type": "webhook",
            "destination_config": {"type": "webhook", "url": "https://hooks.example.com/swaps"},
            "execution_mode": "unbounded",
        }
        headers = {"Authorization": f"Bearer {self.emulator.service_key}"}
        with httpx.Client(base_url=self.emulator.base_url, headers=headers, trust_env=False) as client:
            for name in _UNMANAGED:
                client.post("", json={"name": name, **body}).raise_for_status()

    def _break(self) -> None:
        """One pipeline fails for good, one loses its destination, one is paused by hand."""
        ids = {item["name"]: item["id"] for item in self.emulator.pipelines()}
        refused = 'FATAL: password authentication failed for user "goldrush"'
        logs = [f"ERROR Sink open failed: {refused}"]
        self.emulator.script("base-mints", logs=logs, health_error=refused, until="never")
        self.emulator.fail(ids["base-mints"], logs=logs, health_error=refused)
        self.emulator.set_health(ids["polygon-logs"], "connection timed out: db.example.com:5432")
        self.emulator.edit(ids["eth-transfers"], status="paused")

    def _pulumi(self, *arguments: str) -> None:
        ended = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=default_interrupt,
        )
        if ended.returncode:
            raise PictureError(f"run pulumi {arguments[0]}: it ended with {ended.returncode}\n{ended.stdout}")


@dataclass(frozen=True)
class Terminals:
    """A server of tmux for one scene, without its status line."""

    scene: Scene

    def start(self) -> None:
        """Start the server; a session that does nothing keeps it."""
        self._run("-f", "/dev/null", "new-session", "-d", "-s", "idle", "sleep", "3600")
        self._run("set-option", "-g", "status", "off")

    def stop(self) -> None:
        """End the server and everything in it."""
        self._run("kill-server")

    def show(self, typed: str, columns: int, lines: int, *, ends: bool) -> str:
        """Type a command and return what a terminal of this size then shows, with its colours."""
        line = f"goldrush-pulumi {typed}"
        script = f"printf '$ %s\\n' {shlex.quote(line)}; {line}; {shlex.join(self._tmux('wait-for', '-S', 'done'))}"
        size = ("-x", str(columns), "-y", str(lines))
        self._run("new-session", "-d", "-s", "shot", *size, "bash", "-c", f"{script}; sleep 3600")
        if ends:
            self._run("wait-for", "done")
        else:
            time.sleep(_SECONDS_TO_START)
        shown = self._run("capture-pane", "-e", "-p", "-t", "shot")
        self._run("kill-session", "-t", "shot")
        # The folders of this machine are nobody's business.
        return shown.replace(str(ROOT), "~/goldrush_pulumi").replace(str(self.scene.folder), "~/shop")

    def _tmux(self, *arguments: str) -> list[str]:
        return ["tmux", "-L", f"goldrush-pictures-{os.getpid()}", *arguments]

    def _run(self, *arguments: str) -> str:
        command, place = self._tmux(*arguments), self.scene.folder
        ended = subprocess.run(
            command, cwd=place, env=self.scene.environment, capture_output=True, text=True, check=True
        )
        return ended.stdout


def picture(shown: str, columns: int) -> str:
    """Return the SVG of what a terminal shows, without the empty lines at its end."""
    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True, color_system="standard")
    for line in shown.rstrip().splitlines():
        console.print(Text.from_ansi(line), soft_wrap=True)
    svg = console.export_svg(theme=DEFAULT_TERMINAL_THEME, code_format=_FORMAT, unique_id="t")
    return re.sub(r"[ \t]+\n", "\n", svg)


@contextlib.contextmanager
def terminals() -> Iterator[Terminals]:
    """Terminals in a scene with all that goes wrong in it.

    Raises:
        PictureError: tmux is missing, or the stack cannot be deployed.
    """
    if shutil.which("tmux") is None:
        raise PictureError("make pictures: tmux is missing, install Debian's `tmux`")
    lifecycle = Lifecycle.by_time(0.5, 0.3, 10.0)
    with tempfile.TemporaryDirectory(prefix="goldrush-pictures-") as folder, Emulator(lifecycle=lifecycle) as emulator:
        scene = Scene(Path(folder), emulator)
        scene.prepare()
        made = Terminals(scene)
        made.start()
        try:
            yield made
        finally:
            made.stop()


def main(names: Sequence[str]) -> int:
    """Make the pictures of some commands, of all without names; the exit code is 1 if that fails."""
    unknown = set(names) - set(TYPED)
    if unknown:
        say(f"error: make pictures: there is no command {', '.join(sorted(unknown))}")
        return 1
    FOLDER.mkdir(exist_ok=True)
    try:
        with terminals() as made:
            for columns, lines in SIZES:
                for name in names or TYPED:
                    typed = TYPED[name].format(columns=columns)
                    shown = made.show(typed, columns, lines, ends=name not in _RUNNING)
                    path = FOLDER / f"{name}-{columns}x{lines}.svg"
                    path.write_text(picture(shown, columns), "utf-8")
                    say(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} kB")
    except PictureError as error:
        say(f"error: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
