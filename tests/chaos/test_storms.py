from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chaos.plans import Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chaos.storm import Sea


def test_storms(make_sea: Callable[..., Sea], seed: int, rounds: int) -> None:
    """After each storm over one of two stacks of an account both hold what they declare, and one is untouched."""
    # Resources are renamed by alias, pipelines move between the stacks, and names are declared again where they went.
    sea = make_sea(seed)
    for side in sea.sides:
        side.redraw()
        side.stack.up()
    for number in range(rounds):
        sea.log.append(f"seed {seed}, round {number}:")
        sea.change_hands()
        if number % 3 == 0:
            sea.go_through_an_outage()
        sea.round(Plan.drawn(sea.dice), "--parallel", "16")
    sea.world.check()
