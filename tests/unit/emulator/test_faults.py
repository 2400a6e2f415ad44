from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import httpx
import pytest

from goldrush_pulumi.emulator.faults import HTML_BODY
from tests.caller import Caller, postgres_body

if TYPE_CHECKING:
    from typing import Any

    from tests.unit.emulator.conftest import Lab


def test_fault_applies_as_often_as_it_says(lab: Lab) -> None:
    """A fault responds in place of the store as often as it says, then requests pass again."""
    fault = lab.emulator.fault(method="GET", path="*/status/", status=503, times=2, retry_after=7)
    pipeline = lab.api.create()
    answers = [lab.api.send("GET", f"{pipeline['id']}/status/") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert [answer.headers.get("retry-after") for answer in answers] == ["7", "7", None]
    assert (answers[0].json()["error"], answers[0].json()["error_code"], fault.hits) == (True, "503", 2)


def test_fault_may_let_some_pass_first(lab: Lab) -> None:
    """``skip`` lets the first requests through unharmed."""
    lab.emulator.fault(method="get", skip=1, status=500)
    assert [lab.api.send("GET").status_code for _ in range(3)] == [200, 500, 200]


def test_fault_without_times_ends_when_cleared(lab: Lab) -> None:
    """Without a number of times a fault applies until it is cleared."""
    lab.emulator.fault(status=500, times=None)
    assert [lab.api.send("GET").status_code for _ in range(4)] == [500] * 4
    lab.emulator.clear_faults()
    assert lab.api.send("GET").status_code == 200


@pytest.mark.parametrize("pattern", ["bad *", "{id}"])
def test_fault_of_one_pipeline_spares_the_others(lab: Lab, pattern: str) -> None:
    """A fault can be about one pipeline, by a glob of its name or by its id."""
    bad, good = lab.api.create(name="bad one"), lab.api.create(name="good one")
    lab.emulator.fault(pipeline=pattern.format(id=bad["id"]), status=500, times=None)
    assert lab.api.send("GET", f"{bad['id']}/").status_code == 500
    assert lab.api.send("GET", f"{good['id']}/").status_code == 200
    assert lab.api.send("GET").status_code == 200


def test_fault_finds_a_post_by_the_name_in_its_body(lab: Lab) -> None:
    """A POST has no id yet; the name that it carries decides."""
    lab.emulator.fault(method="POST", pipeline="bad *", status=500)
    assert lab.api.send("POST", "", postgres_body(name="good one")).status_code == 201
    assert lab.api.send("POST", "", postgres_body(name="bad one")).status_code == 500


@pytest.mark.parametrize(("drop", "created"), [("before", 0), ("after", 1)])
def test_fault_drops_the_connection(lab: Lab, drop: str, created: int) -> None:
    """A dropped POST has no response; "after" has created the pipeline, "before" has not."""
    lab.emulator.fault(method="POST", drop=drop)
    with pytest.raises(httpx.RemoteProtocolError):
        lab.api.send("POST", "", postgres_body())
    assert len(lab.emulator.pipelines()) == created
    [request] = lab.emulator.requests()
    assert (request.status, request.pipeline_id is not None) == (None, created == 1)
    assert lab.api.send("GET").status_code == 200


def test_fault_responds_after_the_commit(lab: Lab) -> None:
    """As after a timeout of a gateway: the response is 504, and the pipeline exists."""
    lab.emulator.fault(method="POST", status=504, commit=True, body=HTML_BODY)
    response = lab.api.send("POST", "", postgres_body())
    assert (response.status_code, response.headers["content-type"]) == (504, "text/html; charset=utf-8")
    assert len(lab.emulator.pipelines()) == 1


@pytest.mark.parametrize(
    ("body", "kind"), [(HTML_BODY, "text/html; charset=utf-8"), ({"unexpected": True}, "application/json")]
)
def test_fault_has_any_body(lab: Lab, body: Any, kind: str) -> None:
    """A body without a status is a 200 that the caller does not expect: the page of a proxy, or foreign JSON."""
    lab.emulator.fault(body=body)
    response = lab.api.send("GET")
    assert (response.status_code, response.headers["content-type"]) == (200, kind)
    assert "pagination" not in response.text


def test_fault_delays_the_response(lab: Lab) -> None:
    """A delayed response comes later than an impatient caller waits, and others are served meanwhile."""
    fault = lab.emulator.fault(method="GET", delay_seconds=600)
    with (
        Caller(lab.emulator.base_url, lab.emulator.service_key, timeout_seconds=0.2) as impatient,
        pytest.raises(httpx.ReadTimeout),
    ):
        impatient.send("GET")
    assert (fault.hits, lab.api.send("GET").status_code) == (1, 200)


def test_fault_delay_alone_still_carries_out(lab: Lab) -> None:
    """A delay without anything else ends in the ordinary response."""
    lab.emulator.fault(method="POST", delay_seconds=0.01)
    assert lab.api.create()["id"].startswith("pipe_")


def test_the_emulator_stops_while_a_response_is_held_back(lab: Lab) -> None:
    """A held-back response does not delay the end: the caller sees the connection break."""
    seen: list[Exception] = []
    fault = lab.emulator.fault(delay_seconds=600)

    def call() -> None:
        try:
            lab.api.send("GET")
        except httpx.TransportError as error:
            seen.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    while not fault.hits:
        threading.Event().wait(0.005)
    lab.emulator.stop()
    caller.join()
    assert len(seen) == 1


@pytest.mark.parametrize("wrong", [{"drop": "sometimes"}, {"status": 99}, {"status": 600}])
def test_a_wrong_fault_is_refused(lab: Lab, wrong: dict[str, Any]) -> None:
    """A fault that could never do what it says is an error at once."""
    with pytest.raises(ValueError, match=r"^(drop|status): "):
        lab.emulator.fault(**wrong)
