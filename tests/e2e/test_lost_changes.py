"""Changes of which it is not clear that GoldRush took them: the next `pulumi up` sends what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.programs import POSTGRES, marked, pipeline
from tests.e2e.world import QUICK

if TYPE_CHECKING:
    from tests.e2e.stack import Stack
    from tests.e2e.world import World


def with_password(password: str, **changes: Any) -> str:
    return pipeline(destination_config={**POSTGRES, "password": marked(password)}, **changes)


def password_of(world: World) -> str:
    return str(world.pipeline()["destination_config"]["password"])


def fail_up(stack: Stack) -> str:
    """An `up` that must fail; returns what it printed."""
    ended = stack.up(expect=None)
    assert ended.code != 0, ended.text
    return ended.text


def test_rotated_password_without_a_response_is_reverted(world: World) -> None:
    """A PATCH is carried out and its response lost: going back to the old program sends the old password again."""
    old, new = world.plant("old"), world.plant("new")
    stack = world.stack(with_password(old))
    stack.up()
    world.emulator.fault("PATCH", times=None, drop="after")
    stack.program(with_password(new))

    text = fail_up(stack)

    assert "it is not known whether GoldRush applied destination_config" in text
    assert "run `pulumi up` again" in text
    assert password_of(world) == new
    world.emulator.clear_faults()
    stack.program(with_password(old))
    stack.up()
    assert password_of(world) == old
    stack.preview_clean()


def test_rotated_password_that_was_not_carried_out_is_sent_again(world: World) -> None:
    """The same program sends it again, after a refresh that cannot see the password either."""
    old, new = world.plant("old"), world.plant("new")
    stack = world.stack(with_password(old))
    stack.up()
    world.emulator.fault("PATCH", times=None, drop="before")
    stack.program(with_password(new))
    fail_up(stack)
    world.emulator.clear_faults()
    assert "it is not known whether GoldRush applied destination_config" in stack.refresh()

    stack.up()

    assert password_of(world) == new
    stack.preview_clean()


def test_visible_change_without_a_response_is_found(world: World) -> None:
    """What the server shows needs no second run: the update looks, and goes on."""
    stack = world.stack(pipeline())
    stack.up()
    world.emulator.fault("PATCH", times=None, status=502, commit=True)
    stack.program(pipeline(description="new"))

    stack.up()

    assert world.pipeline()["description"] == "new"
    stack.preview_clean()


def test_interrupted_change_is_reverted(world: World) -> None:
    """Ctrl-C between two tries of a PATCH that was carried out: going back to the old program sends it."""
    stack = world.stack(pipeline(), config={**QUICK, "goldrush:retrySeconds": 300})
    stack.up()
    fault = world.emulator.fault("PATCH", times=None, status=502, commit=True)
    stack.program(pipeline(description="new"))
    running = stack.start_up()
    world.until(lambda: fault.hits, "a try of the PATCH")
    running.interrupt()
    assert running.wait(expect=None).code != 0
    world.emulator.clear_faults()
    assert world.pipeline()["description"] == "new"
    stack.program(pipeline())

    stack.up()

    assert world.pipeline()["description"] == ""
    stack.preview_clean()


def test_ignored_change_fails_by_its_name(world: World) -> None:
    """A 200 with the old object fails by the field's name, state keeps the truth, and the next `up` sends it."""
    stack = world.stack(pipeline())
    stack.up()
    world.emulator.fault("PATCH", change="ignored")
    stack.program(pipeline(description="new"))

    text = fail_up(stack)

    assert "GoldRush accepted the change but did not take description" in text
    assert stack.resource().outputs["description"] == ""
    stack.up()
    assert world.pipeline()["description"] == "new"
    stack.preview_clean()


def test_change_that_takes_effect_late_is_waited_for(world: World) -> None:
    """A 200 with the old object whose change follows within the stabilization window succeeds."""
    stack = world.stack(pipeline(), config={**QUICK, "goldrush:stabilizationSeconds": 20})
    stack.up()
    world.emulator.fault("PATCH", change="later", later_seconds=1.0)
    stack.program(pipeline(description="new"))

    stack.up()

    assert world.pipeline()["description"] == "new"
    stack.preview_clean()


@pytest.mark.parametrize("error", [None, "password authentication failed"])
def test_old_probe_does_not_decide(world: World, error: str | None) -> None:
    """With `wait_for="healthy"`, the probe from before a rotated password neither ends the wait nor fails it."""
    old, new = world.plant("old"), world.plant("new")
    stack = world.stack(with_password(old, wait_for="healthy"))
    if error is None:
        stack.up()
        world.emulator.script("swaps", outcome="RUNNING", health_error="password authentication failed")
    else:
        world.emulator.script("swaps", outcome="RUNNING", health_error=error)
        fail_up(stack)
        world.emulator.clear_scripts()
    world.emulator.switch(stale_probe_reads=3)
    stack.program(with_password(new, wait_for="healthy"))

    if error is None:
        assert "password authentication failed" in fail_up(stack)
    else:
        stack.up()
    assert password_of(world) == new
