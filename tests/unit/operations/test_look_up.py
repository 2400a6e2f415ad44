"""Looking before a POST: orphans of runs that were cut off, pipelines of others that only look like them, namesakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.emulator import Emulator
from goldrush_pulumi.operations.create import CreateRefused, CreateUnknown, create, create_or_adopt
from goldrush_pulumi.operations.delete import delete
from goldrush_pulumi.operations.journal import CreateJournal
from tests.support.account import OWNER, STRANGER, TAG, Account, urn_of
from tests.support.clock import FakeClock
from tests.support.pipelines import POSTGRES, spec_of

if TYPE_CHECKING:
    from pathlib import Path

DAY = 24 * 3600.0
COMPONENT = "shop:index:Group$"


def refusal(account: Account, **changes: Any) -> str:
    """What the create of a new process is refused with; nothing may be sent."""
    sent = account.sent()
    with pytest.raises(CreateRefused) as refused:
        create(account.process().context(), spec_of(**changes))
    assert account.sent() == sent
    return str(refused.value)


# --- Orphans ----------------------------------------------------------------------------------------------------------


def test_orphan_is_taken_over(account: Account) -> None:
    """What a cut-off create left is adopted without a POST, gets today's credentials, and is warned of once."""
    left = account.leave(description="swaps")
    account.server.clear_requests()
    wanted = spec_of(description="swaps", destination_config={**POSTGRES, "password": "rotated"})

    done = create(account.process().context(), wanted)

    assert done.pipeline_id == left
    assert account.sent() == ["PATCH"]
    assert (done.run.action, done.run.status) == ("adopt", "Succeeded")
    assert account.held(left)["destination_config"]["password"] == "rotated"
    assert account.held(left)["description"] == TAG.on("swaps")
    assert account.warnings == [f"{left} was created by an earlier run that was cut off; it is taken over"]


def test_orphan_may_be_paused_by_now(account: Account) -> None:
    """A paused pipeline is no other configuration: it is taken over and resumed."""
    left = account.leave()
    account.server.edit(left, status="paused")

    assert create(account.process().context(), spec_of()).pipeline_id == left
    assert account.held(left)["status"] == "running"


def test_each_resource_finds_its_own_orphan(account: Account) -> None:
    """A resource of the same name in a component has an orphan of its own, though project and name are the same."""
    other_urn = urn_of("base-swaps", COMPONENT)
    mine, others = account.leave(), account.leave(other_urn)
    process = account.process()

    assert create(process.context(other_urn), spec_of()).pipeline_id == others
    assert create(process.context(), spec_of()).pipeline_id == mine
    assert len(account.ids) == 2


@pytest.mark.parametrize("switches", [{"list_items_brief": True}, {"page_size_limit": 1}, {"unset_returns_null": True}])
def test_orphan_in_any_kind_of_list(account: Account, switches: dict[str, Any]) -> None:
    """Brief items, tiny pages and nulls hide no orphan."""
    account.server.switch(**switches)
    account.leave(urn_of("other"), name="other")
    left = account.leave()
    account.leave(urn_of("third"), name="third")

    assert create(account.process().context(), spec_of()).pipeline_id == left


def test_orphan_that_was_deleted_meanwhile(account: Account) -> None:
    """The list may be older than the truth: each match is looked at, and one that is gone is no match."""
    left = account.leave()
    process = account.process()
    process.inventory.listing(process.client, FakeClock())
    account.server.remove(left)

    done = create(process.context(), spec_of())

    assert done.pipeline_id != left
    assert account.ids == [done.pipeline_id]


def test_replacement_never_adopts_what_it_replaces(account: Account) -> None:
    """After the delete of a replacement the new pipeline is a new one, though the list still shows the old one."""
    process = account.process()
    first = create(process.context(), spec_of())
    replacing = account.process()
    replacing.inventory.listing(replacing.client, FakeClock())
    replacing.claims.see(first.pipeline_id)
    delete(replacing.context(), first.pipeline_id, {"__key_fingerprint": f"fingerprint of {first.pipeline_id}"})

    second = create(replacing.context(), spec_of())

    assert second.pipeline_id != first.pipeline_id
    assert account.ids == [second.pipeline_id]


