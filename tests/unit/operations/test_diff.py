from __future__ import annotations

from typing import Any

import pytest

from goldrush_pulumi.operations.diff import Difference, compare
from goldrush_pulumi.schema.pipeline import INPUTS, Change
from tests.support.pipelines import POSTGRES, inputs_of

CHANGES: dict[str, Any] = {
    "project": "other",
    "topic": "eth.mainnet.ref.block.swap.v3",
    "destination_type": "clickhouse",
    "execution_mode": "bounded",
    "name": "other",
    "description": "new",
    "destination_config": {**POSTGRES, "password": "rotated"},
    "transforms": {"swaps": "SELECT 1"},
    "execution_start_from": 1,
    "execution_stop_from": 2,
    "abi_file": [{"name": "Swap"}],
    "abi_contract_addresses": ["0xabc"],
    "abi_unmatched": "raw",
    "status": "paused",
    "triggers": {"run": 1},
    "wait_for": "none",
    "adopt_id": "pipe_1",
}


class Opaque:
    """Stands for a value that is known only later."""


def expected(name: str) -> Difference:
    kind = INPUTS[name].change
    return Difference(
        replaces=(name,) if kind is Change.REPLACE else (),
        updates=(name,) if kind is Change.UPDATE else (),
        redeploys=(name,) if kind is Change.REDEPLOY else (),
    )


def test_every_input_is_tried() -> None:
    """The table of changes below leaves no input out."""
    assert {*CHANGES} == {*INPUTS}


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_a_change_means_what_the_table_says(name: str) -> None:
    """One changed input asks for what its row says, in both directions; one of the provider's own asks for nothing."""
    old, new = inputs_of(), inputs_of(**{name: CHANGES[name]})

    assert compare(old, new) == compare(new, old) == expected(name)
    assert bool(compare(old, new)) == (INPUTS[name].change is not Change.NOTHING)


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_what_is_not_known_yet_is_a_change(name: str) -> None:
    """An unknown value equals nothing, so it counts as a change of its field."""
    assert compare(inputs_of(), {**inputs_of(), name: Opaque()}) == expected(name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("destination_config", {**POSTGRES, "password": Opaque()}),
        ("transforms", {"swaps": Opaque()}),
        ("abi_contract_addresses", [Opaque()]),
        ("abi_file", [{"name": Opaque()}]),
        ("triggers", {"run": [Opaque()]}),
    ],
)
def test_an_unknown_inside_is_a_change_too(name: str, value: Any) -> None:
    """It may be anywhere inside a map or list."""
    assert compare(inputs_of(), inputs_of(**{name: value})) == expected(name)


def test_several_changes_come_in_the_order_of_the_table() -> None:
    """Everything that differs is listed, sorted by what it asks for."""
    assert compare(inputs_of(), CHANGES) == Difference(
        replaces=("project", "topic", "destination_type", "execution_mode"),
        updates=tuple(name for name, row in INPUTS.items() if row.change is Change.UPDATE),
        redeploys=("triggers",),
    )


def test_equal_meaning_is_no_change() -> None:
    """Layout, key order, empty values, spelled-out types and the case of addresses change nothing."""
    old = inputs_of(transforms={"a": "SELECT 1"}, execution_start_from=5, abi_contract_addresses=["0xAB"])
    new = inputs_of(
        transforms={"a": "SELECT  1 ;"},
        execution_start_from="5",
        abi_contract_addresses=["0xab"],
        destination_config={"type": "postgres", **dict(reversed(POSTGRES.items())), "region": ""},
        abi_file={},
        description=None,
    )

    assert not compare(old, new)
    assert not compare(new, old)


def test_reports_are_not_compared() -> None:
    """Outputs hold more than inputs; phase, times, runs and the pickled provider are no difference."""
    outputs = {**inputs_of(), "phase": "FAILED", "updated_at": "now", "runs": [1], "__provider": "x", "__secrets": []}

    assert not compare(outputs, inputs_of())
