"""The night of docs/night.md, from an alert that rings to an alert that ends.

With `GOLDRUSH_WRITE_NIGHT=1` the test writes the document in place of comparing it, which is what `make night` does.
"""

from __future__ import annotations

import os
import re
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import pytest

from goldrush_pulumi.emulator import Emulator
from goldrush_pulumi.emulator.lifecycle import Lifecycle
from tests.docs.documents import blocks
from tests.e2e.world import World
from tests.monitoring.alarm import ROOT, Alarm
from tests.support.transcript import Step, play
from tools.postgres import binaries, postgres

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.stack import Stack
    from tools.postgres import Server
    from tools.prometheus import Programs

DOCUMENT: Final = ROOT / "docs" / "night.md"

REWRITE: Final = bool(os.environ.get("GOLDRUSH_WRITE_NIGHT"))

RINGS: Final = "GoldRushPipelineFailed"

DOTS: Final = "@ updating"
"""What Pulumi prints while nothing happens, and only where there is no terminal."""


class Night:
    """A stack whose pipelines write to a real database, and the alarm that watches it."""

    def __init__(self, world: World, database: Server, programs: Programs, stack: ExitStack) -> None:
        self._world, self._database = world, database
        self._right = world.plant("right")
        self._stack = self._deploy(world.plant("old"))
        self.failing = world.pipeline("base-swaps")["id"]
        folder = world.folder / "alarm"
        folder.mkdir()
        options = ("--stack=prod", f"--cwd={self._stack.folder}")
        self._alarm = Alarm(programs, folder, stack, world.cli.environment, *options)
        self._alarm.wait_for('sum(goldrush_pipeline_phase{goldrush_pipeline_phase="RUNNING"}) == 2')
        self._has_rung = False

    def do(self, step: Step) -> str:
        """Do what a step of the document says, and return what is seen then."""
        if step.command:
            # An alert names the pipeline by its id, which is another one each time.
            return self._type(re.sub(r"pipe_\w+", self.failing, step.command))
        if not self._has_rung:
            self._has_rung = True
            self._database.change_password(self._right)
            self._world.emulator.set_phase(self.failing, "DEPLOYING")
            return self._pager_shows("firing")
        return self._pager_shows("resolved")

    def _deploy(self, password: str) -> Stack:
        """The stack of the document, up and running with the password that the database has now."""
        self._database.change_password(password)
        stack = self._world.stack(name="prod", config={})
        (program,) = (block.text for block in blocks("python") if block.path == DOCUMENT)
        here = program.replace("db.example.com:5432", f"127.0.0.1:{self._database.port}")
        (stack.folder / "__main__.py").write_text(here, "utf-8")
        key = self._world.cli.settings.pop("GOLDRUSH_SERVICE_KEY")
        stack.config(secret={"goldrush:serviceKey": key, "pgPassword": password})
        stack.up()
        (stack.folder / "new-password").write_text(self._right, "utf-8")
        return stack

    def _type(self, command: str) -> str:
        ended = self._world.cli.run_program(("bash", "-c", command), folder=self._stack.folder, expect=None)
        lines = [line.rstrip() for line in ended.text.splitlines() if not line.startswith(DOTS)]
        return "\n".join([*lines, *([f"(exit code {ended.code})"] if ended.code else [])]).strip()

    def _pager_shows(self, status: str) -> str:
        """The next message about the failed pipeline. On a busy machine, another alert may ring in between."""
        message = self._alarm.receiver.next()
        while (message["status"], message["groupLabels"]["alertname"]) != (status, RINGS):
            message = self._alarm.receiver.next()
        return shown(message)


def shown(message: dict[str, Any]) -> str:
    """A message of Alertmanager as a pager shows it."""
    head = f"{message['status'].upper()} {message['groupLabels']['alertname']}"
    notes = [f"{name}: {text}" for alert in message["alerts"] for name, text in sorted(alert["annotations"].items())]
    return "\n".join([head, *reversed(notes)])


@pytest.mark.cli
@pytest.mark.timeout(600)
@pytest.mark.skipif(binaries() is None, reason="there is no PostgreSQL; Debian's package is `postgresql`")
def test_the_night_goes_as_told(programs: Programs, tmp_path: Path) -> None:
    """Every command of the document prints what it says there, from the alert to its end, and no secret is in clear."""
    with (
        Emulator(lifecycle=Lifecycle.by_time(1.0, 0.5), probe=True) as emulator,
        postgres("unused") as database,
        ExitStack() as stack,
    ):
        world = World(tmp_path, emulator)
        night = Night(world, database, programs, stack)
        differences = play(DOCUMENT, night.do, rewrite=REWRITE)
        world.check()
    if REWRITE:
        DOCUMENT.write_text(
            re.sub(r"(diagnose) pipe_\w+", rf"\1 {night.failing}", DOCUMENT.read_text("utf-8")), "utf-8"
        )
    assert not differences, "\n\n".join([*differences, "if this is right, run `make night`"])
