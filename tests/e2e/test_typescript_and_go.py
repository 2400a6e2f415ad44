"""The examples in TypeScript and Go, run by the language hosts that a Go module mirror serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi.emulator import Emulator
from tests.e2e.languages import GO, TYPESCRIPT, Language
from tests.e2e.test_lifecycle import DEV_KEY, DEV_PASSPHRASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.stack import Stack
    from tests.e2e.world import World


@pytest.mark.parametrize("language", [TYPESCRIPT, GO], ids=lambda language: language.name)
def test_examples_live(make_world: Callable[[Emulator], World], language: Language) -> None:
    """The checker refuses what is wrong; the quickstart lives its life, and the environments come up as configured."""
    with Emulator(service_key=DEV_KEY) as emulator:
        world = make_world(emulator)
        world.cli.passphrase = DEV_PASSPHRASE
        # The key comes from the stack's config, as it does for a user.
        del world.cli.settings["GOLDRUSH_SERVICE_KEY"]
        language.require(world)
        quickstart = language.project(world, "quickstart", "dev")
        wrong, refused = language.refused_lines(quickstart.folder)
        assert wrong == refused
        live(world, quickstart, language.program)
        come_up_paused(world, language.project(world, "environments", "staging", like=quickstart))


def live(world: World, stack: Stack, program: str) -> None:
    """Preview, come up, change in place, show drift, restore it, and go."""
    stack.preview()
    assert world.emulator.requests() == []
    stack.up()
    (made,) = world.emulator.pipelines()
    assert stack.outputs() == {"id": made["id"], "phase": "RUNNING"}
    file = stack.folder / program
    file.write_text(file.read_text("utf-8").replace("example.com", "example.net"), "utf-8")
    stack.up()
    assert "example.net" in world.pipeline("base-swaps")["destination_config"]["url"]
    world.emulator.edit(made["id"], description="by hand")
    stack.refresh()
    assert stack.resource("base-swaps").outputs["description"] == "by hand"
    stack.up()
    assert world.pipeline("base-swaps")["description"] == "Uniswap v3 swaps on Base"
    stack.preview_clean()
    assert [request.method for request in world.emulator.requests() if request.method != "GET"] == [
        "POST",
        "PATCH",
        "PATCH",
    ]
    stack.destroy()
    assert world.emulator.pipelines() == []


def come_up_paused(world: World, stack: Stack) -> None:
    """Bring up the stack of a paused environment, with the names and the host of its config."""
    stack.up()
    assert stack.outputs() == {"phases": {"swaps": "PAUSED", "transfers": "PAUSED"}}
    assert {item["name"] for item in world.emulator.pipelines()} == {"swaps-staging", "transfers-staging"}
    config = world.pipeline("transfers-staging")["destination_config"]
    assert (config["url"], config["batch_size"]) == ("postgresql://postgres.staging.example.com:5432/analytics", 1000)
    assert "swaps-staging" in world.pipeline("transfers-staging")["description"]
    stack.destroy()
