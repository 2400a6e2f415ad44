"""Looking before creating, against a server whose pipelines were left there by others or by a run that was cut off."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.api import GoldRushClient, GoldRushError, RateLimiter
from goldrush_pulumi.emulator import Emulator
from goldrush_pulumi.operations.context import OperationContext, Policies
from goldrush_pulumi.operations.create import AdoptionRefused, CreateRefused, adopt, create
from goldrush_pulumi.operations.delete import DeleteRefused, delete
from goldrush_pulumi.operations.identity import Claims, OwnershipTag
from goldrush_pulumi.operations.inventory import Inventory
from goldrush_pulumi.operations.spec import PipelineSpec
from goldrush_pulumi.operations.update import update
from tests.unit.operations.doubles import FakeClock, context_of, inputs_of, spec_of

if TYPE_CHECKING:
    from collections.abc import Iterator

OWNER, STRANGER = "a" * 32, "b" * 32
STACK = "urn:pulumi:dev::shop::"
KIND = "pulumi-python:dynamic/goldrush:Pipeline"
URN = f"{STACK}{KIND}::base-swaps"
DAY = 24 * 3600.0


class Account:
    """One account on a server of its own, and the provider processes that work on it."""

    def __init__(self, server: Emulator) -> None:
        self.server = server
        self.warnings: list[str] = []
        self._clients: list[GoldRushClient] = []

    def process(self, **options: Any) -> Process:
        """A new provider process: it remembers nothing of those before."""
        client = GoldRushClient(
            service_key=self.server.service_key,
            base_url=self.server.base_url,
            rate_limiter=RateLimiter(100_000),
            retry_seconds=2.0,
        )
        self._clients.append(client)
        return Process(client, self.warnings, **options)

    def leave(self, urn: str = URN, owner: str = OWNER, **changes: Any) -> str:
        """Let a create of `urn` be cut off right after its POST; answers the id of what is left behind."""
        process = self.process(owner=owner, settings=Policies(on_existing="create"))
        return create(process.context(urn), spec_of(wait_for="none", **changes)).pipeline_id

    @property
    def ids(self) -> list[str]:
        return [pipeline["id"] for pipeline in self.server.pipelines()]

    def posts(self) -> int:
        return sum(request.method == "POST" for request in self.server.requests())

    def close(self) -> None:
        for client in self._clients:
            client.close()


class Process:
    def __init__(
        self, client: GoldRushClient, warnings: list[str], owner: str | None = OWNER, settings: Policies | None = None
    ) -> None:
        self.client = client
        self.claims, self.inventory = Claims(), Inventory(client)
        self._warnings, self._owner, self._settings = warnings, owner, settings or Policies()

    def context(self, urn: str = URN) -> OperationContext:
        tag = OwnershipTag.of(self._owner, urn) if self._owner else None
        return context_of(
            self.client,
            FakeClock(),
            inventory=self.inventory,
            claims=self.claims,
            urn=urn,
            tag=tag,
            warn=self._warnings.append,
            policies=self._settings,
        )


@pytest.fixture
def account(emulator: Emulator) -> Iterator[Account]:
    account = Account(emulator)
    yield account
    account.close()


# --- Leftovers --------------------------------------------------------------------------------------------------------


def test_a_leftover_is_taken_over_and_becomes_what_is_wanted(account: Account) -> None:
    """What a cut-off create left is adopted without a POST, changed to today's program, and told once."""
    left = account.leave(description="yesterday", transforms={"swaps": "SELECT tx_hash FROM swaps"})
    account.server.clear_requests()
    config = {"url": "postgresql://db.example.com/x", "user": "u", "password": "new"}
    wanted = spec_of(description="today", name="renamed", destination_config=config)

    done = create(account.process().context(), wanted)

    assert done.pipeline_id == left
    assert account.posts() == 0
    assert (done.run.action, done.run.status) == ("adopt", "Succeeded")
    (held,) = account.server.pipelines()
    assert (held["name"], held["transforms"]) == ("renamed", {})
    assert held["description"] == OwnershipTag.of(OWNER, URN).on("today")
    assert held["destination_config"] == {"type": "postgres", **config}
    assert account.warnings == [f"{left} was created by an earlier run that was cut off; it is taken over"]


def test_a_second_leftover_of_another_resource_is_left_alone(account: Account) -> None:
    """Each resource finds its own leftover, though both have the same name and project."""
    other_urn = f"{STACK}shop:index:Group${KIND}::base-swaps"
    mine, others = account.leave(), account.leave(other_urn)
    process = account.process()

    assert create(process.context(other_urn), spec_of()).pipeline_id == others
    assert create(process.context(), spec_of()).pipeline_id == mine
    assert len(account.ids) == 2


def test_several_leftovers_are_listed(account: Account) -> None:
    """Where two carry the mark nobody can tell which is right: the user is told both ways out."""
    first, second = account.leave(), account.leave(f"{STACK}{KIND}::copy")
    account.server.edit(second, description=str(OwnershipTag.of(OWNER, URN)))

    with pytest.raises(CreateRefused) as refused:
        create(account.process().context(), spec_of())
    text = str(refused.value)
    assert first in text
    assert second in text
    assert 'adopt_id="pipe_…"' in text
    assert "delete the others" in text
    assert len(account.ids) == 2


