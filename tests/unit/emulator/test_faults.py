from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from goldrush_pulumi.emulator.faults import HTML_BODY
from tests.support.caller import Caller, postgres_body

if TYPE_CHECKING:
    from tests.unit.emulator.conftest import Lab


def test_fault_applies_as_often_as_it_says(lab: Lab) -> None:
    """A fault responds in place of the store as often as it says, then requests pass again."""
    fault = lab.emulator.fault(method="GET", path="*/status/", status=503, times=2, retry_after=7)
    pipeline = lab.api.create()
    responses = [lab.api.send("GET", f"{pipeline['id']}/status/") for _ in range(3)]
    assert [response.status_code for response in responses] == [503, 503, 200]
    assert [response.headers.get("retry-after") for response in responses] == ["7", "7", None]
    assert (responses[0].json()["error"], responses[0].json()["error_code"], fault.hits) == (True, "503", 2)


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


CHANGES: list[tuple[str, dict[str, Any] | None]] = [
    ("PATCH", {"description": "changed"}),
    ("PUT", {"status": "paused"}),
    ("DELETE", None),
]


def state_of(lab: Lab) -> list[tuple[str, str]]:
    """What the three changes can change: description and status of every pipeline that still exists."""
    return [(item["description"], item["status"]) for item in lab.emulator.pipelines()]


CHANGED: dict[str, list[tuple[str, str]]] = {
    "PATCH": [("changed", "running")],
    "PUT": [("before", "paused")],
    "DELETE": [],
}
UNCHANGED = [("before", "running")]


@pytest.mark.parametrize(("method", "body"), CHANGES)
@pytest.mark.parametrize(
    "options", [{"status": 502}, {"body": ""}, {"body": HTML_BODY}, {"status": 502, "body": HTML_BODY}]
)
def test_fault_hides_that_a_change_was_made(
    lab: Lab, method: str, body: dict[str, Any] | None, options: dict[str, Any]
) -> None:
    """PATCH, PUT and DELETE are carried out, while the response is a 502, empty, or the page of a proxy."""
    pipeline = lab.api.create(description="before")
    lab.emulator.fault(method=method, commit=True, **options)
    response = lab.api.send(method, f"{pipeline['id']}/", body)
    assert response.status_code == options.get("status", 200)
    assert pipeline["id"] not in response.text
    assert state_of(lab) == CHANGED[method]


@pytest.mark.parametrize(("method", "body"), CHANGES)
@pytest.mark.parametrize("drop", ["before", "after"])
def test_fault_drops_the_connection_of_a_change(lab: Lab, method: str, body: dict[str, Any] | None, drop: str) -> None:
    """A change without a response was made if it was dropped "after", and not if it was dropped "before"."""
    pipeline = lab.api.create(description="before")
    lab.emulator.fault(method=method, drop=drop)
    with pytest.raises(httpx.RemoteProtocolError):
        lab.api.send(method, f"{pipeline['id']}/", body)
    assert state_of(lab) == (CHANGED[method] if drop == "after" else UNCHANGED)


@pytest.mark.parametrize(("method", "body"), CHANGES)
def test_fault_ignores_a_change(lab: Lab, method: str, body: dict[str, Any] | None) -> None:
    """The response is a success with the old object, and nothing changes, however long one waits."""
    pipeline = lab.api.create(description="before")
    lab.emulator.fault(change="ignored")
    response = lab.api.send(method, f"{pipeline['id']}/", body)
    lab.clock.advance(1000)
    assert state_of(lab) == UNCHANGED
    if method == "DELETE":
        assert (response.status_code, response.content) == (204, b"")
    else:
        assert (response.status_code, response.json()["data"]) == (200, pipeline)


@pytest.mark.parametrize(("method", "body"), CHANGES)
@pytest.mark.parametrize("drop", [None, "before"])
def test_fault_carries_a_change_out_later(lab: Lab, method: str, body: dict[str, Any] | None, drop: str | None) -> None:
    """The response is a success with the old object, or lost, and the change is made after some seconds."""
    pipeline = lab.api.create(description="before")
    lab.emulator.fault(change="later", later_seconds=5, drop=drop)
    if drop is None:
        assert lab.api.send(method, f"{pipeline['id']}/", body).is_success
    else:
        with pytest.raises(httpx.RemoteProtocolError):
            lab.api.send(method, f"{pipeline['id']}/", body)
    lab.clock.advance(4.9)
    assert state_of(lab) == UNCHANGED
    lab.clock.advance(0.1)
    assert state_of(lab) == CHANGED[method]


def test_fault_of_changes_spares_other_requests(lab: Lab) -> None:
    """An ignored change is waited for: reads and creates before it pass unharmed."""
    fault = lab.emulator.fault(change="ignored")
    pipeline = lab.api.create()
    assert (lab.api.send("GET").status_code, fault.hits) == (200, 0)
    lab.api.send("PATCH", f"{pipeline['id']}/", {"description": "changed"})
    assert fault.hits == 1


