"""The endpoints that only read, as the API reference documents them; these run against the live API too."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.support.caller import Caller

PHASES = {"DEPLOYING", "RUNNING", "PAUSED", "FAILED", "STOPPING", "STOPPED"}
PIPELINE_FIELDS = {
    *("id", "name", "project", "description", "topic", "destination_type", "destination_config", "transforms"),
    *("execution_mode", "execution_start_from", "execution_stop_from", "abi_file", "abi_contract_addresses"),
    *("abi_unmatched", "status", "created_by", "group", "created_at", "updated_at"),
}
MISSING_ID = f"pipe_{'0' * 27}"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.usefixtures("pipeline")
def test_list_returns_items_and_pagination(api: Caller) -> None:
    """The list wraps its items with page_number, page_size, total_count, has_more and the server's own time."""
    data = api.data("GET")
    pagination = data["pagination"]
    assert set(pagination) >= {"page_number", "page_size", "total_count", "has_more"}
    assert pagination["page_number"] == 1
    assert len(data["items"]) == min(pagination["page_size"], pagination["total_count"])
    assert pagination["has_more"] is (pagination["total_count"] > pagination["page_size"])
    assert _moment(data["updated_at"]).utcoffset() is not None


def test_get_returns_the_whole_object(api: Caller, pipeline: dict[str, Any]) -> None:
    """A pipeline object carries every documented field, with status running or paused."""
    data = api.data("GET", f"{pipeline['id']}/")
    assert set(data) >= PIPELINE_FIELDS
    assert data["id"] == pipeline["id"]
    assert data["id"].startswith("pipe_")
    assert data["status"] in {"running", "paused"}
    assert set(data["created_by"]) >= {"id", "email"}
    assert set(data["group"]) >= {"id", "name"}
    assert _moment(data["created_at"]) <= _moment(data["updated_at"])


def test_get_masks_credentials(api: Caller, pipeline: dict[str, Any]) -> None:
    """Passwords and secret access keys are six stars when read."""
    config = api.data("GET", f"{pipeline['id']}/")["destination_config"]
    read = [config[name] for name in ("password", "secret_access_key") if name in config]
    assert read == ["******"] * len(read)


def test_status_returns_the_runtime_phase(api: Caller, pipeline: dict[str, Any]) -> None:
    """The status endpoint reports uid, phase, replicas, ready and the start of the deployment."""
    data = api.data("GET", f"{pipeline['id']}/status/")
    assert set(data) >= {"uid", "status", "replicas", "ready", "start_time"}
    assert data["status"] in PHASES
    assert 0 <= data["ready"] <= data["replicas"]
    assert data["uid"].startswith("covalent-")


def test_logs_returns_one_text_per_pod(api: Caller, pipeline: dict[str, Any]) -> None:
    """Logs come as a list of pods, each with its name and one string."""
    data = api.data("GET", f"{pipeline['id']}/logs/")
    assert data["uid"].startswith("covalent-")
    for pod in data["pods"]:
        assert isinstance(pod["logs"], str)
        assert re.fullmatch(r"pipeline-[a-z0-9-]{1,54}", pod["pod"])


def test_metrics_returns_numbers(api: Caller, pipeline: dict[str, Any]) -> None:
    """Metrics are a snapshot of seven numbers beside the uid."""
    data = api.data("GET", f"{pipeline['id']}/metrics/")
    names = {"records_consumed", "last_offset", "last_block_height", "pending_records"}
    names |= {"processing_delay_ms", "records_per_second", "normalization_errors"}
    assert set(data) >= {"uid", *names}
    assert all(isinstance(data[name], (int, float)) for name in names)


def test_destination_health_returns_the_last_probe(api: Caller, pipeline: dict[str, Any]) -> None:
    """Destination health says healthy or not, when and how fast that was found, and the last error; it has no uid."""
    data = api.data("GET", f"{pipeline['id']}/destination-health/")
    assert set(data) >= {"healthy", "last_checked_at", "latency_ms", "last_error"}
    assert "uid" not in data
    assert data["last_checked_at"] is None or _moment(data["last_checked_at"]).utcoffset() is not None
    assert data["latency_ms"] is None or isinstance(data["latency_ms"], int)


@pytest.mark.parametrize("part", ["", "status/", "logs/", "metrics/", "destination-health/"])
def test_missing_pipeline_is_404(api: Caller, part: str) -> None:
    """Every read of a pipeline that does not exist is a 404 in the error envelope."""
    response = api.send("GET", f"{MISSING_ID}/{part}")
    body = response.json()
    assert (response.status_code, body["error"], body["data"]) == (404, True, None)
    assert body["error_message"]
