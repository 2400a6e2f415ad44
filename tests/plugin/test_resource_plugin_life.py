from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.plugin.bookkeeper import Resource
from tests.plugin.resource_plugin import OWNER, program, start
from tests.plugin.wire import VerbError

if TYPE_CHECKING:
    from pathlib import Path

    from goldrush_pulumi.emulator import Emulator

pytestmark = pytest.mark.traced


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
