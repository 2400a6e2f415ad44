"""Look-ups in programs, and programs with a second account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.programs import pipeline

if TYPE_CHECKING:
    from tests.e2e.world import World

LOOK_UP = """
found = goldrush.get_pipelines(project="shop")
pulumi.export("ids", found.ids)
pulumi.export("password", found.pipelines[0].destination_config["password"] if found.pipelines else None)
pulumi.export("description", goldrush.get_pipeline_output(swaps.id).description)
pulumi.export("phase", goldrush.get_pipeline_status_output(swaps.id).phase)
pulumi.export("consumed", goldrush.get_pipeline_metrics_output(swaps.id).records_consumed)
"""

SECOND_ACCOUNT = """
eu = goldrush.Provider(
    "eu",
    service_key=config.require_secret("euKey"),
    base_url={base_url!r},
    failed_grace_seconds=0.3,
    stabilization_seconds=0.3,
)
"""

BOTH_LOOK_UPS = """
pulumi.export("abroad", goldrush.get_pipelines_output(opts=pulumi.InvokeOptions(provider=eu)).ids)
pulumi.export("home", goldrush.get_pipelines_output().ids)
"""


def test_programs_look_up_what_they_and_others_made(world: World) -> None:
    """Look-ups by filter and by id answer in up and in preview, without the mark and without any credential."""
    stack = world.stack(pipeline(description="Swaps of Base"), LOOK_UP)
    stack.up()
    stack.up()

    outputs = stack.outputs()
    assert outputs["ids"] == [stack.resource().id]
    assert outputs["password"] == "******"
    assert outputs["description"] == "Swaps of Base"
    assert outputs["phase"] == "RUNNING"
    assert outputs["consumed"] > 0
    stack.preview_clean()


@pytest.mark.parametrize("pipeline_id", ["None", "7", "''", "pulumi.Output.from_input('')"])
def test_a_lookup_without_an_id_is_one_line(world: World, pipeline_id: str) -> None:
    """An id that cannot be one ends the program with what would be right and no traceback."""
    verb = "get_pipeline_output" if "Output" in pipeline_id else "get_pipeline"
    ended = world.stack(f"pulumi.export('id', goldrush.{verb}({pipeline_id}))").up(expect=None)

    assert ended.code != 0
    assert "pass the id of a pipeline such as" in ended
    assert "Traceback" not in ended


def test_a_lookup_that_fails_is_one_line(world: World) -> None:
    """An id that does not exist ends the program with the API's reason and no traceback."""
    stack = world.stack('goldrush.get_pipeline("pipe_nowhere")')
    ended = stack.up(expect=None)

    assert ended.code != 0
    assert "pipe_nowhere" in ended.text
    assert "not found (404)" in ended.text
    assert "Traceback" not in ended.text


def test_two_accounts_in_one_program(world: World) -> None:
    """Each pipeline lives in the account of its provider, is found there, and the second key is kept as a secret."""
    other = world.emulator.accounts[1]
    world.secrets.add(other.service_key)
    program = (
        SECOND_ACCOUNT.format(base_url=world.emulator.base_url),
        pipeline("home"),
        pipeline("abroad", opts="provider=eu"),
        BOTH_LOOK_UPS,
    )
    stack = world.stack(*program)
    stack.config(secret={"euKey": other.service_key})
    stack.up()
    stack.up()

    groups = {item["name"]: item["group"]["id"] for item in world.emulator.pipelines()}
    assert groups == {"home": world.emulator.accounts[0].group_id, "abroad": other.group_id}
    assert stack.outputs() == {"abroad": [stack.resource("abroad").id], "home": [stack.resource("home").id]}
    stack.refresh()
    stack.preview_clean()
    stack.destroy()
    assert world.emulator.pipelines() == []


def test_an_adopted_pipeline_stays_in_its_account(world: World) -> None:
    """The key of another account cannot take a pipeline over: it does not see it."""
    other = world.emulator.accounts[1]
    world.secrets.add(other.service_key)
    stack = world.stack(pipeline())
    stack.up()
    taken = stack.resource().id
    second = world.stack(
        SECOND_ACCOUNT.format(base_url=world.emulator.base_url),
        pipeline("thief", adopt_id=taken, opts="provider=eu"),
        project="second",
    )
    second.config(secret={"euKey": other.service_key})
    ended = second.up(expect=None)

    assert ended.code != 0
    assert f"{taken} does not exist or is hidden from this ServiceKey" in ended.text
    assert second.resources() == []
