from __future__ import annotations

from typing import Any

import pytest

from goldrush_pulumi.api import (
    AmbiguousResult,
    DestinationHealth,
    GoldRushError,
    Interrupted,
    InvalidRequest,
    Pipeline,
    PipelineLogs,
    ServerError,
)
from goldrush_pulumi.operations.context import AbsenceUnproven, OperationFailed, Progress
from goldrush_pulumi.operations.create import AdoptionRefused, adopt, create
from goldrush_pulumi.operations.delete import delete
from goldrush_pulumi.operations.outputs import outputs_of
from goldrush_pulumi.operations.redaction import Redactor
from goldrush_pulumi.operations.update import PipelineGone, update
from goldrush_pulumi.schema.wire import KEY_FINGERPRINT
from tests.support.account import context_of
from tests.support.client import ScriptedClient
from tests.support.clock import FakeClock
from tests.support.pipelines import PASSWORD, PIPELINE_ID, POSTGRES, inputs_of, response_to, spec_of, status_of

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


# --- create -----------------------------------------------------------------------------------------------------------


def test_create_posts_once_and_waits() -> None:
    """One POST with the whole body, then looks until the pipeline is live; the record tells the steps."""
    client = ScriptedClient(create=[held()], status=[None, status_of("DEPLOYING"), RUNNING])

    done = create(context_of(client), spec_of())

    assert client.changes == [("create", spec_of().create_body())]
    assert done.pipeline_id == PIPELINE_ID
    assert (done.pipeline, done.status) == (held(), RUNNING)
    assert done.run.action == "create"
    assert steps(done) == [
        ("look-up", "Succeeded"),
        ("submit", "Succeeded"),
        ("deploy", "Succeeded"),
        ("ready", "Succeeded"),
    ]


@pytest.mark.parametrize(
    "refusal", [REFUSED, BROKEN, Interrupted("create pipeline: cancelled"), AmbiguousResult("create", "lost")]
)
def test_before_the_answer_of_the_post_an_error_is_a_plain_one(refusal: GoldRushError) -> None:
    """What was not taken is no pipeline: the error passes, or becomes another plain one, and no second POST is sent."""
    client = ScriptedClient(create=[refusal])

    with pytest.raises(GoldRushError):
        create(context_of(client), spec_of())
    assert len(client.changes) == 1


@pytest.mark.parametrize(
    ("trouble", "run", "said"),
    [
        (BROKEN, "Failed", "could not be followed: get status: GoldRush failed (500)"),
        (Interrupted("cancelled"), "Cancelled", "when the update was cancelled"),
        (RuntimeError(PASSWORD), "Failed", "could not be followed: internal error RuntimeError"),
        (KeyboardInterrupt(), "Failed", "internal error KeyboardInterrupt"),
        (SystemExit(3), "Failed", "internal error SystemExit"),
    ],
)
def test_after_the_post_every_error_keeps_the_pipeline(trouble: BaseException, run: str, said: str) -> None:
    """Whatever is raised once a pipeline exists, it is recorded with its id, a reason, and no secret."""
    client = ScriptedClient(create=[held()], status=[trouble], **MUTE)

    failed = failure_of(create, context_of(client, redact=Redactor([PASSWORD])), spec_of())

    assert failed.progress.pipeline_id == PIPELINE_ID
    assert failed.progress.run.status == run
    assert said in failed.reason
    assert f"goldrush-pulumi logs {PIPELINE_ID} --follow" in failed.reason
    assert PASSWORD not in failed.reason + str(failed)


def test_a_server_message_is_redacted_before_it_is_cut() -> None:
    """An error that quotes a secret across the length that is shown leaves no half of it."""
    quoting = ServerError("get status", "failed", status=500, server_message="x" * 290 + PASSWORD)
    client = ScriptedClient(create=[held()], status=[quoting])

    failed = failure_of(create, context_of(client, redact=Redactor([PASSWORD])), spec_of())

    assert PASSWORD[:6] not in failed.reason


