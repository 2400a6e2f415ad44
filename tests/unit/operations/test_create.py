"""Creating a pipeline: the POST, the wait, lost responses, and servers that do not like the tag."""

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
from goldrush_pulumi.emulator.faults import HTML_BODY
from goldrush_pulumi.operations.context import OperationFailed, Progress
from goldrush_pulumi.operations.create import CreateUnknown, create
from goldrush_pulumi.operations.redaction import Redactor
from goldrush_pulumi.operations.update import update
from tests.support.account import TAG, Account, context_of
from tests.support.client import ScriptedClient
from tests.support.clock import FakeClock
from tests.support.pipelines import PASSWORD, PIPELINE_ID, inputs_of, response_to, spec_of, status_of

RUNNING, FAILED, PAUSED, STOPPED = (status_of(phase) for phase in ("RUNNING", "FAILED", "PAUSED", "STOPPED"))
MUTE: dict[str, Any] = {"health": [DestinationHealth()], "logs": [PipelineLogs()]}
REFUSED = InvalidRequest("create pipeline", "rejected by GoldRush (422)", status=422, server_message="no")
BROKEN = ServerError("get status", "GoldRush failed (500)", status=500)
LOST: dict[str, dict[str, Any]] = {
    "connection cut": {"drop": "after"},
    "gateway timed out": {"status": 504, "commit": True},
    "server broke": {"status": 500, "commit": True},
    "HTML in place of JSON": {"status": 200, "body": HTML_BODY, "commit": True},
    "another shape": {"status": 201, "body": {"data": {"identifier": "x"}, "error": False}, "commit": True},
}
SHORT, LONG = "Swaps", "Swaps on Base, for the analysts of the second floor, who asked for them in spring"


def held(**changes: Any) -> Pipeline:
    """The server's answer for the plain pipeline with `changes`."""
    return response_to(inputs_of(**changes))


def failure_of(call: Any, *arguments: Any) -> OperationFailed:
    with pytest.raises(OperationFailed) as failed:
        call(*arguments)
    return failed.value


def steps(progress: Progress) -> list[tuple[str, str]]:
    return [(step["name"], step["status"]) for step in progress.run.as_output()["steps"]]


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
    """The desired status "paused" goes with the POST; where the server honours it nothing more is sent."""
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


# --- Lost responses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", LOST)
def test_lost_response_is_found_by_the_tag(account: Account, how: str) -> None:
    """Whatever hides the response to a POST that was carried out, the pipeline is found and is ours; one POST."""
    account.server.fault("POST", **LOST[how])

    done = create(account.process().context(), spec_of())

    assert account.ids == [done.pipeline_id]
    assert account.posts() == 1
    assert (done.run.action, done.run.status) == ("create", "Succeeded")


@pytest.mark.parametrize("how", LOST)
def test_post_that_was_not_carried_out_is_reported(account: Account, how: str) -> None:
    """Where nothing appears within the time, the error says that it is not known, and nothing is sent again."""
    account.server.fault("POST", **{**LOST[how], "commit": False, "drop": "before" if "drop" in LOST[how] else None})
    clock = FakeClock()

    with pytest.raises(CreateUnknown) as unknown:
        create(account.process().context(clock=clock), spec_of())

    text = str(unknown.value)
    assert text.startswith("create pipeline base-swaps: it is not known whether it was created (")
    assert "run `pulumi up` again" in text
    assert 30 <= clock.now() <= 33
    assert account.posts() == 1
    assert account.ids == []


def test_a_late_commit_is_waited_for(account: Account) -> None:
    """A pipeline that shows in the list only 20 s after its POST is still found."""
    account.server.fault("POST", drop="after")
    account.server.switch(list_lag_seconds=1e6)

    def show(seconds: float) -> None:
        if seconds >= 20:
            account.server.switch(list_lag_seconds=0.0)

    done = create(account.process().context(clock=FakeClock(at_sleep=show)), spec_of())

    assert account.ids == [done.pipeline_id]


