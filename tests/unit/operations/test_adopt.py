"""Taking over a pipeline by `adopt_id`: which one may be had, by whom, and what is sent to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.operations.create import AdoptionRefused, adopt, create, create_or_adopt
from goldrush_pulumi.operations.delete import DeleteRefused, delete
from goldrush_pulumi.operations.identity import OwnershipTag
from goldrush_pulumi.operations.update import update
from goldrush_pulumi.schema.wire import SIBLINGS
from tests.support.account import OWNER, STRANGER, TAG, URN, Account, context_of, urn_of
from tests.support.client import ScriptedClient
from tests.support.pipelines import PIPELINE_ID, POSTGRES, inputs_of, response_to, spec_of, status_of

if TYPE_CHECKING:
    from goldrush_pulumi.api import Pipeline

RUNNING, PAUSED = status_of("RUNNING"), status_of("PAUSED")
NEW_RUNNING = status_of("RUNNING", start_time="t2")
PLAIN: dict[str, Any] = {"destination_type": "webhook", "destination_config": {"url": "https://h/x"}}


def held(**changes: Any) -> Pipeline:
    """The server's object for the plain pipeline with `changes`."""
    return response_to(inputs_of(**changes))


# --- What is sent -----------------------------------------------------------------------------------------------------


def test_adopt_sends_credentials_always() -> None:
    """Secrets cannot be compared, so a destination that has some is sent even when all that is visible agrees."""
    client = ScriptedClient(get=[held()], update=[held()], status=[RUNNING])

    done = adopt(context_of(client), spec_of(), PIPELINE_ID)

    assert client.changes == [("update", {"destination_config": {"type": "postgres", **POSTGRES}})]
    assert (done.pipeline_id, done.run.action) == (PIPELINE_ID, "adopt")


def test_adopt_sends_what_differs() -> None:
    """A pipeline that is taken over becomes what is declared; what it has beyond that is removed."""
    there = {"description": "old", "transforms": {"a": "SELECT 1"}, "name": "by hand"}
    client = ScriptedClient(get=[held(**there)], update=[held()], status=[RUNNING, NEW_RUNNING])

    done = adopt(context_of(client), spec_of(), PIPELINE_ID)

    assert done.run.changed == ("name", "description", "transforms")
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
    client = ScriptedClient(get=[held(**PLAIN)], status=[status_of("DEPLOYING"), RUNNING])

    done = adopt(context_of(client), spec_of(**PLAIN), PIPELINE_ID)

    assert client.changes == []
    assert done.run.status == "Succeeded"


def test_adopt_pauses_what_is_to_be_paused() -> None:
    """When the desired status is all that differs, it goes by PUT."""
    client = ScriptedClient(get=[held(**PLAIN)], set_status=[held(**PLAIN, status="paused")], status=[RUNNING, PAUSED])

    adopt(context_of(client), spec_of(**PLAIN, status="paused"), PIPELINE_ID)

    assert client.changes == [("set_status", "paused")]


def test_adopted_pipeline_gets_the_tag_of_its_resource(account: Account) -> None:
    """The description is sent when the pipeline carries another resource's tag, and carries ours then."""
    theirs = account.leave(urn_of("renamed-since"))

    adopt(account.process().context(), spec_of(), theirs)

    assert account.held(theirs)["description"] == str(TAG)


# --- What cannot be had -----------------------------------------------------------------------------------------------


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


def test_pipeline_without_a_worker_yet_can_be_adopted() -> None:
    """A status that is not there yet is no missing pipeline."""
    client = ScriptedClient(get=[held(**PLAIN)], status=[None, RUNNING])

    assert adopt(context_of(client), spec_of(**PLAIN), PIPELINE_ID).run.status == "Succeeded"


def test_one_id_for_two_resources(account: Account) -> None:
    """The second resource with the same adopt_id is refused before anything is sent for it."""
    there = account.leave()
    process = account.process()
    adopt(process.context(), spec_of(), there)
    account.server.clear_requests()

    with pytest.raises(AdoptionRefused) as refused:
        adopt(process.context(urn_of("copy")), spec_of(), there)
    assert f"{there} is managed as {URN} already; give each resource its own adopt_id" in str(refused.value)
    assert account.sent() == []


def test_another_stacks_pipeline_is_not_adopted(account: Account) -> None:
    """A foreign tag keeps a pipeline from being adopted, unless the settings say otherwise."""
    theirs = account.leave(owner=STRANGER)

    with pytest.raises(AdoptionRefused, match="goldrush:adoptForeign"):
        adopt(account.process().context(), spec_of(), theirs)
    assert account.sent() == ["POST"]

    adopt(account.process(adopt_foreign=True).context(), spec_of(), theirs)
    assert OwnershipTag.found_in(account.held(theirs)["description"]) == TAG


