from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.plugin.bookkeeper import Resource, as_sent
from tests.plugin.pipelines import PLANTED, leaks, program, start
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
    """When re-sending the configuration deploys nothing anew, one pause and one resume do, without a second POST."""
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


def test_a_create_that_takes_too_long_is_recorded(emulator: Emulator) -> None:
    """The engine's timeout ends the wait: partial, "TimedOut", and the next `up` goes on waiting without any change."""
    emulator.script(outcome="HANG")
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        error = fail_to_come_up(pipeline, timeout_seconds=1.0)
        assert "is still DEPLOYING after 1 s (ready 0 of 1): time is up, raise custom_timeouts" in error.text
        assert pipeline.clear["runs"][0]["status"] == "TimedOut"
        emulator.set_phase(pipeline.id, "RUNNING")
        assert pipeline.up(program()) == "update"
        assert pipeline.clear["phase"] == "RUNNING"
    assert changes(emulator) == ["POST"]


def test_a_failed_update_keeps_the_old_inputs_and_tells_the_new_outputs(emulator: Emulator) -> None:
    """Once the PATCH is taken, outputs tell what was sent while the inputs stay: the next `up` updates again."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program())
        emulator.script(outcome="FAILED", logs=LOGS)
        before = pipeline.inputs
        wanted = program(description="changed", transforms={"swaps": "SELECT tx_hash FROM swaps"})
        wanted["destination_config"]["password"] = f"{PLANTED}1new"
        with pytest.raises(VerbError, match="is FAILED"):
            pipeline.up(wanted)
        assert pipeline.errors
        assert pipeline.inputs == before
        assert pipeline.clear["description"] == "changed"
        assert pipeline.clear["destination_config"]["password"] == f"{PLANTED}1new"
        assert pipeline.clear["phase"] == "FAILED"
        assert pipeline.up(wanted) == "update"
        assert pipeline.up(wanted) == "same"
    assert changes(emulator) == ["POST", "PATCH", "PATCH"]


def test_an_update_that_is_refused_leaves_state_alone(emulator: Emulator) -> None:
    """What the server does not take is a plain error in one line, without a partial result."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program())
        emulator.fault("PATCH", status=422, body={"error": True, "error_message": f"no: {PLANTED}1", "data": None})
        with pytest.raises(VerbError) as caught:
            pipeline.up(program(description="changed"))
        assert caught.value.partial is None
        assert "[secret]" in caught.value.text
        assert leaks(caught.value.text) == []
        assert "\n" not in caught.value.text
        assert pipeline.up(program()) == "same"


def test_a_create_that_is_refused_is_nothing(emulator: Emulator) -> None:
    """A POST that the server does not take leaves no record and no pipeline; corrected, it is created."""
    emulator.fault("POST", status=422, body={"error": True, "error_message": "topic is not served", "data": None})
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        error = fail_to_come_up(pipeline)
        assert error.partial is None
        assert "topic is not served" in error.text
        assert pipeline.id == ""
        assert pipeline.up(program()) == "create"


def test_a_refresh_keeps_a_failure_alive(emulator: Emulator) -> None:
    """A look at a FAILED pipeline answers with inputs and reason, so that the next `up` mends it."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program())
        inputs = pipeline.inputs
        emulator.fail(pipeline.id, logs=LOGS)
        pipeline.refresh()
        assert "is FAILED" in pipeline.errors[0]
        assert "password [secret] rejected" in pipeline.errors[0]
        assert pipeline.inputs == inputs
        assert pipeline.clear["phase"] == "FAILED"
        assert pipeline.up(program()) == "update"
        pipeline.refresh()
        assert pipeline.errors == ()


def test_a_refresh_after_a_failed_create_keeps_it_alive(emulator: Emulator) -> None:
    """`initErrors` of a partial create survive a refresh, and the resume after it still heals."""
    emulator.script(outcome="FAILED")
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        fail_to_come_up(pipeline)
        pipeline.refresh()
        assert "is FAILED" in pipeline.errors[0]
        assert pipeline.up(program()) == "update"
        assert pipeline.errors == ()


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
        checked = plugin.check("swaps", program()).inputs
        pending = plugin.create_async("swaps", as_sent(checked))
        plugin.engine.wait_for(lambda lines: any("DEPLOYING" in line.text for line in lines))
        emulator.remove(emulator.pipelines()[0]["id"])
        with pytest.raises(VerbError, match="disappeared") as caught:
            pending.result()
        pipeline = Resource(plugin)
        pipeline.record_partial_create(checked, caught.value)
        pipeline.refresh()
        assert pipeline.id == ""


def test_an_api_that_dies_during_a_wait_is_recorded(emulator: Emulator) -> None:
    """The pipeline was created, so a key that is revoked while it deploys ends in a partial create with its id."""
    emulator.fault("GET", "*/status/", status=401, times=None)
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        error = fail_to_come_up(pipeline)
        assert "could not be followed" in error.text
        assert pipeline.id == emulator.pipelines()[0]["id"]
        emulator.clear_faults()
        assert pipeline.up(program()) == "update"
        assert pipeline.errors == ()


def test_a_half_made_pipeline_can_be_destroyed(emulator: Emulator) -> None:
    """What a partial create recorded is enough to delete the pipeline."""
    emulator.script(outcome="FAILED", until="never")
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        fail_to_come_up(pipeline)
        pipeline.destroy()
    assert emulator.pipelines() == []


def test_a_delete_waits_until_the_pipeline_is_gone(emulator: Emulator) -> None:
    """A delete that passes through STOPPING answers when GET says 404, and in time or with a clear error."""
    emulator.switch(delete_through_stopping=True)
    emulator.script(outcome="RUNNING")
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program())
        pipeline.destroy()
    assert emulator.pipelines() == []


def test_a_delete_that_does_not_end_is_an_error(emulator: Emulator) -> None:
    """When time is up the pipeline stays on record, with one line that says what to do."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program())
        emulator.fault("DELETE", status=204, times=None)
        with pytest.raises(VerbError) as caught:
            plugin.delete("swaps", pipeline.id, pipeline.clear, timeout_seconds=1.0)
        assert caught.value.text == (
            f"delete pipeline swaps: time is up, {pipeline.id} is RUNNING; run the command again to go on"
        )


def test_a_deleted_pipeline_is_no_error_to_delete(emulator: Emulator) -> None:
    """Gone already, and proven: the resource is dropped."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program())
        emulator.remove(pipeline.id)
        pipeline.destroy()
        assert pipeline.id == ""


def test_an_update_of_a_deleted_pipeline_says_what_to_do(emulator: Emulator) -> None:
    """Deleted by hand since the last look: a clean error that asks for a refresh."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program())
        emulator.remove(pipeline.id)
        with pytest.raises(VerbError, match="was deleted elsewhere; run `pulumi refresh`, then `pulumi up`") as caught:
            pipeline.up(program(description="changed"))
        assert caught.value.partial is None
        pipeline.refresh()
        assert pipeline.id == ""
        assert pipeline.up(program(description="changed")) == "create"