@pytest.mark.parametrize(
    ("shows", "run", "said"),
    [
        ([FAILED], "Failed", "is FAILED after 2"),
        ([STOPPED], "Failed", "is STOPPED after 2"),
        ([status_of("DEPLOYING")], "TimedOut", "is still DEPLOYING after 600 s"),
        ([RUNNING.model_copy(update={"ready": 0})], "TimedOut", "is still RUNNING after 600 s (ready 0 of 1)"),
        ([None], "Failed", "disappeared after 2"),
    ],
)
def test_a_deployment_that_does_not_come_up(shows: list[Any], run: str, said: str) -> None:
    """Failed, stopped, too slow or gone: each is recorded with its diagnosis."""
    failed = failure_of(create, context_of(ScriptedClient(create=[held()], status=shows, **MUTE)), spec_of())

    assert failed.progress.run.status == run
    assert said in failed.reason


def test_cancelled_while_waiting() -> None:
    """Cancelled in a sleep: recorded as such, with the phase that was last seen."""
    client = ScriptedClient(create=[held()], status=[status_of("DEPLOYING")], **MUTE)

    failed = failure_of(create, context_of(client, FakeClock(cancel_at=3.0)), spec_of())

    assert failed.progress.run.status == "Cancelled"
    assert "was DEPLOYING after" in failed.reason


def test_the_time_of_the_verb_is_the_time_of_the_wait() -> None:
    """`custom_timeouts` bounds the whole verb."""
    clock = FakeClock()
    client = ScriptedClient(create=[held()], status=[status_of("DEPLOYING")], **MUTE)

    failure_of(create, context_of(client, clock, timeout_seconds=45.0), spec_of())

    assert clock.seconds == pytest.approx(45.0)


def test_paused_from_the_start() -> None:
    """A wish for "paused" goes with the POST; where the server honours it nothing more is sent."""
    client = ScriptedClient(create=[held(status="paused")], status=[PAUSED])

    create(context_of(client), spec_of(status="paused"))

    assert client.changes == [("create", spec_of(status="paused").create_body())]


def test_paused_from_the_start_where_the_server_does_not_listen() -> None:
    """Where the new pipeline runs all the same, it is paused."""
    client = ScriptedClient(create=[held()], set_status=[held(status="paused")], status=[RUNNING, PAUSED])

    done = create(context_of(client), spec_of(status="paused"))

    assert [call[0] for call in client.changes] == ["create", "set_status"]
    assert client.changes[1] == ("set_status", "paused")
    assert done.pipeline is not None
    assert done.pipeline.status == "paused"


def test_a_bounded_pipeline_may_be_over_at_once() -> None:
    """STOPPED is success for a bounded pipeline, though RUNNING was never seen."""
    client = ScriptedClient(create=[held(execution_mode="bounded")], status=[status_of("DEPLOYING"), STOPPED])

    assert create(context_of(client), spec_of(execution_mode="bounded")).run.status == "Succeeded"


def test_nobody_waits() -> None:
    """With `wait_for` "none" one look is taken for the record, and one that is not possible yet is no failure."""
    client = ScriptedClient(create=[held()], status=[FAILED])
    assert create(context_of(client), spec_of(wait_for="none")).status == FAILED
    assert len(client.calls) == 2

    warnings: list[str] = []
    client = ScriptedClient(create=[held()], status=[None])
    create(context_of(client, warn=warnings.append), spec_of(wait_for="none"))
    assert warnings == ["pipeline base-swaps: its status cannot be seen yet"]


def test_healthy_is_waited_for() -> None:
    """With `wait_for` "healthy" the destination is asked, but only once the pipeline is live."""
    healths = [DestinationHealth(), DestinationHealth(healthy=True)]
    client = ScriptedClient(create=[held()], status=[status_of("DEPLOYING"), RUNNING], health=healths)

    done = create(context_of(client), spec_of(wait_for="healthy"))

    assert [call[0] for call in client.calls] == ["create", "status", "status", "health", "status", "health"]
    assert steps(done)[-1] == ("destination", "Succeeded")


def test_unhealthy_is_a_failure() -> None:
    """A destination that stays unhealthy fails the deployment with what its probe said."""
    sick = DestinationHealth(healthy=False, last_error="bucket missing")
    client = ScriptedClient(create=[held()], status=[RUNNING], health=[sick], logs=[PipelineLogs()])

    failed = failure_of(create, context_of(client), spec_of(wait_for="healthy"))

    assert "but its destination is not healthy\n  destination: bucket missing" in failed.reason


# --- update -----------------------------------------------------------------------------------------------------------


