"""What may happen while a pipeline is waited for, and that the wait ends as it should: in made-up time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.emulator import Emulator, Lifecycle
from goldrush_pulumi.emulator.faults import HTML_BODY
from tests.plugin.model_engine import PORT, ModelEngine, Time
from tests.plugin.pipelines import program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.plugin.wire import Properties


class Scene:
    """One pipeline whose phases are set by hand at moments of made-up time."""

    def __init__(self, server: Emulator, time: Time) -> None:
        self.server, self.time = server, time
        self.skew_seconds = 0.0
        """By how much the server's clock is wrong."""
        self.engine = ModelEngine(server, time)

    @property
    def id(self) -> str:
        return str(self.server.pipelines()[0]["id"])

    def show(self, after: float, phase: str, ready: int | None = None, replicas: int | None = None) -> None:
        """Let the pipeline enter a phase some seconds from now."""
        self.time.after(after, lambda: self.server.set_phase(self.id, phase, ready, replicas))

    def up(self, **changes: Any) -> str | None:
        declared: Properties = program("webhook", **changes)
        return self.engine.up({"swaps": declared})

    def waited(self, since: float) -> float:
        return self.time.seconds - since

    @property
    def run(self) -> dict[str, Any]:
        """The newest record in state."""
        record: dict[str, Any] = self.engine.records["swaps"].outputs["runs"][0]
        return record


@pytest.fixture
def scene() -> Iterator[Scene]:
    time = Time()
    scenes: list[Scene] = []
    server = Emulator(
        port=PORT, lifecycle=Lifecycle.manual(), clock=lambda: time() + sum(s.skew_seconds for s in scenes)
    )
    scenes.append(Scene(server, time))
    yield scenes[0]
    server.close()


def test_flapping_is_waited_through(scene: Scene) -> None:
    """FAILED for less than the grace period, again and again, does not end a create that comes up in the end."""
    for read_time in range(5, 100, 10):
        scene.show(read_time, "FAILED")
        scene.show(read_time + 5, "DEPLOYING")
    scene.show(110, "RUNNING")

    assert scene.up() is None
    assert scene.run["status"] == "Succeeded"


def test_a_failure_that_lasts_ends_the_wait(scene: Scene) -> None:
    """FAILED throughout the grace period ends the create long before its time is up, and the pipeline is recorded."""
    started = scene.time.seconds
    scene.show(30, "FAILED")

    error = scene.up()

    assert error is not None
    assert "is FAILED after" in error
    assert scene.waited(started) < 80
    assert scene.engine.records["swaps"].id == scene.id


@pytest.mark.parametrize(("ready", "replicas"), [(1, 3), (0, 1), (0, 0)])
def test_running_without_all_replicas_is_pending(scene: Scene, ready: int, replicas: int) -> None:
    """RUNNING counts once every wanted replica is ready, and never with none wanted."""
    scene.show(10, "RUNNING", ready, replicas)
    scene.show(60, "RUNNING", 3, 3)
    started = scene.time.seconds

    assert scene.up() is None
    assert scene.waited(started) >= 60


def test_running_without_replicas_times_out_in_the_end(scene: Scene) -> None:
    """What never gets ready ends with the time of the create, recorded."""
    scene.show(5, "RUNNING", 0, 1)

    error = scene.up()

    assert error is not None
    assert "is still RUNNING" in error
    assert scene.run["status"] == "TimedOut"


def test_the_running_of_before_does_not_count_at_once(scene: Scene) -> None:
    """After a PATCH the RUNNING of the old deployment is waited through until the new one is up."""
    scene.show(1, "RUNNING")
    assert scene.up() is None
    scene.server.switch(patch_redeploys="never")
    scene.show(3, "DEPLOYING")
    scene.show(40, "RUNNING")
    started = scene.time.seconds

    assert scene.up(description="changed") is None
    assert scene.waited(started) >= 40


def test_a_pipeline_deleted_while_it_is_waited_for(scene: Scene) -> None:
    """The create ends and says that it disappeared; after a refresh the next up creates it again."""
    scene.time.after(20, lambda: scene.server.remove(scene.id))

    error = scene.up()

    assert error is not None
    assert "disappeared" in error
    assert scene.engine.refresh() is None
    assert scene.engine.records == {}
    scene.show(5, "RUNNING")
    assert scene.up() is None
    assert [record.id for record in scene.engine.records.values()] == [scene.id]


@pytest.mark.parametrize(
    "trouble", [{"status": 500}, {"status": 429}, {"drop": "after"}, {"status": 503, "body": HTML_BODY}]
)
def test_a_status_endpoint_that_fails_for_a_while(scene: Scene, trouble: dict[str, Any]) -> None:
    """A quarter of a minute without an answer about the status does not end a create."""
    scene.server.fault("GET", "*/status/", skip=2, times=None, **trouble)
    scene.time.after(15, scene.server.clear_faults)
    scene.show(30, "RUNNING")

    assert scene.up() is None


def test_a_key_revoked_in_the_middle(scene: Scene) -> None:
    """401 while waiting ends the create at once, with the pipeline recorded and the way on."""
    scene.server.fault("GET", "*/status/", skip=3, times=None, status=401)

    error = scene.up()

    assert error is not None
    assert "the ServiceKey is missing, wrong or revoked (401)" in error
    assert scene.engine.records["swaps"].id == scene.id
    scene.server.clear_faults()
    scene.show(5, "RUNNING")
    assert scene.up() is None
    assert len(scene.server.pipelines()) == 1


def test_a_bounded_pipeline_that_ends_before_it_is_seen(scene: Scene) -> None:
    """STOPPED without ever having been seen RUNNING is the good end of a bounded pipeline."""
    scene.show(10, "STOPPED")

    assert scene.up(execution_mode="bounded", execution_start_from="1", execution_stop_from="9") is None
    assert scene.run["status"] == "Succeeded"


def test_the_servers_clock_may_jump(scene: Scene) -> None:
    """A new deployment counts although the server's clock went back an hour: its start is another one."""
    scene.show(1, "RUNNING")
    assert scene.up() is None
    begun = scene.server.pipelines()[0]["start_time"]
    scene.skew_seconds = -3600.0
    scene.show(2, "RUNNING")

    assert scene.up(description="changed") is None
    assert scene.server.pipelines()[0]["start_time"] != begun


def test_ctrl_c_is_recorded_and_resumed(scene: Scene) -> None:
    """Cancelled while waiting: the pipeline is kept, and the next up goes on without a second POST."""
    scene.engine.interrupt_after = 4

    error = scene.up()

    assert error is not None
    assert "when the update was cancelled" in error
    scene.show(5, "RUNNING")
    assert scene.up() is None
    assert sum(request.method == "POST" for request in scene.server.requests()) == 1
    assert scene.run["action"] == "await"
