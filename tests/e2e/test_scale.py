"""Many pipelines in one program."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goldrush_pulumi.emulator import Emulator, Lifecycle
from tests.e2e.programs import pipeline
from tests.e2e.world import QUICK
from tools.environment import SAVE_LATE

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
    stack = world.stack(many(1), config=FAST)
    stack.up()
    stack.program(many(600))
    # The file backend writes the whole state at every step; what is measured here is not that.
    world.cli.settings |= SAVE_LATE
    stack.up("--parallel", "64")
    assert len(stack.resources()) == 600
    assert {item["phase"] for item in world.emulator.pipelines()} == {"RUNNING"}
    stack.preview_clean()


def test_late_state_needs_an_owner(world: World) -> None:
    """A first `up` that saves state at its end alone is refused; it names the command that makes the next one safe."""
    stack = world.stack(many(3), config=FAST)
    world.cli.settings |= SAVE_LATE
    refused = stack.up(expect=1)
    (advice,) = set(re.findall(r"run `pulumi up --target '(\S+)'` once without it", refused.text))
    assert world.emulator.requests() == []
    for name in SAVE_LATE:
        del world.cli.settings[name]
    stack.up("--target", advice)
    assert world.emulator.requests() == []
    world.cli.settings |= SAVE_LATE
    stack.up()
    assert len(stack.resources()) == 3


def test_late_state_that_never_came(make_world: Callable[[Emulator], World]) -> None:
    """After `kill -9` of an `up` that had saved nothing yet, the next one takes over every pipeline."""
    with Emulator(lifecycle=Lifecycle.by_time(deploy_seconds=1.0)) as emulator:
        world = make_world(emulator)
        stack = world.stack(many(1), config=FAST)
        stack.up()
        stack.program(many(10))
        world.cli.settings |= SAVE_LATE
        running = stack.start_up("--parallel", "32")
        world.until(lambda: len(emulator.pipelines()) == 10 or running.ended, "ten pipelines")
        running.kill()
        running.wait(expect=None)
        made = {item["id"] for item in emulator.pipelines()}
        assert len(stack.resources()) == 1
        stack.run("cancel", "--yes")
        stack.up()
        assert {item.id for item in stack.resources()} == made == {item["id"] for item in emulator.pipelines()}
        assert len(made) == 10


def test_late_state_of_an_interrupted_run(make_world: Callable[[Emulator], World]) -> None:
    """Ctrl-C is no kill: an `up` that saves state at its end records every pipeline that it has made."""
    with Emulator(lifecycle=Lifecycle.manual()) as emulator:
        world = make_world(emulator)
        stack = world.stack(many(1), config=FAST)
        running = stack.start_up()
        world.until(lambda: _release(emulator) == 1 or running.ended, "the first pipeline")
        running.wait()
        stack.program(many(4))
        world.cli.settings |= SAVE_LATE
        running = stack.start_up("--parallel", "32")
        world.until(lambda: emulator.peak_deploying == 3 or running.ended, "three more pipelines")
        running.interrupt()
        assert running.wait(expect=None).code != 0
        assert {item.id for item in stack.resources()} == {item["id"] for item in emulator.pipelines()}
        assert len(stack.resources()) == 4


def test_pipelines_deploy_at_the_same_time(make_world: Callable[[Emulator], World]) -> None:
    """With `--parallel 128`, at least 60 of 64 pipelines are being deployed at the same moment."""
    with Emulator(lifecycle=Lifecycle.manual()) as emulator:
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
