"""Whose a pipeline is when stacks, records and names change hands: never the wrong one is changed or deleted."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.programs import POSTGRES, pipeline
from tests.e2e.world import QUICK
from tests.support.caller import Caller

if TYPE_CHECKING:
    from tests.e2e.cli import Ended
    from tests.e2e.stack import Recorded, Stack
    from tests.e2e.world import World

FOREIGN = {**QUICK, "goldrush:adoptForeign": True}
TOPIC = "eth.mainnet.ref.block.swap.v3"


def failed(ended: Ended) -> Ended:
    """A command that must have failed."""
    assert ended.code != 0, ended.text
    return ended


def forget_journal(world: World) -> None:
    """Go on as on another machine, which knows nothing of the creates of this one."""
    shutil.rmtree(world.cli.home / "goldrush", ignore_errors=True)


def move(resource: Recorded, source: Stack, dest: Stack) -> None:
    names = [f"organization/{stack.project}/{stack.name}" for stack in (source, dest)]
    source.run("state", "move", "--yes", "--source", names[0], "--dest", names[1], resource.urn, stack=False)


def forget(stack: Stack, name: str) -> None:
    """Remove the record of a pipeline and leave the pipeline alone."""
    stack.run("state", "delete", "--yes", stack.resource(name).urn)


def changes(world: World) -> list[tuple[str, str | None]]:
    """The requests so far that changed something, with the ids they were about."""
    return [(request.method, request.pipeline_id) for request in world.emulator.requests() if request.method != "GET"]


def by_hand(world: World, **fields: Any) -> str:
    """A pipeline that was made without Pulumi."""
    body = {"project": "shop", "topic": "base.mainnet.ref.block.swap.v3", "destination_type": "postgres", **fields}
    with Caller(world.emulator.base_url, world.emulator.service_key) as caller:
        made = caller.create({"name": "swaps", "destination_config": POSTGRES, "execution_mode": "unbounded", **body})
    return str(made["id"])


# --- A tag alone is no proof ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("machine", ["same", "another"])
def test_moved_pipeline_is_not_taken_back(world: World, machine: str) -> None:
    """After `state move` from A to B another pipeline of that name in A is refused, and B keeps what it has."""
    source = world.stack(pipeline("swaps"), pipeline("mints"))
    source.up()
    dest = world.stack(pipeline("swaps", project="other"), project="elsewhere")
    dest.up()
    moved = source.resource("mints")
    move(moved, source, dest)
    if machine == "another":
        forget_journal(world)
    source.program(pipeline("swaps"), pipeline("mints", description="another one"))
    world.emulator.clear_requests()

    refused = failed(source.up(expect=None))

    line = refused.line_with("create pipeline mints")
    assert f"{moved.id} carries its ownership tag and differs in description" in line
    assert "adopt_id" in line
    assert "delete" not in line
    assert changes(world) == []
    source.destroy()
    assert dest.resource("mints").id == moved.id
    dest.program(pipeline("swaps", project="other"), pipeline("mints", description="still ours"))
    dest.up()
    assert world.pipeline("mints")["id"] == moved.id


def test_equal_pipeline_that_was_moved_is_not_taken_back(world: World) -> None:
    """The create journal knows that a run recorded it, though the new one would be just the same."""
    source = world.stack(pipeline("swaps"), pipeline("mints"))
    source.up()
    dest = world.stack(pipeline("swaps", project="other"), project="elsewhere")
    dest.up()
    moved = source.resource("mints")
    move(moved, source, dest)
    world.emulator.clear_requests()

    refused = failed(source.up(expect=None))

    assert f"{moved.id} carries its ownership tag, and a stack has recorded it since" in refused
    assert changes(world) == []


def rename(stack: Stack) -> Recorded:
    """Rename the resource `swaps` to `trades` by an alias; the pipeline keeps its name and its tag."""
    stack.program(pipeline("swaps", description="first"))
    stack.up()
    stack.program(pipeline("trades", name="swaps", description="first", opts='aliases=[pulumi.Alias(name="swaps")]'))
    stack.up()
    return stack.resource("trades")


TRADES = pipeline("trades", name="swaps", description="first")


@pytest.mark.parametrize("machine", ["same", "another"])
def test_new_resource_under_an_old_name_gets_a_pipeline_of_its_own(world: World, machine: str) -> None:
    """After a rename by alias a new resource takes the old name: the renamed one keeps its pipeline."""
    stack = world.stack()
    first = rename(stack)
    if machine == "another":
        forget_journal(world)
    stack.program(TRADES, pipeline("swaps", name="new swaps", opts="depends_on=[trades]"))

    stack.up()

    assert stack.resource("trades").id == first.id
    assert stack.resource("swaps").id != first.id
    stack.program(TRADES)
    stack.up()
    assert [item["id"] for item in world.emulator.pipelines()] == [first.id]


@pytest.mark.parametrize("machine", ["same", "another"])
def test_targeted_resource_under_an_old_name_is_refused(world: World, machine: str) -> None:
    """With `--target` the renamed resource is not looked at: its pipeline is left alone all the same."""
    stack = world.stack()
    first = rename(stack)
    if machine == "another":
        forget_journal(world)
    stack.program(TRADES, pipeline("swaps", name="new swaps"))
    world.emulator.clear_requests()

    refused = failed(stack.up("--target", first.urn.replace("::trades", "::swaps"), expect=None))

    assert f"{first.id} carries its ownership tag" in refused.line_with("create pipeline swaps")
    assert changes(world) == []


@pytest.mark.parametrize("machine", ["same", "another"])
def test_pipeline_of_a_copied_state_is_not_taken_over(world: World, machine: str) -> None:
    """A state that was copied into a second stack has the pipeline too, which the first cannot take back."""
    stack = world.stack(pipeline("swaps", description="first"))
    stack.up()
    first = stack.resource("swaps").id
    copy = world.stack(pipeline("swaps", description="first"), name="copy")
    file = world.folder / "state.json"
    file.write_text(stack.export().replace("urn:pulumi:dev::", "urn:pulumi:copy::"), "utf-8")
    copy.run("stack", "import", "--force", "--file", str(file))
    forget(stack, "swaps")
    if machine == "another":
        forget_journal(world)
    stack.program(pipeline("swaps", description="second"))

    refused = failed(stack.up(expect=None))

    assert f"{first} carries its ownership tag" in refused.line_with("create pipeline swaps")
    assert world.pipeline()["description"] == "first"


def test_pipeline_that_was_cloned_is_not_taken_over(world: World) -> None:
    """A clone that somebody made through the API has the tag in its description, and is not ours."""
    stack = world.stack(pipeline("mints"), pipeline("swaps", description="first"))
    stack.up()
    (held,) = [item for item in world.emulator.pipelines() if item["name"] == "swaps"]
    clone = by_hand(world, description=held["description"], name="clone")
    world.strays.add(clone)
    stack.program(pipeline("mints"))
    stack.up()
    stack.program(pipeline("mints"), pipeline("swaps", description="first"))
    world.emulator.clear_requests()

    refused = failed(stack.up(expect=None))

    assert f"{clone} carries its ownership tag and differs in name" in refused.line_with("create pipeline swaps")
    assert changes(world) == []


# --- Update and delete look first -------------------------------------------------------------------------------------


def test_pipeline_that_another_stack_adopted_stays(world: World) -> None:
    """B adopts with adoptForeign: neither `up` nor `destroy` in A touches it, and both say how to drop the record."""
    first = world.stack(pipeline("swaps"))
    first.up()
    there = first.resource()
    second = world.stack(pipeline("swaps", adopt_id=there.id), project="elsewhere", config=FOREIGN)
    second.up()
    world.emulator.clear_requests()
    first.program(pipeline("swaps", description="mine"))

    for refused in (failed(first.up(expect=None)), failed(first.destroy(expect=None))):
        assert "tag of another Pulumi stack (elsewhere/dev, as far as this machine knows)" in refused
        assert f"pulumi state delete '{there.urn}'" in refused
    assert changes(world) == []
    forget(first, "swaps")
    first.destroy()
    assert second.resource().id == there.id
    second.preview_clean()


def test_sibling_of_the_same_stack_keeps_its_pipeline(world: World) -> None:
    """With `--target` a resource may not adopt what another one of the program has."""
    stack = world.stack(pipeline("swaps"))
    stack.up()
    there = stack.resource()
    stack.program(pipeline("swaps"), pipeline("thief", name="swaps", adopt_id=there.id))
    world.emulator.clear_requests()

    refused = failed(stack.up("--target", there.urn.replace("::swaps", "::thief"), expect=None))

    assert f"{there.id} belongs to swaps, which this program declares too" in refused
    assert changes(world) == []


def test_namesake_of_a_lost_owner_is_not_made_twice(world: World) -> None:
    """After `stack rm --force` the same program is refused, and adopts with the settings that the message names."""
    stack = world.stack(pipeline("swaps"))
    stack.up()
    there = stack.resource().id
    stack.run("stack", "rm", "--force", "--yes", "--preserve-config")
    stack.init()

    refused = failed(stack.up(expect=None))

    line = refused.line_with("create pipeline swaps")
    assert f'adopt_id="{there}"' in line
    assert "goldrush:adoptForeign" in line
    stack.write_config({"goldrush:adoptForeign": True})
    stack.program(pipeline("swaps", adopt_id=there))
    stack.up()
    assert stack.resource().id == there


# --- Replacements -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["--replace", "replace_on_changes", "triggers"])
def test_replacement_of_an_adopted_pipeline_makes_a_new_one(world: World, way: str) -> None:
    """A replacement on demand deletes what adopt_id names: a new pipeline is made, once, and the next run is clean."""
    there = by_hand(world)
    opts = "" if way == "--replace" else f'replace_on_changes=["{way if way == "triggers" else "description"}"]'
    stack = world.stack(pipeline("swaps", adopt_id=there, opts=opts))
    stack.up()
    world.emulator.clear_requests()
    changed = {"triggers": {"run": 1}} if way == "triggers" else {"description": "new"}
    stack.program(pipeline("swaps", adopt_id=there, opts=opts, **({} if way == "--replace" else changed)))

    ended = stack.up(*(["--replace", stack.resource().urn] if way == "--replace" else []))

    assert f"{there} was deleted to be replaced, so adopt_id is ignored and a new pipeline is created" in ended
    assert [method for method, _ in changes(world)] == ["DELETE", "POST"]
    assert stack.resource().id != there
    stack.preview_clean()


def test_renamed_resource_may_be_replaced(world: World) -> None:
    """A rename by alias together with replace_on_changes deletes the old pipeline and makes the new one."""
    stack = world.stack(pipeline("swaps"))
    stack.up()
    old = stack.resource().id
    opts = 'aliases=[pulumi.Alias(name="swaps")], replace_on_changes=["description"]'
    stack.program(pipeline("trades", description="new", opts=opts))

    stack.up()

    assert [item["id"] for item in world.emulator.pipelines()] == [stack.resource("trades").id]
    assert stack.resource("trades").id != old
    stack.preview_clean()


def test_namesake_in_the_new_project_stops_the_replacement(world: World) -> None:
    """The namesake is found before the old pipeline is deleted."""
    stack = world.stack(pipeline("swaps"))
    stack.up()
    there = stack.resource().id
    namesake = by_hand(world, project="elsewhere")
    world.strays.add(namesake)
    stack.program(pipeline("swaps", project="elsewhere"))
    world.emulator.clear_requests()

    refused = failed(stack.up(expect=None))

    assert f'adopt_id="{namesake}"' in refused
    assert changes(world) == []
    assert stack.resource().id == there


def test_replacement_names_what_protects(world: World) -> None:
    """The engine asks state and program for protection, so the warning names both; together they keep the pipeline."""
    stack = world.stack(pipeline("swaps"))
    stack.up()
    urn = stack.resource().urn
    stack.program(pipeline("swaps", topic=TOPIC))
    assert f"run `pulumi state protect '{urn}'` and set protect=True" in stack.preview()
    stack.run("state", "protect", "--yes", urn)
    stack.program(pipeline("swaps", topic=TOPIC, opts="protect=True"))
    failed(stack.up(expect=None))
    assert world.pipeline()["topic"] != TOPIC


# --- Adoption beside look-ups and old names ---------------------------------------------------------------------------


def get(pipeline_id: str, name: str = "seen") -> str:
    return f'seen = goldrush.Pipeline.get("{name}", "{pipeline_id}")\n'


def test_look_up_and_adoption_of_one_pipeline(world: World) -> None:
    """`Pipeline.get` and `adopt_id` of the same id go together in a program, in whichever order."""
    there = by_hand(world)
    stack = world.stack(get(there), pipeline("swaps", adopt_id=there, opts="depends_on=[seen]"))
    stack.up()
    assert stack.resource("swaps").id == there
    stack.up("--refresh")
    stack.preview_clean()


def test_look_up_becomes_managed(world: World) -> None:
    """A `.get` that the program turns into a managed resource of the same name adopts, under `up --refresh` too."""
    there = by_hand(world)
    stack = world.stack(get(there, "swaps"))
    stack.up()
    stack.program(pipeline("swaps", adopt_id=there))
    stack.up("--refresh")
    assert stack.resource("swaps").id == there
    assert stack.resource("swaps").managed
    stack.preview_clean()


def test_rename_by_adopting(world: World) -> None:
    """After a rename by way of adopt_id, under `up --refresh`, the old record never deletes the pipeline."""
    stack = world.stack(pipeline("swaps"))
    stack.up()
    there = stack.resource("swaps")
    stack.program(pipeline("trades", name="swaps", adopt_id=there.id))

    refused = failed(stack.up("--refresh", expect=None))

    assert f"{there.id} is also recorded by trades, so it stays" in refused
    assert f"pulumi state delete '{there.urn}'" in refused
    assert stack.resource("trades").id == there.id
    forget(stack, "swaps")
    stack.up("--refresh")
    stack.preview_clean()
    assert [item["id"] for item in world.emulator.pipelines()] == [there.id]


# --- Outages ----------------------------------------------------------------------------------------------------------


def test_outage_that_returns_404_empties_no_stack(world: World) -> None:
    """While GoldRush returns 404 to everything, `refresh` and `destroy` fail and state keeps its pipelines."""
    stack = world.stack(pipeline("swaps"), pipeline("mints"))
    stack.up()
    before = stack.snapshot()
    world.emulator.outage(status=404)

    for ended in (failed(stack.refresh(expect=None)), failed(stack.destroy(expect=None))):
        assert "is not visible, but neither can the list of pipelines be read" in ended
        assert "so it may well exist; nothing was changed" in ended
    assert stack.snapshot() == before
    world.emulator.clear_faults()
    stack.refresh()
    stack.preview_clean()
    assert json.dumps(before) == json.dumps(stack.snapshot())
