from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.support.caller import Caller, postgres_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.unit.emulator.conftest import Lab


@pytest.fixture
def admin(lab: Lab) -> Iterator[Callable[..., httpx.Response]]:
    """Sends requests to the admin API: method, path, body."""
    with Caller(lab.emulator.admin_url, None) as caller:
        yield caller.send


def test_summary_shows_switches_pipelines_and_requests(lab: Lab, admin: Callable[..., httpx.Response]) -> None:
    """The root of the admin API needs no key and is not recorded."""
    pipeline = lab.api.create()
    lab.api.phases(pipeline["id"], 3)
    summary = admin("GET").json()
    assert summary["switches"]["foreign_status"] == 404
    assert (summary["pipelines"], summary["peak_deploying"]) == ({"RUNNING": 1}, 1)
    assert summary["requests"] == {
        "POST /platform/pipeline-api/": 1,
        "GET /platform/pipeline-api/{id}/status/": 3,
    }


def test_summary_shows_scripts(lab: Lab, admin: Callable[..., httpx.Response]) -> None:
    """The root shows which scripts are in effect and which pipelines they were applied to, until they are removed."""
    admin("POST", "script/", {"name": "base-*", "outcome": "HANG"})
    pipeline = lab.api.create(name="base-swaps")
    [script] = admin("GET").json()["scripts"]
    assert (script["name"], script["outcome"], script["applied_to"]) == ("base-*", "HANG", [pipeline["id"]])
    assert admin("GET", "script/").json() == [script]
    admin("DELETE", "script/")
    assert admin("GET").json()["scripts"] == []


def test_switches_are_read_and_changed(lab: Lab, admin: Callable[..., httpx.Response]) -> None:
    """GET shows each switch with its question; PUT changes the named ones and refuses unknown ones."""
    shown = admin("GET", "switches/").json()
    assert (shown["list_order"]["value"], "order" in shown["list_order"]["question"]) == ("newest first", True)
    changed = admin("PUT", "switches/", {"list_order": "oldest first", "masked_leaves": ["url"]}).json()
    assert changed["list_order"] == "oldest first"
    assert lab.emulator.switches.masked_leaves == ("url",)
    refused = admin("PUT", "switches/", {"colour": "blue"})
    assert (refused.status_code, refused.json()) == (
        422,
        {"error": "set switch colour: there is no such switch, see the documentation"},
    )


def test_faults_are_set_shown_and_cleared(lab: Lab, admin: Callable[..., httpx.Response]) -> None:
    """POST adds a fault, GET shows how often it was applied, DELETE removes all."""
    assert admin("POST", "faults/", {"method": "GET", "path": "*", "status": 503}).status_code == 200
    assert [lab.api.send("GET").status_code for _ in range(2)] == [503, 200]
    [fault] = admin("GET", "faults/").json()
    assert (fault["status"], fault["hits"], fault["times"]) == (503, 1, 1)
    assert admin("DELETE", "faults/").status_code == 204
    assert admin("GET", "faults/").json() == []
    assert admin("POST", "faults/", {"colour": "blue"}).status_code == 422
    assert admin("POST", "faults/", {"drop": "never"}).json()["error"].startswith("drop: 'never' is unknown")


def test_requests_are_shown_and_cleared(lab: Lab, admin: Callable[..., httpx.Response]) -> None:
    """Recorded requests carry method, path, body, status and pipeline id."""
    pipeline = lab.api.create()
    [request] = admin("GET", "requests/").json()
    assert (request["method"], request["status"], request["pipeline_id"]) == ("POST", 201, pipeline["id"])
    assert (request["body"], request["account"], request["at"]) == (postgres_body(), "main", lab.clock.seconds)
    assert admin("DELETE", "requests/").status_code == 204
    assert admin("GET", "requests/").json() == []


def test_scripts_are_set_and_cleared(lab: Lab, admin: Callable[..., httpx.Response]) -> None:
    """POST scripts future deployments, DELETE lets them succeed again."""
    admin("POST", "script/", {"name": "bad*", "outcome": "FAILED", "logs": ["ERROR no"], "until": "never"})
    assert lab.api.phase(lab.api.create(name="bad one")["id"]) == "FAILED"
    assert admin("DELETE", "script/").status_code == 204
    assert lab.api.phase(lab.api.create(name="bad two")["id"]) == "RUNNING"
    assert admin("POST", "script/", {"outcome": "EXPLODE"}).status_code == 422


