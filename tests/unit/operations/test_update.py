from __future__ import annotations

from typing import Any

import pytest

from goldrush_pulumi.api import (
    DestinationHealth,
    GoldRushError,
    Interrupted,
    InvalidRequest,
    Pipeline,
    PipelineLogs,
    ServerError,
)
from goldrush_pulumi.operations.context import OperationFailed, Progress
from goldrush_pulumi.operations.outputs import outputs_of
from goldrush_pulumi.operations.update import update
from tests.support.account import context_of
from tests.support.client import ScriptedClient
from tests.support.clock import FakeClock
from tests.support.pipelines import PIPELINE_ID, POSTGRES, inputs_of, response_to, spec_of, status_of

RUNNING, FAILED, PAUSED = status_of("RUNNING"), status_of("FAILED"), status_of("PAUSED")
STOPPED = status_of("STOPPED")
NEW_DEPLOYING, NEW_RUNNING = status_of("DEPLOYING", start_time="t2"), status_of("RUNNING", start_time="t2")
MUTE: dict[str, Any] = {"health": [DestinationHealth()], "logs": [PipelineLogs()]}
REFUSED = InvalidRequest("update pipeline", "rejected by GoldRush (422)", status=422, server_message="no")
BROKEN = ServerError("get status", "GoldRush failed (500)", status=500)


def held(**changes: Any) -> Pipeline:
    """The server's answer for the plain pipeline with `changes`."""
    return response_to(inputs_of(**changes))


def failure_of(call: Any, *arguments: Any) -> OperationFailed:
    with pytest.raises(OperationFailed) as failed:
        call(*arguments)
    return failed.value


def steps(progress: Progress) -> list[tuple[str, str]]:
    return [(step["name"], step["status"]) for step in progress.run.as_output()["steps"]]


# --- update -----------------------------------------------------------------------------------------------------------


def updating(old: dict[str, Any], new: dict[str, Any], **responses: Any) -> tuple[ScriptedClient, Progress]:
    """Update a pipeline from `old` to `new`; unless told otherwise the server takes all of it and redeploys."""
    script = {
        "get": [held(**old), held(**new)],
        "update": [held(**new)],
        "status": [RUNNING, NEW_DEPLOYING, NEW_RUNNING],
    }
    client = ScriptedClient(**{**script, **responses})
    return client, update(context_of(client), PIPELINE_ID, inputs_of(**old), spec_of(**new))


def test_update_sends_what_differs() -> None:
    """A PATCH carries the fields that differ and no others; the new deployment is waited for."""
    client, done = updating({"description": "a"}, {"description": "b"})

    assert client.changes == [("update", {"description": "b"})]
    assert done.status == NEW_RUNNING
    assert (done.run.action, done.run.status) == ("update", "Succeeded")


def test_the_running_of_before_is_not_taken() -> None:
    """After a PATCH the old deployment still shows RUNNING for a moment; the update goes on waiting."""
    client, done = updating({}, {"description": "b"}, status=[RUNNING, RUNNING, RUNNING, NEW_DEPLOYING, NEW_RUNNING])

    assert done.status == NEW_RUNNING
    assert len([call for call in client.calls if call[0] == "status"]) == 5


def test_maps_and_the_destination_go_whole() -> None:
    """A changed map or destination is sent with all that is in it."""
    new = {"transforms": {"a": "SELECT 1", "b": "SELECT 2"}, "destination_config": {**POSTGRES, "password": "rotated"}}
    client, _ = updating({"transforms": {"a": "SELECT 1"}}, new)

    assert client.changes == [
        (
            "update",
            {
                "transforms": new["transforms"],
                "destination_config": {"type": "postgres", **POSTGRES, "password": "rotated"},
            },
        )
    ]


@pytest.mark.parametrize(
    ("old", "new", "action", "shows"),
    [
        ("running", "paused", "pause", [RUNNING, status_of("STOPPING"), PAUSED]),
        ("paused", "running", "resume", [PAUSED, NEW_DEPLOYING, NEW_RUNNING]),
    ],
)
def test_the_status_alone_goes_by_put(old: str, new: str, action: str, shows: list[Any]) -> None:
    """Pausing and resuming is a PUT of the status, recorded by its own name."""
    client, done = updating({"status": old}, {"status": new}, set_status=[held(status=new)], status=shows)

    assert client.changes == [("set_status", new)]
    assert done.run.action == action


