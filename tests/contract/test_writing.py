"""The endpoints that change something, as the API reference documents them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.caller import SQL, kafka_body, postgres_body

if TYPE_CHECKING:
    from goldrush_pulumi.emulator import Emulator
    from tests.contract.conftest import Service
    from tests.support.caller import Caller


@pytest.fixture(autouse=True)
def emulator(service: Service) -> Emulator:
    return service.require_emulator()


def test_create_returns_201_with_the_new_object(api: Caller) -> None:
    """POST returns 201 and the pipeline with its id, status running, and the optional fields unset."""
    response = api.send("POST", "", postgres_body())
    data = response.json()["data"]
    assert response.status_code == 201
    assert re.fullmatch(r"pipe_[0-9a-f]{27}", data["id"])
    assert (data["name"], data["status"], data["execution_stop_from"]) == ("Base swaps to Postgres", "running", "")
    assert (data["transforms"], data["abi_file"], data["abi_contract_addresses"]) == ({"swaps": SQL}, {}, [])


@pytest.mark.parametrize(
    "missing", ["name", "project", "topic", "destination_type", "destination_config", "execution_mode"]
)
def test_create_without_a_required_field_is_422(api: Caller, missing: str, emulator: Emulator) -> None:
    """POST names the required field that is missing, and creates nothing."""
    body = postgres_body()
    del body[missing]
    response = api.send("POST", "", body)
    assert response.status_code == 422
    assert f"{missing}: field required" in response.json()["error_message"]
    assert emulator.pipelines() == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"destination_type": "bigquery"}, "destination_type: must be one of"),
        ({"execution_mode": "forever"}, "execution_mode: must be one of 'bounded', 'unbounded'"),
        ({"status": "stopped"}, "status: must be one of 'running', 'paused'"),
        ({"abi_unmatched": "drop"}, "abi_unmatched: must be one of '', 'raw'"),
        ({"topic": "swaps"}, "topic: must look like"),
        ({"execution_start_from": 44745000}, "execution_start_from: must be a string"),
        ({"execution_start_from": "latest"}, "execution_start_from: must be a block height"),
        ({"transforms": {"swaps": 1}}, "transforms.swaps: must be a string"),
        ({"abi_contract_addresses": [1]}, "abi_contract_addresses: must be a list of strings"),
        ({"destination_config": {"url": "x", "user": "y"}}, "destination_config.password: field required"),
        ({"nmae": "typo"}, "nmae: unknown field"),
    ],
)
def test_create_with_a_wrong_value_is_422(api: Caller, changes: dict[str, Any], message: str) -> None:
    """POST names the field that is wrong and what it takes, and shows no secret."""
    response = api.send("POST", "", postgres_body(**changes))
    assert response.status_code == 422
    assert message in response.json()["error_message"]
    assert "planted-password" not in response.text


@pytest.mark.parametrize("content", [b"{", b"[]"])
def test_create_without_a_json_object_is_400(api: Caller, content: bytes) -> None:
    """A body that is not a JSON object is refused with 400."""
    response = api.send("POST", content=content)
    assert (response.status_code, response.json()["error"]) == (400, True)


def test_patch_changes_only_what_it_names(api: Caller, pipeline: dict[str, Any], emulator: Emulator) -> None:
    """PATCH leaves fields that it does not name as they are, credentials in particular."""
    data = api.data("PATCH", f"{pipeline['id']}/", {"description": "changed"})
    [kept] = emulator.pipelines()
    assert data["description"] == "changed"
    assert kept["destination_config"] == postgres_body()["destination_config"]
    assert kept["transforms"] == postgres_body()["transforms"]


def test_patch_rotates_a_password(api: Caller, pipeline: dict[str, Any], emulator: Emulator) -> None:
    """PATCH with a new destination_config replaces the credential; reads stay masked."""
    rotated = {**postgres_body()["destination_config"], "password": "second-password"}
    api.data("PATCH", f"{pipeline['id']}/", {"destination_config": rotated})
    assert emulator.pipelines()[0]["destination_config"]["password"] == "second-password"
    assert api.data("GET", f"{pipeline['id']}/")["destination_config"]["password"] == "******"


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_status_pauses_and_resumes(api: Caller, pipeline: dict[str, Any], method: str) -> None:
    """PATCH and PUT both change the desired status, and the phase follows."""
    path = f"{pipeline['id']}/"
    assert api.data(method, path, {"status": "paused"})["status"] == "paused"
    assert api.phase(pipeline["id"]) == "PAUSED"
    assert api.data(method, path, {"status": "running"})["status"] == "running"
    assert api.phase(pipeline["id"]) == "RUNNING"


def test_put_ignores_other_fields(api: Caller, pipeline: dict[str, Any]) -> None:
    """PUT takes status alone; everything else in its body is ignored, not refused."""
    data = api.data("PUT", f"{pipeline['id']}/", {"status": "paused", "description": "not me", "colour": "blue"})
    assert (data["status"], data["description"]) == ("paused", pipeline["description"])


@pytest.mark.parametrize("body", [{}, {"status": "stopped"}])
def test_put_without_a_valid_status_is_422(api: Caller, pipeline: dict[str, Any], body: dict[str, Any]) -> None:
    """PUT without running or paused is refused."""
    assert api.send("PUT", f"{pipeline['id']}/", body).status_code == 422


def test_delete_returns_204_and_then_404(api: Caller, pipeline: dict[str, Any]) -> None:
    """DELETE has an empty 204 response; afterwards the pipeline is gone for every call and from the list."""
    response = api.send("DELETE", f"{pipeline['id']}/")
    assert (response.status_code, response.content) == (204, b"")
    assert api.send("GET", f"{pipeline['id']}/").status_code == 404
    assert api.send("DELETE", f"{pipeline['id']}/").status_code == 404
    assert api.data("GET")["items"] == []


def test_pages_cover_the_list_once(api: Caller) -> None:
    """Following has_more page by page gives every pipeline exactly once."""
    created = {api.create(name=f"pipeline {number}")["id"] for number in range(7)}
    seen: list[str] = []
    for page in (1, 2, 3):
        data = api.data("GET", params={"page_number": page, "page_size": 3})
        seen += [item["id"] for item in data["items"]]
        assert data["pagination"] == {
            "page_number": page,
            "page_size": 3,
            "total_count": 7,
            "has_more": page < 3,
        }
    assert len(seen) == 7
    assert set(seen) == created


@pytest.mark.parametrize("query", [{"page_number": 0}, {"page_size": 0}, {"page_number": "two"}])
def test_page_numbers_start_at_one(api: Caller, query: dict[str, Any]) -> None:
    """A page number or size below 1 is refused."""
    assert api.send("GET", params=query).status_code == 422


@pytest.mark.parametrize("path", ["{id}", "{id}/status", "{id}/restart/"])
def test_paths_need_their_trailing_slash(api: Caller, pipeline: dict[str, Any], path: str) -> None:
    """A path without its slash, or one that does not exist, is a 404 in the error envelope, not a redirect."""
    response = api.send("GET", path.format(id=pipeline["id"]))
    assert (response.status_code, response.json()["error_code"]) == (404, "404")


def test_list_masks_credentials(api: Caller) -> None:
    """Nested credentials are masked in the list as well."""
    api.create(kafka_body())
    [item] = api.data("GET")["items"]
    assert item["destination_config"]["sasl"] == {
        "mechanism": "SCRAM-SHA-512",
        "username": "goldrush",
        "password": "******",
    }


def test_uid_and_pod_carry_the_id(api: Caller, pipeline: dict[str, Any]) -> None:
    """The worker is named after type and id; a pod's name is 63 characters and starts with the worker's."""
    uid = f"covalent-postgres-{pipeline['id'].replace('_', '-')}"
    data = api.data("GET", f"{pipeline['id']}/logs/")
    assert data["uid"] == uid
    [pod] = data["pods"]
    assert len(pod["pod"]) == 63
    assert pod["pod"][:58] == f"pipeline-{uid}"[:58]


DESTINATIONS: dict[str, dict[str, Any]] = {
    "clickhouse": {"url": "clickhouse://db.example.com:8123/analytics", "user": "goldrush", "password": "pw"},
    "object_storage": {
        "provider": "s3",
        "bucket": "chain-data",
        "region": "us-east-1",
        "access_key_id": "AKIA",
        "secret_access_key": "pw",
    },
    "sqs": {
        "queue_url": "https://sqs.us-east-1.amazonaws.com/1/swaps",
        "region": "us-east-1",
        "access_key_id": "AKIA",
        "secret_access_key": "pw",
    },
    "webhook": {"url": "https://hooks.example.com/swaps", "headers": {"Authorization": "Bearer pw"}},
}


@pytest.mark.parametrize("kind", DESTINATIONS)
def test_every_destination_comes_up(api: Caller, kind: str) -> None:
    """All destination types are accepted with their required fields, reach RUNNING, and hide their secret."""
    pipeline = api.create(destination_type=kind, destination_config=DESTINATIONS[kind])
    assert api.phase(pipeline["id"]) == "RUNNING"
    assert "pw" not in str(api.data("GET", f"{pipeline['id']}/")["destination_config"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"provider": "azure"}, "destination_config.provider: must be one of s3, gcs, r2"),
        ({"provider": "r2"}, "destination_config.endpoint: required for r2"),
        ({"region": None}, "destination_config.region: required for s3"),
        ({"partition_by": ["minute"]}, "destination_config.partition_by: must be one of hour, day"),
        ({"batch_size": "many"}, "destination_config.batch_size: must be an integer"),
        ({"type": "sqs"}, "destination_config.type: must be object_storage"),
    ],
)
def test_object_storage_rules(api: Caller, changes: dict[str, Any], message: str) -> None:
    """Object storage asks for what its provider needs and for the documented values."""
    config = {**DESTINATIONS["object_storage"], **changes}
    response = api.send("POST", "", postgres_body(destination_type="object_storage", destination_config=config))
    assert response.status_code == 422
    assert message in response.json()["error_message"]
