"""Deleting a pipeline: whose it is, when it counts as gone, and what a replacement finds in the way."""

from __future__ import annotations

from typing import Any

import pytest

from goldrush_pulumi.api import AmbiguousResult, GoldRushError, Pipeline, UnexpectedResponse
from goldrush_pulumi.operations.context import AbsenceUnproven
from goldrush_pulumi.operations.create import CreateRefused, adopt, create
from goldrush_pulumi.operations.delete import DeleteRefused, delete
from goldrush_pulumi.schema.wire import KEY_FINGERPRINT
from tests.support.account import OWNER, STRANGER, Account, context_of, urn_of
from tests.support.client import ScriptedClient
from tests.support.clock import FakeClock
from tests.support.pipelines import PIPELINE_ID, inputs_of, response_to, spec_of, status_of

SAME_KEY = {KEY_FINGERPRINT: f"fingerprint of {PIPELINE_ID}"}
THERE = response_to(inputs_of())
NO_LIST = UnexpectedResponse("list pipelines", "no Pipeline API at this address (404)", status=404)
LOST = AmbiguousResult("delete pipeline", "not known whether it was applied: connection reset")


def record_of(pipeline_id: str, owner: str | None = OWNER) -> dict[str, Any]:
    """The recorded outputs of a pipeline, as far as a delete reads them."""
    return {KEY_FINGERPRINT: f"fingerprint of {pipeline_id}", **({"__tag_owner": owner} if owner else {})}


# --- Gone -------------------------------------------------------------------------------------------------------------


def test_delete_waits_until_it_is_gone() -> None:
    """After the DELETE the object is looked for until it is gone, whether or not its worker still shows a phase."""
    client = ScriptedClient(delete=[True], get=[THERE] * 4 + [None], status=[status_of("STOPPING"), None])

    delete(context_of(client), PIPELINE_ID, {})

    assert client.changes == [("delete", PIPELINE_ID)]
    assert [call[0] for call in client.calls] == ["get", "delete", *["get", "status"] * 3, "get"]


def test_delete_costs_one_look_more(account: Account) -> None:
    """One GET to see whose it is, the DELETE, and one GET to see that it is gone."""
    there = account.leave()
    account.server.clear_requests()

    delete(account.process().context(), there, record_of(there))

    assert [request.method for request in account.server.requests()] == ["GET", "DELETE", "GET"]


def test_delete_of_what_is_gone_already() -> None:
    """A proven 404 is as good as a deletion."""
    client = ScriptedClient(get=[None], list=[[]])

    delete(context_of(client), PIPELINE_ID, SAME_KEY)

    assert client.changes == []


def test_delete_proven_by_the_group() -> None:
    """Another pipeline of the same group in the list proves the 404."""
    client = ScriptedClient(get=[None], list=[[Pipeline.model_validate({"id": "p", "group": {"id": "grp_1"}})]])

    delete(context_of(client), PIPELINE_ID, {"group_id": "grp_1", KEY_FINGERPRINT: "other"})

    assert client.changes == []


def test_delete_with_the_key_of_another_account() -> None:
    """An unproven 404 deletes nothing, and state must keep the pipeline."""
    client = ScriptedClient(get=[None], list=[[]])

    with pytest.raises(AbsenceUnproven, match="delete pipeline base-swaps"):
        delete(context_of(client), PIPELINE_ID, {"group_id": "grp_1", KEY_FINGERPRINT: "other"})


def test_outage_that_returns_404_deletes_nothing(account: Account) -> None:
    """Where the list is a 404 too, no pipeline is known to be gone, the right key or not."""
    there = account.leave()
    account.server.outage(404)

    with pytest.raises(AbsenceUnproven, match=f"{there} is not visible, but neither can the list of pipelines be read"):
        delete(account.process().context(), there, record_of(there))


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_pipeline_that_shows_again_is_not_gone(account: Account, method: str) -> None:
    """A single 404 proves nothing where the list answers and the pipeline is there again."""
    there = account.leave()
    account.server.fault(method, f"*/{there}/", status=404)

    with pytest.raises(AbsenceUnproven, match=f"{there} was not visible a moment ago and is there"):
        delete(account.process().context(), there, record_of(there))
    assert account.ids == [there]


def test_outage_that_begins_after_the_list_was_read(account: Account) -> None:
    """A list that was read before proves nothing about a 404 that comes later."""
    there, other = account.leave(), account.leave(urn_of("other"), name="other")
    process = account.process()
    account.server.remove(other)
    delete(process.context(urn_of("other")), other, record_of(other))
    account.server.outage(404)

    with pytest.raises(AbsenceUnproven):
        delete(process.context(), there, record_of(there))


@pytest.mark.parametrize(
    ("clock", "said"), [(FakeClock(), "time is up"), (FakeClock(cancel_at=5.0), "cancelled")], ids=["late", "cancelled"]
)
def test_delete_that_takes_too_long(clock: FakeClock, said: str) -> None:
    """Time that is up, or a cancel, is an error that says what is still there: state keeps the pipeline."""
    client = ScriptedClient(delete=[True], get=[THERE], status=[status_of("STOPPING")])

    with pytest.raises(GoldRushError, match=f"delete pipeline base-swaps: {said}, {PIPELINE_ID} is STOPPING"):
        delete(context_of(client, clock), PIPELINE_ID, {})


def test_phase_in_the_error_of_a_delete_is_redacted() -> None:
    """A phase is the server's text, which may hold a credential."""
    client = ScriptedClient(delete=[True], get=[THERE], status=[status_of("ERR planted")])

    with pytest.raises(GoldRushError, match=r"is ERR \[secret\]") as failed:
        delete(context_of(client, redact=lambda text: text.replace("planted", "[secret]")), PIPELINE_ID, {})
    assert "planted" not in str(failed.value)


