from __future__ import annotations

import itertools
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

import pytest

from goldrush_pulumi.api import (
    GoldRushClient,
    GoldRushError,
    Interrupted,
    OutOfTime,
    Pipeline,
    PipelinePage,
    RateLimiter,
    ServerError,
    Unauthorized,
)
from goldrush_pulumi.operations.identity import OwnershipTag
from goldrush_pulumi.operations.inventory import (
    Inventory,
    ListEndless,
    Listing,
    ListUnstable,
    list_all,
    look_for_tag,
)
from goldrush_pulumi.schema.wire import read_time
from tests.support.account import context_of
from tests.support.caller import Caller
from tests.support.client import ScriptedClient
from tests.support.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from goldrush_pulumi.emulator import Emulator


NOW, OLD, RECENT = "2026-01-02T12:00:00Z", "2025-12-31T12:00:00Z", "2026-01-02T11:00:00.25Z"
BROKEN = ServerError("list pipelines", "GoldRush failed (500)", status=500)


def items(ids: Iterable[Any], **fields: str) -> list[Pipeline]:
    return [Pipeline.model_validate({"id": f"pipe_{name}", "description": "", **fields}) for name in ids]


def page(ids: Iterable[Any], total: int | None, *, more: bool = False, **fields: str) -> PipelinePage:
    return PipelinePage(items=items(ids, **fields), total_count=total, has_more=more, updated_at=NOW)


def client_of(*pages: Any, **answers: Any) -> tuple[GoldRushClient, ScriptedClient]:
    fake = ScriptedClient(page=pages, **answers)
    return cast("GoldRushClient", fake), fake


def ids_of(client: GoldRushClient, clock: FakeClock | None = None) -> list[str]:
    return [pipeline.id for pipeline in list_all(client, clock or FakeClock()).pipelines]


# --- One listing ------------------------------------------------------------------------------------------------------


def test_pages_that_agree() -> None:
    """All pipelines in their order, once a reading from the back brings no other; the time is the server's."""
    first, second = page("ab", 3, more=True), page("c", 3)
    client, fake = client_of(first, second, second, first)

    listing = list_all(client, FakeClock())

    assert [pipeline.id for pipeline in listing.pipelines] == ["pipe_a", "pipe_b", "pipe_c"]
    assert listing.server_time == read_time(NOW)
    assert fake.calls == [("page", 1), ("page", 2), ("page", 2), ("page", 1)]


def test_one_page_is_the_whole_list() -> None:
    """What came in one response cannot have changed on the way."""
    client, fake = client_of(page("ab", 2))

    assert ids_of(client) == ["pipe_a", "pipe_b"]
    assert fake.calls == [("page", 1)]


def test_pages_that_agree_and_hide_a_pipeline() -> None:
    """One deleted and one created balance each other: the total holds, nothing comes twice, and one slipped through."""
    ab, bc, de = (page(pair, 4, more=pair != "de", created_at=OLD) for pair in ("ab", "bc", "de"))
    smaller = [page(name, 4, more=name != "e", created_at=OLD) for name in "bcde"]
    client, fake = client_of(ab, de, de, bc, *smaller)

    assert sorted(ids_of(client)) == ["pipe_a", "pipe_b", "pipe_c", "pipe_d", "pipe_e"]
    assert len(fake.calls) == 8


@pytest.mark.parametrize("total", [0, None])
def test_an_empty_account(total: int | None) -> None:
    """No pipelines is an answer too, with pagination or without."""
    assert ids_of(client_of(page("", total))[0]) == []


@pytest.mark.parametrize(
    "changing",
    [
        [page("ab", 3, more=True), page("b", 3)],  # one was created meanwhile, so all moved back by one
        [page("ab", 4, more=True), page("c", 4)],  # one was deleted before it was listed
        [page("ab", 3, more=True), page("", 3, more=True)],  # more is promised and nothing comes
        [page("aa", 2)],  # one page that contradicts itself
    ],
)
def test_list_that_changes_is_read_again(changing: list[PipelinePage]) -> None:
    """Pages that do not fit together may hide a pipeline: all are read again, until they fit."""
    client, _ = client_of(*changing, page("ab", 3, more=True), page("c", 3))

    assert ids_of(client) == ["pipe_a", "pipe_b", "pipe_c"]


def test_list_that_says_more_than_it_shows() -> None:
    """Where more pipelines are counted than any reading finds, the create is refused after some time, not risked."""
    totals = itertools.count(10)
    client, fake = client_of(*(page("ab", next(totals)) for _ in range(500)))
    clock = FakeClock()

    with pytest.raises(ListUnstable, match="changed so fast while it was read"):
        list_all(client, clock)
    assert 20 <= clock.now() <= 22
    assert len(fake.calls) < 50


