from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.plugin.bookkeeper import Resource
from tests.plugin.pipelines import CONFIGS, PLANTED
from tests.plugin.resource_plugin import OWNER, program, start
from tests.plugin.wire import VerbError

if TYPE_CHECKING:
    from pathlib import Path

    from goldrush_pulumi.emulator import Emulator


@pytest.mark.parametrize("destination_type", CONFIGS)
def test_a_pipeline_lives_from_create_to_delete(emulator: Emulator, destination_type: str) -> None:
    """For each destination: live when create answers, clean afterwards, changed in place, drift restored, deleted."""
    wanted = program(destination_type)
    changed = program(destination_type, description="changed", name="renamed")
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        assert pipeline.up(wanted) == "create"
        assert pipeline.clear["phase"] == "RUNNING"
        assert pipeline.clear["destination"] == wanted["destination"]
        assert pipeline.up(wanted) == "same"
        pipeline.refresh()
        assert pipeline.up(wanted) == "same"
        assert pipeline.up(changed) == "update"
        assert pipeline.up(changed) == "same"
        emulator.edit(pipeline.id, description="drifted")
        pipeline.refresh()
        assert pipeline.clear["description"] == "drifted"
        assert pipeline.up(changed) == "update"
        (held,) = emulator.pipelines()
        assert (held["name"], held["description"].partition(" [")[0]) == ("renamed", "changed")
        assert held["destination_config"] == {"type": destination_type, **CONFIGS[destination_type]}
        pipeline.destroy()
        assert plugin.printed == ""
    assert emulator.pipelines() == []
    assert sum(request.method == "POST" for request in emulator.requests()) == 1


def test_both_sdks_serve_the_plugin(emulator: Emulator, sdk_python: Path) -> None:
    """The oldest SDK and the newest have the messages that the plugin needs: six verbs, and a failure's record."""
    with start(emulator, sdk_python) as plugin:
        pipeline = Resource(plugin)
        assert pipeline.up(program("webhook")) == "create"
        emulator.fail(pipeline.id, logs=["ERROR broken"])
        pipeline.refresh()
        assert "is FAILED" in pipeline.errors[0]
        assert pipeline.up(program("webhook", description="changed")) == "update"
        assert pipeline.up(program("webhook", project="other")) == "replace"
        pipeline.destroy()
    assert emulator.pipelines() == []


def test_a_plain_refresh_changes_nothing(emulator: Emulator) -> None:
    """Outputs echo the inputs, and masks and defaults that the server shows on its own stay out of both."""
    emulator.switch(returns_defaults=True, masked_leaves=("*",))
    with start(emulator) as plugin:
        for destination_type in CONFIGS:
            pipeline = Resource(plugin, destination_type)
            pipeline.up(program(destination_type, triggers={"build": 7}, executionStartFrom=44745000))
            inputs, outputs = pipeline.inputs, pipeline.outputs
            assert {name: value for name, value in inputs.items() if name != "waitFor"}.items() <= outputs.items()
            pipeline.refresh()
            assert (pipeline.inputs, pipeline.outputs) == (inputs, outputs)


def test_pipelines_carry_the_id_of_their_provider(emulator: Emulator) -> None:
    """The tag names the provider resource, and a later version of the SDK, which is another one, keeps it."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program())
        assert f"[pulumi:{OWNER}/" in emulator.pipelines()[0]["description"]
    with start(emulator, provider_id="00000000-0000-4000-8000-000000000001") as later:
        moved = Resource(later, id=pipeline.id, inputs=pipeline.inputs, outputs=pipeline.outputs)
        assert moved.up(program()) == "same"
        assert moved.up(program(description="changed")) == "update"
        assert f"[pulumi:{OWNER}/" in emulator.pipelines()[0]["description"]
        assert moved.outputs["__owner"] == OWNER
        moved.destroy()
    assert emulator.pipelines() == []


def test_the_tag_can_be_turned_off(emulator: Emulator) -> None:
    """`ownershipMark: false` leaves descriptions alone."""
    with start(emulator, ownershipMark=False) as plugin:
        Resource(plugin).up(program(description="mine"))
    assert emulator.pipelines()[0]["description"] == "mine"


@pytest.mark.parametrize("written", [False, "False"], ids=["bool", "text"])
def test_a_pipeline_without_tag_that_another_stack_took_over_stays(emulator: Emulator, written: object) -> None:
    """What was recorded without an owner and carries the tag of a stack since is that stack's: no delete reaches it."""
    with start(emulator, ownershipMark=written) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program(description="mine"))
        (there,) = emulator.pipelines()
        assert there["description"] == "mine"
        emulator.edit(there["id"], description=f"mine\n\n[pulumi:{'a' * 32}/{'b' * 10}]")
        with pytest.raises(VerbError, match="carries the ownership tag of another Pulumi stack"):
            pipeline.destroy()
    assert [item["id"] for item in emulator.pipelines()] == [there["id"]]


def test_a_failed_create_is_recorded_and_resumed(emulator: Emulator) -> None:
    """FAILED ends the create; id, outputs and a reason without any secret are kept, and a same `up` heals it."""
    logs = [f"ERROR {json.dumps(CONFIGS['postgres'])}", "ERROR in batch_size"]
    emulator.script(outcome="FAILED", logs=logs, health_error=f"refused: {PLANTED}1", until="patched")
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        with pytest.raises(VerbError, match="is FAILED") as caught:
            pipeline.up(program())
        assert pipeline.id == emulator.pipelines()[0]["id"]
        assert pipeline.clear["destination"] == program()["destination"]
        assert "ERROR in batch_size" in caught.value.text
        assert pipeline.up(program()) == "update"
        assert pipeline.errors == ()
        assert [run["action"] for run in pipeline.clear["runs"]] == ["await", "create"]
        assert pipeline.up(program()) == "same"


def test_an_update_that_fails_is_recorded(emulator: Emulator) -> None:
    """The engine learns what a failed update left, so that the next `up` goes on from there."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program())
        emulator.script(outcome="FAILED", until="patched")
        with pytest.raises(VerbError, match="is FAILED"):
            pipeline.up(program(description="changed"))
        assert pipeline.errors
        assert pipeline.clear["description"] == "changed"
        assert pipeline.up(program(description="changed")) == "update"