def test_trouble_while_looking_does_not_end_the_look(account: Account) -> None:
    """Lists that fail right after the lost POST are read again until one succeeds."""
    account.server.fault("POST", drop="after")
    account.server.fault("GET", "*/pipeline-api/", skip=1, status=403, times=3)

    done = create(account.process().context(), spec_of())

    assert account.ids == [done.pipeline_id]


def test_ctrl_c_ends_the_look(account: Account) -> None:
    """Cancelled while looking: the error says that it is not known."""
    account.server.fault("POST", drop="before")
    clock = FakeClock(cancel_at=1)

    with pytest.raises(CreateUnknown):
        create(account.process().context(clock=clock), spec_of())
    assert len(clock.sleeps) == 1


def test_without_a_tag_nothing_can_be_found(account: Account) -> None:
    """With tags turned off a lost response fails the create at once."""
    account.server.fault("POST", drop="after")

    with pytest.raises(CreateUnknown):
        create(account.process(owner=None).context(), spec_of())
    assert account.posts() == 1


def test_the_next_run_finds_what_came_late(account: Account) -> None:
    """What no list showed in time is found by the next run and taken over."""
    account.server.fault("POST", drop="after")
    account.server.switch(list_lag_seconds=1e6)
    with pytest.raises(CreateUnknown):
        create(account.process(recovery_seconds=0.0).context(), spec_of())
    account.server.switch(list_lag_seconds=0.0)

    done = create(account.process().context(), spec_of())

    assert account.ids == [done.pipeline_id]
    assert account.posts() == 1


# --- Descriptions that get too long -----------------------------------------------------------------------------------


@pytest.mark.parametrize("overflow", ["trim", "refuse"])
@pytest.mark.parametrize("limit", [len(SHORT), len(SHORT) + 3, len(SHORT) + 20])
def test_a_server_without_room_for_the_tag(account: Account, limit: int, overflow: str) -> None:
    """Where the tag does not fit, the pipeline is created without, its description is whole, and a warning says so."""
    account.server.switch(description_limit=limit, description_overflow=overflow)

    done = create(account.process().context(), spec_of(description=SHORT))

    assert account.server.pipelines()[0]["description"] == SHORT
    assert account.ids == [done.pipeline_id]
    assert len(account.warnings) == 1 or limit == len(SHORT)


@pytest.mark.parametrize("overflow", ["trim", "refuse"])
def test_a_change_where_the_tag_does_not_fit(account: Account, overflow: str) -> None:
    """A longer description that leaves no room for the tag any more is stored as the user wrote it."""
    done = create(account.process().context(), spec_of(description=SHORT))
    account.server.switch(description_limit=len(LONG) + 10, description_overflow=overflow)

    update(account.process().context(), done.pipeline_id, inputs_of(description=SHORT), spec_of(description=LONG))

    assert account.server.pipelines()[0]["description"] == LONG
    assert len(account.warnings) == 1


def test_a_server_that_cuts_even_the_users_words(account: Account) -> None:
    """Nothing is sent again to a server that would only cut it again."""
    account.server.switch(description_limit=70)

    create(account.process().context(), spec_of(description=LONG))

    assert account.server.pipelines()[0]["description"] == LONG[:70]
    assert [request.method for request in account.server.requests() if request.method != "GET"] == ["POST"]


def test_an_update_keeps_the_tag(account: Account) -> None:
    """A new description carries the tag on; a change of anything else does not send the description."""
    process = account.process()
    done = create(process.context(), spec_of(description="one"))
    update(process.context(), done.pipeline_id, inputs_of(description="one"), spec_of(description="two"))
    update(process.context(), done.pipeline_id, inputs_of(description="two"), spec_of(description="two", name="n"))

    (held,) = account.server.pipelines()
    assert held["description"] == TAG.on("two")
    patches = [request.body for request in account.server.requests() if request.method == "PATCH"]
    assert [sorted(body) for body in patches] == [["description"], ["name"]]


def test_clearing_a_description_keeps_the_tag(account: Account) -> None:
    """A removed description leaves nothing but the tag."""
    process = account.process()
    done = create(process.context(), spec_of(description="one"))
    update(process.context(), done.pipeline_id, inputs_of(description="one"), spec_of())

    assert account.server.pipelines()[0]["description"] == str(TAG)