def test_list_that_keeps_bringing_old_pipelines() -> None:
    """As long as each reading finds pipelines that were there before and not found yet, more may be missing."""
    client, _ = client_of(*(page([number, number], None, created_at=OLD) for number in range(500)))

    with pytest.raises(ListUnstable):
        list_all(client, FakeClock())


def test_list_that_repeats_itself_for_ever() -> None:
    """A server that ignores the page number never gives a whole list, however often its first page comes."""
    client, fake = client_of(page("ab", None, more=True))

    with pytest.raises(ListUnstable):
        list_all(client, FakeClock())
    assert {call[1] for call in fake.calls} == {1, 2}


def test_list_without_an_end() -> None:
    """A server that always has one more page with new pipelines is left at once, after many pages."""
    numbers = itertools.count()
    client, fake = client_of(*(page([next(numbers)], None, more=True) for _ in range(3_000)))

    with pytest.raises(ListEndless, match="still goes on"):
        list_all(client, FakeClock())
    assert len(fake.calls) == 2_000


def test_cancelled_between_two_tries() -> None:
    """Ctrl-C ends the reading of a list that keeps changing."""
    client, _ = client_of(page("aa", 2))

    with pytest.raises(Interrupted):
        list_all(client, FakeClock(cancel_at=1))


@pytest.mark.untraced
def test_many_pages_of_a_real_server(emulator: Emulator) -> None:
    """250 pipelines, of which the server shows at most 40 at a time, are all found in a reading from each end."""
    emulator.switch(page_size_limit=40, list_order="by id")
    with Caller(emulator.base_url, emulator.service_key) as caller:
        created = {caller.create(name=f"p{number}")["id"] for number in range(250)}
    client = GoldRushClient(
        service_key=emulator.service_key, base_url=emulator.base_url, rate_limiter=RateLimiter(10_000)
    )

    assert set(ids_of(client)) == created
    assert sum(request.method == "GET" for request in emulator.requests()) == 7 + 7
    client.close()


# --- Brief lists ------------------------------------------------------------------------------------------------------


def brief(name: str, created_at: str) -> Pipeline:
    return Pipeline(id=f"pipe_{name}", name=name, created_at=created_at)


def test_brief_items_are_fetched_while_they_may_be_orphans() -> None:
    """Where a list leaves descriptions out, young pipelines and those of unknown age are looked at one by one, once."""
    listed = PipelinePage(
        items=[brief("old", OLD), brief("young", RECENT), brief("unknown", ""), brief("gone", RECENT)],
        total_count=4,
        updated_at=NOW,
    )
    client, fake = client_of(listed, get=[*items(["young", "unknown"], created_at=RECENT), None])
    inventory = Inventory()

    found = inventory.listing(client, FakeClock()).pipelines

    assert [pipeline.id for pipeline in found] == ["pipe_old", "pipe_young", "pipe_unknown"]
    assert [call for call in fake.calls if call[0] == "get"] == [
        ("get", "pipe_young"),
        ("get", "pipe_unknown"),
        ("get", "pipe_gone"),
    ]
    assert inventory.listing(client, FakeClock()).pipelines == found
    assert len(fake.calls) == 4


@pytest.mark.parametrize(
    ("created_at", "recent"), [(RECENT, True), (NOW, True), (OLD, False), ("", False), ("yesterday", False)]
)
def test_age_is_told_by_the_servers_clock(created_at: str, recent: bool) -> None:  # noqa: FBT001 - a table
    """Younger than a day by the server's own time; an unknown age is not young."""
    listing = list_all(client_of(page("a", 1, created_at=created_at))[0], FakeClock())

    assert listing.is_recent(listing.pipelines[0]) is recent


@pytest.mark.parametrize("text", ["2026-01-02T12:00:00Z", "2026-01-02T12:00:00.000000+00:00", "2026-01-02T12:00:00"])
def test_times_of_the_api(text: str) -> None:
    """Times end in Z, in an offset or in neither, with a fraction or without."""
    assert read_time(text) == read_time(NOW)
    assert read_time("soon") is None


# --- The barrier ------------------------------------------------------------------------------------------------------


class SlowList:
    """A server whose list is held back until `release`; it counts who asks."""

    seconds_left: float | None = None

    def __init__(self, *answers: Any) -> None:
        self.asked = threading.Semaphore(0)
        self.release = threading.Event()
        self._answers: Iterator[Any] = iter(answers)

    def list_pipelines(self, _page: int = 1, _size: int | None = None) -> PipelinePage:
        answer = next(self._answers)
        self.asked.release()
        assert self.release.wait(30)
        if isinstance(answer, BaseException):
            raise answer
        return cast("PipelinePage", answer)