def test_pipelines_are_shown_in_clear(lab: Lab, admin: Callable[..., httpx.Response]) -> None:
    """The admin API shows whole objects with secrets and runtime state."""
    pipeline = lab.api.create()
    [shown] = admin("GET", "pipelines/").json()
    assert (shown["id"], shown["phase"], shown["ready"]) == (pipeline["id"], "RUNNING", 1)
    assert shown["destination_config"]["password"] == "planted-password"
    assert shown["group"]["id"] == lab.emulator.accounts[0].group_id


@pytest.mark.parametrize(
    ("verb", "body", "shows"),
    [
        ("fail", {"logs": ["ERROR no"], "health_error": "refused"}, {"phase": "FAILED", "health_error": "refused"}),
        ("phase", {"phase": "STOPPED"}, {"phase": "STOPPED", "ready": 0}),
        ("edit", {"description": "changed in the UI"}, {"description": "changed in the UI", "deployments": 1}),
        ("edit", {"description": "changed in the UI", "redeploy": True}, {"phase": "DEPLOYING", "deployments": 2}),
        ("edit", {"status": "paused"}, {"status": "paused", "phase": "STOPPING"}),
        ("health", {"error": "refused"}, {"phase": "RUNNING", "health_error": "refused"}),
    ],
)
def test_pipelines_can_be_changed(
    lab: Lab, admin: Callable[..., httpx.Response], verb: str, body: dict[str, Any], shows: dict[str, Any]
) -> None:
    """Each action returns the pipeline as it is right after."""
    pipeline = lab.api.create()
    shown = admin("POST", f"pipelines/{pipeline['id']}/{verb}/", body).json()
    assert {name: shown[name] for name in shows} == shows


def test_logs_are_written(lab: Lab, admin: Callable[..., httpx.Response]) -> None:
    """Written lines appear at the end of the tail, which has the last 200 lines."""
    pipeline = lab.api.create()
    admin("POST", f"pipelines/{pipeline['id']}/logs/", {"lines": [f"INFO line {number}" for number in range(300)]})
    [pod] = lab.api.data("GET", f"{pipeline['id']}/logs/")["pods"]
    lines = pod["logs"].splitlines()
    assert (len(lines), lines[0], lines[-1]) == (200, "INFO line 100", "INFO line 299")


def test_pipelines_are_removed(lab: Lab, admin: Callable[..., httpx.Response]) -> None:
    """DELETE removes a pipeline outside of the API; a second one says that there is no such pipeline."""
    pipeline = lab.api.create()
    path = f"pipelines/{pipeline['id']}/"
    assert admin("DELETE", path).status_code == 204
    assert lab.api.send("GET", f"{pipeline['id']}/").status_code == 404
    gone = admin("DELETE", path)
    assert (gone.status_code, "there is no pipeline with that id" in gone.json()["error"]) == (404, True)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("edit/", {"colour": "blue"}),
        ("edit/", {"execution_mode": "forever"}),
        ("phase/", {"phase": "ASLEEP"}),
        ("phase/", {}),
    ],
)
def test_nonsense_is_refused(lab: Lab, admin: Callable[..., httpx.Response], path: str, body: dict[str, Any]) -> None:
    """A wrong field, value or phase is a 422 with the reason, and changes nothing."""
    pipeline = lab.api.create()
    before = lab.emulator.pipelines()
    refused = admin("POST", f"pipelines/{pipeline['id']}/{path}", body)
    assert (refused.status_code, bool(refused.json()["error"])) == (422, True)
    assert lab.emulator.pipelines() == before


@pytest.mark.parametrize("content", [b"{", b"[]"])
def test_bodies_are_json_objects(lab: Lab, content: bytes) -> None:
    """A body that is not a JSON object is a 400."""
    headers = {"Content-Type": "application/json"}
    response = httpx.put(f"{lab.emulator.admin_url}switches/", content=content, headers=headers, trust_env=False)
    assert (response.status_code, "JSON" in response.json()["error"]) == (400, True)


def test_unknown_paths_are_404(admin: Callable[..., httpx.Response]) -> None:
    """The admin API has no other paths."""
    assert admin("GET", "weather/").status_code == 404


def test_faults_spare_the_admin_api(lab: Lab, admin: Callable[..., httpx.Response]) -> None:
    """However broken the API is, it can be repaired."""
    lab.emulator.fault(status=500, times=None)
    assert admin("GET").status_code == 200
    assert admin("DELETE", "faults/").status_code == 204