def test_pipeline_that_another_verb_works_on_is_not_an_orphan(account: Account) -> None:
    """Whatever diff, update or read has seen in this process has a record, so the create makes a new one."""
    held = account.leave()
    process = account.process(on_existing="create")
    process.claims.see(held)

    assert create(process.context(), spec_of()).pipeline_id != held


# --- Pipelines that only look like orphans ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"description": "moved to another stack"}, "description"),
        ({"transforms": {"swaps": "SELECT tx_hash FROM swaps"}}, "transforms"),
        ({"name": "renamed"}, "name"),
        ({"project": "other"}, "project"),
        ({"topic": "eth.mainnet.ref.block.swap.v3"}, "topic"),
        ({"destination_config": {**POSTGRES, "user": "somebody"}}, "destination_config"),
        ({"execution_start_from": 5}, "execution_start_from"),
    ],
)
def test_tag_alone_is_no_proof(account: Account, changes: dict[str, Any], named: str) -> None:
    """A pipeline with our tag that this create would not have made may be a live one of another record: refused.

    The refusal names the difference and both ways out, and never advises to delete what may be somebody's pipeline.
    """
    moved = account.leave(**{**changes, "execution_start_from": 4} if named == "execution_start_from" else changes)
    wanted = changes if named == "execution_start_from" else {}

    text = refusal(account, **wanted)

    assert text.startswith(f"create pipeline base-swaps: {moved} carries its ownership tag and differs in ")
    assert named in text.partition("differs in ")[2].partition(", so")[0]
    assert 'adopt_id="pipe_…"' in text
    assert "goldrush:onExisting to create" in text
    assert "delete" not in text


def test_two_with_the_tag_are_listed(account: Account) -> None:
    """A pipeline that was cloned through the API has the tag too: nobody can tell which is meant."""
    first, second = account.leave(), account.leave(urn_of("copy"))
    account.server.edit(second, description=str(TAG))

    text = refusal(account)

    assert first in text
    assert second in text
    assert "all carry its ownership tag" in text
    assert "delete" not in text


def test_old_pipeline_with_the_tag_is_not_taken_silently() -> None:
    """A day later a pipeline with our tag may mean something to somebody: the user decides."""
    times = [1_000_000.0]
    with Emulator(clock=lambda: times[0]) as server:
        account = Account(server)
        left = account.leave()
        times[0] += DAY - 60
        assert create(account.process().context(), spec_of()).pipeline_id == left
        times[0] += 120
        text = refusal(account)
        account.close()
    assert left in text
    assert "delete" not in text


def test_one_beside_it_by_request(account: Account) -> None:
    """With onExisting: create a new pipeline is made beside the one with the tag, which is left alone."""
    moved = account.leave(description="moved")

    done = create(account.process(on_existing="create").context(), spec_of())

    assert sorted(account.ids) == sorted([moved, done.pipeline_id])
    assert account.held(moved)["description"] == TAG.on("moved")


def test_lost_response_beside_it_is_not_found_in_it(account: Account) -> None:
    """When the POST beside it is lost without being carried out, the pipeline that had the tag is not taken for it."""
    moved = account.leave(description="moved")
    account.server.fault("POST", drop="before")

    with pytest.raises(CreateUnknown):
        create(account.process(on_existing="create").context(), spec_of())
    assert account.held(moved)["description"] == TAG.on("moved")
    assert account.ids == [moved]


def test_lost_response_beside_it_is_found(account: Account) -> None:
    """When the POST beside it was carried out, the new pipeline is found by its tag and not confused with the old."""
    moved = account.leave(description="moved")
    account.server.fault("POST", drop="after")

    done = create(account.process(on_existing="create").context(), spec_of())

    assert sorted(account.ids) == sorted([moved, done.pipeline_id])
    assert done.pipeline_id != moved


# --- What the create journal proves -----------------------------------------------------------------------------------


