from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from goldrush_pulumi.api import GoldRushClient, InvalidRequest, PipelinePage, UnexpectedResponse
from tests.unit.api.doubles import BASE_URL, EVERY_CALL, KEY, PATH, READS, Server, client_of, pipeline, success

if TYPE_CHECKING:
    from collections.abc import Callable

BODY = {"name": "Base swaps", "destination_config": {"type": "postgres", "password": "hunter22"}}

REQUESTS: list[tuple[Callable[[GoldRushClient], object], str, str, Any, httpx.Response]] = [
    (lambda c: c.list_pipelines(), "GET", f"{PATH}?page_number=1&page_size=100", None, success({"items": []})),
    (lambda c: c.list_pipelines(3, 7), "GET", f"{PATH}?page_number=3&page_size=7", None, success({"items": []})),
    (lambda c: c.create_pipeline(BODY), "POST", PATH, BODY, success(pipeline(), 201)),
    (lambda c: c.get_pipeline("pipe_1"), "GET", f"{PATH}pipe_1/", None, success(pipeline())),
    (lambda c: c.update_pipeline("pipe_1", BODY), "PATCH", f"{PATH}pipe_1/", BODY, success(pipeline())),
    (
        lambda c: c.set_pipeline_status("pipe_1", "paused"),
        "PUT",
        f"{PATH}pipe_1/",
        {"status": "paused"},
        success(pipeline()),
    ),
    (lambda c: c.delete_pipeline("pipe_1"), "DELETE", f"{PATH}pipe_1/", None, httpx.Response(204)),
    (lambda c: c.get_pipeline_status("pipe_1"), "GET", f"{PATH}pipe_1/status/", None, success({})),
    (lambda c: c.get_pipeline_logs("pipe_1"), "GET", f"{PATH}pipe_1/logs/", None, success({})),
    (lambda c: c.get_pipeline_metrics("pipe_1"), "GET", f"{PATH}pipe_1/metrics/", None, success({})),
    (lambda c: c.get_destination_health("pipe_1"), "GET", f"{PATH}pipe_1/destination-health/", None, success({})),
]


@pytest.mark.parametrize(("call", "method", "target", "body", "response"), REQUESTS)
def test_request(
    call: Callable[[GoldRushClient], object], method: str, target: str, body: Any, response: httpx.Response
) -> None:
    """Each endpoint is one request of the documented method, path and body, with the key as a bearer token."""
    server = Server([response])
    call(client_of(server))
    (request,) = server.requests
    assert [f"{method} {target}"] == server.lines
    assert [body] == server.bodies
    assert request.url.host == "goldrush.test"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["Accept"] == "application/json"
    assert ("application/json" if body else None) == request.headers.get("Content-Type")


def test_responses_are_read() -> None:
    """The documented responses arrive under the names of the models."""
    responses: dict[str, Any] = {
        "": pipeline(project="analytics-prod", status="running", group={"id": "group_1"}),
        "status/": {"uid": "u", "status": "DEPLOYING", "replicas": 1, "ready": 0, "start_time": "2026-04-29T05:53:16Z"},
        "logs/": {"uid": "u", "pods": [{"pod": "p", "logs": "one\ntwo"}]},
        "metrics/": {"uid": "u", "records_consumed": 9, "records_per_second": 1.5},
        "destination-health/": {"healthy": False, "last_error": "connection refused"},
    }
    server = Server([lambda request: success(responses[request.url.path.removeprefix(f"{PATH}pipe_1/")])])
    client = client_of(server)
    found = client.get_pipeline("pipe_1")
    status = client.get_pipeline_status("pipe_1")
    metrics = client.get_pipeline_metrics("pipe_1")
    health = client.get_destination_health("pipe_1")
    assert ("analytics-prod", "running", "group_1") == (found.project, found.status, found.group_id)
    assert ("DEPLOYING", 0, 1) == (status.phase, status.ready, status.replicas)
    assert [("p", "one\ntwo")] == [(pod.pod, pod.logs) for pod in client.get_pipeline_logs("pipe_1").pods]
    assert (9, 1.5, None) == (metrics.records_consumed, metrics.records_per_second, metrics.pending_records)
    assert (False, "connection refused") == (health.healthy, health.last_error)


@pytest.mark.parametrize("base_url", [BASE_URL, BASE_URL.rstrip("/")])
def test_base_url_slash(base_url: str) -> None:
    """A base URL means the same with and without its last slash."""
    server = Server([success(pipeline())])
    client_of(server, base_url=base_url).get_pipeline("pipe_1")
    assert [f"GET {PATH}pipe_1/"] == server.lines