def ask_together(inventory: Inventory, server: SlowList, count: int) -> list[Any]:
    """What `count` threads get that all ask while the first listing is under way."""
    got: list[Any] = []
    arrived = threading.Barrier(count)

    def ask() -> None:
        arrived.wait(30)
        try:
            got.append(inventory.listing(cast("GoldRushClient", server), FakeClock()))
        except BaseException as error:  # noqa: BLE001 - it is what the test is about
            got.append(error)

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    assert server.asked.acquire(timeout=30)
    server.release.set()
    for thread in threads:
        thread.join(30)
    return got


def test_sixty_four_creates_share_one_listing() -> None:
    """Whoever asks while the listing is under way gets that one; the server is asked once."""
    server = SlowList(page("a", 1))

    got = ask_together(Inventory(), server, 64)

    assert len(got) == 64
    assert all(listing is got[0] for listing in got)


@pytest.mark.parametrize("trouble", [Unauthorized("list pipelines", "401", status=401), BROKEN, KeyboardInterrupt()])
def test_a_failed_listing_wakes_all(trouble: BaseException) -> None:
    """Nobody waits for a listing that failed, whatever the reason; whoever asks afterwards tries again."""
    server = SlowList(trouble, *[page("a", 1)] * 64)
    inventory = Inventory()

    got = ask_together(inventory, server, 64)

    assert len(got) == 64
    assert trouble in got
    assert [pipeline.id for pipeline in inventory.listing(cast("GoldRushClient", server), FakeClock()).pipelines] == [
        "pipe_a"
    ]


def test_the_error_of_a_listing_is_the_servers() -> None:
    """What the user reads names the list and the reason."""
    with pytest.raises(GoldRushError, match="list pipelines: GoldRush failed"):
        Inventory().listing(client_of(BROKEN)[0], FakeClock())


def test_a_list_that_does_not_come_holds_nobody_beyond_their_time(emulator: Emulator) -> None:
    """A create that has one second is told so, though the server would answer after many."""
    fault = emulator.fault("GET", delay_seconds=120.0)
    with closing(GoldRushClient(service_key=emulator.service_key, base_url=emulator.base_url)) as client:
        ends_at = time.monotonic() + 1.0
        with pytest.raises(OutOfTime, match="list pipelines"):
            Inventory().listing(client.within(lambda: ends_at - time.monotonic()), FakeClock())
    assert fault.hits


def test_a_short_time_is_not_the_time_of_others() -> None:
    """Who waits for the list of another gives up in time; who reads it for others and runs out of time ends alone."""
    server = SlowList(OutOfTime("list pipelines", "not in time"), page("a", 1))
    inventory, outcomes = Inventory(), list[Any]()

    def ask() -> None:
        try:
            outcomes.append(inventory.listing(cast("GoldRushClient", server), FakeClock()))
        except GoldRushError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    threads[0].start()
    assert server.asked.acquire(timeout=30)
    hurried = SlowList()
    hurried.seconds_left = 0.0
    with pytest.raises(OutOfTime, match="no time left to wait"):
        inventory.listing(cast("GoldRushClient", hurried), FakeClock())
    threads[1].start()
    server.release.set()
    for thread in threads:
        thread.join(30)
    first, second = sorted(outcomes, key=lambda outcome: isinstance(outcome, Listing))
    assert isinstance(first, OutOfTime)
    assert [pipeline.id for pipeline in second.pipelines] == ["pipe_a"]


# --- The search for a tag ---------------------------------------------------------------------------------------------


def test_a_tag_that_slips_through_one_reading_is_found() -> None:
    """Only a list that is known to be whole shows that an earlier create made nothing."""
    tag = OwnershipTag("0" * 32, "1" * 10)
    ours = Pipeline(id="pipe_c", description=str(tag), created_at=NOW)
    ab, de = page("ab", 4, more=True), page("de", 4)
    bc = PipelinePage(items=[*items("b"), ours], total_count=4, has_more=True, updated_at=NOW)
    alone = PipelinePage(items=[ours], total_count=4, has_more=True, updated_at=NOW)
    smaller = [page("b", 4, more=True), alone, page("d", 4, more=True), page("e", 4)]
    client, _ = client_of(ab, de, de, bc, *smaller, get=[ours])

    assert look_for_tag(context_of(client), tag, 0.0) == ours