def test_journal_proves_an_orphan_that_differs(account: Account, tmp_path: Path) -> None:
    """A create that was begun here and recorded nowhere is taken over, though the program says something else now."""
    left = create(account.process(folder=tmp_path).context(), spec_of(description="yesterday")).pipeline_id

    done = create(account.process(folder=tmp_path).context(), spec_of(description="today"))

    assert done.pipeline_id == left
    assert account.held(left)["description"] == TAG.on("today")
    assert account.posts() == 1


@pytest.mark.parametrize("description", ["same", "other"])
def test_recorded_pipeline_is_not_an_orphan(account: Account, tmp_path: Path, description: str) -> None:
    """Once its id was seen in some state on this machine, no create takes it over, the same configuration or not."""
    moved = create(account.process(folder=tmp_path).context(), spec_of(description="same")).pipeline_id
    account.process(folder=tmp_path).journal.note_recorded(moved)

    with pytest.raises(CreateRefused, match=moved):
        create(account.process(folder=tmp_path).context(), spec_of(description=description))
    assert account.sent() == ["POST"]


@pytest.mark.parametrize("description", ["same", "other"])
def test_delivered_pipeline_is_not_an_orphan(account: Account, tmp_path: Path, description: str) -> None:
    """A run that ended in good order has recorded what it created: `state move` right after it leaves no orphan."""
    process = account.process(folder=tmp_path)
    moved = create_or_adopt(process.context(), spec_of(description="same")).pipeline_id
    process.journal.note_delivered()

    with pytest.raises(CreateRefused, match=moved):
        create(account.process(folder=tmp_path).context(), spec_of(description=description))


@pytest.mark.parametrize("then", ["nothing", "another one"])
def test_renamed_pipeline_that_was_moved_is_not_an_orphan(account: Account, tmp_path: Path, then: str) -> None:
    """It carries the tag of its later name, and its note stands under the first one, or did until that was reused."""
    process = account.process(folder=tmp_path)
    moved = create_or_adopt(process.context(urn_of("first")), spec_of(name="base-swaps")).pipeline_id
    process.journal.note_recorded(moved)
    account.server.edit(moved, description=str(TAG))
    if then == "another one":
        later = account.process(folder=tmp_path, on_existing="create")
        create_or_adopt(later.context(urn_of("first")), spec_of(name="other"))

    with pytest.raises(CreateRefused, match=f"{moved} carries its ownership tag, and a stack has recorded it since"):
        create(account.process(folder=tmp_path).context(), spec_of(name="base-swaps"))


def test_adopted_orphan_is_no_orphan_again(account: Account, tmp_path: Path) -> None:
    """An orphan that a run took over, and ended in good order, is recorded as well."""
    left = create(account.process(folder=tmp_path).context(), spec_of()).pipeline_id
    process = account.process(folder=tmp_path)
    assert create_or_adopt(process.context(), spec_of()).pipeline_id == left
    process.journal.note_delivered()

    with pytest.raises(CreateRefused, match=left):
        create(account.process(folder=tmp_path).context(), spec_of(description="other"))


def test_note_without_an_id_proves_nothing_of_older_pipelines(account: Account, tmp_path: Path) -> None:
    """A POST that was begun beside a pipeline with the tag, and never went out, does not make that one an orphan."""
    moved = account.leave(description="moved")
    CreateJournal(tmp_path).begin(TAG, [moved])

    with pytest.raises(CreateRefused, match=moved):
        create(account.process(folder=tmp_path, recovery_seconds=0.0).context(), spec_of())
    assert account.held(moved)["description"] == TAG.on("moved")


def test_orphan_beside_an_older_pipeline_is_found(account: Account, tmp_path: Path) -> None:
    """Of two with the tag, the journal says which one was there before the POST: the other is the orphan."""
    moved = account.leave(description="moved")
    process = account.process(folder=tmp_path, on_existing="create")
    left = create(process.context(), spec_of(description="first")).pipeline_id
    CreateJournal(tmp_path).begin(TAG, [moved])

    assert create(account.process(folder=tmp_path).context(), spec_of(description="second")).pipeline_id == left
    assert len(account.ids) == 2


