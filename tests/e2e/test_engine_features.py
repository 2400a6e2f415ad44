"""What Pulumi offers beyond a plain `up`: targets, renames, moves, plans, protection, replacement on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldrush_pulumi.emulator import Emulator, Lifecycle
from tests.e2e.programs import pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.stack import Stack
    from tests.e2e.world import World

TWO = (pipeline("swaps"), pipeline("mints"))


def test_target_touches_only_the_target(world: World) -> None:
    """`up --target` changes the named pipeline and leaves the other for later."""
    stack = world.stack(*TWO)
    stack.up()
    stack.program(pipeline("swaps", description="new"), pipeline("mints", description="new"))
    stack.up("--target", stack.resource("swaps").urn)
    assert world.pipeline("swaps")["description"] == "new"
    assert world.pipeline("mints")["description"] == ""
    stack.up()
    assert world.pipeline("mints")["description"] == "new"
    stack.destroy("--target", stack.resource("mints").urn)
    assert [item["name"] for item in world.emulator.pipelines()] == ["swaps"]


def test_first_run_with_a_target_names_the_owner(world: World) -> None:
    """A first run that targets a pipeline alone fails with the option to add, and works with it."""
    stack = world.stack(*TWO)
    types = "urn:pulumi:dev::shop::pulumi-python:dynamic/goldrush:"
    ended = stack.preview("--target", f"{types}Pipeline::swaps", expect=None)
    assert ended.code != 0
    assert f"it is not targeted, but pipelines need it; add --target '{types}Owner::goldrush'" in ended
    stack.up("--target", f"{types}Pipeline::swaps", "--target", f"{types}Owner::goldrush")
    assert [item["name"] for item in world.emulator.pipelines()] == ["swaps"]
    assert "not targeted" not in stack.up()


def test_renamed_stack_keeps_its_pipelines(world: World) -> None:
    """After `stack rename` nothing changes: state, not the name of the stack, says what is whose.

    The owner records both names.
    """
    stack = world.stack(pipeline())
    stack.up()
    before = stack.resource()
    stack.rename("production")
    stack.preview_clean()
    assert stack.resource().id == before.id
    stack.program(pipeline(description="after the rename"))
    stack.up()
    (owner,) = [item for item in stack.state()["resources"] if item["type"].endswith(":Owner")]
    assert (owner["inputs"]["stack"], owner["outputs"]["stack"]) == ("production", "dev")
    assert world.pipeline()["id"] == before.id
    stack.destroy()
    assert world.emulator.pipelines() == []


def test_renamed_resource_is_told_of_the_alias(world: World) -> None:
    """A resource renamed without an alias makes a second pipeline of one name; with the alias nothing is deployed."""

    def shared(name: str, opts: str = "") -> str:
        return pipeline(name, opts=opts).replace("project='shop'", "project='shop', name='shared'")

    stack = world.stack(shared("swaps"))
    stack.up()
    before = stack.resource().id
    stack.program(shared("renamed", 'aliases=[pulumi.Alias(name="swaps")]'))
    assert "Alias" not in stack.up()
    assert stack.resource("renamed").id == before
    stack.program(shared("again"))
    ended = stack.up()
    assert f"{before} has the same project and name and belongs to another resource of this stack" in ended
    assert 'opts=ResourceOptions(aliases=[Alias(name="the old name")])' in ended


def test_pipeline_moves_to_another_stack(world: World) -> None:
    """`state move` hands a pipeline to another stack, which goes on with it without touching it."""
    source = world.stack(*TWO)
    source.up()
    dest = world.stack(pipeline("swaps", project="other"), project="elsewhere")
    dest.up()
    moved = source.resource("mints")
    source.run("state", "move", "--yes", "--source", _full(source), "--dest", _full(dest), moved.urn, stack=False)
    source.program(pipeline("swaps"))
    dest.program(pipeline("swaps", project="other"), pipeline("mints"))
    world.emulator.clear_requests()
    source.preview_clean()
    dest.up("--expect-no-changes")
    assert dest.resource("mints").id == moved.id
    assert {request.method for request in world.emulator.requests()} <= {"GET"}
    dest.program(pipeline("swaps", project="other"))
    dest.up()
    assert sorted(item["name"] for item in world.emulator.pipelines()) == ["swaps", "swaps"]


def _full(stack: Stack) -> str:
    return f"organization/{stack.project}/{stack.name}"


def test_saved_plan_is_carried_out(world: World) -> None:
    """`up --plan` does what `preview --save-plan` promised, and refuses what was changed in between."""
    stack = world.stack(pipeline(destination_config=_postgres(world)))
    plan = str(world.folder / "plan.json")
    stack.preview("--save-plan", plan)
    stack.up("--plan", plan, expect=0)
    stack.program(pipeline(destination_config=_postgres(world), description="planned"))
    stack.preview("--save-plan", plan)
    stack.program(pipeline(destination_config=_postgres(world), description="not planned"))
    refused = stack.up("--plan", plan, expect=None)
    assert refused.code != 0
    assert world.pipeline()["description"] == ""
    stack.program(pipeline(destination_config=_postgres(world), description="planned"))
    stack.up("--plan", plan)
    assert world.pipeline()["description"] == "planned"
    stack.preview_clean()


def _postgres(world: World) -> dict[str, str]:
    """A config whose secret is the same at every call."""
    secret = min(world.secrets) if world.secrets else world.plant("plan")
    return {"type": "postgres", "url": "postgresql://db.example.com:5432/a", "user": "u", "password": secret}


def test_replacement_on_demand_deletes_first(world: World) -> None:
    """`up --replace` deletes the old pipeline before it makes the new one, so two never share a project."""
    stack = world.stack(pipeline())
    stack.up()
    old = stack.resource()
    world.emulator.clear_requests()
    stack.up("--replace", old.urn)
    writes = [request.method for request in world.emulator.requests() if request.method != "GET"]
    assert writes == ["DELETE", "POST"]
    assert stack.resource().id != old.id


def test_replacement_warns_before_it_deletes(world: World) -> None:
    """The preview of a replacing change says that the pipeline is deleted first, and how to protect it."""
    stack = world.stack(pipeline())
    stack.up()
    stack.program(pipeline(topic="eth.mainnet.ref.block.swap.v3"))
    ended = stack.preview()
    assert "a change of topic replaces the pipeline: the old one is deleted before the new one is created" in ended
    assert f"pulumi state protect '{stack.resource().urn}'" in ended


def test_protected_pipeline_stays(world: World) -> None:
    """A protected pipeline is neither replaced nor deleted."""
    stack = world.stack(pipeline(opts="protect=True"))
    stack.up()
    kept = stack.resource()
    stack.program(pipeline(topic="eth.mainnet.ref.block.swap.v3", opts="protect=True"))
    assert stack.up(expect=None).code != 0
    assert stack.destroy(expect=None).code != 0
    assert world.pipeline()["id"] == kept.id


def test_ignored_change_is_not_sent(world: World) -> None:
    """What `ignore_changes` names stays as it is, also a leaf inside the destination."""
    opts = 'ignore_changes=["destination_config.password", "description"]'
    stack = world.stack(pipeline(opts=opts))
    stack.up()
    other = {**_postgres(world), "url": "postgresql://db.example.com:5432/analytics", "user": "goldrush"}
    stack.program(pipeline(description="ignored", destination_config=other, opts=opts))
    stack.preview_clean()


def test_retained_pipeline_goes_on_after_destroy(world: World) -> None:
    """With `retain_on_delete`, destroy forgets the pipeline and leaves it running."""
    stack = world.stack(pipeline(opts="retain_on_delete=True"))
    stack.up()
    world.strays.add(stack.resource().id)
    stack.destroy()
    assert world.pipeline()["phase"] == "RUNNING"


def test_waiting_is_told(make_world: Callable[[Emulator], World]) -> None:
    """While a pipeline comes up, its row says what it is doing and how long it has been at it."""
    with Emulator(lifecycle=Lifecycle.by_reads(2)) as emulator:
        stack = make_world(emulator).stack(pipeline())
        assert "DEPLOYING 0/1 0s" in stack.up()
