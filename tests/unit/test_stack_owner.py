"""The owner of a stack in a program, and what the engine asks of it over the years."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pulumi
import pytest

import goldrush_pulumi as goldrush
from goldrush_pulumi.owner import make_owner_provider
from tests.unit import programs
from tests.unit.programs import OWNER_ID, run

if TYPE_CHECKING:
    from pulumi.runtime import mocks

STATE = {"__provider": "what state holds"}


def declare(*names: str) -> None:
    for name in names:
        goldrush.Pipeline(
            name,
            project="shop",
            topic="base.mainnet.ref.block.swap.v3",
            destination_config=goldrush.PostgresDestinationArgs(
                url="postgresql://db.example.com:5432/a", user="u", password="planted"
            ),
        )


def owners_of(engine: programs.Engine) -> list[str | None]:
    return [args.inputs.get("__owner") for args in engine.pipelines]


def test_an_owner_stays_as_it_is() -> None:
    """An update of the package, a refresh and an unfinished create leave the identity and what state has of it."""
    provider = make_owner_provider()

    assert not provider.diff(OWNER_ID, STATE, {"__provider": "a newer one"}).changes
    assert provider.update(OWNER_ID, STATE, STATE).outs == STATE
    read = provider.read(OWNER_ID, STATE)
    assert (read.id, read.outs, read.inputs) == (OWNER_ID, STATE, STATE)


def test_a_stack_without_ownership_tags_has_no_owner() -> None:
    """With `goldrush:ownershipMark: false` a program declares no owner, and no pipeline carries one."""
    pulumi.runtime.set_all_config({"goldrush:ownershipMark": "false"}, [])
    try:
        engine = run(lambda: declare("swaps"))
    finally:
        pulumi.runtime.set_all_config({}, [])

    assert owners_of(engine) == [None]
    assert len(engine.registered) == 1


def test_a_unit_test_needs_no_stack() -> None:
    """Pipelines can be declared where no stack object exists, and carry the owner all the same."""

    def program() -> None:
        pulumi.runtime.settings.set_root_resource(cast("Any", None))
        declare("swaps", "mints")

    assert owners_of(run(program)) == [OWNER_ID, OWNER_ID]


@pytest.mark.parametrize("is_passed_over", [True, False])
def test_an_owner_that_is_not_targeted_is_warned_of(monkeypatch: pytest.MonkeyPatch, *, is_passed_over: bool) -> None:
    """A targeted run that passes over the owner of a new stack gets one warning, which says what to add."""
    answer = programs.Engine.new_resource

    def new_resource(self: programs.Engine, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        made = answer(self, args)
        return ("", {}) if is_passed_over and args.typ.endswith(":Owner") else made

    warnings: list[str] = []
    monkeypatch.setattr(programs.Engine, "new_resource", new_resource)
    monkeypatch.setattr(pulumi.log, "warn", warnings.append)
    run(lambda: declare("swaps", "mints"), preview=True)

    urn = "urn:pulumi:dev::shop::pulumi:pulumi:Stack$pulumi-python:dynamic/goldrush:Owner::goldrush"
    said = f"create Owner goldrush: it is not targeted, but pipelines need it; add --target '{urn}'"
    assert warnings == [said] * is_passed_over
