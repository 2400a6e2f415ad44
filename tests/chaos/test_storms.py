"""The real CLI in storms. `GOLDRUSH_CHAOS_ROUNDS` asks for more of them, `GOLDRUSH_CHAOS_SEED` for others.

A round is known by its seed and its number: run with the seed that a failure names, and with as many rounds, to see it
again. What the machine's own timing adds cannot be replayed, so a request may be the one before or after.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.chaos.storm import Plan, Sea, YamlSea

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUNDS = int(os.environ.get("GOLDRUSH_CHAOS_ROUNDS", "6"))
KILLS = int(os.environ.get("GOLDRUSH_CHAOS_KILLS", "3"))
SEED = int(os.environ.get("GOLDRUSH_CHAOS_SEED", "20"))

pytestmark = [
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the processes it has to kill in /proc"),
    pytest.mark.cli,
    pytest.mark.timeout(600 + 180 * (ROUNDS + KILLS)),
]


@pytest.fixture(params=[Sea, YamlSea], ids=["python", "yaml"])
def make_sea(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Sea]]:
    """Seas with a program in Python, which the dynamic provider serves, and in YAML, which the plugin serves."""
    seas: list[Sea] = []

    def make(seed: int, count: int = 4) -> Sea:
        seas.append(request.param(tmp_path / f"sea-{len(seas)}", seed, count))
        return seas[-1]

    yield make
    for sea in seas:
        sea.close()


def test_storms(make_sea: Callable[..., Sea]) -> None:
    """After each storm over an up that creates, changes, replaces and deletes, a calm one ends with all as declared."""
    sea = make_sea(SEED)
    for number in range(ROUNDS):
        sea.log.append(f"seed {SEED}, round {number}:")
        sea.redraw_program()
        sea.storm(Plan.drawn(sea.dice), "up", "--yes", "--skip-preview", "--non-interactive", "--parallel", "16")
        sea.calm()
    sea.world.check()


def test_kills_at_any_moment(make_sea: Callable[..., Sea]) -> None:
    """After `kill -9` of an up of ten pipelines, `cancel` and `up` end with the same ten in state and on the server."""
    sea = make_sea(SEED, count=10)
    for number in range(KILLS):
        sea.log.append(f"seed {SEED}, kill {number}:")
        sea.declare({f"p{number}": sea._inputs() for number in range(10)})
        plan = Plan.drawn(sea.dice, "kill command", most_requests=30)
        calm_sky = Plan((), plan.violence, plan.at_request, plan.extra_seconds)
        sea.storm(calm_sky, "up", "--yes", "--skip-preview", "--non-interactive", "--parallel", "32")
        sea.calm()
        sea.stack.destroy()
        assert sea.world.emulator.pipelines() == []
    sea.world.check()
