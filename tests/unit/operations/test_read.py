from __future__ import annotations

from typing import Any

import pytest

from goldrush_pulumi.api import DestinationHealth, PipelineLogs, PodLogs
from goldrush_pulumi.operations.context import AbsenceUnproven
from goldrush_pulumi.operations.outputs import outputs_of_reading
from goldrush_pulumi.operations.read import Reading, read
from goldrush_pulumi.operations.redaction import Redactor
from goldrush_pulumi.operations.spec import PipelineSpec
from goldrush_pulumi.schema.pipeline import ECHOED
from goldrush_pulumi.schema.wire import KEY_FINGERPRINT
from tests.support.account import context_of
from tests.support.client import ScriptedClient
from tests.support.pipelines import PASSWORD, PIPELINE_ID, inputs_of, response_to, status_of

SAME_KEY = {KEY_FINGERPRINT: f"fingerprint of {PIPELINE_ID}"}


def reading(inputs: dict[str, Any], phase: str, health: bool | None = True, **changes: Any) -> Reading:  # noqa: FBT001, FBT002
    client = ScriptedClient(
        get=[response_to(inputs, **changes)],
        status=[status_of(phase)],
        health=[DestinationHealth(healthy=health, last_error=None if health else "sick")],
        logs=[PipelineLogs(pods=[PodLogs(pod="p", logs=f"ERROR {PASSWORD}")])],
    )
    seen = read(context_of(client, redact=Redactor([PASSWORD])), PIPELINE_ID, inputs, {})
    assert seen is not None
    return seen


@pytest.mark.parametrize(
    ("inputs", "phase", "fine"),
    [
        ({}, "RUNNING", True),
        ({}, "FAILED", False),
        ({}, "DEPLOYING", False),
        ({}, "STOPPED", False),
        ({}, "PAUSED", False),
        ({"status": "paused"}, "PAUSED", True),
        ({"status": "paused"}, "RUNNING", False),
        ({"execution_mode": "bounded"}, "STOPPED", True),
        ({"execution_mode": "bounded"}, "FAILED", False),
        ({"wait_for": "none"}, "DEPLOYING", True),
        ({"wait_for": "none"}, "FAILED", False),
    ],
)
def test_phase_other_than_desired_is_diagnosed(inputs: dict[str, Any], phase: str, fine: bool) -> None:  # noqa: FBT001
    """Refresh must keep a failure alive: a pipeline that is not what it should be is read with its diagnosis."""
    diagnosis = reading(inputs_of(**inputs), phase).diagnosis

    assert (diagnosis is None) is fine
    if diagnosis is not None:
        assert f"is {phase} (ready 0 of 1)" in diagnosis or phase == "RUNNING"
        assert "ERROR [secret]" in diagnosis


@pytest.mark.parametrize(("health", "fine"), [(True, True), (None, True), (False, False)])
def test_health_is_read_where_it_was_asked_for(health: bool | None, fine: bool) -> None:  # noqa: FBT001
    """An unhealthy destination is complained of only with `wait_for` "healthy"; one not probed yet never is."""
    assert (reading(inputs_of(wait_for="healthy"), "RUNNING", health).diagnosis is None) is fine
    assert reading(inputs_of(), "RUNNING", health).diagnosis is None


def test_a_pipeline_paused_by_hand_is_drift_and_no_failure() -> None:
    """The inputs then say "paused", which it is; the next update shows the difference."""
    seen = reading(inputs_of(), "PAUSED", status="paused")

    assert seen.diagnosis is None
    assert seen.inputs == {**inputs_of(), "status": "paused"}


def test_a_bounded_pipeline_that_ended_shows_no_drift() -> None:
    """STOPPED is its goal; GoldRush may show either desired status."""
    inputs = inputs_of(execution_mode="bounded")

    assert reading(inputs, "STOPPED", status="paused").inputs == inputs


def test_a_look_up_by_id_complains_of_nothing() -> None:
    """Without inputs nobody has asked for anything: a failed pipeline is read as it is."""
    client = ScriptedClient(get=[response_to(inputs_of())], status=[status_of("FAILED")])

    seen = read(context_of(client), PIPELINE_ID, {}, {})

    assert seen is not None
    assert seen.diagnosis is None
    assert seen.inputs["project"] == "analytics-prod"


def test_absence_needs_its_proof() -> None:
    """A proven 404 reads as gone, an unproven one is an error: a wrong key must never empty a stack."""
    assert read(context_of(ScriptedClient(get=[None], list=[[]])), PIPELINE_ID, inputs_of(), SAME_KEY) is None

    with pytest.raises(AbsenceUnproven, match="read pipeline base-swaps"):
        read(context_of(ScriptedClient(get=[None], list=[[]])), PIPELINE_ID, inputs_of(), {"group_id": "grp_1"})


def test_outputs_echo_the_inputs_and_keep_the_records() -> None:
    """Outputs are the inputs without those of the provider's own, fresh reports, and the records of before."""
    inputs = inputs_of(triggers={"run": 1}, adopt_id="pipe_x")
    seen = reading(inputs, "RUNNING")
    outputs = outputs_of_reading(seen.inputs, seen.pipeline, seen.status, "f", {"runs": [1], "created_at": "then"})

    assert {name: outputs[name] for name in ECHOED if name in inputs} == {
        name: value for name, value in inputs.items() if name not in {"adopt_id", "wait_for"}
    }
    assert "adopt_id" not in outputs
    assert "wait_for" not in outputs
    reported = {name: outputs[name] for name in ("uid", "phase", "replicas", "ready", "start_time", "group_id")}
    assert reported == {
        "uid": "uid-1",
        "phase": "RUNNING",
        "replicas": 1,
        "ready": 1,
        "start_time": "t1",
        "group_id": "grp_1",
    }
    assert (outputs["runs"], outputs["created_at"]) == ([1], "then")
    assert outputs["config_version"] == PipelineSpec(inputs).config_version
    assert outputs[KEY_FINGERPRINT] == "f"
