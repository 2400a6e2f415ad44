"""One life, led through the dynamic provider and through the plugin: GoldRush is asked and users are told the same."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.emulator import Emulator
from goldrush_pulumi.plugin.destination import api_properties
from goldrush_pulumi.plugin.names import in_program_words
from tests.plugin import pipelines, resource_plugin
from tests.plugin.bookkeeper import Resource
from tests.plugin.wire import VerbError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.plugin.harness import Plugin
    from tests.plugin.wire import Properties

_TAG = re.compile(r"\s*\[pulumi:[^\]]*\]$")
_ID = re.compile(r"pipe[_-][0-9a-z-]+")
_SECONDS = re.compile(r"after \d+ s")


@dataclass
class FrontEnd:
    """A front-end at work, and what came of it: requests, steps and messages."""

    plugin: Plugin
    emulator: Emulator
    translate: Callable[[Properties], Properties]
    told: list[str] = field(default_factory=list)

    def up(self, pipeline: Resource, declared: Properties) -> None:
        """Do what `pulumi up` does, and note the step or the error."""
        try:
            self.told.append(pipeline.up(self.translate(declared)))
        except VerbError as error:
            self.told.append(_words(error.text))

    def refuse(self, declared: Properties) -> None:
        """Note what a check says of wrong inputs."""
        failures = self.plugin.check("swaps", self.translate(declared)).failures
        kind = declared["destination_type"]
        self.told += sorted(in_program_words(reason, kind) for _, reason in failures)

    def requests(self) -> list[tuple[str, str, Any]]:
        """Return what GoldRush was asked, ids and tags left out; how often a status was read is left to chance."""
        asked = [(item.method, _ID.sub("ID", item.path), _plain(item.body)) for item in self.emulator.requests()]
        return [item for item in asked if item[0] != "GET"]


def _plain(body: Any) -> Any:
    if isinstance(body, dict) and isinstance(body.get("description"), str):
        return {**body, "description": _TAG.sub("", body["description"])}
    return body


def _words(text: str) -> str:
    """Return a message without what differs from run to run."""
    return _SECONDS.sub("after N s", _ID.sub("ID", text))


def _with_owner(declared: Properties) -> Properties:
    """Return what a dynamic program declares in a stack that has an owner."""
    return {**declared, "__owner": resource_plugin.OWNER}


def _in_program_names(declared: Properties) -> Properties:
    """Return what a dynamic program declares as a program for the plugin does."""
    kind, config = declared["destination_type"], declared["destination_config"]
    rest = {name: item for name, item in declared.items() if not name.startswith("destination_")}
    names = {in_program_words(name): item for name, item in rest.items()}
    translated = resource_plugin.in_program_names(kind, config)
    assert api_properties({"destination": translated})["destination_config"] == config
    return {**names, "destination": translated}


def live(work: FrontEnd, destination_type: str) -> None:
    """Lead a pipeline through everything that can happen to it."""
    program, emulator = pipelines.program, work.emulator
    work.refuse({**program(destination_type, execution_mode="never"), "destination_config": {"password": "x"}})
    pipeline = Resource(work.plugin)
    emulator.script(outcome="FAILED", logs=["ERROR broken"], until="patched")
    work.up(pipeline, program(destination_type, description="first", execution_start_from=5))
    work.up(pipeline, program(destination_type, description="first", execution_start_from=5))
    work.up(pipeline, program(destination_type, name="renamed", execution_start_from="6"))
    emulator.edit(pipeline.id, description="by hand")
    pipeline.refresh()
    work.up(pipeline, program(destination_type, name="renamed", execution_start_from=6))
    work.up(pipeline, program(destination_type, name="renamed", execution_start_from=6, status="paused"))
    work.up(pipeline, program(destination_type, name="renamed", execution_start_from=6, triggers={"build": 1}))
    with contextlib.suppress(VerbError):
        emulator.script(outcome="FAILED", until="patched")
        work.up(pipeline, program(destination_type, name="renamed", triggers={"build": 2}))
    work.up(pipeline, program(destination_type, name="renamed", triggers={"build": 2}))
    work.up(pipeline, program(destination_type, project="other"))
    pipeline.destroy()


@pytest.mark.parametrize("destination_type", pipelines.CONFIGS)
def test_the_same_life_by_both_front_ends(destination_type: str) -> None:
    """The same requests in the same order, the same steps, and the same words up to the names of properties."""
    found = []
    for module, translate in ((pipelines, _with_owner), (resource_plugin, _in_program_names)):
        with Emulator() as emulator, module.start(emulator) as plugin:
            work = FrontEnd(plugin, emulator, translate)
            live(work, destination_type)
            found.append((work.requests(), work.told))
    dynamic, packaged = found
    assert packaged[1] == dynamic[1]
    assert packaged[0] == dynamic[0]
    assert [method for method, _, _ in dynamic[0]].count("POST") == 2


@pytest.mark.parametrize(
    ("module", "translate"), [(pipelines, _with_owner), (resource_plugin, _in_program_names)], ids=["dynamic", "plugin"]
)
def test_records_tell_what_changed_and_who_did_it(module: Any, translate: Any, emulator: Emulator) -> None:
    """An update names its inputs and the CI job, without values; another job later changes nothing of the outputs."""
    job = f"https://bot:{pipelines.PLANTED}@ci.example.com/job/7?token={pipelines.PLANTED}"
    first = {"PULUMI_CI_SYSTEM": "night build", "PULUMI_CI_BUILD_URL": job, "PULUMI_CI_PULL_REQUEST_SHA": "0" * 40}
    program = pipelines.program
    with module.start(emulator, env=first) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(translate(program("postgres", execution_start_from=5)))
        pipeline.up(translate(program("postgres", execution_start_from=6, description="a new text")))
        update, create = pipeline.clear["runs"]
    assert update["changed"] == ["description", "execution_start_from"]
    assert "changed" not in create
    by = {"ci": "night build", "job": "https://ci.example.com/job/7", "commit": "0" * 40}
    assert by.items() <= update.items()
    assert by.items() <= create.items()
    assert not any(text in str((update, create)) for text in (pipelines.PLANTED, "a new text"))
    with module.start(emulator, env={"PULUMI_CI_SYSTEM": "another"}) as plugin:
        later = Resource(plugin, id=pipeline.id, inputs=pipeline.inputs, outputs=pipeline.outputs)
        later.refresh()
        assert later.outputs == pipeline.outputs
        declared = program("postgres", execution_start_from=6, description="a new text")
        assert later.up(translate(declared)) == "same"


def test_a_refusal_names_the_stack_of_a_tag(emulator: Emulator, tmp_path: Path) -> None:
    """A stack that the plugin deployed on this machine is named to a Python program, here one of the same name."""
    declared, machine = pipelines.program("webhook"), {"PULUMI_HOME": str(tmp_path)}
    with resource_plugin.start(emulator, env=machine) as plugin:
        stack = Resource(plugin)
        stack.up(_in_program_names(declared))
    with pipelines.start(emulator, env=machine) as plugin:
        other = Resource(plugin, "other")
        with pytest.raises(VerbError, match=r"another Pulumi stack \(lab/dev too, as far as this machine knows\), "):
            other.up({**declared, "__owner": "f" * 32, "adopt_id": stack.id})
