"""Storms: a command of the real CLI while a seeded fate breaks requests, processes and the server."""

from __future__ import annotations

import random
import re
import sys
import time
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.emulator import Emulator, Lifecycle, Switches
from tests.chaos import processes
from tests.chaos.plans import DRIPPING, OUTAGE, Plan
from tests.chaos.sides import Side, YamlSide
from tests.e2e import yaml_programs
from tests.e2e.world import QUICK, World
from tools.environment import SAVE_LATE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.cli import Ended, Running
    from tests.e2e.stack import Stack

SETTINGS: dict[str, Any] = {
    **QUICK,
    "goldrush:recoverySeconds": 3,
    "goldrush:requestsPerSecond": 200,
    "goldrush:parallel": 64,
}
NOISE = ("Traceback (most recent", "internal error", 'File "/')
OUTAGE_VERBS = ("up", "refresh", "destroy")
_COMMAND = ("--yes", "--skip-preview", "--non-interactive")


class Sea:
    """A world whose server survives restarts, two stacks of one account in it, and the storms that go over them.

    `side` is the stack that storms go over; they leave the other one alone.
    """

    side_class = Side

    def __init__(self, folder: Path, seed: int, count: int = 4) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.dice = random.Random(seed)  # noqa: S311 - a storm that can be seen again
        self._state_file = folder / "server.sqlite"
        self._lifecycle = Lifecycle.by_time(deploy_seconds=0.6, stop_seconds=0.2)
        self._switches = Switches(list_lag_seconds=self.dice.choice([0.0, 2.5]), page_size_limit=3)
        server = self._server(port=0)
        server.start()
        # The file backend would keep a checksum beside the state, and a kill can leave that empty (docs/operations.md).
        self.world = World(folder, server, "?metadata=skip")
        self._prepare()
        secrets = [self.world.plant("password") for _ in range(3)]
        stacks = [self.world.stack(project=project, config=SETTINGS) for project in ("shop", "market")]
        self.sides = [self.side_class(stack, self.dice, secrets, count) for stack in stacks]
        self.side, self.other = self.sides
        self.log: list[str] = []
        self._told = 0

    @property
    def stack(self) -> Stack:
        """The stack that storms go over."""
        return self.side.stack

    def _prepare(self) -> None:
        """Make whatever programs need."""

    def _server(self, port: int) -> Emulator:
        return Emulator(port=port, lifecycle=self._lifecycle, switches=self._switches, state_file=self._state_file)

    def close(self) -> None:
        processes.end_all(self.world.cli.home)
        self.world.emulator.close()

    def change_hands(self) -> None:
        """Let storms go over either stack, whose program changes; a pipeline may be renamed, or move between stacks."""
        if self.dice.random() < 0.4:
            self.side.give(self.other)
        if self.dice.random() < 0.6:
            self.side, self.other = self.other, self.side
        self.side.redraw()
        if self.dice.random() < 0.4:
            self.side.rename()

    def round(self, plan: Plan, *options: str) -> None:
        """An `up` in a storm, then a calm; the pipelines of the other stack stay as they are."""
        untouched = self._held(self.other)
        self.storm(plan, "up", *options)
        self.calm()
        assert self._held(self.other) == untouched, self._story(f"{self.other.stack.project} was touched")

    def go_through_an_outage(self) -> None:
        """GoldRush answers 404 to everything while a command runs: nothing leaves the state."""
        verb = self.dice.choice(OUTAGE_VERBS)
        recorded = self.side.recorded_ids()
        self.world.emulator.fault(**OUTAGE, times=None)
        ended = self.stack.run(verb, *_COMMAND, expect=None)
        self.world.emulator.clear_faults()
        self.log.append(f"{verb} in an outage, code={ended.code}")
        assert self.side.recorded_ids() == recorded, self._story(ended.text)
        self._require_clean_words(ended, "outage")

    def storm(self, plan: Plan, verb: str, *options: str) -> None:
        """Run a command while the plan happens."""
        self.world.emulator.clear_requests()
        for method, fault in plan.faults:
            self.world.emulator.fault(method, **fault)
        late = SAVE_LATE if plan.saves_late and self.stack.resources() else None
        running = self.stack._start(verb, *_COMMAND, *options, environment=late)
        self._reach(running, plan)
        struck = not running.ended
        if struck:
            self._strike(running, plan.violence)
        ended = running.wait(expect=None)
        self.log.append(f"{verb} in {self.stack.project} {plan} struck={struck} code={ended.code}")
        self._require_clean_words(ended, plan.violence)

    def _reach(self, running: Running, plan: Plan) -> None:
        """Wait until the server has seen so many requests, or the command has ended without sending them."""
        while not running.ended and len(self.world.emulator.requests()) < plan.at_request:
            time.sleep(0.005)
        if not running.ended:
            time.sleep(plan.extra_seconds)

    def _strike(self, running: Running, violence: str) -> None:
        if violence == "interrupt":
            running.interrupt()
        elif violence == "kill command":
            running.kill()
        elif violence == "kill provider":
            for pid in processes.providers(self.world.cli.home):
                processes.kill(pid)
        elif violence == "restart server":
            self._restart_server()
        elif violence == "outage":
            self.world.emulator.clear_faults()
            self.world.emulator.fault(**OUTAGE, times=None)
        elif violence == "drip and interrupt":
            self._drip(running)

    def _drip(self, running: Running) -> None:
        """Let no response end any more, and interrupt the command in the middle of one."""
        self.world.emulator.clear_faults()
        dripping = self.world.emulator.fault(**DRIPPING, times=None)
        while not running.ended and not dripping.hits:
            time.sleep(0.005)
        if not running.ended:
            running.interrupt()

    def _restart_server(self) -> None:
        """End the server with all its connections, and begin again with what its file says."""
        old = self.world.emulator
        old.close()
        new = self._server(port=old.port)
        new.start()
        self.world.emulator = new

    def calm(self) -> None:
        """The trouble is over: unlock, and run `up` until it ends well; then all that was promised must hold."""
        home = self.world.cli.home
        began = time.monotonic()
        if self.world.emulator.requests():
            # One that was killed before its first verb has not loaded anything that could notice: Pulumi leaves it.
            self.world.until(lambda: not processes.providers(home), "the end of every provider process")
        providers_seconds = time.monotonic() - began
        processes.end_all(home)
        self.world.emulator.clear_faults()
        self.stack.run("cancel", "--yes", expect=None)
        ended = self._up_as_advised()
        assert ended.code == 0, self._story(ended.text)
        self._compare()
        # The figures of a long run: `pytest -s` shows them as they come.
        sys.stdout.write(f"{' '.join(self.log[self._told :])}, providers ended after {providers_seconds:.1f} s\n")
        sys.stdout.flush()
        self._told = len(self.log)

    def _up_as_advised(self) -> Ended:
        ended = self.stack.up(expect=None)
        if "set goldrush:onExisting to create" in ended.text:
            # A pipeline of the other stack, or a renamed one, was begun under this name; never one that nobody has.
            line = ended.line_with("set goldrush:onExisting to create")
            recorded = {name for side in self.sides for name in side.recorded_ids()}
            assert set(re.findall(r"pipe_[0-9a-zA-Z]+", line)) <= recorded, self._story(line)
            self.log.append(f"advised: {line}")
            for side in self.sides:
                # Both, for the CLI moves no pipeline between providers of different settings.
                side.stack.write_config({"goldrush:onExisting": "create"})
            ended = self.stack.up(expect=None)
        # What an up was cut off from may need one more look, as after a failed deployment.
        return ended if ended.code == 0 else self.stack.up("--refresh", expect=None)

    def _compare(self) -> None:
        """Each declared pipeline of either stack is there once, in state, as declared; nothing else is there."""
        held = {item["id"]: item for item in self.world.emulator.pipelines()}
        recorded = sorted(pipeline_id for side in self.sides for pipeline_id in side.recorded_ids())
        assert recorded == sorted(held), self._story(f"states have {recorded}, the server {sorted(held)}")
        for side in self.sides:
            differences = side.differences(held)
            assert not differences, self._story("\n".join([side.stack.project, *differences]))

    def _held(self, side: Side) -> dict[str, dict[str, Any]]:
        """The pipelines of a stack as the server has them."""
        recorded = side.recorded_ids()
        return {item["id"]: item for item in self.world.emulator.pipelines() if item["id"] in recorded}

    def _require_clean_words(self, ended: Ended, violence: str) -> None:
        noisy = [noise for noise in NOISE if noise in ended.text]
        # The language host has words of its own when its engine is gone.
        assert not noisy or violence == "kill command", self._story(ended.text)

    def _story(self, text: str = "") -> str:
        return "\n".join([*self.log, text])


class YamlSea(Sea):
    """A sea with stacks in YAML, which the plugin serves."""

    side_class = YamlSide

    def _prepare(self) -> None:
        yaml_programs.install_plugin(self.world)
