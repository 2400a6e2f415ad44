from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.plugin.bookkeeper import Resource
from tests.plugin.pipelines import PLANTED, program, start
from tests.plugin.wire import VerbError

if TYPE_CHECKING:
    from goldrush_pulumi.emulator import Emulator

LOGS = (f"ERROR Sink open failed: password {PLANTED}1 rejected, authentication failed", "ERROR giving up")
CHANGING = {"POST", "PATCH", "PUT", "DELETE"}


def changes(emulator: Emulator) -> list[str]:
    return [request.method for request in emulator.requests() if request.method in CHANGING]


def fail_to_come_up(pipeline: Resource, timeout_seconds: float = 0.0) -> VerbError:
    with pytest.raises(VerbError) as caught:
        pipeline.up(program(), timeout_seconds=timeout_seconds)
    return caught.value


def test_a_failed_create_is_recorded_with_its_diagnosis(emulator: Emulator) -> None:
    """FAILED ends the create; id, outputs and a reason without any secret are kept, and a same `up` only resumes it."""
    emulator.script(outcome="FAILED", logs=LOGS, health_error=f"refused: {PLANTED}1", until="patched")
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        error = fail_to_come_up(pipeline)
        (held,) = emulator.pipelines()
        assert pipeline.id == held["id"]
        assert pipeline.clear["phase"] == "FAILED"
        assert pipeline.clear["runs"][0]["status"] == "Failed"
        assert error.text == "\n".join(pipeline.errors)
        assert error.text.startswith(f"pipeline swaps ({pipeline.id}) is FAILED after ")
        assert "destination: refused: [secret]" in error.text
        assert "ERROR Sink open failed: password [secret] rejected" in error.text
        assert "Traceback" not in error.text
        # A PATCH of the same configuration is what this one needed.
        assert pipeline.up(program()) == "update"
        assert pipeline.errors == ()
        assert pipeline.clear["phase"] == "RUNNING"
        assert [run["action"] for run in pipeline.clear["runs"]] == ["await", "create"]
        assert pipeline.up(program()) == "same"
    assert changes(emulator) == ["POST", "PATCH"]


def test_a_failure_that_a_patch_does_not_heal_is_paused_and_resumed(emulator: Emulator) -> None:
    """When sending the configuration again deploys nothing, one pause and one resume do, without a second POST."""
    emulator.switch(failed_heals_by="pause and resume")
    emulator.script(outcome="FAILED")
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        fail_to_come_up(pipeline)
        assert pipeline.up(program()) == "update"
        assert pipeline.clear["phase"] == "RUNNING"
        assert pipeline.up(program()) == "same"
    assert changes(emulator) == ["POST", "PATCH", "PUT", "PUT"]


def test_a_failure_that_stays_is_told_each_time(emulator: Emulator) -> None:
    """Nothing heals it: every `up` fails with the reason, and the record keeps the last five runs."""
    emulator.script(outcome="FAILED", until="never")
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        for _ in range(6):
            assert "is FAILED" in fail_to_come_up(pipeline).text
        assert len(pipeline.clear["runs"]) == 5
        assert {run["status"] for run in pipeline.clear["runs"]} == {"Failed"}
    assert len(emulator.pipelines()) == 1


def test_a_failure_and_drift_are_both_mended(emulator: Emulator) -> None:
    """A pipeline that failed and was edited by hand comes back as declared."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program(description="ours"))
        emulator.edit(pipeline.id, description="by hand")
        emulator.fail(pipeline.id)
        pipeline.refresh()
        assert pipeline.clear["description"] == "by hand"
        assert pipeline.up(program(description="ours")) == "update"
        assert pipeline.up(program(description="ours")) == "same"
    assert emulator.pipelines()[0]["phase"] == "RUNNING"


def test_a_pipeline_deleted_by_hand_while_it_is_awaited_is_recorded(emulator: Emulator) -> None:
    """It disappears during the wait: partial, for it was created; the next refresh drops it."""
    emulator.script(outcome="HANG")
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        change = pipeline.begin(program())
        plugin.engine.wait_for(lambda lines: any("DEPLOYING" in line.text for line in lines))
        emulator.remove(emulator.pipelines()[0]["id"])
        with pytest.raises(VerbError, match="disappeared"):
            change.end()
        assert pipeline.id
        pipeline.refresh()
        assert pipeline.id == ""


def test_a_delete_waits_until_the_pipeline_is_gone(emulator: Emulator) -> None:
    """A delete that passes through STOPPING answers when GET says 404, and in time or with a clear error."""
    emulator.switch(delete_through_stopping=True)
    emulator.script(outcome="RUNNING")
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program())
        pipeline.destroy()
    assert emulator.pipelines() == []


def test_a_deleted_pipeline_is_no_error_to_delete(emulator: Emulator) -> None:
    """Gone already, and proven: the resource is dropped."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program())
        emulator.remove(pipeline.id)
        pipeline.destroy()
        assert pipeline.id == ""
