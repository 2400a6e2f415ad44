"""The two ways to GoldRush, at work on the same scenes: the dynamic provider and the plugin, told apart nowhere else.

Programs are written with the API's names; the plugin gets them as its own programs write them.
"""

from __future__ import annotations

import contextlib
import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.plugin.destination import api_properties
from goldrush_pulumi.plugin.names import in_program_words
from tests.plugin import pipelines, resource_plugin
from tests.plugin.bookkeeper import Change, Resource
from tests.plugin.pipelines import leaks, program
from tests.plugin.wire import VerbError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from goldrush_pulumi.emulator import Emulator
    from tests.plugin.harness import Plugin
    from tests.plugin.wire import Pending, Properties

OWNER = resource_plugin.OWNER

_TAG = re.compile(r"\s*\[pulumi:[^\]]*\]$")
_ID = re.compile(r"pipe[_-][0-9a-z-]+")
_SECONDS = re.compile(r"after \d+ s")
_TYPE = re.compile(r"(?<=\$)[\w:/-]+:Pipeline(?=::)")


class FrontEnd:
    """The dynamic provider, which Python programs use."""

    name = "dynamic"

    def start(self, emulator: Emulator, owner: str, **settings: Any) -> Plugin:  # noqa: ARG002 - for the other front-end
        """Start a process for the stack of an owner."""
        return pipelines.start(emulator, **settings)

    def declare(self, declared: Properties, owner: str) -> Properties:
        """Return what a program of the stack registers."""
        return {**declared, "__owner": owner}

    def take_in(self, pipeline: Resource, id_: str, declared: Properties) -> None:
        """Take in a pipeline that no program made, as users do: by `adopt_id`, for Python's cannot be imported."""
        pipeline.up({**declared, "adopt_id": id_})


class PluginFrontEnd(FrontEnd):
    """The plugin, which serves every language."""

    name = "plugin"

    def start(self, emulator: Emulator, owner: str, **settings: Any) -> Plugin:
        return resource_plugin.start(emulator, provider_id=str(uuid.UUID(owner)), **settings)

    def declare(self, declared: Properties, owner: str) -> Properties:  # noqa: ARG002 - the process knows it
        kind, config = declared["destination_type"], declared["destination_config"]
        rest = {name: item for name, item in declared.items() if not name.startswith("destination_")}
        names = {in_program_words(name): item for name, item in rest.items()}
        destination = resource_plugin.in_program_names(kind, config)
        assert api_properties({"destination": destination})["destination_config"] == config
        return {**names, "destination": destination}

    def take_in(self, pipeline: Resource, id_: str, declared: Properties) -> None:
        """Do what `pulumi import` does, and then an `up` with what is declared."""
        pipeline.id = id_
        pipeline.refresh()
        pipeline.up(declared)


FRONT_ENDS = (FrontEnd(), PluginFrontEnd())