def test_a_replace_only_difference_is_no_leftover_to_change(account: Account) -> None:
    """What was left with another topic cannot become what is wanted: it is named, and nothing is sent."""
    left = account.leave(topic="eth.mainnet.ref.block.swap.v3")

    with pytest.raises(CreateRefused, match=f"{left} was left behind by an earlier run with another topic"):
        create(account.process().context(), spec_of())
    assert account.ids == [left]


def test_an_old_leftover_is_not_taken_silently() -> None:
    """A day later a pipeline with our mark may mean something to somebody: the user decides."""
    times = [1_000_000.0]
    with Emulator(clock=lambda: times[0]) as server:
        account = Account(server)
        left = account.leave()
        times[0] += DAY - 60
        assert create(account.process().context(), spec_of()).pipeline_id == left
        times[0] += 120
        with pytest.raises(CreateRefused, match="was not created within the last 24 hours"):
            create(account.process().context(), spec_of())
        account.close()


def test_a_leftover_that_was_deleted_meanwhile(account: Account) -> None:
    """The list may be older than the truth: each match is looked at, and one that is gone is no match."""
    left = account.leave()
    process = account.process()
    process.inventory.listing(FakeClock())
    account.server.remove(left)

    done = create(process.context(), spec_of())

    assert done.pipeline_id != left
    assert account.ids == [done.pipeline_id]


def test_a_replacement_never_adopts_what_it_replaces(account: Account) -> None:
    """Delete, then create: even where the server is slow to delete, the new pipeline is a new one."""
    process = account.process()
    first = create(process.context(), spec_of())
    replacing = account.process()
    replacing.inventory.listing(FakeClock())
    replacing.claims.see(first.pipeline_id)
    delete(replacing.context(), first.pipeline_id, {"__key_fingerprint": f"fingerprint of {first.pipeline_id}"})

    second = create(replacing.context(), spec_of())

    assert second.pipeline_id != first.pipeline_id
    assert account.ids == [second.pipeline_id]


def test_create_before_delete_does_not_adopt_either(account: Account) -> None:
    """`--replace` without delete first: whatever diff, update or read has seen is not a leftover."""
    held = account.leave()
    process = account.process(settings=Policies(on_existing="create"))
    process.claims.see(held)

    assert create(process.context(), spec_of()).pipeline_id != held


@pytest.mark.parametrize("switches", [{"list_items_brief": True}, {"page_size_limit": 1}, {"unset_returns_null": True}])
def test_a_leftover_in_any_kind_of_list(account: Account, switches: dict[str, Any]) -> None:
    """Brief items, tiny pages and nulls hide no leftover."""
    account.server.switch(**switches)
    account.leave(f"{STACK}{KIND}::other", name="other")
    left = account.leave(name="old name")
    account.leave(f"{STACK}{KIND}::third", name="third")

    assert create(account.process().context(), spec_of()).pipeline_id == left


def test_same_names_under_two_owners(account: Account) -> None:
    """Two stacks of the same name have two owners: neither takes what the other left, and both are told."""
    theirs = account.leave(owner=STRANGER)

    mine = create(account.process().context(), spec_of())

    assert mine.pipeline_id != theirs
    assert account.warnings == [f"{theirs} has the same project and name and belongs to another Pulumi stack"]


# --- Namesakes --------------------------------------------------------------------------------------------------------


def test_a_namesake_without_mark_is_refused(account: Account) -> None:
    """A pipeline made by hand with the same project and name may be meant: both ways out are named."""
    unmarked = account.leave()
    account.server.edit(unmarked, description="made by hand")

    with pytest.raises(CreateRefused) as refused:
        create(account.process().context(), spec_of())
    assert f'adopt_id="{unmarked}"' in str(refused.value)
    assert "goldrush:onExisting" in str(refused.value)
    assert account.ids == [unmarked]


def test_a_namesake_may_be_created_beside(account: Account) -> None:
    """With onExisting: create there are two afterwards."""
    unmarked = account.leave()
    account.server.edit(unmarked, description="")

    done = create(account.process(settings=Policies(on_existing="create")).context(), spec_of())

    assert sorted(account.ids) == sorted([unmarked, done.pipeline_id])


@pytest.mark.parametrize("changes", [{"project": "other-project"}, {"name": "other-name"}])
def test_another_project_or_name_is_no_namesake(account: Account, changes: dict[str, Any]) -> None:
    """Both have to agree."""
    other = account.leave(**changes)
    account.server.edit(other, description="made by hand")

    create(account.process().context(), spec_of())
    assert len(account.ids) == 2


def test_without_marks_a_leftover_is_a_namesake(account: Account) -> None:
    """Where marks are turned off nothing is adopted by itself, and nothing is made twice either."""
    left = account.leave()
    account.server.edit(left, description="")

    with pytest.raises(CreateRefused, match="has the same project and name already"):
        create(account.process(owner=None).context(), spec_of())
    assert account.ids == [left]


