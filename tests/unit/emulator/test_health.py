from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.emulator import Lifecycle, Switches

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.emulator.conftest import Lab


def health(lab: Lab, pipeline_id: str) -> dict[str, Any]:
    data: dict[str, Any] = lab.api.data("GET", f"{pipeline_id}/destination-health/")
    return data


def is_fresh(lab: Lab, pipeline_id: str) -> bool:
    """Whether the last probe is younger than the deployment, by the times that the API returns."""
    checked_at = health(lab, pipeline_id)["last_checked_at"]
    start_time = lab.api.data("GET", f"{pipeline_id}/status/")["start_time"]
    return datetime.fromisoformat(checked_at) > datetime.fromisoformat(start_time)


def test_health_has_the_documented_fields(lab: Lab) -> None:
    """A healthy destination has a time and a latency; an unhealthy one has an error."""
    pipeline_id = lab.api.create()["id"]
    good = health(lab, pipeline_id)
    assert list(good) == ["healthy", "last_checked_at", "latency_ms", "last_error"]
    assert (good["healthy"], good["last_error"], isinstance(good["latency_ms"], int)) == (True, None, True)
    assert is_fresh(lab, pipeline_id)
    lab.emulator.set_health(pipeline_id, "connection refused")
    bad = health(lab, pipeline_id)
    assert (bad["healthy"], bad["last_error"], bad["latency_ms"]) == (False, "connection refused", None)


@pytest.mark.parametrize(("before", "healthy"), [("null", None), ("unhealthy", False)])
def test_health_before_probe(start: Callable[..., Lab], before: Any, *, healthy: bool | None) -> None:
    """Before the first probe `healthy` is null or false, and every other field is null."""
    lab = start(lifecycle=Lifecycle.by_reads(1), switches=Switches(health_before_probe=before))
    pipeline_id = lab.api.create()["id"]
    assert health(lab, pipeline_id) == {
        "healthy": healthy,
        "last_checked_at": None,
        "latency_ms": None,
        "last_error": None,
    }
    lab.api.phases(pipeline_id, 2)
    assert health(lab, pipeline_id)["healthy"] is True


def test_probes_continue_while_the_worker_runs(lab: Lab) -> None:
    """Each read of a running pipeline is a new probe; after a pause the last one stands."""
    pipeline_id = lab.api.create()["id"]
    first = health(lab, pipeline_id)["last_checked_at"]
    lab.clock.advance(10)
    second = health(lab, pipeline_id)["last_checked_at"]
    lab.api.data("PUT", f"{pipeline_id}/", {"status": "paused"})
    lab.clock.advance(10)
    assert first < second == health(lab, pipeline_id)["last_checked_at"]


def test_old_probe_stands_until_the_next_deployment_is_probed(start: Callable[..., Lab]) -> None:
    """While the next deployment is DEPLOYING, the most recent probe is that of the one before."""
    lab = start(lifecycle=Lifecycle.by_time(deploy_seconds=5))
    pipeline_id = lab.api.create()["id"]
    lab.clock.advance(6)
    old = health(lab, pipeline_id)
    lab.api.data("PATCH", f"{pipeline_id}/", {"description": "changed"})
    assert health(lab, pipeline_id) == old
    assert not is_fresh(lab, pipeline_id)
    lab.clock.advance(5)
    assert is_fresh(lab, pipeline_id)


@pytest.mark.parametrize("error", [None, "authentication failed"])
def test_stale_probe_seconds(lab: Lab, error: str | None) -> None:
    """After a change an old true or an old false stands for some seconds, with its old time."""
    pipeline_id = lab.api.create()["id"]
    lab.emulator.set_health(pipeline_id, error)
    old = health(lab, pipeline_id)
    lab.emulator.switch(stale_probe_seconds=5)
    lab.clock.advance(1)
    lab.emulator.script(outcome="RUNNING", health_error=None if error else "authentication failed", until="never")
    lab.api.data("PATCH", f"{pipeline_id}/", {"description": "changed"})
    assert lab.api.phase(pipeline_id) == "RUNNING"
    assert health(lab, pipeline_id) == old
    assert not is_fresh(lab, pipeline_id)
    lab.clock.advance(5)
    new = health(lab, pipeline_id)
    assert (new["healthy"], is_fresh(lab, pipeline_id)) == (error is not None, True)


def test_stale_probe_seconds_without_a_deployment(lab: Lab) -> None:
    """A change that does not redeploy keeps the old probe as well."""
    lab.emulator.switch(stale_probe_seconds=5, patch_redeploys="never")
    pipeline_id = lab.api.create()["id"]
    lab.clock.advance(5)
    old = health(lab, pipeline_id)
    lab.api.data("PATCH", f"{pipeline_id}/", {"description": "changed"})
    lab.clock.advance(4)
    assert health(lab, pipeline_id) == old
    lab.clock.advance(1)
    assert health(lab, pipeline_id)["last_checked_at"] > old["last_checked_at"]


def test_stale_probe_reads(lab: Lab) -> None:
    """After a change so many reads return the old probe, and the next one a new probe."""
    pipeline_id = lab.api.create()["id"]
    old = health(lab, pipeline_id)
    lab.emulator.switch(stale_probe_reads=2)
    lab.clock.advance(60)
    lab.api.data("PATCH", f"{pipeline_id}/", {"description": "changed"})
    assert lab.api.phase(pipeline_id) == "RUNNING"
    seen = [health(lab, pipeline_id) for _ in range(3)]
    assert seen[:2] == [old, old]
    assert seen[2]["last_checked_at"] > old["last_checked_at"]


def test_stale_probe_of_a_failed_deployment(lab: Lab) -> None:
    """A deployment that fails still shows the old true for a while, then its own error."""
    pipeline_id = lab.api.create()["id"]
    lab.emulator.switch(stale_probe_seconds=5)
    lab.emulator.script(outcome="FAILED", health_error="refused")
    lab.api.data("PATCH", f"{pipeline_id}/", {"description": "changed"})
    assert (lab.api.phase(pipeline_id), health(lab, pipeline_id)["healthy"]) == ("FAILED", True)
    lab.clock.advance(5)
    assert health(lab, pipeline_id)["last_error"] == "refused"
