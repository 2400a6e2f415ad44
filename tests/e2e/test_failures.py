"""Deployments that do not end well: what the user reads, what state holds, and how the next `pulumi up` goes on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi.cli import ExitCode
from goldrush_pulumi.emulator import Emulator, Lifecycle
from tests.e2e.programs import POSTGRES, pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.cli import Ended
    from tests.e2e.world import World

LOGS = (
    "INFO Opening sink postgres",
    'ERROR Sink open failed: FATAL: password authentication failed for user "goldrush"',
)
HEALTH = "connection refused: db.example.com:5432"


@pytest.fixture
def by_hand() -> Iterator[Emulator]:
    """A GoldRush on which nothing moves by itself."""
    with Emulator(lifecycle=Lifecycle.manual()) as running:
        yield running


def posts(world: World) -> int:
    """How many pipelines were ever asked for."""
    return len(world.sent("POST"))


def require_clean_words(ended: Ended) -> None:
    """No trace of Python or gRPC in what the user reads."""
    for noise in ("Traceback", "Exception", "rpc error", 'File "'):
        assert noise not in ended


def test_failed_pipeline_is_explained(world: World) -> None:
    """A FAILED pipeline ends `up` with exit code 1 and says phase, cause, last words and what to do next."""
    stack = world.stack(pipeline())
    world.emulator.script("swaps", logs=LOGS, health_error=HEALTH)
    ended = stack.up(expect=1)
    pipeline_id = world.pipeline()["id"]
    assert f"pipeline swaps ({pipeline_id}) is FAILED after " in ended
    assert ended.line_with("is FAILED after").endswith("(ready 0 of 1)")
    assert ended.line_with("destination:") == f"destination: {HEALTH}"
    assert ended.line_with("last log lines of pod").startswith("last log lines of pod pipeline-covalent-postgres-pipe-")
    assert LOGS[-1] in ended
    assert ended.line_with("likely cause:").endswith("the destination rejected the credentials (auth_failed)")
    assert "fix the cause and run `pulumi up` again" in ended
    assert "or look closer with `goldrush-pulumi logs swaps --stack dev --follow`" in ended
    followed = (sys.executable, "-m", "goldrush_pulumi.cli", "logs", "swaps", "--stack", "dev", "--follow")
    assert LOGS[-1] in world.cli.run_program(followed, folder=stack.folder, expect=ExitCode.UNHEALTHY)
    require_clean_words(ended)
    recorded = stack.resource()
    assert recorded.id == pipeline_id
    assert "is FAILED" in recorded.init_errors[0]
    assert recorded.outputs["runs"][0]["status"] == "Failed"


def test_failed_pipeline_is_resumed_not_made_again(world: World) -> None:
    """Once the cause is gone, `up` brings the same pipeline to RUNNING without a second POST, and then rests."""
    stack = world.stack(pipeline())
    world.emulator.script("swaps", until="never")
    stack.up(expect=1)
    pipeline_id = stack.resource().id
    stack.up(expect=1)
    assert stack.resource().id == pipeline_id
    world.emulator.clear_scripts()
    stack.up()
    assert posts(world) == 1
    assert stack.resource().id == pipeline_id
    assert stack.resource().init_errors == ()
    assert world.pipeline()["phase"] == "RUNNING"
    stack.preview_clean()


def test_changed_password_heals_a_failed_pipeline(world: World) -> None:
    """A wrong password put right in the program is sent to the same pipeline."""
    wrong, right = world.plant("wrong"), world.plant("right")
    stack = world.stack(pipeline(destination_config={**POSTGRES, "password": wrong}))
    world.emulator.script("swaps", logs=[f"ERROR authentication failed with {wrong}"], until="patched")
    stack.up(expect=1)
    stack.program(pipeline(destination_config={**POSTGRES, "password": right}))
    stack.up()
    assert posts(world) == 1
    assert world.pipeline()["destination_config"]["password"] == right
    stack.preview_clean()


def test_failure_that_only_a_restart_heals(world: World) -> None:
    """Where a PATCH does not deploy a FAILED pipeline again, `up` pauses and resumes it."""
    world.emulator.switch(failed_heals_by="pause and resume")
    stack = world.stack(pipeline())
    world.emulator.script("swaps")
    stack.up(expect=1)
    stack.up()
    assert world.sent("PUT") == [{"status": "paused"}, {"status": "running"}]
    assert posts(world) == 1
    assert world.pipeline()["phase"] == "RUNNING"
    stack.preview_clean()


def test_failed_update_is_taken_up_again(world: World) -> None:
    """A change that was taken but does not come up is recorded with its reason, and finished by the next `up`."""
    stack = world.stack(pipeline())
    stack.up()
    world.emulator.script("swaps", logs=LOGS, until="never")
    stack.program(pipeline(description="renamed"))
    ended = stack.up(expect=1)
    assert "is FAILED after" in ended
    require_clean_words(ended)
    assert stack.resource().init_errors
    world.emulator.clear_scripts()
    stack.up()
    assert posts(world) == 1
    assert stack.resource().init_errors == ()
    stack.preview_clean()


def test_failed_pipeline_can_be_destroyed(world: World) -> None:
    """A pipeline that never came up is deleted like any other."""
    stack = world.stack(pipeline())
    world.emulator.script("swaps", until="never")
    stack.up(expect=1)
    stack.destroy()
    assert world.emulator.pipelines() == []


def test_timeout_keeps_the_pipeline(world: World) -> None:
    """A pipeline that takes longer than `custom_timeouts` is kept, and the next `up` goes on waiting for it."""
    stack = world.stack(pipeline(opts='custom_timeouts=pulumi.CustomTimeouts(create="3s", update="30s")'))
    world.emulator.script("swaps", "HANG")
    ended = stack.up(expect=1)
    assert "is still DEPLOYING after" in ended
    assert "raise custom_timeouts" in ended
    require_clean_words(ended)
    recorded = stack.resource()
    assert recorded.outputs["runs"][0]["status"] == "TimedOut"
    world.emulator.set_phase(recorded.id, "RUNNING")
    stack.up()
    assert posts(world) == 1
    assert stack.resource().id == recorded.id
    stack.preview_clean()


def test_interrupted_create_is_recorded(make_world: Callable[[Emulator], World], by_hand: Emulator) -> None:
    """Ctrl-C while pipelines come up ends `up` at once, with all of them recorded and none asked for twice."""
    world = make_world(by_hand)
    names = [f"p{number}" for number in range(6)]
    stack = world.stack(*(pipeline(name) for name in names))
    running = stack.start_up()
    world.until(lambda: _all_watched(by_hand, 6), "a look at each of six pipelines")
    before = len(by_hand.requests())
    running.interrupt()
    ended = running.wait(expect=None)
    assert ended.code != 0
    # Per pipeline no more than the look that was under way and the two questions of the diagnosis.
    assert len(by_hand.requests()) - before <= 3 * len(names)
    assert "was DEPLOYING after" in ended
    assert "when the update was cancelled" in ended
    require_clean_words(ended)
    assert not stack.state().get("pending_operations")
    assert sorted(item.name for item in stack.resources() if item.init_errors) == names
    for item in by_hand.pipelines():
        by_hand.set_phase(item["id"], "RUNNING")
    stack.up()
    assert posts(world) == len(names)
    stack.preview_clean()


def test_interrupted_update_is_recorded(make_world: Callable[[Emulator], World], by_hand: Emulator) -> None:
    """Ctrl-C while a change is deployed keeps the pipeline with the change, and the next `up` finishes it."""
    world = make_world(by_hand)
    stack = world.stack(pipeline(wait_for="none"))
    stack.up()
    pipeline_id = stack.resource().id
    by_hand.set_phase(pipeline_id, "RUNNING")
    stack.program(pipeline(description="renamed"))
    by_hand.clear_requests()
    running = stack.start_up()
    world.until(lambda: _looks_after_patch(by_hand) > 0, "a look after the PATCH")
    running.interrupt()
    ended = running.wait(expect=None)
    assert ended.code != 0
    assert "when the update was cancelled" in ended
    assert stack.resource().init_errors
    by_hand.set_phase(pipeline_id, "RUNNING")
    stack.up()
    assert world.pipeline()["description"] == "renamed"
    assert stack.resource().id == pipeline_id
    stack.preview_clean()


def _all_watched(emulator: Emulator, count: int) -> bool:
    looks = {request.pipeline_id for request in emulator.requests() if request.path.endswith("/status/")}
    return len(looks) == count


def _looks_after_patch(emulator: Emulator) -> int:
    methods = [request.method for request in emulator.requests()]
    return methods[methods.index("PATCH") :].count("GET") if "PATCH" in methods else 0
