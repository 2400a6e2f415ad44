"""What `refresh` does: it tells the truth, never forgets a pipeline it cannot see, and never hides one that is down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.programs import POSTGRES, marked, pipeline

if TYPE_CHECKING:
    from tests.e2e.stack import Stack
    from tests.e2e.world import World

SQL = "SELECT chain_name,  tx_hash\nFROM swaps -- the large ones\nWHERE amount > 5;"


def test_crashed_pipeline_is_shown_and_healed(world: World) -> None:
    """A pipeline that died is told by refresh, fails `preview --expect-no-changes`, and `up --refresh` heals it."""
    stack = world.stack(pipeline())
    stack.up()
    pipeline_id = stack.resource().id
    world.emulator.fail(pipeline_id, ["ERROR no space left on device"], "disk full")
    assert stack.preview("--refresh", "--expect-no-changes", expect=None).code != 0
    ended = stack.refresh()
    assert f"pipeline swaps ({pipeline_id}) is FAILED (ready 0 of 1)" in ended
    assert "ERROR no space left on device" in ended
    assert "the destination has no space left (disk_full)" in ended
    assert "Traceback" not in ended
    assert stack.resource().init_errors
    stack.up("--refresh")
    assert world.pipeline()["phase"] == "RUNNING"
    assert stack.resource().id == pipeline_id
    stack.preview_clean("--refresh")


def test_up_with_refresh_never_succeeds_on_a_dead_pipeline(world: World) -> None:
    """`up --refresh` fails as long as the pipeline cannot be brought up, again and again, and keeps it."""
    stack = world.stack(pipeline())
    stack.up()
    pipeline_id = stack.resource().id
    world.emulator.script("swaps", until="never")
    world.emulator.fail(pipeline_id)
    for _ in range(2):
        assert "is FAILED" in stack.up("--refresh", expect=1)
        assert stack.resource().init_errors
    assert stack.resource().id == pipeline_id


def test_refresh_keeps_what_is_unfinished(world: World) -> None:
    """Refreshing a pipeline that never came up leaves it marked as such, so that the next `up` goes on."""
    stack = world.stack(pipeline())
    world.emulator.script("swaps", until="never")
    stack.up(expect=1)
    stack.refresh()
    assert stack.resource().init_errors
    world.emulator.clear_scripts()
    stack.up()
    assert world.pipeline()["phase"] == "RUNNING"
    assert stack.resource().init_errors == ()


def test_key_of_another_account_changes_nothing(world: World) -> None:
    """With another account's key, refresh and destroy fail, say why, and leave state and server as they are."""
    stack = world.stack(pipeline())
    stack.up()
    before = stack.snapshot()
    own, foreign = (account.service_key for account in world.emulator.accounts)
    world.secrets.add(foreign)
    world.cli.settings["GOLDRUSH_SERVICE_KEY"] = foreign
    for verb in (stack.refresh, stack.destroy):
        ended = verb(expect=1)
        assert "is not visible, and this ServiceKey or endpoint is not the one it was deployed with" in ended
        assert "Traceback" not in ended
        assert stack.snapshot() == before
    world.cli.settings["GOLDRUSH_SERVICE_KEY"] = own
    stack.preview_clean("--refresh")


def test_pipeline_deleted_by_hand_is_made_again(world: World) -> None:
    """Refresh drops a pipeline that is really gone, and the next `up` creates it again."""
    stack = world.stack(pipeline())
    stack.up()
    old = stack.resource().id
    world.emulator.remove(old)
    stack.refresh()
    assert stack.resources() == []
    stack.up()
    assert stack.resource().id != old


def test_pipeline_deleted_by_hand_is_no_obstacle_to_destroy(world: World) -> None:
    """Destroy takes a pipeline that is already gone for done."""
    stack = world.stack(pipeline())
    stack.up()
    world.emulator.remove(stack.resource().id)
    stack.destroy()
    assert stack.resources() == []


