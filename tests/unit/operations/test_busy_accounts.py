"""Creating where the list never holds still: many creates at once, and accounts that others work on."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

import pytest

from goldrush_pulumi.api import GoldRushClient, GoldRushError, RateLimiter
from goldrush_pulumi.emulator import Emulator, Switches
from goldrush_pulumi.operations.create import create
from goldrush_pulumi.operations.inventory import list_all
from goldrush_pulumi.operations.spec import PipelineSpec
from tests.support.account import TAG, Account, urn_of
from tests.support.caller import Caller
from tests.support.clock import FakeClock
from tests.support.pipelines import inputs_of, spec_of

if TYPE_CHECKING:
    from collections.abc import Callable


def together(count: int, begin: Callable[[int], object]) -> None:
    """Call `begin` with each number on a thread of its own, all at the same moment."""
    start = threading.Barrier(count)

    def run(number: int) -> None:
        start.wait(60)
        begin(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)


def test_list_is_read_before_the_first_post(account: Account) -> None:
    """64 creates at once share one list; it is read from both ends before any of them is sent."""
    account.server.switch(page_size_limit=7)
    for number in range(20):
        account.leave(urn_of(f"old-{number}"), name=f"old-{number}")
    account.server.clear_requests()
    process = account.process()

    def begin(number: int) -> None:
        spec = PipelineSpec({**inputs_of(wait_for="none"), "name": f"p{number}"})
        create(process.context(urn_of(f"p{number}")), spec)

    together(64, begin)
    lists = [index for index, request in enumerate(account.server.requests()) if _is_list(request)]
    posts = [index for index, request in enumerate(account.server.requests()) if request.method == "POST"]
    assert len(posts) == 64
    assert len(lists) == 3 + 3
    assert max(lists) < min(posts)
    assert len(account.ids) == 84


def test_without_the_list_nothing_is_sent(account: Account) -> None:
    """All creates end with the list's own error."""
    account.server.fault("GET", "*/pipeline-api/", status=403, times=None)
    process = account.process()

    for number in range(3):
        with pytest.raises(GoldRushError, match="list pipelines"):
            create(process.context(urn_of(f"p{number}")), spec_of())
    assert account.posts() == 0


def _is_list(request: Any) -> bool:
    return bool(request.method == "GET" and request.path.endswith("/pipeline-api/"))


@pytest.mark.untraced
def test_one_lost_response_among_many_creates(account: Account) -> None:
    """Of 600 creates one response gets lost: its pipeline is found by its tag, though the list grows all the time."""
    process = account.process()
    ids: list[str] = []
    account.server.fault("POST", drop="after", skip=200)

    def begin(first: int) -> None:
        for number in range(first, 600, 24):
            spec = PipelineSpec({**inputs_of(wait_for="none"), "name": f"p{number}"})
            ids.append(create(process.context(urn_of(f"p{number}")), spec).pipeline_id)

    together(24, begin)

    assert sorted(ids) == sorted(account.ids)
    assert len({*ids}) == 600
    assert account.posts() == 600


@pytest.mark.untraced
def test_create_in_a_large_and_busy_account(account: Account) -> None:
    """With 1,500 pipelines and another client at work during every page, a create is possible and makes one."""
    account.server.churn(pipelines=1_500, per_second=5, per_page=1)

    done = create(account.process().context(), spec_of())

    assert account.held(done.pipeline_id)["description"] == str(TAG)
    assert account.posts() == 1


@pytest.mark.untraced
@pytest.mark.parametrize("order", ["newest first", "oldest first", "by id"])
@pytest.mark.parametrize("per_page", [1, 7])
def test_busy_account_is_listed(order: str, per_page: int) -> None:
    """While another client creates and deletes with every page, every pipeline that stays is found."""
    with Emulator(switches=Switches(list_order=cast("Any", order), page_size_limit=20)) as server:
        with Caller(server.base_url, server.service_key) as caller:
            created = {caller.create(name=f"p{number}", status="paused")["id"] for number in range(60)}
        server.churn(pipelines=240, per_second=0, per_page=per_page)
        client = GoldRushClient(
            service_key=server.service_key, base_url=server.base_url, rate_limiter=RateLimiter(10_000)
        )
        found = {pipeline.id for pipeline in list_all(client, FakeClock()).pipelines}
        client.close()

    assert created <= found


def test_orphan_is_found_by_its_tag_in_a_busy_account(account: Account) -> None:
    """A POST whose response got lost is found although no two readings of the list agree."""
    account.server.switch(page_size_limit=10)
    account.server.churn(pipelines=150, per_second=0, per_page=3)
    account.server.fault("POST", drop="after")

    done = create(account.process().context(), spec_of())

    assert account.held(done.pipeline_id)["description"] == str(TAG)
    assert account.posts() == 1