def test_without_marks_none_is_written(account: Account) -> None:
    """With the mark turned off the description is the user's alone."""
    create(account.process(owner=None).context(), spec_of(description="mine"))

    assert account.server.pipelines()[0]["description"] == "mine"


def test_a_mark_removed_by_hand_causes_no_twin(account: Account) -> None:
    """What was left and then edited by hand is a namesake, and not made again."""
    left = account.leave(description="mine")
    account.server.edit(left, description="mine")

    with pytest.raises(CreateRefused, match=left):
        create(account.process().context(), spec_of(description="mine"))


# --- Explicit adoption ------------------------------------------------------------------------------------------------


def test_one_id_for_two_resources(account: Account) -> None:
    """The second resource with the same adopt_id is refused before anything is sent for it."""
    held = account.leave()
    process = account.process()
    adopt(process.context(), spec_of(), held)
    account.server.clear_requests()

    with pytest.raises(AdoptionRefused, match="is another resource's already"):
        adopt(process.context(f"{STACK}{KIND}::copy"), spec_of(), held)
    assert {request.method for request in account.server.requests()} == {"GET"}


def test_another_stacks_pipeline_is_not_adopted(account: Account) -> None:
    """A foreign mark keeps a pipeline from being adopted, unless the settings say otherwise."""
    theirs = account.leave(owner=STRANGER)

    with pytest.raises(AdoptionRefused, match="goldrush:adoptForeign"):
        adopt(account.process().context(), spec_of(), theirs)

    adopt(account.process(settings=Policies(adopt_foreign=True)).context(), spec_of(), theirs)
    assert OwnershipTag.found_in(account.server.pipelines()[0]["description"]) == OwnershipTag.of(OWNER, URN)


def test_a_taken_over_pipeline_is_no_leftover_of_its_old_stack(account: Account) -> None:
    """The stack that had it does not take it back as a leftover: its mark is gone."""
    theirs = account.leave(owner=STRANGER)
    adopt(account.process(settings=Policies(adopt_foreign=True)).context(), spec_of(), theirs)

    again = create(account.process(owner=STRANGER).context(), spec_of())

    assert again.pipeline_id != theirs


def test_a_renamed_resource_may_adopt_and_its_old_record_must_not_delete(account: Account) -> None:
    """A rename by way of adopt_id: the record under the old name is refused to delete what the new one has."""
    old_urn, new_urn = f"{STACK}{KIND}::old", f"{STACK}{KIND}::new"
    held = create(account.process().context(old_urn), spec_of()).pipeline_id
    process = account.process()
    adopt(process.context(new_urn), spec_of(), held)

    with pytest.raises(DeleteRefused) as refused:
        delete(process.context(old_urn), held, {})
    assert "recorded as new's" in str(refused.value)
    assert f"pulumi state delete '{old_urn}'" in str(refused.value)
    assert account.ids == [held]


def test_an_aliased_resource_keeps_its_old_mark_in_peace(account: Account) -> None:
    """After a rename with an alias the mark is of the old name: no diff, no loss, and an update renews it."""
    old_urn, new_urn = f"{STACK}{KIND}::old", f"{STACK}{KIND}::new"
    held = create(account.process().context(old_urn), spec_of()).pipeline_id
    process = account.process()
    update(process.context(new_urn), held, inputs_of(), spec_of(description="changed"))

    (pipeline,) = account.server.pipelines()
    assert pipeline["description"] == OwnershipTag.of(OWNER, new_urn).on("changed")
    assert create(account.process().context(old_urn), spec_of(name="base-swaps 2")).pipeline_id != held


# --- The barrier ------------------------------------------------------------------------------------------------------


def test_the_list_is_read_before_the_first_post(account: Account) -> None:
    """64 creates at once share one list, whose last page is read before any of them is sent."""
    account.server.switch(page_size_limit=7)
    for number in range(20):
        account.leave(f"{STACK}{KIND}::old-{number}", name=f"old-{number}")
    account.server.clear_requests()
    process, start = account.process(), threading.Barrier(64)

    def context(number: int) -> None:
        start.wait(30)
        spec = PipelineSpec({**inputs_of(wait_for="none"), "name": f"p{number}"})
        create(process.context(f"{STACK}{KIND}::p{number}"), spec)

    threads = [threading.Thread(target=context, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    lists = [index for index, request in enumerate(account.server.requests()) if _is_list(request)]
    posts = [index for index, request in enumerate(account.server.requests()) if request.method == "POST"]
    assert len(posts) == 64
    assert len(lists) == 3
    assert max(lists) < min(posts)
    assert len(account.ids) == 84


def test_when_the_list_cannot_be_read_nothing_is_sent(account: Account) -> None:
    """All creates end with the list's own error."""
    account.server.fault("GET", "*/pipeline-api/", status=403, times=None)
    process = account.process()

    for number in range(3):
        with pytest.raises(GoldRushError, match="list pipelines"):
            create(process.context(f"{STACK}{KIND}::p{number}"), spec_of())
    assert account.posts() == 0


def _is_list(request: Any) -> bool:
    return bool(request.method == "GET" and request.path.endswith("/pipeline-api/"))