def test_the_status_goes_along_with_a_patch() -> None:
    """With other changes the status is part of the PATCH."""
    client, _ = updating(
        {},
        {"status": "paused", "description": "b"},
        update=[held(description="b", status="paused")],
        status=[RUNNING, PAUSED],
    )

    assert client.changes == [("update", {"description": "b", "status": "paused"})]


def test_paused_by_hand_is_set_right() -> None:
    """The answer to a PATCH shows that somebody paused the pipeline: it is resumed."""
    client, _ = updating(
        {},
        {"description": "b"},
        update=[held(description="b", status="paused")],
        set_status=[held(description="b")],
    )

    assert client.changes == [("update", {"description": "b"}), ("set_status", "running")]


@pytest.mark.parametrize("refusal", [REFUSED, Interrupted("update pipeline: cancelled before it was sent")])
def test_refused_change_changes_nothing(refusal: GoldRushError) -> None:
    """A PATCH that was refused or not sent is a plain error: state stays as it is."""
    client = ScriptedClient(get=[held()], status=[RUNNING], update=[refusal])

    with pytest.raises(type(refusal)):
        update(context_of(client), PIPELINE_ID, inputs_of(), spec_of(description="b"))


def test_a_failure_after_the_patch_is_recorded() -> None:
    """Once the PATCH was answered, the change is known to be there: its failure is a partial result."""
    client = ScriptedClient(
        get=[held()], status=[RUNNING, status_of("FAILED", start_time="t2")], update=[held(description="b")], **MUTE
    )

    failed = failure_of(update, context_of(client), PIPELINE_ID, inputs_of(), spec_of(description="b"))

    assert failed.unapplied == ()
    assert "is FAILED after" in failed.reason
    assert outputs_of(spec_of(description="b"), failed.progress, "f", {})["description"] == "b"


# --- clearing ---------------------------------------------------------------------------------------------------------


def test_removing_sends_empty_values() -> None:
    """What was removed is sent as its empty value, and when that cleared it nothing more is sent."""
    client, _ = updating({"description": "a", "execution_start_from": 5}, {}, update=[held()])

    assert client.changes == [("update", {"description": "", "execution_start_from": ""})]


def test_what_was_merged_is_nulled_then() -> None:
    """A server that merges maps keeps the removed table: it is sent as null then."""
    old, new = {"transforms": {"a": "SELECT 1", "b": "SELECT 2"}}, {"transforms": {"a": "SELECT 1"}}
    client, done = updating(old, new, update=[held(**old), held(**new)])

    assert client.changes == [
        ("update", {"transforms": {"a": "SELECT 1"}}),
        ("update", {"transforms": {"a": "SELECT 1", "b": None}}),
    ]
    assert done.pipeline == held(**new)


def test_what_will_not_go_fails_clearly() -> None:
    """A server that keeps what was removed in spite of null is named, and state goes on showing it."""
    old, new = {"transforms": {"a": "SELECT 1", "b": "SELECT 2"}}, {"transforms": {"a": "SELECT 1"}}
    client = ScriptedClient(get=[held(**old)], status=[RUNNING], update=[held(**old)])

    failed = failure_of(update, context_of(client), PIPELINE_ID, inputs_of(**old), spec_of(**new))

    assert failed.unapplied == ("transforms",)
    assert "GoldRush keeps what was removed from transforms" in failed.reason
    assert len(client.changes) == 2
    outputs = outputs_of(spec_of(**new), failed.progress, "f", inputs_of(**old), unapplied=failed.unapplied)
    assert outputs["transforms"] == old["transforms"]
    assert outputs["runs"][0]["status"] == "Failed"


def test_a_masked_setting_that_will_not_go_stays_in_state() -> None:
    """A removed header that the server still shows, masked, is kept with its value: the next update tries again."""
    config = {"url": "https://h/x", "headers": {"X-A": "planted", "X-B": "b"}}
    rest = {"destination_type": "webhook"}
    old = inputs_of(**rest, destination_config=config)
    new = spec_of(**rest, destination_config={**config, "headers": {"X-B": "changed"}})
    client = ScriptedClient(get=[response_to(old)], status=[RUNNING], update=[response_to(old)])

    failed = failure_of(update, context_of(client), PIPELINE_ID, old, new)
    outputs = outputs_of(new, failed.progress, "f", old, unapplied=failed.unapplied)

    assert failed.unapplied == ("destination_config",)
    assert outputs["destination_config"]["headers"] == {"X-A": "planted", "X-B": "changed"}
    assert client.changes[1][1]["destination_config"]["headers"] == {"X-A": None, "X-B": "changed"}