@pytest.mark.parametrize("on_existing", ["fail", "create"])
def test_orphan_with_a_known_id_beside_an_older_pipeline_is_found(
    account: Account, tmp_path: Path, on_existing: str
) -> None:
    """Cut off after the response, the create is found again though an older pipeline carries the tag as well."""
    account.leave(description="moved")
    process = account.process(folder=tmp_path, on_existing="create")
    left = create(process.context(), spec_of(description="first")).pipeline_id

    again = account.process(folder=tmp_path, on_existing=on_existing)
    assert create(again.context(), spec_of(description="second")).pipeline_id == left
    assert len(account.ids) == 2


def test_orphan_without_a_tag_is_found_by_its_id(account: Account, tmp_path: Path) -> None:
    """Where the server has no room for a tag, the id in the journal still says what was created."""
    account.server.switch(description_limit=10, description_overflow="refuse")
    left = create(account.process(folder=tmp_path).context(), spec_of(description="swaps")).pipeline_id

    assert create(account.process(folder=tmp_path).context(), spec_of(description="swaps")).pipeline_id == left
    assert account.ids == [left]


# --- Namesakes --------------------------------------------------------------------------------------------------------


def test_namesake_without_a_tag_is_refused(account: Account) -> None:
    """A pipeline made by hand with the same project and name may be meant: both ways out are named."""
    by_hand = account.leave()
    account.server.edit(by_hand, description="made by hand")

    text = refusal(account)

    assert f'adopt_id="{by_hand}"' in text
    assert "goldrush:onExisting" in text
    assert "adoptForeign" not in text


def test_namesake_of_another_owner_is_refused(account: Account) -> None:
    """After `stack rm --force` the same program finds its old pipelines: a second one is not made unasked."""
    theirs = account.leave(owner=STRANGER)

    text = refusal(account)

    assert f'adopt_id="{theirs}"' in text
    assert "goldrush:adoptForeign set to true because another stack owns it" in text
    assert account.ids == [theirs]


@pytest.mark.parametrize("owner", [OWNER, STRANGER])
def test_namesake_may_be_created_beside(account: Account, owner: str) -> None:
    """With onExisting: create there are two afterwards, whoever owns the first."""
    theirs = account.leave(urn_of("other"), owner)

    done = create(account.process(on_existing="create").context(), spec_of())

    assert sorted(account.ids) == sorted([theirs, done.pipeline_id])


def test_namesake_of_a_sibling_is_warned_of(account: Account) -> None:
    """A resource that was renamed without an alias is created beside its old self: the warning says what to write."""
    old = account.leave(urn_of("old-name"))

    create(account.process().context(), spec_of())

    assert len(account.ids) == 2
    (warning,) = account.warnings
    assert warning.startswith(f"{old} has the same project and name and belongs to another resource of this stack")
    assert "aliases=[Alias(name=" in warning


@pytest.mark.parametrize("changes", [{"project": "other-project"}, {"name": "other-name"}])
def test_another_project_or_name_is_no_namesake(account: Account, changes: dict[str, Any]) -> None:
    """Both have to agree."""
    other = account.leave(**changes)
    account.server.edit(other, description="made by hand")

    create(account.process().context(), spec_of())
    assert len(account.ids) == 2


@pytest.mark.parametrize("description", ["", str(TAG)])
def test_without_tags_an_orphan_is_a_namesake(account: Account, description: str) -> None:
    """Where tags are turned off nothing is adopted by itself, and nothing is made twice either."""
    left = account.leave()
    account.server.edit(left, description=description)

    with pytest.raises(CreateRefused, match="has the same project and name already"):
        create(account.process(owner=None).context(), spec_of())
    assert account.ids == [left]


def test_without_tags_none_is_written(account: Account) -> None:
    """With tags turned off the description is the user's alone."""
    create(account.process(owner=None).context(), spec_of(description="mine"))

    assert account.server.pipelines()[0]["description"] == "mine"


def test_tag_removed_by_hand_causes_no_twin(account: Account) -> None:
    """An orphan that lost its tag by hand is a namesake, and not made again."""
    left = account.leave(description="mine")
    account.server.edit(left, description="mine")

    assert left in refusal(account, description="mine")
