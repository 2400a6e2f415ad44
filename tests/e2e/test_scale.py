"""Many pipelines in one program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldrush_pulumi.emulator import Emulator, Lifecycle
from tests.e2e.programs import pipeline
from tests.e2e.world import QUICK

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.world import World

FAST = {**QUICK, "goldrush:requestsPerSecond": 1000}


def many(count: int) -> str:
    """A loop that declares `count` pipelines."""
    body = pipeline("name").replace("'name',", "name,").replace("name = goldrush", "pipeline = goldrush")
    indented = "\n".join(f"    {line}" for line in body.splitlines())
    return f"for number in range({count}):\n    name = f'p{{number:03}}'\n{indented}"


def test_six_hundred_pipelines_in_one_program(world: World) -> None:
    """600 pipelines come up in one `up`, and the next preview is clean."""
    # The file backend writes the whole state at every step; what is measured here is not that.
    world.cli.settings |= {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
    stack = world.stack(many(600), config=FAST)
    stack.up("--parallel", "64")
    assert len(stack.resources()) == 600
    assert {item["phase"] for item in world.emulator.pipelines()} == {"RUNNING"}
    stack.preview_clean()


def test_pipelines_deploy_at_the_same_time(make_world: Callable[[Emulator], World]) -> None:
    """With `--parallel 128`, at least 60 of 64 pipelines are being deployed at the same moment."""
    with Emulator(lifecycle=Lifecycle.by_hand()) as emulator:
        world = make_world(emulator)
        stack = world.stack(many(64), config=FAST)
        running = stack.start_up("--parallel", "128")
        world.until(lambda: emulator.peak_deploying >= 60 or running.ended, "60 pipelines in DEPLOYING")
        world.until(lambda: _release(emulator) == 64 or running.ended, "64 pipelines")
        running.wait()
        assert emulator.peak_deploying >= 60
        assert len(stack.resources()) == 64


def _release(emulator: Emulator) -> int:
    """Let all that is being deployed come up; answers how many run."""
    for item in emulator.pipelines():
        if item["phase"] == "DEPLOYING":
            emulator.set_phase(item["id"], "RUNNING")
    return sum(item["phase"] == "RUNNING" for item in emulator.pipelines())
