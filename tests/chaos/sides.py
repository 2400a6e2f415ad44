"""One stack of a storm: what it declares, and whether state and server hold just that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.e2e import yaml_programs
from tests.e2e.programs import TOPIC, marked, pipeline

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from tests.e2e.stack import Stack


class Side:
    """A stack with a program in Python, which the dynamic provider serves.

    `wanted` are the pipelines that its program declares, by the names of their resources; `renamed` says which of them
    have an alias, and the URN in it.
    """

    def __init__(self, stack: Stack, dice: random.Random, secrets: list[str], count: int) -> None:
        self.stack = stack
        self._dice = dice
        self._secrets = secrets
        self._names = [f"p{number}" for number in range(count)]
        self.wanted: dict[str, dict[str, Any]] = {}
        self.renamed: dict[str, str] = {}

    def recorded_ids(self) -> list[str]:
        """The ids of the pipelines in state."""
        return sorted(item.id for item in self.stack.resources())

    def redraw(self) -> None:
        """Declare other pipelines than before: some new, some gone, some changed, some replaced."""
        names = [name for name in sorted({*self._names, *self.wanted}) if self._dice.random() < 0.8]
        kept = {name: inputs["project"] for name, inputs in self.wanted.items() if self._dice.random() < 0.8}
        self.declare({name: {**self.inputs(), **_project(kept.get(name))} for name in names or ["p0"]})

    def declare(self, wanted: dict[str, dict[str, Any]], renamed: Mapping[str, str] | None = None) -> None:
        """Write the program of some pipelines."""
        self.wanted = wanted
        self.renamed = dict(renamed or {})
        self.write()

    def rename(self) -> None:
        """Give one of the recorded resources another name by an alias, as far as there is one."""
        recorded = {item.name: item.urn for item in self.stack.resources()}
        old = self._dice.choice([name for name in recorded if name in self.wanted] or [""])
        free = [name for name in ("r0", "r1", *self._names) if name not in {*recorded, *self.wanted}]
        new = self._dice.choice(free or [""])
        if old and new:
            wanted = {name: inputs for name, inputs in self.wanted.items() if name != old}
            self.declare({**wanted, new: self.wanted[old]}, {new: recorded[old]})

    def give(self, other: Side) -> None:
        """Move one of the recorded pipelines to another stack, where it has a name that is new there."""
        taken = {item.name for item in other.stack.resources()}
        names = [item for item in self.stack.resources() if item.name in self.wanted and item.name not in taken]
        if len(self.wanted) < 2 or not names:
            return
        moved = self._dice.choice(names)
        ends = [f"organization/{side.stack.project}/{side.stack.name}" for side in (self, other)]
        command = ("state", "move", "--yes", "--source", ends[0], "--dest", ends[1], moved.urn)
        ended = self.stack.run(*command, stack=False, expect=None)
        if ended.code != 0:
            # The CLI moves nothing while the provider of one stack has a setting that the other's has not got yet.
            assert "already exists in destination stack" in ended, ended.text
            return
        other.declare({**other.wanted, moved.name: self.wanted[moved.name]})
        self.declare({name: inputs for name, inputs in self.wanted.items() if name != moved.name})

    def inputs(self) -> dict[str, Any]:
        """Draw the inputs of one pipeline."""
        destination = {
            "type": "postgres",
            "url": "postgresql://db.example.com:5432/analytics",
            "user": "goldrush",
            "password": self._dice.choice(self._secrets),
        }
        return {
            "project": self.stack.project,
            "destination_config": destination,
            "topic": TOPIC if self._dice.random() < 0.85 else TOPIC.replace("base", "eth"),
            "description": self._dice.choice(["", "one", "two"]),
            "status": self._dice.choice(["running", "running", "paused"]),
        }

    def differences(self, held: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """What state and server have that is not as declared; `held` are the server's pipelines by their ids."""
        recorded = {item.name: item for item in self.stack.resources()}
        if recorded.keys() != self.wanted.keys():
            return [f"{sorted(recorded)} are recorded, and {sorted(self.wanted)} declared"]
        found = [f"{name}: {item.init_errors}" for name, item in recorded.items() if item.init_errors]
        for name, inputs in self.wanted.items():
            actual = held.get(recorded[name].id)
            if actual is None:
                found.append(f"{name}: {recorded[name].id} is not there")
                continue
            phase = "PAUSED" if inputs["status"] == "paused" else "RUNNING"
            wanted = {**inputs, "name": name, "phase": phase, "description": inputs["description"]}
            shown = {**actual, "description": actual["description"].partition("[pulumi:")[0].strip()}
            found += [f"{name}: {key} is another" for key, value in wanted.items() if shown[key] != value]
        return found

    def write(self) -> None:
        """Write the program as it is wanted now."""
        self.stack.program(*(self._part(name, inputs) for name, inputs in self.wanted.items()))

    def _part(self, name: str, inputs: dict[str, Any]) -> str:
        config = inputs["destination_config"]
        marked_inputs = {**inputs, "destination_config": {**config, "password": marked(config["password"])}}
        return pipeline(name, opts=f"aliases=[{self.renamed[name]!r}]" if name in self.renamed else "", **marked_inputs)


class YamlSide(Side):
    """A stack with a program in YAML, which the plugin serves."""

    def write(self) -> None:
        """Write the program as it is wanted now."""
        yaml_programs.declare(self.stack, {name: self._declared(name) for name in self.wanted})

    def _declared(self, name: str) -> dict[str, Any]:
        inputs = self.wanted[name]
        config = {key: item for key, item in inputs["destination_config"].items() if key != "type"}
        rest = {key: item for key, item in inputs.items() if key != "destination_config"}
        destination = {"postgres": {**config, "password": {"fn::secret": config["password"]}}}
        options = {"aliases": [self.renamed[name]]} if name in self.renamed else None
        return yaml_programs.pipeline(options=options, destination=destination, **rest)


def _project(name: str | None) -> dict[str, str]:
    return {} if name is None else {"project": name}