def test_outages_and_churn_are_started_and_ended(lab: Lab, admin: Callable[..., httpx.Response]) -> None:
    """POST starts an outage or another client, DELETE ends it; a wrong option is a 422 or a 404."""
    assert admin("POST", "churn/", {"pipelines": 3, "per_second": 0}).status_code == 200
    assert lab.api.data("GET")["pagination"]["total_count"] == 3
    assert admin("GET").json()["churn"] == {"pipelines": 3, "per_second": 0, "per_page": 0}
    assert admin("POST", "outage/", {"status": 503}).json()["status"] == 503
    assert lab.api.send("GET").status_code == 503
    assert [admin("DELETE", path).status_code for path in ("faults/", "churn/")] == [204, 204]
    assert (lab.api.data("GET")["items"], admin("GET").json()["churn"]) == ([], None)
    assert admin("POST", "churn/", {"pipelines": -1}).status_code == 422
    assert admin("POST", "churn/", {"account": "nobody"}).status_code == 404
    assert admin("POST", "outage/", {"status": 42}).status_code == 422


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "10.0.0.1", "[::1", ""]
)
@pytest.mark.parametrize("path", ["/_emulator/requests/", "/platform/pipeline-api/"])
def test_foreign_hosts_are_refused(lab: Lab, admin: Callable[..., httpx.Response], host: str, path: str) -> None:
    """A name that a web page has bound to a loopback address reads nothing, in the admin API and in the API."""
    lab.api.create()
    headers = {"Host": host.format(port=lab.emulator.port), "Authorization": f"Bearer {lab.emulator.service_key}"}
    response = admin("GET", str(httpx.URL(lab.emulator.admin_url).join(path)), headers=headers)
    assert (response.status_code, "use a loopback address" in response.text) == (421, True)
    assert "planted-password" not in response.text
    assert [request.method for request in lab.emulator.requests()] == ["POST"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:{port}", "127.0.0.1", "127.1.2.3:80", "[::1]:{port}"])
@pytest.mark.parametrize("path", ["/_emulator/requests/", "/platform/pipeline-api/"])
def test_loopback_hosts_are_served(lab: Lab, admin: Callable[..., httpx.Response], host: str, path: str) -> None:
    """Every loopback name and address reaches the emulator, with any port: it may be forwarded."""
    headers = {"Host": host.format(port=lab.emulator.port), "Authorization": f"Bearer {lab.emulator.service_key}"}
    assert admin("GET", str(httpx.URL(lab.emulator.admin_url).join(path)), headers=headers).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3000", "https://{host}"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_foreign_origins_are_refused(lab: Lab, admin: Callable[..., httpx.Response], origin: str, method: str) -> None:
    """A web page of another origin can neither read the recorded requests nor remove them."""
    lab.api.create()
    host = httpx.URL(lab.emulator.admin_url).netloc.decode()
    response = admin(method, "requests/", headers={"Origin": origin.format(host=host)})
    assert (response.status_code, "planted-password" in response.text) == (403, False)
    assert len(lab.emulator.requests()) == 1


def test_the_own_origin_is_served(lab: Lab, admin: Callable[..., httpx.Response]) -> None:
    """A page of the emulator itself may use the admin API."""
    host = httpx.URL(lab.emulator.admin_url).netloc.decode()
    assert admin("GET", "requests/", headers={"Origin": f"http://{host}"}).status_code == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "text/plain; application/json", ""]
)
def test_bodies_need_their_content_type(lab: Lab, admin: Callable[..., httpx.Response], kind: str) -> None:
    """A body of a kind that a web page may send without asking first is a 415 and does nothing."""
    response = admin("POST", "faults/", content=b'{"status": 500}', headers={"Content-Type": kind})
    assert (response.status_code, "application/json" in response.json()["error"]) == (415, True)
    assert lab.emulator.faults() == []


def test_bodies_may_name_their_encoding_or_be_absent(lab: Lab, admin: Callable[..., httpx.Response]) -> None:
    """JSON with a charset is JSON, and a POST without a body needs no content type."""
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert admin("POST", "faults/", content=b'{"status": 500}', headers=headers).status_code == 200
    assert admin("POST", "churn/").status_code == 200
    assert len(lab.emulator.faults()) == 1
