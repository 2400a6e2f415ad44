"""What `up` waits for, and what a user can ask for: running, paused, healthy, once to a block, deployed again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.emulator import Emulator, Lifecycle
from tests.e2e.programs import pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.world import World

BOUNDED: dict[str, Any] = {"execution_mode": "bounded", "execution_start_from": 10, "execution_stop_from": 20}


def test_unhealthy_destination_fails_when_health_is_waited_for(world: World) -> None:
    """With `wait_for="healthy"` a running pipeline whose destination is not healthy is no success."""
    stack = world.stack(pipeline(wait_for="healthy"))
    world.emulator.script("swaps", "RUNNING", health_error="too many connections")
    ended = stack.up(expect=1)
    assert "is RUNNING after" in ended
    assert "but its destination is not healthy" in ended
    assert ended.line_with("destination:") == "destination: too many connections"
    world.emulator.set_health(stack.resource().id)
    stack.up()
    assert len(world.sent("POST")) == 1
    stack.preview_clean("--refresh")


def test_nothing_is_waited_for(make_world: Callable[[Emulator], World]) -> None:
    """With `wait_for="none"`, `up` ends while the pipeline is still being deployed, and the preview is clean."""
    with Emulator(lifecycle=Lifecycle.manual()) as emulator:
        world = make_world(emulator)
        stack = world.stack(pipeline(wait_for="none"))
        stack.up()
        assert world.pipeline()["phase"] == "DEPLOYING"
        assert stack.resource().outputs["phase"] == "DEPLOYING"
        stack.preview_clean("--refresh")


def test_replicas_must_all_be_ready(world: World) -> None:
    """RUNNING with one of two replicas ready is not live."""
    stack = world.stack(pipeline(opts='custom_timeouts=pulumi.CustomTimeouts(create="3s")'))
    world.emulator.script("swaps", "RUNNING", replicas=2, ready=1)
    assert "is still RUNNING after" in stack.up(expect=1)
    world.emulator.set_phase(stack.resource().id, "RUNNING", ready=2, replicas=2)
    stack.up()
    assert stack.resource().init_errors == ()


@pytest.mark.parametrize("honoured", [True, False])
def test_pipeline_is_created_paused(world: World, *, honoured: bool) -> None:
    """`status="paused"` at creation ends in PAUSED, whether or not GoldRush honours it in the POST."""
    world.emulator.switch(paused_at_post_honoured=honoured)
    stack = world.stack(pipeline(status="paused"))
    stack.up()
    assert world.pipeline()["phase"] == "PAUSED"
    stack.preview_clean("--refresh")


def test_pause_and_resume(world: World) -> None:
    """A change of `status` alone is sent as such: nothing of the configuration goes with it."""
    stack = world.stack(pipeline())
    stack.up()
    stack.program(pipeline(status="paused"))
    stack.up()
    assert world.pipeline()["phase"] == "PAUSED"
    stack.preview_clean("--refresh")
    stack.program(pipeline())
    stack.up()
    assert world.pipeline()["phase"] == "RUNNING"
    assert world.sent("PUT") == [{"status": "paused"}, {"status": "running"}]
    assert world.sent("PATCH") == []
    assert [run["action"] for run in stack.resource().outputs["runs"]] == ["resume", "pause", "create"]


def test_pipeline_paused_by_hand_is_resumed(world: World) -> None:
    """Somebody's pause is drift: `up --refresh` resumes it, and a change of something else does so too."""
    stack = world.stack(pipeline())
    stack.up()
    pipeline_id = stack.resource().id
    world.emulator.edit(pipeline_id, status="paused")
    stack.up("--refresh")
    assert world.pipeline()["phase"] == "RUNNING"
    world.emulator.edit(pipeline_id, status="paused")
    stack.program(pipeline(description="new"))
    stack.up()
    assert (world.pipeline()["phase"], world.pipeline()["status"]) == ("RUNNING", "running")
    stack.preview_clean("--refresh")


def test_bounded_pipeline_that_ended_is_done(world: World) -> None:
    """A bounded pipeline that reached its last block is no drift, and nothing runs it again."""
    world.emulator.switch(bounded_end_status="paused")
    stack = world.stack(pipeline(**BOUNDED))
    stack.up()
    assert world.pipeline()["phase"] == "STOPPED"
    world.emulator.clear_requests()
    stack.preview_clean("--refresh")
    stack.refresh()
    stack.up("--expect-no-changes")
    assert {request.method for request in world.emulator.requests()} == {"GET"}


def test_trigger_deploys_again(world: World) -> None:
    """A changed trigger deploys the same pipeline again, and changes nothing of it."""
    stack = world.stack(pipeline(triggers={"release": 1}))
    stack.up()
    before = world.pipeline()
    stack.program(pipeline(triggers={"release": 2}))
    stack.up()
    after = world.pipeline()
    assert (after["id"], after["deployments"]) == (before["id"], before["deployments"] + 1)
    assert after["destination_config"] == before["destination_config"]
    stack.preview_clean()


@pytest.mark.parametrize("way", ["through STOPPED", "never"])
def test_however_a_change_is_deployed(make_world: Callable[[Emulator], World], way: str) -> None:
    """Whatever GoldRush does with a PATCH, `up` ends when the pipeline runs with the change."""
    lifecycle = Lifecycle.by_time(deploy_seconds=0.2, stop_seconds=0.2)
    with Emulator(lifecycle=lifecycle) as emulator:
        emulator.switch(patch_redeploys=way)
        world = make_world(emulator)
        stack = world.stack(pipeline())
        stack.up()
        stack.program(pipeline(description="new"))
        stack.up()
        assert (world.pipeline()["phase"], world.pipeline()["description"]) == ("RUNNING", "new")
        assert world.pipeline()["deployments"] == (1 if way == "never" else 2)
        stack.preview_clean("--refresh")


def test_delete_waits_until_it_is_gone(make_world: Callable[[Emulator], World]) -> None:
    """Where a delete goes through STOPPING, `destroy` ends only when the pipeline is gone."""
    with Emulator(lifecycle=Lifecycle.by_reads(3)) as emulator:
        emulator.switch(delete_through_stopping=True)
        world = make_world(emulator)
        stack = world.stack(pipeline())
        stack.up()
        stack.destroy()
        assert emulator.pipelines() == []


@pytest.mark.parametrize("merges", [True, False])
def test_what_is_removed_is_gone(world: World, *, merges: bool) -> None:
    """Removed transforms, headers and heights go from the server, whether a PATCH merges maps or replaces them."""
    world.emulator.switch(patch_merges_maps=merges)
    config = {"type": "webhook", "url": "https://hooks.example.com/in"}
    full: dict[str, Any] = {
        "transforms": {"swaps": "SELECT a FROM swaps", "burns": "SELECT b FROM burns"},
        "destination_config": {**config, "headers": {"X-One": "1", "X-Two": "2"}, "timeout_ms": 500},
        "execution_start_from": 5,
        "description": "much",
    }
    stack = world.stack(pipeline(**full))
    stack.up()
    less: dict[str, Any] = {
        "transforms": {"swaps": "SELECT a FROM swaps"},
        "destination_config": {**config, "headers": {"X-One": "1"}},
    }
    stack.program(pipeline(**less))
    stack.up()
    found = world.pipeline()
    assert found["transforms"] == less["transforms"]
    assert found["destination_config"]["headers"] == {"X-One": "1"}
    assert "timeout_ms" not in found["destination_config"]
    assert (found["execution_start_from"], found["description"]) == ("", "")
    stack.preview_clean("--refresh")
