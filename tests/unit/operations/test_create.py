"""POSTs whose answer gets lost, and servers that do not like the mark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.emulator.faults import HTML_BODY
from goldrush_pulumi.operations.context import Policies
from goldrush_pulumi.operations.create import CreateUnknown, create
from goldrush_pulumi.operations.identity import OwnershipTag
from goldrush_pulumi.operations.update import update
from tests.support.account import context_of
from tests.support.clock import FakeClock
from tests.support.pipelines import inputs_of, spec_of
from tests.unit.operations.test_claim import OWNER, URN, Account, Process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goldrush_pulumi.emulator import Emulator
    from goldrush_pulumi.operations.context import OperationContext

LOST: dict[str, dict[str, Any]] = {
    "connection cut": {"drop": "after"},
    "gateway timed out": {"status": 504, "commit": True},
    "server broke": {"status": 500, "commit": True},
    "HTML in place of JSON": {"status": 200, "body": HTML_BODY, "commit": True},
    "another shape": {"status": 201, "body": {"data": {"identifier": "x"}, "error": False}, "commit": True},
}
SHORT, LONG = "Swaps", "Swaps on Base, for the analysts of the second floor, who asked for them in spring"


@pytest.fixture
def account(emulator: Emulator) -> Iterator[Account]:
    account = Account(emulator)
    yield account
    account.close()


class LookingClock(FakeClock):
    """A clock that lets something happen on the server at each sleep."""

    def __init__(self, at_sleep: Callable[[float], None], cancel_at: float = float("inf")) -> None:
        super().__init__(cancel_at)
        self._at_sleep = at_sleep

    def sleep(self, seconds: float) -> bool:
        woken = super().sleep(seconds)
        self._at_sleep(self.seconds)
        return woken


def job_with(process: Process, clock: FakeClock, **options: Any) -> OperationContext:
    return context_of(
        process.client,
        clock,
        inventory=process.inventory,
        claims=process.claims,
        urn=URN,
        **{"tag": OwnershipTag.of(OWNER, URN), **options},
    )


@pytest.mark.parametrize("how", LOST)
def test_a_lost_answer_is_found_by_its_mark(account: Account, how: str) -> None:
    """Whatever hides the answer of a POST that was carried out, the pipeline is found and is ours; one POST."""
    account.server.fault("POST", **LOST[how])

    done = create(account.process().context(), spec_of())

    assert account.ids == [done.pipeline_id]
    assert account.posts() == 1
    assert (done.run.action, done.run.status) == ("create", "Succeeded")


@pytest.mark.parametrize("how", LOST)
def test_a_post_that_was_not_carried_out_is_told(account: Account, how: str) -> None:
    """Where nothing appears within the time, the error says that it is not known, and nothing is sent again."""
    account.server.fault("POST", **{**LOST[how], "commit": False, "drop": "before" if "drop" in LOST[how] else None})
    clock = FakeClock()

    with pytest.raises(CreateUnknown) as unknown:
        create(job_with(account.process(), clock), spec_of())

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

    done = create(job_with(account.process(), LookingClock(show)), spec_of())

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
        create(job_with(account.process(), clock), spec_of())
    assert len(clock.sleeps) == 1


def test_without_a_mark_nothing_can_be_found(account: Account) -> None:
    """With marks turned off a lost answer is told at once."""
    account.server.fault("POST", drop="after")

    with pytest.raises(CreateUnknown):
        create(account.process(owner=None).context(), spec_of())
    assert account.posts() == 1


def test_the_next_run_finds_what_came_late(account: Account) -> None:
    """What no list showed in time is found by the next run and taken over."""
    account.server.fault("POST", drop="after")
    account.server.switch(list_lag_seconds=1e6)
    with pytest.raises(CreateUnknown):
        create(account.process(settings=Policies(recovery_seconds=0.0)).context(), spec_of())
    account.server.switch(list_lag_seconds=0.0)

    done = create(account.process().context(), spec_of())

    assert account.ids == [done.pipeline_id]
    assert account.posts() == 1


# --- Descriptions that get too long -----------------------------------------------------------------------------------


@pytest.mark.parametrize("overflow", ["trim", "refuse"])
@pytest.mark.parametrize("limit", [len(SHORT), len(SHORT) + 3, len(SHORT) + 20])
def test_a_server_without_room_for_the_mark(account: Account, limit: int, overflow: str) -> None:
    """Where the mark does not fit the pipeline is created without, its description is whole, and a warning says so."""
    account.server.switch(description_limit=limit, description_overflow=overflow)

    done = create(account.process().context(), spec_of(description=SHORT))

    assert account.server.pipelines()[0]["description"] == SHORT
    assert account.ids == [done.pipeline_id]
    assert len(account.warnings) == 1 or limit == len(SHORT)


@pytest.mark.parametrize("overflow", ["trim", "refuse"])
def test_a_change_where_the_mark_does_not_fit(account: Account, overflow: str) -> None:
    """A longer description that leaves no room for the mark any more is stored as the user wrote it."""
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


def test_an_update_keeps_the_mark(account: Account) -> None:
    """A new description carries the mark on; a change of anything else does not send the description."""
    process = account.process()
    done = create(process.context(), spec_of(description="one"))
    update(process.context(), done.pipeline_id, inputs_of(description="one"), spec_of(description="two"))
    update(process.context(), done.pipeline_id, inputs_of(description="two"), spec_of(description="two", name="n"))

    (held,) = account.server.pipelines()
    assert held["description"] == OwnershipTag.of(OWNER, URN).on("two")
    patches = [request.body for request in account.server.requests() if request.method == "PATCH"]
    assert [sorted(body) for body in patches] == [["description"], ["name"]]


def test_clearing_a_description_keeps_the_mark(account: Account) -> None:
    """A removed description leaves the mark alone there."""
    process = account.process()
    done = create(process.context(), spec_of(description="one"))
    update(process.context(), done.pipeline_id, inputs_of(description="one"), spec_of())

    assert account.server.pipelines()[0]["description"] == str(OwnershipTag.of(OWNER, URN))
