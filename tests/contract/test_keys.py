"""Who may call: the key rules of the API reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.caller import Caller

if TYPE_CHECKING:
    from tests.contract.conftest import Service

EVERY_ENDPOINT = [
    ("GET", ""),
    ("POST", ""),
    *((method, "{id}/") for method in ("GET", "PATCH", "PUT", "DELETE")),
    *(("GET", f"{{id}}/{part}/") for part in ("status", "logs", "metrics", "destination-health")),
]
READS = [(method, path) for method, path in EVERY_ENDPOINT if method == "GET"]


@pytest.mark.parametrize("key", [None, "no-such-key"], ids=["missing", "unknown"])
@pytest.mark.parametrize(("method", "path"), READS)
def test_reads_without_a_valid_key_are_401(service: Service, key: str | None, method: str, path: str) -> None:
    """A missing or unknown key gets 401 in the error envelope, before anything is said about the pipeline."""
    with Caller(service.base_url, key) as caller:
        response = caller.send(method, path.format(id=f"pipe_{'0' * 27}"))
    assert (response.status_code, response.json()["error"]) == (401, True)


@pytest.mark.parametrize(("method", "path"), EVERY_ENDPOINT)
def test_plain_api_key_is_403(service: Service, pipeline: dict[str, Any], method: str, path: str) -> None:
    """A plain API key is refused with 403 by all ten endpoints, and changes nothing."""
    emulator = service.require_emulator()
    before = emulator.pipelines()
    with Caller(service.base_url, emulator.api_key) as caller:
        response = caller.send(method, path.format(id=pipeline["id"]), {})
    assert (response.status_code, response.json()["error_code"]) == (403, "403")
    assert emulator.pipelines() == before


@pytest.mark.parametrize(("method", "path"), EVERY_ENDPOINT[2:])
def test_pipelines_of_other_groups_are_invisible(
    service: Service, pipeline: dict[str, Any], method: str, path: str
) -> None:
    """A valid key of another group gets the same 404 as for a pipeline that does not exist, and changes nothing."""
    emulator = service.require_emulator()
    before = emulator.pipelines()
    with Caller(service.base_url, emulator.accounts[1].service_key) as other:
        response = other.send(method, path.format(id=pipeline["id"]), {"status": "paused"})
        assert other.data("GET")["items"] == []
    assert response.status_code == 404
    assert emulator.pipelines() == before


def test_a_revoked_key_is_401_at_once(service: Service, api: Caller) -> None:
    """Rotation works by overlap: a second key works beside the first, and a revoked one not a request longer."""
    emulator = service.require_emulator()
    second = emulator.add_key("main")
    with Caller(service.base_url, second) as caller:
        assert caller.send("GET").status_code == 200
        emulator.revoke_key(second)
        assert caller.send("GET").status_code == 401
    assert api.send("GET").status_code == 200