@pytest.mark.parametrize("how", [{"drop": "after"}, {"status": 502, "commit": True}])
def test_lost_response_of_a_delete_that_was_carried_out(account: Account, how: dict[str, Any]) -> None:
    """The pipeline is gone, the list answers, and so it counts as deleted."""
    there = account.leave()
    account.server.fault("DELETE", **how)

    delete(account.process().context(), there, record_of(there))

    assert account.ids == []


def test_lost_response_of_a_delete_that_was_not(account: Account) -> None:
    """The pipeline is still there: a plain error, and state keeps it."""
    there = account.leave()
    account.server.fault("DELETE", drop="before")

    with pytest.raises(AmbiguousResult):
        delete(account.process().context(), there, record_of(there))
    assert account.ids == [there]


def test_lost_response_of_a_delete_in_an_outage() -> None:
    """A 404 after a lost DELETE needs its proof like any other."""
    client = ScriptedClient(get=[THERE, None], delete=[LOST], page=[NO_LIST])

    with pytest.raises(AbsenceUnproven):
        delete(context_of(client), PIPELINE_ID, SAME_KEY)


# --- Whose it is ------------------------------------------------------------------------------------------------------


def test_what_another_stack_took_over_stays(account: Account) -> None:
    """`destroy` of a stack never deletes what another stack has adopted; the message says how to drop the record."""
    there = account.leave()
    adopt(account.process(STRANGER, adopt_foreign=True).context(), spec_of(), there)
    account.server.clear_requests()
    context = account.process().context(owners=frozenset({OWNER}))

    with pytest.raises(DeleteRefused) as refused:
        delete(context, there, record_of(there))
    assert "carries the ownership tag of another Pulumi stack" in str(refused.value)
    assert f"pulumi state delete '{context.urn}'" in str(refused.value)
    assert account.sent() == []
    assert account.ids == [there]


def test_what_another_stack_took_over_from_one_without_tags_stays(account: Account) -> None:
    """A record that names no owner has no claim to a pipeline that carries a tag."""
    there = create(account.process(None).context(), spec_of()).pipeline_id
    adopt(account.process(STRANGER, adopt_foreign=True).context(), spec_of(description="theirs"), there)

    with pytest.raises(DeleteRefused):
        delete(account.process(None).context(), there, record_of(there, None))
    assert account.ids == [there]


def test_foreign_pipeline_is_deleted_by_request(account: Account) -> None:
    """With adoptForeign the stack may delete it all the same."""
    there = account.leave(owner=STRANGER)

    delete(account.process(adopt_foreign=True).context(), there, record_of(there))

    assert account.ids == []


@pytest.mark.parametrize("owners", [frozenset({STRANGER}), None])
def test_moved_pipeline_is_deleted_by_its_new_stack(account: Account, owners: frozenset[str] | None) -> None:
    """After `state move` the tag is of the old stack: the record says so, or cannot tell."""
    there = account.leave(owner=STRANGER)

    delete(account.process().context(owners=owners), there, record_of(there, None))

    assert account.ids == []


@pytest.mark.parametrize("description", [None, ""])
def test_pipeline_of_two_records_stays(account: Account, description: str | None) -> None:
    """A pipeline that another declared resource holds is not deleted under it, with its tag or without any."""
    there = account.leave(urn_of("first"))
    if description is not None:
        account.server.edit(there, description=description)
    process = account.process()
    process.claims.hold(there, urn_of("first"))

    with pytest.raises(DeleteRefused, match="is also recorded by first, so it stays"):
        delete(process.context(urn_of("second")), there, record_of(there))
    assert account.ids == [there]


def test_aliased_resource_that_is_replaced_is_deleted(account: Account) -> None:
    """A rename by alias with replace_on_changes: diff goes by the new name and delete by the old, of one record."""
    there = account.leave(urn_of("old"))
    process = account.process()
    process.claims.hold(there, urn_of("new"))

    delete(process.context(urn_of("old")), there, record_of(there))

    assert account.ids == []
    assert create(process.context(urn_of("new")), spec_of()).pipeline_id != there


# --- Replacements -----------------------------------------------------------------------------------------------------


def test_namesake_in_the_new_project_is_found_before_the_delete(account: Account) -> None:
    """A replacement that would be refused afterwards leaves the old pipeline alone."""
    there = account.leave()
    by_hand = account.leave(project="other", name="base-swaps")
    account.server.edit(by_hand, description="by hand")
    process = account.process()
    process.claims.plan_replacement(there, inputs_of(project="other"))
    account.server.clear_requests()

    with pytest.raises(CreateRefused, match=by_hand):
        delete(process.context(), there, record_of(there))
    assert account.sent() == []


def test_sibling_in_the_new_project_does_not_stop_the_delete(account: Account) -> None:
    """Two resources of a stack that swap their projects are in each other's way for a moment only."""
    there = account.leave(urn_of("first"))
    sibling = account.leave(urn_of("second"), project="other", name="base-swaps")
    process = account.process(None)
    process.claims.plan_replacement(there, inputs_of(project="other"))

    delete(process.context(urn_of("first"), owners=frozenset({OWNER})), there, record_of(there))

    assert account.ids == [sibling]


def test_replacement_into_a_free_project_is_deleted(account: Account) -> None:
    """Nothing stands in its way, and what is to be replaced is no namesake of itself."""
    there = account.leave()
    process = account.process()
    process.claims.plan_replacement(there, inputs_of(topic="eth.mainnet.ref.block.swap.v3"))

    delete(process.context(), there, record_of(there))

    assert account.ids == []
