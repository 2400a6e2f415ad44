"""Storms: a command of the real CLI while a seeded fate breaks requests, processes and the server."""

from __future__ import annotations

import random
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.emulator import Emulator, Lifecycle, Switches
from goldrush_pulumi.emulator.faults import HTML_BODY
from tests.chaos import processes
from tests.e2e import yaml_programs
from tests.e2e.programs import TOPIC, marked, pipeline
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
LOSSES: tuple[dict[str, Any], ...] = (
    {"status": 500},
    {"status": 503, "commit": True},
    {"status": 502, "body": HTML_BODY},
    {"status": 200, "body": HTML_BODY, "commit": True},
    {"status": 429},
    {"status": 429, "retry_after": 1},
    {"drop": "before"},
    {"drop": "after"},
    {"delay_seconds": 0.7},
    {"delay_seconds": 0.5, "drop": "after"},
)
METHODS = ("*", "*", "GET", "POST", "POST", "PATCH", "PUT", "DELETE")
VIOLENCE = ("none", "interrupt", "kill command", "kill command", "kill provider", "restart server")
NOISE = ("Traceback (most recent", "internal error", 'File "/')


@dataclass(frozen=True)
class Plan:
    """What happens in one storm: the faults, and what is done at which request."""

    faults: tuple[tuple[str, dict[str, Any]], ...]
    violence: str
    at_request: int
    extra_seconds: float
    saves_late: bool = False
    """Whether the command saves state at its end alone; only where pipelines, and so an owner, are in state by then."""

    @classmethod
    def drawn(cls, dice: random.Random, violence: str | None = None, most_requests: int = 20) -> Plan:
        """A plan by the dice alone, so the same seed makes the same plan."""
        faults = [
            (dice.choice(METHODS), {**dice.choice(LOSSES), "skip": dice.randrange(12), "times": dice.randint(1, 3)})
            for _ in range(dice.randint(0, 6))
        ]
        return cls(
            tuple(faults),
            violence or dice.choice(VIOLENCE),
            dice.randint(0, most_requests),
            dice.uniform(0, 0.2),
            saves_late=dice.random() < 0.3,
        )


class Sea:
    """A world whose server survives restarts, one stack in it, and the storms that go over them."""

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
        self.secrets = [self.world.plant("password") for _ in range(3)]
        self.count = count
        self.wanted: dict[str, dict[str, Any]] = {}
        self.stack: Stack = self.world.stack(config=SETTINGS)
        self.log: list[str] = []

    def _server(self, port: int) -> Emulator:
        return Emulator(port=port, lifecycle=self._lifecycle, switches=self._switches, state_file=self._state_file)

    def close(self) -> None:
        processes.end_all(self.world.cli.home)
        self.world.emulator.close()

    def redraw_program(self) -> None:
        """Declare other pipelines than before: some new, some gone, some changed, some replaced."""
        names = [f"p{number}" for number in range(self.count) if self.dice.random() < 0.8] or ["p0"]
        self.declare({name: self._inputs() for name in names})

    def declare(self, wanted: dict[str, dict[str, Any]]) -> None:
        """Write the program of some pipelines."""
        self.wanted = wanted
        self.stack.program(*(pipeline(name, **inputs) for name, inputs in self.wanted.items()))

    def _inputs(self) -> dict[str, Any]:
        destination = {
            "type": "postgres",
            "url": "postgresql://db.example.com:5432/analytics",
            "user": "goldrush",
            "password": self._marked(self.dice.choice(self.secrets)),
        }
        topic = TOPIC if self.dice.random() < 0.85 else TOPIC.replace("base", "eth")
        return {
            "destination_config": destination,
            "topic": topic,
            "description": self.dice.choice(["", "one", "two"]),
            "status": self.dice.choice(["running", "running", "paused"]),
        }

    def _marked(self, secret: str) -> Any:
        return marked(secret)

    def storm(self, plan: Plan, *command: str) -> None:
        """Run a command while the plan happens."""
        self.world.emulator.clear_requests()
        for method, options in plan.faults:
            self.world.emulator.fault(method, **options)
        late = SAVE_LATE if plan.saves_late and self.stack.resources() else None
        running = self.stack._start(*command, environment=late)
        self._reach(running, plan)
        struck = not running.ended
        if struck:
            self._strike(running, plan.violence)
        ended = running.wait(expect=None)
        self.log.append(f"{command[0]} {plan} struck={struck} code={ended.code}")
        self._require_clean_words(ended, plan)

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
        ended = self.stack.up(expect=None)
        if ended.code != 0:
            # What an up was cut off from may need one more look, as after a failed deployment.
            ended = self.stack.up("--refresh", expect=None)
        assert ended.code == 0, self._story(ended.text)
        self._compare()
        # The figures of a long run: `pytest -s` shows them as they come.
        sys.stdout.write(f"{self.log[-2]} {self.log[-1]}, providers ended after {providers_seconds:.1f} s\n")
        sys.stdout.flush()

    def _compare(self) -> None:
        """Each declared pipeline is there once, in state, as declared; nothing else is there."""
        self.world.check_pipelines()
        assert sorted(item.name for item in self.stack.resources()) == sorted(self.wanted), self._story()
        held = {item["name"]: item for item in self.world.emulator.pipelines()}
        assert held.keys() == self.wanted.keys(), self._story()
        for name, inputs in self.wanted.items():
            phase = "PAUSED" if inputs["status"] == "paused" else "RUNNING"
            assert (held[name]["phase"], held[name]["topic"]) == (phase, inputs["topic"]), self._story(name)
        assert all(not item.init_errors for item in self.stack.resources()), self._story()

    def _require_clean_words(self, ended: Ended, plan: Plan) -> None:
        noisy = [noise for noise in NOISE if noise in ended.text]
        # The language host has words of its own when its engine is gone.
        assert not noisy or plan.violence == "kill command", self._story(ended.text)

    def _story(self, text: str = "") -> str:
        return "\n".join([*self.log, text])


class YamlSea(Sea):
    """A sea with a stack in YAML, which the plugin serves."""

    def __init__(self, folder: Path, seed: int, count: int = 4) -> None:
        super().__init__(folder, seed, count)
        yaml_programs.install_plugin(self.world)

    def declare(self, wanted: dict[str, dict[str, Any]]) -> None:
        """Write the program of some pipelines."""
        self.wanted = wanted
        yaml_programs.declare(self.stack, {name: self._declared(inputs) for name, inputs in wanted.items()})

    def _declared(self, inputs: dict[str, Any]) -> dict[str, Any]:
        config = {name: item for name, item in inputs["destination_config"].items() if name != "type"}
        rest = {name: item for name, item in inputs.items() if name != "destination_config"}
        return yaml_programs.pipeline(destination={"postgres": config}, **rest)

    def _marked(self, secret: str) -> Any:
        return {"fn::secret": secret}