def updating(old: dict[str, Any], new: dict[str, Any], **answers: Any) -> tuple[ScriptedClient, Progress]:
    client = ScriptedClient(**{"status": [RUNNING, NEW_DEPLOYING, NEW_RUNNING], "update": [held(**new)], **answers})
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
        {}, {"status": "paused", "description": "b"}, update=[held(status="paused")], status=[RUNNING, PAUSED]
    )

    assert client.changes == [("update", {"description": "b", "status": "paused"})]


def test_paused_by_hand_is_set_right() -> None:
    """The answer to a PATCH shows that somebody paused the pipeline: it is resumed."""
    client, _ = updating({}, {"description": "b"}, update=[held(status="paused")], set_status=[held()])

    assert client.changes == [("update", {"description": "b"}), ("set_status", "running")]


@pytest.mark.parametrize("refusal", [REFUSED, Interrupted("cancelled"), AmbiguousResult("update", "answer lost")])
def test_a_change_that_was_not_taken_changes_nothing(refusal: GoldRushError) -> None:
    """A PATCH that was refused, not sent or lost is a plain error: state stays as it is."""
    client = ScriptedClient(status=[RUNNING], update=[refusal])

    with pytest.raises(type(refusal)):
        update(context_of(client), PIPELINE_ID, inputs_of(), spec_of(description="b"))


