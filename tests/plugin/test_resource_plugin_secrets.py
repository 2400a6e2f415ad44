from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.plugin.bookkeeper import Resource
from tests.plugin.pipelines import CONFIGS, MASK, PLANTED
from tests.plugin.resource_plugin import OWNER, destination, program, secret, start
from tests.plugin.wire import VerbError

if TYPE_CHECKING:
    from goldrush_pulumi.emulator import Emulator


@pytest.mark.parametrize("destination_type", CONFIGS)
def test_no_reply_shows_a_secret(emulator: Emulator, destination_type: str) -> None:
    """Failed creates, refreshes and updates whose worker shouts its configuration: every reply is searched."""
    worst = json.dumps(CONFIGS[destination_type])
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        emulator.script(pipeline.name, "FAILED", logs=[f"ERROR {worst}"], health_error=worst)
        with pytest.raises(VerbError, match="is FAILED"):
            pipeline.up(program(destination_type))
        assert pipeline.up(program(destination_type)) == "update"
        emulator.fail(pipeline.id, logs=[f"ERROR {worst}"], health_error=worst)
        pipeline.refresh()
        assert pipeline.errors
        emulator.script(pipeline.name, "FAILED", logs=[f"ERROR {worst}"], health_error=worst, until="never")
        with pytest.raises(VerbError, match="is FAILED"):
            pipeline.up(program(destination_type, description="changed"))
        assert pipeline.clear["destination"] == destination(destination_type)
        said = plugin.printed + "".join(line.text for line in plugin.engine.lines)
    assert PLANTED not in said


def test_marks_of_the_program_come_back_at_any_depth(emulator: Emulator) -> None:
    """A name, a table, a trigger and a whole map stay secret, in inputs and outputs, after a refresh too."""
    declared = program(
        "webhook",
        name=secret("m4rked-name"),
        description=secret("m4rked-words"),
        transforms={"swaps": secret("SELECT chain_name AS m4rked FROM swaps")},
        triggers=secret({"build": {"deep": ["m4rked"]}}),
        destination={"webhook": {"url": "https://example.com/x", "headers": secret({"X-A": "m4rked"})}},
    )
    emulator.script("m4rked-name", "FAILED", logs=["ERROR m4rked-words in m4rked-name"], until="patched")
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        with pytest.raises(VerbError) as caught:
            pipeline.up(declared)
        partial = [pipeline.inputs, pipeline.outputs]
        assert pipeline.up(declared) == "update"
        updated = [pipeline.inputs, pipeline.outputs]
        pipeline.refresh()
        refreshed = [pipeline.inputs, pipeline.outputs]
        assert pipeline.up(declared) == "same"
    assert "m4rked" not in caught.value.text
    for states in (partial, updated, refreshed):
        for state in states:
            for name in ("name", "description", "transforms", "triggers", "destination"):
                assert state[name] == declared[name]


def test_a_mark_that_left_the_program_leaves_the_state(emulator: Emulator) -> None:
    """What the program no longer marks is shown again, unless it is a credential."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program(description=secret("words")))
        assert pipeline.up(program(description="other words")) == "update"
    assert pipeline.outputs["description"] == pipeline.inputs["description"] == "other words"


def test_a_mask_is_never_recorded_or_sent(emulator: Emulator) -> None:
    """Whatever was read in between, an update sends the credential and not what the server shows for it."""
    emulator.switch(masked_leaves=("*",))
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program("kafka"))
        pipeline.refresh()
        assert MASK not in json.dumps([pipeline.inputs, pipeline.outputs])
        pipeline.up(program("kafka", description="changed"))
    bodies = [json.dumps(request.body) for request in emulator.requests() if request.body]
    assert bodies
    assert not [body for body in bodies if MASK in body]


def test_state_of_the_dynamic_provider_moves_without_a_change(emulator: Emulator) -> None:
    """Names change in state and nothing on GoldRush: the same id, one update that sends nothing, then nothing."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program("postgres", executionStartFrom=5))
    (held,) = emulator.pipelines()
    moved = {
        "__provider": "pickle",
        "__owner": OWNER,
        "project": "analytics",
        "topic": "base.mainnet.ref.block.swap.v3",
        "name": "swaps",
        "destination_type": "postgres",
        "destination_config": {"type": "postgres", **CONFIGS["postgres"], "password": secret(f"{PLANTED}1")},
        "execution_mode": "unbounded",
        "execution_start_from": "5",
        "status": "running",
        "phase": "RUNNING",
        "runs": [{"action": "create", "started_at": "2026-01-01T00:00:00Z", "steps": []}],
    }
    emulator.clear_requests()
    with start(emulator, provider_id="00000000-0000-4000-8000-000000000001") as plugin:
        pipeline = Resource(plugin, id=held["id"], inputs=dict(moved), outputs=dict(moved))
        assert pipeline.up(program("postgres", executionStartFrom=5)) == "update"
        assert pipeline.outputs["executionStartFrom"] == 5
        assert pipeline.outputs["runs"][-1] == {
            "action": "create",
            "startedAt": "2026-01-01T00:00:00Z",
            "steps": [],
        }
        assert not [name for name in pipeline.outputs if "_" in name and not name.startswith("__")]
        assert pipeline.outputs["__owner"] == OWNER
        assert pipeline.up(program("postgres", executionStartFrom=5)) == "same"
    assert {request.method for request in emulator.requests()} == {"GET"}


def test_a_forced_replacement_is_refused(emulator: Emulator) -> None:
    """`pulumi up --replace` creates before it deletes: the new resource finds the old pipeline, which a state holds."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program())
    with start(emulator) as plugin, pytest.raises(VerbError, match="a stack has recorded it since"):
        plugin.create("swaps", plugin.check("swaps", program()).inputs)
    assert [held["id"] for held in emulator.pipelines()] == [pipeline.id]


def test_a_replacement_keeps_the_pipeline_that_it_took_over(emulator: Emulator) -> None:
    """A replacement that names the old pipeline in `adoptId` takes it over, so that the delete after it must not."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program())
    with start(emulator) as plugin:
        adopting = program(adoptId=pipeline.id)
        reply = plugin.create("swaps", plugin.check("swaps", adopting).inputs)
        assert reply.id == pipeline.id
        plugin.delete("swaps", pipeline.id, pipeline.outputs)
        warned = "".join(line.text for line in plugin.engine.lines if line.severity == "WARNING")
    assert "was taken over by its own replacement, so it stays" in warned
    assert [held["id"] for held in emulator.pipelines()] == [pipeline.id]


def test_a_bug_is_named_without_a_value(emulator: Emulator) -> None:
    """What nobody raised on purpose ends in one line with the place, and without the text of the exception."""
    broken = program(name="swaps", adoptId=[PLANTED])
    with start(emulator) as plugin, pytest.raises(VerbError) as caught:
        plugin.create("swaps", broken)
    assert caught.value.text.startswith("create pipeline swaps: internal error ")
    assert "please report it" in caught.value.text
    assert PLANTED not in caught.value.text


def test_what_was_not_confirmed_is_sent_again(emulator: Emulator) -> None:
    """Inputs that GoldRush may not have taken make the next `up` an update, although nothing differs."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program())
        pipeline.outputs["__unconfirmed"] = ["description"]
        assert pipeline.up(program()) == "update"
        assert "__unconfirmed" not in pipeline.outputs
        assert pipeline.up(program()) == "same"