@dataclass
class Stage:
    """A front-end, a GoldRush of its own and a machine of its own, and what came of a scene: requests and words."""

    front_end: FrontEnd
    emulator: Emulator
    home: Path
    kind: str = "postgres"
    """The type of the destination that `declared` has."""
    told: list[str] = field(default_factory=list)
    plugin: Plugin = field(init=False)
    owner: str = field(init=False)

    @contextlib.contextmanager
    def process(self, *resources: Resource, owner: str = OWNER, **settings: str) -> Iterator[Plugin]:
        """Start a process as each command of the CLI does; `resources` of its stack go on with it."""
        machine = {"PULUMI_HOME": str(self.home)}
        with self.front_end.start(self.emulator, owner, env=machine, **settings) as plugin:
            self.plugin, self.owner = plugin, owner
            for resource in resources:
                resource.plugin = plugin
            yield plugin
        lines = [line.text for line in plugin.engine.lines if not line.ephemeral]
        self.told += [self._words(text) for text in lines]
        assert plugin.printed == ""

    def resource(self, name: str = "swaps") -> Resource:
        """Return a resource that the running process knows nothing of."""
        return Resource(self.plugin, name)

    def declared(self, **changes: Any) -> Properties:
        """Return what a program registers; `changes` replace whole inputs, and None takes one away."""
        return self.front_end.declare(program(self.kind, **changes), self.owner)

    def clear(self, resource: Resource) -> Properties:
        """Return the recorded outputs by the API's names."""
        return api_properties(resource.clear)

    def up(self, resource: Resource, *, timeout_seconds: float = 0.0, **changes: Any) -> str:
        """Do what `pulumi up` does; note and return the steps taken, or the error."""
        return self._note(lambda: resource.up(self.declared(**changes), timeout_seconds=timeout_seconds))

    def preview(self, resource: Resource, **changes: Any) -> str:
        """Do what `pulumi preview` does, which sends nothing; note and return the step that an `up` would take."""
        asked = len(self.emulator.requests())
        step = self._note(lambda: resource.preview(self.declared(**changes)))
        assert len(self.emulator.requests()) == asked
        return step

    def begin(self, resource: Resource, **changes: Any) -> Change:
        """Begin an `up`, and return when its status line says that the pipeline is deploying."""
        seen = len(self.plugin.engine.lines)
        change = resource.begin(self.declared(**changes))
        self._wait_for_status(resource, "DEPLOYING", seen)
        return change

    def end(self, begun: Change | Pending) -> str:
        """Wait for the end of a begun `up` or `destroy`; note and return how it ended."""
        return self._note(begun.end if isinstance(begun, Change) else begun.result)

    def refresh(self, resource: Resource) -> str:
        """Do what `pulumi refresh` does; note and return what it found."""

        def act() -> str:
            resource.refresh()
            return "\n".join(resource.errors) or ("found" if resource.id else "gone")

        return self._note(act)

    def destroy(self, resource: Resource, *, timeout_seconds: float = 0.0) -> str:
        """Do what `pulumi destroy` does; note and return how it ended."""
        return self._note(lambda: resource.destroy(timeout_seconds=timeout_seconds))

    def begin_destroy(self, resource: Resource) -> Pending:
        """Begin a `destroy`, and return when its status line says that GoldRush goes on showing the pipeline."""
        seen = len(self.plugin.engine.lines)
        pending = resource.begin_destroy()
        self._wait_for_status(resource, "RUNNING", seen)
        return pending

    def take_in(self, resource: Resource, id_: str, **changes: Any) -> None:
        """Take in a pipeline that no program of this stack made."""
        self.front_end.take_in(resource, id_, self.declared(**changes))

    def refuse(self, **changes: Any) -> None:
        """Note what a check says of wrong inputs."""
        failures = self.plugin.check("swaps", self.declared(**changes)).failures
        assert failures
        self.told += sorted(self._words(reason) for _, reason in failures)

    def kill(self) -> None:
        """End the process as `kill -9` does."""
        self.plugin.process.kill()
        self.plugin.process.wait()

    def changes(self) -> list[tuple[str, str, Any]]:
        """Return the requests that change something, ids and tags left out.

        How often something is read, and how often a PATCH is tried again, depends on how fast the machine is.
        """
        asked = [(item.method, _ID.sub("ID", item.path), _plain(item.body)) for item in self.emulator.requests()]
        sent = [item for item in asked if item[0] != "GET"]
        return [item for before, item in zip([None, *sent], sent, strict=False) if item[0] != "PATCH" or item != before]

    @property
    def methods(self) -> list[str]:
        """The methods of those requests."""
        return [method for method, _, _ in self.changes()]

    def _wait_for_status(self, resource: Resource, phase: str, seen: int) -> None:
        row = f"::{resource.name}"
        self.plugin.engine.wait_for(
            lambda lines: any(line.ephemeral and line.urn.endswith(row) and phase in line.text for line in lines[seen:])
        )

    def _note(self, act: Callable[[], Any]) -> str:
        try:
            words = self._words(str(act() or "done"))
        except VerbError as error:
            words = self._words(error.text)
        self.told.append(words)
        return words

    def _words(self, text: str) -> str:
        """Return a text without what differs from run to run, with the plugin's names of properties and types.

        No text may hold a planted secret.
        """
        assert leaks(text) == []
        text = _SECONDS.sub("after N s", _ID.sub("ID", in_program_words(text, self.kind)))
        return _TYPE.sub("TYPE", text)


def _plain(body: Any) -> Any:
    if isinstance(body, dict) and isinstance(body.get("description"), str):
        return {**body, "description": _TAG.sub("", body["description"])}
    return body
