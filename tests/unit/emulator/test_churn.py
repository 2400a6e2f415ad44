from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.caller import Caller

if TYPE_CHECKING:
    from tests.unit.emulator.conftest import Lab


def listed(api: Caller, page_size: int = 100) -> list[str]:
    """The ids on all pages, as a caller that follows has_more sees them."""
    ids: list[str] = []
    number = 1
    while True:
        data = api.data("GET", params={"page_number": number, "page_size": page_size})
        ids += [item["id"] for item in data["items"]]
        if not data["pagination"]["has_more"]:
            return ids
        number += 1


def test_churn_begins_with_its_pipelines(lab: Lab) -> None:
    """The other client has its pipelines from the start, paused, and leaves no trace among the requests."""
    mine = lab.api.create()
    lab.emulator.churn(pipelines=250, per_second=0)
    lab.emulator.clear_requests()
    ids = listed(lab.api)
    assert (len(ids), len(set(ids)), mine["id"] in ids) == (251, 251, True)
    assert {request.method for request in lab.emulator.requests()} == {"GET"}
    phases = [item["phase"] for item in lab.emulator.pipelines() if item["id"] != mine["id"]]
    assert set(phases) == {"PAUSED"}


def test_churn_replaces_pipelines_as_time_passes(lab: Lab) -> None:
    """Each round creates one and deletes the oldest; pipelines of others are never touched."""
    mine = lab.api.create()
    lab.emulator.churn(pipelines=20, per_second=5)
    before = listed(lab.api)
    lab.clock.advance(2)
    after = listed(lab.api)
    assert len(after) == len(before) == 21
    assert len(set(after) - set(before)) == 10
    assert mine["id"] in after


def test_churn_without_pipelines_of_its_own_still_creates_and_deletes(lab: Lab) -> None:
    """Rounds of a client that starts with nothing leave nothing behind."""
    lab.emulator.churn(pipelines=0, per_second=5)
    lab.clock.advance(10)
    assert listed(lab.api) == []


def test_churn_makes_up_for_a_long_pause_at_once(lab: Lab) -> None:
    """After days without a request, the next one is served with all pipelines replaced."""
    lab.emulator.churn(pipelines=20, per_second=50)
    before = listed(lab.api)
    lab.clock.advance(1_000_000)
    after = listed(lab.api)
    assert (len(after), set(after) & set(before)) == (20, set())


@pytest.mark.parametrize(("order", "seen"), [("newest first", "twice"), ("oldest first", "not at all")])
def test_churn_moves_the_list_between_its_pages(lab: Lab, order: str, seen: str) -> None:
    """With a round before each page, a caller sees pipelines twice, or misses some that are there all the time."""
    mine = {lab.api.create(name=f"mine {number}")["id"] for number in range(30)}
    lab.emulator.switch(list_order=order)
    lab.emulator.churn(pipelines=30, per_second=0, per_page=1)
    if order == "oldest first":
        mine |= {lab.api.create(name=f"mine {number}")["id"] for number in range(30)}
    ids = listed(lab.api, page_size=4)
    if seen == "twice":
        assert len(ids) > len(set(ids))
    else:
        assert mine - set(ids)


def test_churn_ends_without_a_trace(lab: Lab) -> None:
    """When it ends, the pipelines of the other client are gone, also those that somebody else had deleted before."""
    mine = lab.api.create()
    lab.emulator.churn(pipelines=5)
    lab.emulator.remove(next(item["id"] for item in lab.emulator.pipelines() if item["id"] != mine["id"]))
    lab.emulator.end_churn()
    lab.clock.advance(10)
    assert listed(lab.api) == [mine["id"]]
    lab.emulator.end_churn()


def test_a_second_churn_replaces_the_first(lab: Lab) -> None:
    """Only one other client is at work; the pipelines of the one before are gone."""
    lab.emulator.churn(pipelines=5)
    lab.emulator.churn(pipelines=3)
    assert len(listed(lab.api)) == 3


def test_churn_in_another_account_is_out_of_sight(lab: Lab) -> None:
    """The other client works in the account that is named."""
    lab.emulator.churn(pipelines=3, account="other")
    with Caller(lab.emulator.base_url, lab.emulator.accounts[1].service_key) as other:
        assert (len(listed(other)), listed(lab.api)) == (3, [])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"pipelines": -1}, "pipelines: -1 is negative"),
        ({"per_second": -0.5}, "per_second: -0.5 is negative"),
        ({"per_page": -1}, "per_page: -1 is negative"),
        ({"account": "nobody"}, "find account nobody: there is no such account"),
    ],
)
def test_a_wrong_churn_is_refused(lab: Lab, wrong: dict[str, Any], message: str) -> None:
    """A negative number or an unknown account is one line, and nothing is created."""
    with pytest.raises((ValueError, LookupError), match=message):
        lab.emulator.churn(**wrong)
    assert lab.emulator.pipelines() == []
