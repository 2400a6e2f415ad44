"""A GoldRush and a place for stacks, made for each test and searched at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi.emulator import Emulator
from tests.e2e.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here runs the real CLI, which takes seconds a verb and more on a busy machine."""
    for item in items:
        if "/e2e/" in item.path.as_posix():
            item.add_marker(pytest.mark.cli)
            item.add_marker(pytest.mark.timeout(600), append=False)


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A local GoldRush whose pipelines come up at once."""
    with Emulator() as running:
        yield running


@pytest.fixture
def world(emulator: Emulator, tmp_path: Path) -> Iterator[World]:
    """The emulator, and stacks on it; the end of the test searches both."""
    made = World(tmp_path, emulator)
    yield made
    made.check()


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[[Emulator], World]]:
    """Worlds on emulators that the test itself started; each is searched at the end of the test."""
    worlds: list[World] = []

    def make(emulator: Emulator) -> World:
        worlds.append(World(tmp_path / f"world-{len(worlds)}", emulator))
        return worlds[-1]

    yield make
    for made in worlds:
        made.check()
