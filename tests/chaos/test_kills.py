from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chaos.plans import Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chaos.storm import Sea


def test_kills_at_any_moment(make_sea: Callable[..., Sea], seed: int, kills: int) -> None:
    """After `kill -9` of an up of ten pipelines, `cancel` and `up` end with the same ten in state and on the server."""
    sea = make_sea(seed, count=10)
    for number in range(kills):
        sea.log.append(f"seed {seed}, kill {number}:")
        sea.side.declare({f"p{number}": sea.side.inputs() for number in range(10)})
        plan = Plan.drawn(sea.dice, "kill command", most_requests=30)
        calm_sky = Plan((), plan.violence, plan.at_request, plan.extra_seconds)
        sea.round(calm_sky, "--parallel", "32")
        sea.stack.destroy()
        assert sea.world.emulator.pipelines() == []
    sea.world.check()