def test_a_failure_after_the_patch_is_recorded() -> None:
    """Once the PATCH was answered, the change is known to be there: its failure is a partial result."""
    client = ScriptedClient(
        status=[RUNNING, status_of("FAILED", start_time="t2")], update=[held(description="b")], **MUTE
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
    """A server that merges maps keeps the removed table: it is told again with null."""
    old, new = {"transforms": {"a": "SELECT 1", "b": "SELECT 2"}}, {"transforms": {"a": "SELECT 1"}}
    client, done = updating(old, new, update=[held(**old), held(**new)])

    assert client.changes == [
        ("update", {"transforms": {"a": "SELECT 1"}}),
        ("update", {"transforms": {"a": "SELECT 1", "b": None}}),
    ]
    assert done.pipeline == held(**new)


def test_what_will_not_go_fails_clearly() -> None:
    """A server that keeps what was removed in spite of null is told of, and state goes on showing it."""
    old, new = {"transforms": {"a": "SELECT 1", "b": "SELECT 2"}}, {"transforms": {"a": "SELECT 1"}}
    client = ScriptedClient(status=[RUNNING], update=[held(**old)])

    failed = failure_of(update, context_of(client), PIPELINE_ID, inputs_of(**old), spec_of(**new))

    assert failed.unapplied == ("transforms",)
    assert "GoldRush keeps what was removed from transforms" in failed.reason
    assert len(client.changes) == 2
    outputs = outputs_of(spec_of(**new), failed.progress, "f", inputs_of(**old), failed.unapplied)
    assert outputs["transforms"] == old["transforms"]
    assert outputs["runs"][0]["status"] == "Failed"


def test_a_masked_setting_that_will_not_go_stays_in_state() -> None:
    """A removed header that the server still shows, masked, is kept with its value: the next update tries again."""
    config = {"url": "https://h/x", "headers": {"X-A": "planted", "X-B": "b"}}
    rest = {"destination_type": "webhook"}
    old = inputs_of(**rest, destination_config=config)
    new = spec_of(**rest, destination_config={**config, "headers": {"X-B": "changed"}})
    client = ScriptedClient(status=[RUNNING], update=[response_to(old)])

    failed = failure_of(update, context_of(client), PIPELINE_ID, old, new)
    outputs = outputs_of(new, failed.progress, "f", old, failed.unapplied)

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
    client = ScriptedClient(update=[held()], set_status=[held(status="paused"), held()])
    client.script_status_by_changes({0: FAILED, 1: FAILED, 2: PAUSED, 3: NEW_RUNNING})

    done = update(context_of(client), PIPELINE_ID, inputs_of(), spec_of())

    assert [call[0] for call in client.changes] == ["update", "set_status", "set_status"]
    assert [call[1] for call in client.changes[1:]] == ["paused", "running"]
    assert (done.status, done.run.status) == (NEW_RUNNING, "Succeeded")


def test_a_failure_that_nothing_heals() -> None:
    """Neither sent again nor paused and resumed: the failure is told, and each was tried once only."""
    client = ScriptedClient(get=[held()], update=[held()], set_status=[held()], status=[FAILED], **MUTE)

    failed = failure_of(update, context_of(client), PIPELINE_ID, inputs_of(), spec_of())

    assert [call[0] for call in client.changes] == ["update", "set_status", "set_status"]
    assert "GoldRush has not deployed it anew since the change" in failed.reason


def test_cancelled_between_pause_and_resume() -> None:
    """Cancelled after the pause, the pipeline is not resumed behind the user's back; the record says cancelled."""
    client = ScriptedClient(get=[held()], update=[held()], set_status=[held()], status=[FAILED], **MUTE)

    failed = failure_of(update, context_of(client, FakeClock(cancel_at=24.0)), PIPELINE_ID, inputs_of(), spec_of())

    assert client.changes[-1] == ("set_status", "paused")
    assert failed.progress.run.status == "Cancelled"


def test_resume_of_a_pipeline_paused_by_hand() -> None:
    """With nothing to send and the wish not met, the status is set and the new deployment waited for."""
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
    """A changed trigger deploys anew: the whole configuration is sent, and a moved start_time is enough."""
    client, done = updating({}, {"triggers": {"run": 2}})

    assert [call[0] for call in client.changes] == ["update"]
    assert client.changes[0][1]["destination_config"] == {"type": "postgres", **POSTGRES}
    assert "triggers" not in client.changes[0][1]
    assert done.status == NEW_RUNNING


def test_a_trigger_pauses_and_resumes_where_a_patch_does_not_redeploy() -> None:
    """When sending everything left the deployment as it was, the pipeline is paused and resumed."""
    client = ScriptedClient(update=[held()], set_status=[held(status="paused"), held()])
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


# --- gone, hidden -----------------------------------------------------------------------------------------------------


def test_update_of_a_pipeline_that_was_deleted() -> None:
    """A proven 404 says what to run; nothing was sent."""
    client = ScriptedClient(status=[None])

    with pytest.raises(PipelineGone, match="run `pulumi refresh`, then `pulumi up`"):
        update(
            context_of(client),
            PIPELINE_ID,
            {**inputs_of(), KEY_FINGERPRINT: f"fingerprint of {PIPELINE_ID}"},
            spec_of(),
        )


def test_update_with_the_key_of_another_account() -> None:
    """An unproven 404 is another account's pipeline for all we know."""
    client = ScriptedClient(status=[None], list=[[]])

    with pytest.raises(AbsenceUnproven, match="update pipeline base-swaps"):
        update(context_of(client), PIPELINE_ID, {**inputs_of(), "group_id": "grp_1"}, spec_of())
    assert client.changes == []


# --- adopt ------------------------------------------------------------------------------------------------------------


def test_adopt_sends_the_destination_always() -> None:
    """Secrets cannot be compared, so a destination that has some is sent even when all that is visible agrees."""
    client = ScriptedClient(get=[held()], update=[held()], status=[RUNNING])

    done = adopt(context_of(client), spec_of(), PIPELINE_ID)

    assert client.changes == [("update", {"destination_config": {"type": "postgres", **POSTGRES}})]
    assert (done.pipeline_id, done.run.action) == (PIPELINE_ID, "adopt")


def test_adopt_sends_what_differs() -> None:
    """A pipeline that is taken over becomes what is declared, what it has beyond that included."""
    there = {"description": "old", "transforms": {"a": "SELECT 1"}, "name": "by hand"}
    client = ScriptedClient(get=[held(**there)], update=[held()], status=[RUNNING, NEW_RUNNING])

    adopt(context_of(client), spec_of(), PIPELINE_ID)

    assert client.changes == [
        (
            "update",
            {
                "name": "base-swaps",
                "description": "",
                "destination_config": {"type": "postgres", **POSTGRES},
                "transforms": {},
            },
        )
    ]


def test_adopt_with_nothing_to_send() -> None:
    """A destination without secrets that agrees in everything is only waited for."""
    plain = {"destination_type": "webhook", "destination_config": {"url": "https://h/x"}}
    client = ScriptedClient(get=[held(**plain)], status=[status_of("DEPLOYING"), RUNNING])

    done = adopt(context_of(client), spec_of(**plain), PIPELINE_ID)

    assert client.changes == []
    assert done.run.status == "Succeeded"


def test_adopt_pauses_what_is_to_be_paused() -> None:
    """When the wish is all that differs, it goes by PUT."""
    plain = {"destination_type": "webhook", "destination_config": {"url": "https://h/x"}}
    client = ScriptedClient(get=[held(**plain)], set_status=[held(**plain, status="paused")], status=[RUNNING, PAUSED])

    adopt(context_of(client), spec_of(**plain, status="paused"), PIPELINE_ID)

    assert client.changes == [("set_status", "paused")]


@pytest.mark.parametrize(
    ("field", "value"),
    [("project", "other"), ("topic", "other.topic"), ("destination_type", "kafka"), ("execution_mode", "bounded")],
)
def test_adopt_refuses_what_cannot_be_changed(field: str, value: str) -> None:
    """A pipeline that differs in a field that no PATCH takes is left alone; the message names the field."""
    client = ScriptedClient(get=[response_to(inputs_of(), **{field: value})], status=[RUNNING])

    with pytest.raises(AdoptionRefused, match=f"{field} is '{value}'"):
        adopt(context_of(client), spec_of(), PIPELINE_ID)
    assert client.changes == []


def test_adopt_refuses_what_does_not_exist() -> None:
    """An id that is wrong, or hidden from the key, is said to be so."""
    with pytest.raises(AdoptionRefused, match="does not exist or is hidden"):
        adopt(context_of(ScriptedClient(get=[None])), spec_of(), PIPELINE_ID)


def test_adopt_takes_each_pipeline_once() -> None:
    """Two resources of one program cannot take the same pipeline."""
    context = context_of(ScriptedClient(get=[held()], update=[held()], status=[RUNNING]))
    adopt(context, spec_of(), PIPELINE_ID)

    with pytest.raises(AdoptionRefused, match="another resource's already"):
        adopt(context, spec_of(), PIPELINE_ID)


# --- delete -----------------------------------------------------------------------------------------------------------


def test_delete_waits_until_it_is_gone() -> None:
    """After the DELETE the object is looked for until it is gone, whether or not its worker still reports."""
    client = ScriptedClient(delete=[True], get=[held(), held(), held(), None], status=[status_of("STOPPING"), None])

    delete(context_of(client), PIPELINE_ID, {})

    assert client.changes == [("delete", PIPELINE_ID)]
    assert [call[0] for call in client.calls] == ["delete", *["get", "status"] * 3, "get"]


def test_delete_of_what_is_gone_already() -> None:
    """A proven 404 is as good as a deletion."""
    client = ScriptedClient(delete=[None])

    delete(context_of(client), PIPELINE_ID, {KEY_FINGERPRINT: f"fingerprint of {PIPELINE_ID}"})

    assert [call[0] for call in client.calls] == ["delete"]


def test_delete_proven_by_the_group() -> None:
    """Another pipeline of the same group in the list proves the 404."""
    client = ScriptedClient(delete=[None], list=[[Pipeline.model_validate({"id": "p", "group": {"id": "grp_1"}})]])

    delete(context_of(client), PIPELINE_ID, {"group_id": "grp_1", KEY_FINGERPRINT: "other"})


def test_delete_with_the_key_of_another_account() -> None:
    """An unproven 404 deletes nothing, and state must keep the pipeline."""
    client = ScriptedClient(delete=[None], list=[[]])

    with pytest.raises(AbsenceUnproven, match="delete pipeline base-swaps"):
        delete(context_of(client), PIPELINE_ID, {"group_id": "grp_1", KEY_FINGERPRINT: "other"})


@pytest.mark.parametrize(
    ("clock", "said"), [(FakeClock(), "time is up"), (FakeClock(cancel_at=5.0), "cancelled")], ids=["late", "cancelled"]
)
def test_delete_that_takes_too_long(clock: FakeClock, said: str) -> None:
    """Time that is up, or a cancel, is an error that says what is still there: state keeps the pipeline."""
    client = ScriptedClient(delete=[True], get=[held()], status=[status_of("STOPPING")])

    with pytest.raises(GoldRushError, match=f"delete pipeline base-swaps: {said}, {PIPELINE_ID} is STOPPING"):
        delete(context_of(client, clock), PIPELINE_ID, {})
