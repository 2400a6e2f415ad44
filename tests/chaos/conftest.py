"""How long storms last, and the seas that they go over.

`GOLDRUSH_CHAOS_ROUNDS` and `GOLDRUSH_CHAOS_KILLS` ask for more of them, `GOLDRUSH_CHAOS_SEED` for others.

A round is known by its seed and its number: run with the seed that a failure names, and with as many rounds, to see it
again. What the machine's own timing adds cannot be replayed, so a request may be the one before or after.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.chaos.storm import Sea, YamlSea

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Read before any test begins: each of them takes such variables out of its environment.
_ROUNDS = int(os.environ.get("GOLDRUSH_CHAOS_ROUNDS", "4"))
_KILLS = int(os.environ.get("GOLDRUSH_CHAOS_KILLS", "2"))
_SEED = int(os.environ.get("GOLDRUSH_CHAOS_SEED", "20"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.timeout(600 + 180 * (_ROUNDS + _KILLS)))
            item.add_marker(pytest.mark.cli)
            if not Path("/proc").is_dir():
                item.add_marker(pytest.mark.skip(reason="finds the processes it has to kill in /proc"))


@pytest.fixture
def rounds() -> int:
    """How many storms go over a sea."""
    return _ROUNDS


@pytest.fixture
def kills() -> int:
    """How often an `up` of ten pipelines is killed."""
    return _KILLS


@pytest.fixture
def seed() -> int:
    """What the dice of a sea begin with."""
    return _SEED


@pytest.fixture(params=[Sea, YamlSea], ids=["python", "yaml"])
def make_sea(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Sea]]:
    """Seas with programs in Python, which the dynamic provider serves, and in YAML, which the plugin serves."""
    seas: list[Sea] = []

    def make(seed: int, count: int = 4) -> Sea:
        seas.append(request.param(tmp_path / f"sea-{len(seas)}", seed, count))
        return seas[-1]

    yield make
    for sea in seas:
        sea.close()