def test_fault_of_changes_keeps_the_rules_of_reads(lab: Lab) -> None:
    """A change of a pipeline that does not exist is a 404 all the same, and a wrong key a 401."""
    lab.emulator.fault(change="later", times=None)
    assert lab.api.send("PATCH", "pipe_nowhere/", {"description": "changed"}).status_code == 404
    pipeline = lab.api.create()
    with Caller(lab.emulator.base_url, "wrong-key") as stranger:
        assert stranger.send("DELETE", f"{pipeline['id']}/").status_code == 401
    lab.clock.advance(1000)
    assert len(lab.emulator.pipelines()) == 1


def test_late_change_of_a_deleted_pipeline_is_void(lab: Lab) -> None:
    """A change that is due after its pipeline was deleted does nothing, and later requests work."""
    pipeline = lab.api.create()
    lab.emulator.fault(change="later", later_seconds=5)
    lab.api.send("PATCH", f"{pipeline['id']}/", {"description": "changed"})
    lab.api.send("DELETE", f"{pipeline['id']}/")
    lab.clock.advance(5)
    assert lab.api.data("GET")["items"] == []


@pytest.mark.parametrize(("include_list", "list_status"), [(True, 404), (False, 200)])
def test_outage_fails_everything(lab: Lab, *, include_list: bool, list_status: int) -> None:
    """In an outage every request about a pipeline is a 404, the list too or not; afterwards all are there again."""
    pipeline = lab.api.create()
    lab.emulator.outage(include_list=include_list)
    paths = [f"{pipeline['id']}/{part}" for part in ("", "status/", "logs/", "metrics/", "destination-health/")]
    assert {lab.api.send("GET", path).status_code for path in paths} == {404}
    assert lab.api.send("DELETE", f"{pipeline['id']}/").status_code == 404
    assert lab.api.send("GET").status_code == list_status
    lab.emulator.clear_faults()
    assert [item["id"] for item in lab.api.data("GET")["items"]] == [pipeline["id"]]


@pytest.mark.parametrize("value", [0, 300, -1, 0.5, "soon", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_fault_has_any_retry_after(lab: Lab, value: float | str) -> None:
    """Retry-After is sent as it is given: seconds, a date, or nonsense."""
    lab.emulator.fault(status=429, retry_after=value)
    assert lab.api.send("GET").headers["retry-after"] == str(value)


def test_fault_drips_the_response(lab: Lab) -> None:
    """A dripping response has its headers at once, and an impatient caller waits in vain for the body."""
    lab.emulator.fault(drip_seconds=600)
    with httpx.Client(timeout=0.3, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {lab.emulator.service_key}"}
        with client.stream("GET", lab.emulator.base_url, headers=headers) as response:
            assert response.status_code == 200
            with pytest.raises(httpx.ReadTimeout):
                response.read()
    assert lab.api.send("GET").status_code == 200


def test_fault_drips_the_whole_response(lab: Lab) -> None:
    """A patient caller gets every byte of a dripping response, and an empty one as well."""
    pipeline = lab.api.create()
    lab.emulator.fault(drip_seconds=0, times=None)
    assert lab.api.data("GET", f"{pipeline['id']}/") == pipeline
    assert lab.api.send("DELETE", f"{pipeline['id']}/").status_code == 204


def test_dripping_ends_when_the_caller_goes(lab: Lab) -> None:
    """Once the caller has closed the connection, nothing more of the body is sent."""
    incoming = iter([{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(incoming)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/platform/pipeline-api/", "query_string": b"", "headers": []}
    lab.emulator.fault(drip_seconds=600)
    asyncio.run(lab.emulator.application(scope, receive, send))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[1]["body"] == b""


def test_the_emulator_stops_while_a_response_drips(lab: Lab) -> None:
    """A dripping response does not delay the end: the caller sees the connection break."""
    lab.emulator.fault(drip_seconds=600)
    headers = {"Authorization": f"Bearer {lab.emulator.service_key}"}
    with (
        httpx.Client(trust_env=False) as client,
        client.stream("GET", lab.emulator.base_url, headers=headers) as response,
    ):
        lab.emulator.stop()
        with pytest.raises(httpx.TransportError):
            response.read()


@pytest.mark.parametrize("options", [{}, {"status": 500}])
def test_fault_unpacks_to_a_large_body(lab: Lab, options: dict[str, Any]) -> None:
    """A small gzip body unpacks to the size that the fault says, and is the same JSON as before."""
    size = 20_000_000
    lab.emulator.fault(unpacks_to_bytes=size, **options)
    response = lab.api.send("GET")
    assert (response.headers["content-encoding"], len(response.content)) == ("gzip", size)
    assert response.num_bytes_downloaded < size / 500
    assert response.json()["error"] is bool(options)


@pytest.mark.parametrize(
    "wrong",
    [
        {"drop": "sometimes"},
        {"change": "twice"},
        {"status": 99},
        {"status": 600},
        {"retry_after": 1},
        {"status": 429, "retry_after": "1\r\nSet-Cookie: a=b"},
        {"delay_seconds": -1},
        {"later_seconds": -1},
        {"drip_seconds": -1},
        {"unpacks_to_bytes": -1},
    ],
)
def test_a_wrong_fault_is_refused(lab: Lab, wrong: dict[str, Any]) -> None:
    """A fault that could never do what it says is an error that names the option, and is not added."""
    with pytest.raises(ValueError, match=rf"^{list(wrong)[-1]}: "):
        lab.emulator.fault(**wrong)
    assert lab.emulator.faults() == []