@pytest.mark.parametrize(
    ("pipeline_id", "segment"),
    [("a/../b", "a%2F..%2Fb"), ("pipe 1?x=#", "pipe%201%3Fx%3D%23"), ("é", "%C3%A9"), ("%2e%2e", "%252e%252e")],
)
def test_id_stays_in_its_segment(pipeline_id: str, segment: str) -> None:
    """Whatever an id holds, it names one segment of the path."""
    server = Server([httpx.Response(204)])
    client_of(server).delete_pipeline(pipeline_id)
    assert [f"DELETE {PATH}{segment}/"] == server.lines


@pytest.mark.parametrize("pipeline_id", ["", ".", "..", "..."])
def test_id_that_names_another_place(pipeline_id: str) -> None:
    """An id that would name the list or a folder above it is refused, and nothing is sent."""
    server = Server([httpx.Response(204)])
    with pytest.raises(InvalidRequest, match="find pipeline: the id is empty or made of dots, give one such as pipe_"):
        client_of(server).delete_pipeline(pipeline_id)
    assert server.requests == []


def page(ids: list[str], *, has_more: bool) -> httpx.Response:
    return success({"items": [{"id": one} for one in ids], "pagination": {"has_more": has_more, "total_count": 4}})


def test_iteration_follows_the_pages() -> None:
    """Pages are read while there is more, and an item that slid to the next page comes once."""
    server = Server([page(["a", "b"], has_more=True), page(["b", "c"], has_more=True), page(["d"], has_more=False)])
    assert ["a", "b", "c", "d"] == [item.id for item in client_of(server).iterate_pipelines()]
    assert [f"GET {PATH}?page_number={number}&page_size=100" for number in (1, 2, 3)] == server.lines


def test_iteration_reads_only_what_is_asked_for() -> None:
    """A caller who stops early costs no further page."""
    server = Server([page(["a", "b"], has_more=True)])
    assert next(client_of(server).iterate_pipelines()).id == "a"
    assert len(server.requests) == 1


@pytest.mark.parametrize("ids", [["a"], []])
def test_iteration_of_a_list_without_end(ids: list[str]) -> None:
    """A list that promises more and brings nothing new is an error rather than a loop."""
    server = Server([page(["a"], has_more=True), page(ids, has_more=True)])
    seen: list[str] = []
    with pytest.raises(UnexpectedResponse, match="the list has no end"):
        seen.extend(item.id for item in client_of(server).iterate_pipelines())
    assert len(server.requests) == 2


def test_iteration_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that brings something new for ever is given up too."""
    monkeypatch.setattr("goldrush_pulumi.api.client._MOST_PAGES", 3)
    server = Server([lambda request: page([request.url.params["page_number"]], has_more=True)])
    with pytest.raises(UnexpectedResponse, match="the list has no end"):
        list(client_of(server).iterate_pipelines())
    assert len(server.requests) == 3


def test_page_facts() -> None:
    """A page says where it stands; what a response leaves out is None."""
    full = {"page_number": 2, "page_size": 5, "total_count": 28, "has_more": True}
    told_at = "2026-04-29T05:53:16.294857+00:00"
    server = Server([success({"items": [], "pagination": full, "updated_at": told_at}), success({"items": []})])
    client = client_of(server)
    first, second = client.list_pipelines(2, 5), client.list_pipelines()
    assert PipelinePage.model_validate({"items": [], "updated_at": told_at, **full}) == first
    assert (told_at, "") == (first.updated_at, second.updated_at)
    assert (None, None, False) == (second.page_size, second.total_count, second.has_more)


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, object()])
def test_body_that_is_no_json(value: object) -> None:
    """A body that JSON cannot hold is refused before anything is sent, without showing it."""
    server = Server([success(pipeline())])
    with pytest.raises(InvalidRequest) as caught:
        client_of(server).create_pipeline({"password": "hunter22", "value": value})
    assert "create pipeline: a value of the request cannot be written as JSON" in str(caught.value)
    assert "hunter22" not in str(caught.value)
    assert server.requests == []


def test_text_that_is_no_unicode() -> None:
    """A lone surrogate is refused like any other value that JSON cannot hold."""
    server = Server([success(pipeline())])
    with pytest.raises(InvalidRequest):
        client_of(server).create_pipeline({"name": "\ud800"})
    assert server.requests == []


@pytest.mark.parametrize("name", READS)
def test_reads_have_no_body(name: str) -> None:
    """A read sends no body and no content type."""
    server = Server([success({"id": "pipe_1"})])
    EVERY_CALL[name](client_of(server))
    assert [None] == server.bodies
    assert "Content-Type" not in server.requests[0].headers


def test_close_is_not_the_end() -> None:
    """A closed client opens new connections for a later call, and closing twice does nothing."""
    server = Server([success(pipeline())])
    client = client_of(server)
    client.get_pipeline("pipe_1")
    client.close()
    client.close()
    assert client.get_pipeline("pipe_1").id == "pipe_1"
