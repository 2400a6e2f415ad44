"""Changes of which it is not clear that GoldRush took them: lost responses, old objects, pipelines of other stacks."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from goldrush_pulumi.api import GoldRushClient, RateLimiter
from goldrush_pulumi.emulator.faults import HTML_BODY
from goldrush_pulumi.operations.create import adopt
from goldrush_pulumi.operations.diff import compare
from goldrush_pulumi.operations.read import read
from goldrush_pulumi.operations.spec import PipelineSpec
from goldrush_pulumi.operations.update import ChangeLost, UpdateRefused, update
from goldrush_pulumi.schema.wire import TAG_OWNER, UNCONFIRMED
from tests.support.account import OWNER, STRANGER, TAG, Account
from tests.support.clock import FakeClock
from tests.support.deployed import DeployedPipeline
from tests.support.pipelines import POSTGRES, inputs_of, spec_of

LOST: dict[str, dict[str, Any]] = {
    "502": {"status": 502, "commit": True},
    "foreign body": {"status": 200, "body": HTML_BODY, "commit": True},
    "empty body": {"status": 200, "body": "", "commit": True},
    "connection dropped": {"drop": "after"},
}
ROTATED = {**POSTGRES, "password": "rotated"}


# --- Lost responses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", LOST)
def test_change_that_was_carried_out_is_found(stack: DeployedPipeline, how: str) -> None:
    """Whatever hides the response of a PATCH that was carried out, the server shows it and the update goes on."""
    stack.account.server.fault("PATCH", **LOST[how])

    stack.up(description="new")

    assert stack.server_has["description"] == TAG.on("new")
    assert UNCONFIRMED not in stack.outputs
    assert stack.account.sent() == ["PATCH"]


@pytest.mark.parametrize("how", LOST)
def test_change_that_was_not_carried_out_is_a_plain_error(stack: DeployedPipeline, how: str) -> None:
    """The server still shows the old values after the stabilization window: state stays, and nothing is sent again."""
    stack.account.server.fault(
        "PATCH", **{**LOST[how], "commit": False, **({"drop": "before"} if "drop" in LOST[how] else {})}
    )
    clock = FakeClock()

    with pytest.raises(ChangeLost) as lost:
        stack.up(stack.account.process().context(clock=clock), description="new")
    text = str(lost.value)
    assert text.startswith(f"update pipeline base-swaps: GoldRush has not applied it, {stack.id} is as it was (")
    assert text.endswith("run `pulumi up` again")
    assert "not known" not in text
    assert clock.now() >= 5
    assert stack.account.sent() == ["PATCH"]


def test_change_that_is_carried_out_late_is_found(stack: DeployedPipeline) -> None:
    """A gateway gives up, and the PATCH takes effect two seconds later: it was applied."""
    stack.account.server.fault("PATCH", drop="before")

    def apply(seconds: float) -> None:
        if seconds >= 2:
            stack.account.server.edit(stack.id, description=TAG.on("new"))

    stack.up(stack.account.process().context(clock=FakeClock(at_sleep=apply)), description="new")
    assert stack.outputs["description"] == "new"


@pytest.mark.parametrize("how", LOST)
@pytest.mark.parametrize("carried_out", [True, False])
def test_credentials_are_sent_again_whatever_the_program_says(
    stack: DeployedPipeline, how: str, *, carried_out: bool
) -> None:
    """Nobody can see a password: the update is recorded as partial, and reverting the program sends the old one."""
    drop = {"drop": "after" if carried_out else "before"} if "drop" in LOST[how] else {}
    stack.account.server.fault("PATCH", **{**LOST[how], **drop, "commit": carried_out})

    failed = stack.fails(destination_config=ROTATED)

    assert "it is not known whether GoldRush applied destination_config" in failed.reason
    assert "run `pulumi up` again" in failed.reason
    assert "rotated" not in failed.reason
    assert failed.unconfirmed == ("destination_config",)
    assert compare(stack.outputs, inputs_of()).updates == ("destination_config",)
    stack.up()
    assert stack.server_has["destination_config"]["password"] == POSTGRES["password"]
    assert UNCONFIRMED not in stack.outputs


def test_credentials_are_sent_again_by_the_same_program(stack: DeployedPipeline) -> None:
    """With an unchanged program the next update, which only resumes, sends what is not confirmed."""
    stack.account.server.fault("PATCH", drop="before")
    stack.fails(destination_config=ROTATED)

    stack.up(destination_config=ROTATED)

    assert stack.server_has["destination_config"]["password"] == "rotated"


def test_refresh_keeps_what_is_not_confirmed(stack: DeployedPipeline) -> None:
    """A refresh in between sees no password either: it says so, and keeps the note."""
    stack.account.server.fault("PATCH", drop="before")
    stack.fails(destination_config=ROTATED)
    inputs = inputs_of(destination_config=ROTATED)

    seen = read(stack.account.process().context(), stack.id, inputs, stack.outputs)

    assert seen is not None
    assert seen.unconfirmed == ("destination_config",)
    assert "it is not known whether GoldRush applied destination_config" in str(seen.diagnosis)


def test_server_that_cannot_be_seen_after_a_lost_response(stack: DeployedPipeline) -> None:
    """When the look fails too, the change is recorded as not confirmed, and the revert is sent."""
    stack.account.server.fault("PATCH", drop="after")
    stack.account.server.fault("GET", f"*/{stack.id}/", status=403, skip=1)

    failed = stack.fails(description="new")

    assert failed.unconfirmed == ("description",)
    assert stack.server_has["description"] == TAG.on("new")
    stack.up()
    assert stack.server_has["description"] == str(TAG)


def test_cancel_between_two_tries_of_a_change(stack: DeployedPipeline) -> None:
    """Ctrl-C after a PATCH whose response got lost: it may have been applied, so the revert must be sent."""
    cancelled = threading.Event()
    client = GoldRushClient(
        service_key=stack.account.server.service_key,
        base_url=stack.account.server.base_url,
        rate_limiter=RateLimiter(100_000),
        retry_seconds=60.0,
        cancelled=cancelled,
    )
    fault = stack.account.server.fault("PATCH", drop="after", times=None)
    context = replace(stack.account.process().context(), client=client)

    def interrupt() -> None:
        while not fault.hits:
            cancelled.wait(0.01)
        cancelled.set()

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    failed = stack.fails(context, description="new")
    watcher.join(30)
    client.close()

    assert failed.unconfirmed == ("description",)
    stack.account.server.clear_faults()
    assert stack.server_has["description"] == TAG.on("new")
    stack.up()
    assert stack.server_has["description"] == str(TAG)


@pytest.mark.parametrize("desired", ["paused", "running"])
def test_lost_response_of_a_pause_or_resume(stack: DeployedPipeline, desired: str) -> None:
    """PUT is as ambiguous as PATCH: what was carried out is found."""
    if desired == "running":
        stack.up(status="paused")
    stack.account.server.fault("PUT", drop="after")

    stack.up(status=desired)

    assert stack.server_has["status"] == desired
    assert stack.outputs["status"] == desired


# --- Responses with the old object ------------------------------------------------------------------------------------


def test_ignored_change_fails_by_the_name_of_its_field(stack: DeployedPipeline) -> None:
    """A 200 with the old object is no success; state shows what the server has, and the next update sends it again."""
    stack.account.server.fault("PATCH", change="ignored")

    failed = stack.fails(description="new")

    assert "GoldRush accepted the change but did not take description" in failed.reason
    assert stack.outputs["description"] == ""
    assert stack.outputs["runs"][0]["status"] == "Failed"
    stack.up(description="new")
    assert stack.server_has["description"] == TAG.on("new")
    assert stack.outputs["description"] == "new"


def test_ignored_map_fails_and_is_recorded_as_it_is(stack: DeployedPipeline) -> None:
    """Of several fields the one that was ignored is named, and the others are not."""
    transforms = {"swaps": "SELECT tx_hash FROM swaps"}
    stack.account.server.fault("PATCH", change="ignored")

    failed = stack.fails(transforms=transforms)

    assert failed.unapplied == ("transforms",)
    assert stack.outputs["transforms"] == {}
    assert compare(stack.outputs, inputs_of(transforms=transforms)).updates == ("transforms",)


def test_change_that_takes_effect_late_is_waited_for(stack: DeployedPipeline) -> None:
    """A 200 with the old object whose change follows within the stabilization window is a success."""
    stack.account.server.fault("PATCH", change="ignored")

    def apply(seconds: float) -> None:
        if seconds >= 2:
            stack.account.server.edit(stack.id, description=TAG.on("new"))

    stack.up(stack.account.process().context(clock=FakeClock(at_sleep=apply)), description="new")

    assert stack.account.sent() == ["PATCH"]
    assert stack.outputs["description"] == "new"


def test_ignored_pause_fails(stack: DeployedPipeline) -> None:
    """A PUT that is ignored, twice, fails by the name of the field."""
    stack.account.server.fault("PUT", change="ignored", times=None)

    failed = stack.fails(status="paused")

    assert "did not take status" in failed.reason
    assert stack.outputs["status"] == "running"


def test_masks_and_defaults_are_no_untaken_change(stack: DeployedPipeline) -> None:
    """A server that masks, leaves credentials out, fills in defaults or shows null took the change all the same."""
    stack.account.server.switch(returns_defaults=True, unset_returns_null=True, credentials_in_reads="left out")

    stack.up(destination_config=ROTATED, description="new")

    assert stack.server_has["destination_config"]["password"] == "rotated"


def test_change_costs_one_look_more(stack: DeployedPipeline) -> None:
    """One GET of the pipeline before the PATCH, beside the looks at the status."""
    stack.up(description="new")

    methods = [
        (request.method, request.path.rpartition(f"{stack.id}/")[2]) for request in stack.account.server.requests()
    ]
    assert methods[:3] == [("GET", ""), ("GET", "status/"), ("PATCH", "")]
    assert methods.count(("GET", "")) == 1


def test_unapplied_field_is_never_claimed(stack: DeployedPipeline) -> None:
    """Each field that the server did not take is recorded as the server has it, set or unset."""
    stack.up(description="old", transforms={"swaps": "SELECT tx_hash FROM swaps"})
    stack.account.server.fault("PATCH", change="ignored", times=None)

    stack.fails(
        description="new",
        transforms={"mints": "SELECT tx_hash FROM mints"},
        abi_unmatched="raw",
        execution_start_from=7,
    )

    held = stack.server_has
    for name in ("transforms", "abi_unmatched", "execution_start_from"):
        assert (stack.outputs[name] or "") == (held[name] or ""), name
    assert stack.outputs["description"] == "old"
    assert PipelineSpec(stack.outputs).config_version


# --- Pipelines of other stacks ----------------------------------------------------------------------------------------


def test_pipeline_that_another_stack_took_over_is_not_changed(stack: DeployedPipeline) -> None:
    """An update looks first: the message names both ways out."""
    adopt(stack.account.process(STRANGER, adopt_foreign=True).context(), spec_of(), stack.id)
    stack.account.server.clear_requests()

    with pytest.raises(UpdateRefused) as refused:
        stack.up(description="mine")
    assert "carries the ownership tag of another Pulumi stack, so nothing was sent" in str(refused.value)
    assert "pulumi state delete" in str(refused.value)
    assert "goldrush:adoptForeign" in str(refused.value)
    assert stack.account.sent() == []


@pytest.mark.parametrize("changes", [{"name": "renamed"}, {"triggers": {"run": 1}}, {}])
def test_pipeline_is_taken_back_by_request(stack: DeployedPipeline, changes: dict[str, Any]) -> None:
    """With adoptForeign any update carries our tag back on, whatever else it sends."""
    adopt(stack.account.process(STRANGER, adopt_foreign=True).context(), spec_of(), stack.id)

    stack.up(stack.account.process(adopt_foreign=True).context(), **changes)

    assert stack.server_has["description"] == str(TAG)
    assert stack.outputs[TAG_OWNER] == OWNER


def test_moved_pipeline_is_changed_by_its_new_stack(account: Account) -> None:
    """After `state move` the tag of the old stack is the one on record; a description that is sent gets the new one."""
    stack = DeployedPipeline(account)
    context = account.process(STRANGER).context(owners=frozenset({OWNER}))

    update(context, stack.id, stack.outputs, spec_of(description="moved"))

    assert f"[pulumi:{STRANGER}/" in stack.server_has["description"]