# --- resume -----------------------------------------------------------------------------------------------------------


def resuming(inputs: dict[str, Any] | None = None, **answers: Any) -> tuple[ScriptedClient, Progress]:
    wanted = inputs or {}
    client = ScriptedClient(**{"get": [held(**wanted)], "update": [held(**wanted)], **answers})
    return client, update(context_of(client), PIPELINE_ID, inputs_of(**wanted), spec_of(**wanted))


def test_resume_of_what_has_come_up_meanwhile() -> None:
    """With nothing to send and the pipeline live, the wait is over at once and nothing was changed."""
    client, done = resuming(status=[RUNNING])

    assert client.changes == []
    assert (done.run.action, done.run.status) == ("await", "Succeeded")
    assert done.pipeline == held()


def test_resume_goes_on_waiting() -> None:
    """A pipeline that is still deploying is waited for."""
    client, done = resuming(status=[status_of("DEPLOYING"), status_of("DEPLOYING"), RUNNING])

    assert client.changes == []
    assert done.status == RUNNING


@pytest.mark.parametrize("phase", ["FAILED", "STOPPED"])
def test_resume_of_a_failure_sends_everything_once(phase: str) -> None:
    """A failed pipeline gets its whole configuration again, the secrets too, and heals by it."""
    client, done = resuming({"description": "d"}, status=[status_of(phase), NEW_DEPLOYING, NEW_RUNNING])

    assert client.changes == [
        (
            "update",
            {
                "name": "base-swaps",
                "description": "d",
                "destination_config": {"type": "postgres", **POSTGRES},
                "status": "running",
            },
        )
    ]
    assert done.run.status == "Succeeded"


def test_resume_heals_by_pause_and_resume_where_sending_does_not() -> None:
    """When the failure of before outlasts the PATCH, the pipeline is paused and resumed once."""
    client = ScriptedClient(get=[held()], update=[held()], set_status=[held(status="paused"), held()])
    client.script_status_by_changes({0: FAILED, 1: FAILED, 2: PAUSED, 3: NEW_RUNNING})

    done = update(context_of(client), PIPELINE_ID, inputs_of(), spec_of())

    assert [call[0] for call in client.changes] == ["update", "set_status", "set_status"]
    assert [call[1] for call in client.changes[1:]] == ["paused", "running"]
    assert (done.status, done.run.status) == (NEW_RUNNING, "Succeeded")


def test_a_failure_that_nothing_heals() -> None:
    """Neither sent again nor paused and resumed: the failure is reported, and each was tried once only."""
    client = ScriptedClient(get=[held()], update=[held()], set_status=[held()], status=[FAILED], **MUTE)

    failed = failure_of(update, context_of(client), PIPELINE_ID, inputs_of(), spec_of())

    assert [call[0] for call in client.changes] == ["update", "set_status", "set_status"]
    assert "GoldRush has not deployed it again since the change" in failed.reason


def test_cancelled_between_pause_and_resume() -> None:
    """Cancelled after the pause, the pipeline is not resumed behind the user's back; the record says cancelled."""
    client = ScriptedClient(get=[held()], update=[held()], set_status=[held()], status=[FAILED], **MUTE)

    failed = failure_of(update, context_of(client, FakeClock(cancel_at=24.0)), PIPELINE_ID, inputs_of(), spec_of())

    assert client.changes[-1] == ("set_status", "paused")
    assert failed.progress.run.status == "Cancelled"


def test_resume_of_a_pipeline_paused_by_hand() -> None:
    """With nothing to send and another status than desired, the status is set and the new deployment waited for."""
    client, done = resuming(
        get=[held(status="paused")], set_status=[held()], status=[PAUSED, NEW_DEPLOYING, NEW_RUNNING]
    )

    assert client.changes == [("set_status", "running")]
    assert done.status == NEW_RUNNING