def test_without_tags_any_tagged_pipeline_is_another_stacks(account: Account) -> None:
    """A stack without tags has no owner, so whoever owns the pipeline is a stranger to it."""
    theirs = account.leave()

    with pytest.raises(AdoptionRefused, match="goldrush:adoptForeign"):
        adopt(account.process(owner=None).context(), spec_of(), theirs)
    adopt(account.process(owner=None, adopt_foreign=True).context(), spec_of(), theirs)
    assert account.held(theirs)["description"] == ""


@pytest.mark.parametrize("parents", ["", "shop:index:Group$"])
def test_siblings_pipeline_is_not_adopted(account: Account, parents: str) -> None:
    """With `--target` no verb of the sibling tells whose the pipeline is: its tag and the program do."""
    siblings = account.leave(urn_of("sibling", parents), name="sibling")
    spec = spec_of(name="sibling", adopt_id=siblings, **{SIBLINGS: ["other", "sibling"]})

    with pytest.raises(AdoptionRefused) as refused:
        create_or_adopt(account.process().context(urn_of("base-swaps", parents)), spec)
    assert f"{siblings} belongs to sibling, which this program declares too" in str(refused.value)
    assert account.sent() == ["POST"]


def test_pipeline_of_a_resource_that_is_gone_is_adopted(account: Account) -> None:
    """A rename by way of adopt_id: the tag names a resource that the program no longer declares."""
    there = account.leave(urn_of("old"))
    spec = spec_of(adopt_id=there, **{SIBLINGS: ["other"]})

    assert create_or_adopt(account.process().context(), spec).pipeline_id == there


# --- Adoption beside other records ------------------------------------------------------------------------------------


def test_pipeline_that_a_look_up_or_refresh_saw_is_adopted(account: Account) -> None:
    """`Pipeline.get` of the same id, and a refresh of the record under an old name, are no claims."""
    there = account.leave()
    process = account.process()
    process.claims.see(there)

    assert adopt(process.context(), spec_of(), there).pipeline_id == there


def test_forced_replacement_creates_what_it_deleted(account: Account) -> None:
    """`--replace` of a resource with adopt_id deletes the pipeline first: a new one is created, with a warning."""
    process = account.process()
    there = account.leave()
    spec = spec_of(adopt_id=there)
    delete(process.context(), there, {"__key_fingerprint": f"fingerprint of {there}"})

    done = create_or_adopt(process.context(), spec)

    assert account.ids == [done.pipeline_id]
    assert done.pipeline_id != there
    assert account.warnings == [
        f"{there} was deleted to be replaced, so adopt_id is ignored and a new pipeline is created"
    ]


def test_adopted_pipeline_is_no_orphan_of_its_old_stack(account: Account) -> None:
    """The stack that had it does not take it back: it is refused as a namesake of another owner."""
    theirs = account.leave(owner=STRANGER)
    adopt(account.process(adopt_foreign=True).context(), spec_of(), theirs)

    again = create(account.process(STRANGER, on_existing="create").context(), spec_of())

    assert again.pipeline_id != theirs
    assert account.held(theirs)["description"] == str(TAG)


def test_renamed_resource_may_adopt_and_its_old_record_must_not_delete(account: Account) -> None:
    """A rename by way of adopt_id: the record under the old name is refused to delete what the new one has."""
    old_urn, new_urn = urn_of("old"), urn_of("new")
    there = create(account.process().context(old_urn), spec_of()).pipeline_id
    process = account.process()
    process.claims.see(there)
    adopt(process.context(new_urn), spec_of(), there)

    with pytest.raises(DeleteRefused) as refused:
        delete(process.context(old_urn), there, {})
    assert f"{there} is also recorded by new, so it stays" in str(refused.value)
    assert f"pulumi state delete '{old_urn}'" in str(refused.value)
    assert account.ids == [there]


def test_aliased_resource_keeps_its_old_tag_until_an_update(account: Account) -> None:
    """After a rename with an alias the tag is of the old name: no diff, no loss, and an update renews it."""
    old_urn, new_urn = urn_of("old"), urn_of("new")
    there = create(account.process().context(old_urn), spec_of()).pipeline_id
    process = account.process()

    update(process.context(new_urn), there, inputs_of(), spec_of(description="changed"))

    assert account.held(there)["description"] == OwnershipTag.of(OWNER, new_urn).on("changed")
    assert create(account.process().context(old_urn), spec_of(name="base-swaps 2")).pipeline_id != there
