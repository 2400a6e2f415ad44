from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.plugin.bookkeeper import Resource
from tests.plugin.pipelines import CONFIGS, MASK, PLANTED, leaks, program, start
from tests.plugin.wire import VerbError

if TYPE_CHECKING:
    from goldrush_pulumi.emulator import Emulator


def everything_said(plugin: Any) -> str:
    """What a process let out beside its replies: its log lines to the engine, stdout and stderr."""
    return json.dumps([[line.text for line in plugin.engine.lines], plugin.printed])


@pytest.mark.parametrize("masked", [("*",), ()], ids=["all masked", "nothing masked"])
def test_no_reply_holds_a_secret_in_clear(emulator: Emulator, masked: tuple[str, ...]) -> None:
    """Whatever the server masks: create, update, read and all their partial forms mark every credential as secret."""
    emulator.switch(masked_leaves=masked)
    with start(emulator) as plugin:
        for destination_type in CONFIGS:
            fail_in_every_way(emulator, Resource(plugin, destination_type), destination_type)
        assert PLANTED not in everything_said(plugin)


def fail_in_every_way(emulator: Emulator, pipeline: Resource, destination_type: str) -> None:
    """Lead a pipeline through every kind of reply, while its worker shouts its whole configuration."""
    worst = json.dumps(CONFIGS[destination_type])
    emulator.script(pipeline.name, "FAILED", logs=[f"ERROR {worst}"], health_error=worst)
    with pytest.raises(VerbError, match="is FAILED"):
        pipeline.up(program(destination_type))
    assert pipeline.up(program(destination_type)) == "update"
    pipeline.refresh()
    emulator.fail(pipeline.id, logs=[f"ERROR {worst}"], health_error=worst)
    pipeline.refresh()
    assert pipeline.errors
    emulator.script(pipeline.name, "FAILED", logs=[f"ERROR {worst}"], health_error=worst, until="never")
    with pytest.raises(VerbError, match="is FAILED"):
        pipeline.up(program(destination_type, description="changed"))
    assert pipeline.clear["destination_config"] == CONFIGS[destination_type]


def test_a_header_added_in_the_ui_is_marked(emulator: Emulator) -> None:
    """A header that no program wrote and the server shows in clear is drift, and secret in outputs and inputs alike."""
    emulator.switch(masked_leaves=())
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program("webhook"))
        config = emulator.pipelines()[0]["destination_config"]
        added = {**config, "headers": {**config["headers"], "X-Added": f"{PLANTED}-by-hand"}}
        emulator.edit(pipeline.id, destination_config=added)
        pipeline.refresh()
        assert pipeline.clear["destination_config"]["headers"]["X-Added"] == f"{PLANTED}-by-hand"
        assert leaks([pipeline.inputs, pipeline.outputs]) == []
        assert pipeline.up(program("webhook")) == "update"
    assert emulator.pipelines()[0]["destination_config"] == config


def test_a_url_that_gains_user_info_in_the_ui_is_marked(emulator: Emulator) -> None:
    """A URL is plain until it carries a credential; when it drifts to one that does, it is secret."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program("clickhouse"))
        assert pipeline.outputs["destination_config"]["url"] == CONFIGS["clickhouse"]["url"]
        config = {**CONFIGS["clickhouse"], "type": "clickhouse", "url": f"clickhouse://u:{PLANTED}@ch.example.com/a"}
        emulator.edit(pipeline.id, destination_config=config)
        pipeline.refresh()
        assert pipeline.clear["destination_config"]["url"] == config["url"]


def test_a_look_up_by_id_marks_what_it_finds(emulator: Emulator) -> None:
    """`Pipeline.get` has no inputs to compare with: the masked leaves stay out, the unmasked ones are marked."""
    emulator.switch(masked_leaves=("*password",))
    with start(emulator) as plugin:
        Resource(plugin, "webhook").up(program("webhook"))
        Resource(plugin, "postgres").up(program("postgres"))
        for held in emulator.pipelines():
            looked_up = Resource(plugin, held["name"], id=held["id"])
            looked_up.refresh()
            assert looked_up.clear["phase"] == "RUNNING"
            assert looked_up.clear["topic"] == held["topic"]
            assert "password" not in looked_up.clear["destination_config"]
            assert MASK not in json.dumps([looked_up.inputs, looked_up.outputs])


def test_a_secret_that_left_the_program_is_still_redacted(emulator: Emulator) -> None:
    """While a password is rotated, a worker may name the old one: both are kept out of the reason."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program())
        logs = [f"ERROR {PLANTED}1 no longer works", "ERROR other-s3cret does not either"]
        emulator.script(outcome="FAILED", logs=logs)
        rotated = program()
        rotated["destination_config"]["password"] = "other-s3cret"
        with pytest.raises(VerbError) as caught:
            pipeline.up(rotated)
    assert "ERROR [secret] no longer works" in caught.value.text
    assert "ERROR [secret] does not either" in caught.value.text


def test_what_the_program_marked_is_redacted(emulator: Emulator) -> None:
    """The hidden list of marked paths reaches the redactor, so a secret in an ordinary field is kept out too."""
    emulator.script(outcome="FAILED", logs=["ERROR cannot parse m4rked-words"])
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        with pytest.raises(VerbError) as caught:
            pipeline.up({**program(description="m4rked-words"), "__secrets": [["description"]]})
    assert "cannot parse [secret]" in caught.value.text


def test_the_service_key_is_in_no_reply(emulator: Emulator) -> None:
    """A server that echoes the key in its error, or a worker that logs it, does not bring it into state."""
    key = emulator.service_key
    emulator.script(outcome="FAILED", logs=[f"ERROR bad key {key}"], health_error=key)
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        with pytest.raises(VerbError) as caught:
            pipeline.up(program())
        assert key not in caught.value.text
        assert key not in json.dumps([pipeline.outputs, pipeline.inputs])
        echo = {"error": True, "error_message": f"key {key} is odd", "data": None}
        emulator.fault("*", status=400, times=None, body=echo)
        for verb in (pipeline.refresh, lambda: pipeline.up(program(name="x")), pipeline.destroy):
            with pytest.raises(VerbError, match=r"key \[secret\] is odd"):
                verb()
        assert key not in everything_said(plugin)