def test_resume_of_a_paused_pipeline_that_failed() -> None:
    """A failed pipeline that is to be paused is not made to run by the cure."""
    client = ScriptedClient(get=[held(status="paused")], update=[held(status="paused")], status=[FAILED], **MUTE)

    failure_of(update, context_of(client), PIPELINE_ID, inputs_of(status="paused"), spec_of(status="paused"))

    assert [call[0] for call in client.changes] == ["update"]


# --- bounded pipelines that have ended --------------------------------------------------------------------------------

BOUNDED = {"execution_mode": "bounded", "execution_stop_from": 9}


@pytest.mark.parametrize("shown", ["running", "paused"])
@pytest.mark.parametrize(
    ("old", "new", "sent"),
    [
        ({}, {}, []),
        ({"status": "paused"}, {"status": "running"}, []),
        ({"status": "running"}, {"status": "paused"}, []),
        ({}, {"triggers": {"run": 2}}, []),
        ({}, {"description": "b"}, [("update", {"description": "b"})]),
        ({"status": "paused"}, {"description": "b"}, [("update", {"description": "b"})]),
        ({}, {"description": "b", "triggers": {"run": 2}}, [("update", {"description": "b"})]),
    ],
)
def test_what_has_ended_is_not_run_again(shown: str, old: Any, new: Any, sent: list[Any]) -> None:
    """Whatever changes about a bounded pipeline that is over, no status is sent, for that might run it again."""
    answer = held(**BOUNDED, **{**new, "status": shown, "triggers": None})
    client = ScriptedClient(get=[answer], update=[answer], status=[STOPPED])

    done = update(context_of(client), PIPELINE_ID, inputs_of(**BOUNDED, **old), spec_of(**BOUNDED, **new))

    assert client.changes == sent
    assert done.run.status == "Succeeded"


# --- triggers ---------------------------------------------------------------------------------------------------------


def test_a_trigger_sends_everything() -> None:
    """A changed trigger deploys again: the whole configuration is sent, and a moved start_time is enough."""
    client, done = updating({}, {"triggers": {"run": 2}})

    assert [call[0] for call in client.changes] == ["update"]
    assert client.changes[0][1]["destination_config"] == {"type": "postgres", **POSTGRES}
    assert "triggers" not in client.changes[0][1]
    assert done.status == NEW_RUNNING


def test_a_trigger_pauses_and_resumes_where_a_patch_does_not_redeploy() -> None:
    """When sending everything left the deployment as it was, the pipeline is paused and resumed."""
    client = ScriptedClient(get=[held()], update=[held()], set_status=[held(status="paused"), held()])
    client.script_status_by_changes({0: RUNNING, 1: RUNNING, 2: PAUSED, 3: NEW_RUNNING})

    done = update(context_of(client), PIPELINE_ID, inputs_of(), spec_of(triggers={"run": 2}))

    assert [call[0] for call in client.changes] == ["update", "set_status", "set_status"]
    assert (done.status, done.run.status) == (NEW_RUNNING, "Succeeded")


def test_a_trigger_leaves_a_paused_pipeline_paused() -> None:
    """A paused pipeline has no deployment to repeat; it gets the configuration and stays paused."""
    desired_status = {"status": "paused"}
    client, _ = updating(
        desired_status, {**desired_status, "triggers": {"run": 2}}, update=[held(**desired_status)], status=[PAUSED]
    )

    assert [call[0] for call in client.changes] == ["update"]


def test_a_trigger_beside_a_removal() -> None:
    """What was removed together with a changed trigger is cleared as well."""
    client, _ = updating({"description": "a"}, {"triggers": {"run": 2}}, update=[held()])

    assert client.changes[0][1]["description"] == ""


def test_a_record_names_the_inputs_that_changed() -> None:
    """Names in the order of the table, no values and nothing hidden; triggers count, a plain resumption has none."""
    old = {"triggers": {"build": "1"}, "description": "old", "__secrets": [["description"]]}
    new = {"triggers": {"build": "2"}, "description": "planted-Passw0rd", "__secrets": []}
    _, progress = updating(old, new)
    assert progress.run.as_output()["changed"] == ["description", "triggers"]
    assert "planted-Passw0rd" not in str(progress.run.as_output())
    _, resumed = updating({}, {}, status=[RUNNING, RUNNING])
    assert (resumed.run.action, resumed.run.as_output()["changed"]) == ("await", [])