def test_change_of_a_pipeline_deleted_by_hand_says_what_to_do(world: World) -> None:
    """An update of a pipeline that is gone fails with the way out, and that way works."""
    stack = world.stack(pipeline())
    stack.up()
    world.emulator.remove(stack.resource().id)
    stack.program(pipeline(description="new"))
    ended = stack.up(expect=1)
    assert "was deleted elsewhere; run `pulumi refresh`, then `pulumi up`" in ended
    stack.refresh()
    stack.up()
    assert world.pipeline()["description"] == "new"


def test_rotated_key_of_the_same_account_can_prove_a_deletion(world: World) -> None:
    """After a rotation the new key still proves that a pipeline is gone, by another pipeline of the same account."""
    stack = world.stack(pipeline(), pipeline("mints"))
    stack.up()
    world.cli.settings["GOLDRUSH_SERVICE_KEY"] = world.emulator.add_key()
    world.emulator.remove(stack.resource("mints").id)
    stack.refresh()
    assert [item.name for item in stack.resources()] == ["swaps"]
    stack.program(pipeline())
    stack.preview_clean()


def test_drift_is_shown_and_restored(world: World) -> None:
    """What was changed by hand shows as drift of exactly that, and `up` sends exactly that."""
    stack = world.stack(pipeline(transforms={"swaps": SQL}, description="as declared"))
    stack.up()
    pipeline_id = stack.resource().id
    added = {"swaps": SQL, "burns": "SELECT * FROM burns"}
    world.emulator.edit(pipeline_id, transforms=added, description="changed by hand")
    stack.refresh()
    recorded = stack.resource()
    assert recorded.inputs["transforms"] == added
    assert recorded.inputs["description"] == "changed by hand"
    world.emulator.clear_requests()
    stack.up()
    assert world.sent("PATCH") == [{"transforms": {"swaps": SQL}, "description": "as declared"}]
    assert world.pipeline()["transforms"] == {"swaps": SQL}
    stack.preview_clean("--refresh")


def test_what_the_server_adds_is_no_drift(world: World) -> None:
    """Masks, defaults and spellings of the server never become changes, nor end up in state."""
    world.emulator.switch(returns_defaults=True, unset_returns_null=True, write_responses_masked=False)
    config = {**POSTGRES, "password": world.plant("password")}
    stack = world.stack(pipeline(transforms={"swaps": SQL}, execution_start_from=44_745_000, destination_config=config))
    stack.up()
    stack.preview_clean("--refresh")
    stack.refresh()
    stack.preview_clean()
    assert stack.resource().inputs["transforms"] == {"swaps": SQL}
    assert "******" not in stack.state_file.read_text("utf-8")


def test_new_layout_of_sql_changes_nothing(world: World) -> None:
    """A transform whose layout alone changed sends no request that changes anything."""
    stack = world.stack(pipeline(transforms={"swaps": SQL}))
    stack.up()
    stack.program(pipeline(transforms={"swaps": "SELECT chain_name, tx_hash FROM swaps WHERE amount > 5"}))
    stack.preview_clean()
    _require_quiet_up(world, stack)


def _require_quiet_up(world: World, stack: Stack) -> None:
    world.emulator.clear_requests()
    stack.up("--expect-no-changes")
    assert {request.method for request in world.emulator.requests()} <= {"GET"}


def test_hidden_inputs_never_show(world: World) -> None:
    """What the provider records for itself is no drift: neither a preview with refresh nor the one after shows it."""
    stack = world.stack(pipeline(description=marked(world.plant())))
    stack.up()
    world.emulator.edit(stack.resource().id, transforms={"swaps": "SELECT tx_hash FROM swaps"})
    shown = [stack.preview("--refresh", "--diff"), stack.refresh("--diff"), stack.preview("--diff")]
    for ended in shown:
        assert "transforms" in ended
        assert "__" not in ended
    assert stack.resource().inputs["__owner"]
