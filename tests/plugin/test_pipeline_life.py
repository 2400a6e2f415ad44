from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.plugin.bookkeeper import Resource
from tests.plugin.pipelines import CONFIGS, MASK, PLANTED, program, start
from tests.plugin.wire import VerbError

if TYPE_CHECKING:
    from pathlib import Path

    from goldrush_pulumi.emulator import Emulator

DESTINATIONS = tuple(CONFIGS)
OWNER = "0123456789abcdef" * 2


def test_both_sdks_carry_a_pipeline_through_its_life(emulator: Emulator, sdk_python: Path) -> None:
    """The oldest SDK and the newest have what the provider relies on: six verbs, and a failure's record."""
    with start(emulator, sdk_python) as plugin:
        pipeline = Resource(plugin)
        assert pipeline.up(program("webhook")) == "create"
        assert pipeline.up(program("webhook", description="changed")) == "update"
        emulator.fail(pipeline.id, logs=["ERROR broken"])
        pipeline.refresh()
        assert "is FAILED" in pipeline.errors[0]
        assert pipeline.up(program("webhook", description="changed")) == "update"
        pipeline.refresh()
        assert pipeline.errors == ()
        assert pipeline.up(program("webhook", description="changed")) == "same"
        assert pipeline.up(program("webhook", project="other")) == "replace"
        pipeline.destroy()
        assert plugin.printed == ""
    assert emulator.pipelines() == []


def test_both_sdks_hand_hidden_properties_to_every_verb(emulator: Emulator, sdk_python: Path, tmp_path: Path) -> None:
    """Owner, paths of secrets and what is unconfirmed reach every verb, though older SDKs leave such keys out."""
    wanted = program("webhook", __owner=OWNER, __secrets=[["description"]], description="hush-hush")
    with start(emulator, sdk_python, env={"PULUMI_HOME": str(tmp_path)}, retrySeconds="1") as plugin:
        pipeline = Resource(plugin)
        pipeline.up(wanted)
        assert pipeline.inputs["__owner"] == OWNER
        assert f"[pulumi:{OWNER}/" in emulator.pipelines()[0]["description"]
        outputs = pipeline.outputs
        pipeline.refresh()
        assert (pipeline.outputs, pipeline.inputs["__secrets"]) == (outputs, [["description"]])
        headers = {**wanted["destination_config"]["headers"], "Authorization": f"Bearer {PLANTED}11"}
        changed = {**wanted, "destination_config": {**wanted["destination_config"], "headers": headers}}
        emulator.fault("PATCH", status=502, commit=True, times=None)
        with pytest.raises(VerbError, match="not known whether GoldRush applied destination_config"):
            pipeline.up(changed)
        emulator.clear_faults()
        # The program is reverted, and the change may have been applied: it is sent back.
        assert pipeline.up(wanted) == "update"
        assert emulator.pipelines()[0]["destination_config"] == {"type": "webhook", **wanted["destination_config"]}
        emulator.edit(pipeline.id, description=f"theirs [pulumi:{'f' * 32}/0123456789]")
        with pytest.raises(VerbError, match="carries the ownership tag of another Pulumi stack"):
            pipeline.up({**wanted, "name": "renamed"})
        with pytest.raises(VerbError, match="carries the ownership tag of another Pulumi stack"):
            pipeline.destroy()
    assert [item["id"] for item in emulator.pipelines()] == [pipeline.id]


def test_both_sdks_keep_keys_that_look_hidden(emulator: Emulator, sdk_python: Path) -> None:
    """A user's own keys that begin with two underscores arrive, at any depth."""
    triggers = {"__build": 7, "list": [{"__deep": "er"}]}
    with start(emulator, sdk_python) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program("postgres", triggers=triggers))
        assert pipeline.inputs["triggers"] == triggers
        assert pipeline.up(program("postgres", triggers=triggers)) == "same"
        assert pipeline.up(program("postgres", triggers={**triggers, "__build": 8})) == "update"


def test_a_mask_is_never_sent(emulator: Emulator) -> None:
    """Whatever was read in between, an update sends the credential and not what the server shows for it."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program("kafka"))
        pipeline.refresh()
        wanted = program("kafka")
        wanted["destination_config"]["output_topic"] = "other"
        assert pipeline.up(wanted) == "update"
    assert emulator.pipelines()[0]["destination_config"]["sasl"] == wanted["destination_config"]["sasl"]
    assert not any(MASK in str(request.body) for request in emulator.requests())
