from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.api import DestinationHealth, Pipeline, PipelineMetrics, PipelineStatus
from goldrush_pulumi.cli import ExitCode
from goldrush_pulumi.cli.check import KINDS, Limits, Observed, _problems, _seconds
from goldrush_pulumi.cli.stacks import Managed
from goldrush_pulumi.cli.targets import Target
from goldrush_pulumi.emulator import Emulator
from tests.support.caller import Caller, postgres_body
from tests.unit.cli.conftest import resource

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.cli.conftest import Ended, FakePulumi

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}


def at(**ago: float) -> str:
    """A time so long before NOW, as the API writes it."""
    return (NOW - timedelta(**ago)).isoformat().replace("+00:00", "Z")


def found(
    phase: str = "RUNNING",
    *,
    pipeline: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
    metrics: dict[str, Any] | None = None,
    health: dict[str, Any] | None = None,
    managed: Managed | None = None,
) -> dict[str, str]:
    """The findings about one pipeline, text by kind."""
    made = Pipeline.model_validate({"id": "pipe_1", "name": "swaps", "status": "running", **(pipeline or {})})
    seen = Observed(
        Target(made, managed, "dev" if managed else None),
        PipelineStatus.model_validate({"status": phase, "replicas": 1, "ready": 1, **(status or {})}),
        PipelineMetrics.model_validate(metrics or {}),
        DestinationHealth.model_validate(health or {}),
        NOW,
    )
    return dict(_problems(seen, Limits(max_lag_seconds=60.0, max_probe_age_seconds=3600.0)))


def test_a_pipeline_that_is_fine() -> None:
    """Nothing is found on a running pipeline with a fresh probe and little lag."""
    assert found(metrics={"processing_delay_ms": 250}, health={"healthy": True, "last_checked_at": at(minutes=1)}) == {}


@pytest.mark.parametrize(
    ("values", "kind", "text"),
    [
        ({"phase": "FAILED"}, "failed", "it is FAILED, ready 1 of 1"),
        ({"status": {"replicas": 2}}, "not_ready", "only 1 of 2 replicas are ready"),
        ({"pipeline": {"status": "paused"}}, "not_as_desired", "it is RUNNING, and should be paused"),
        ({"phase": "STOPPED"}, "not_as_desired", "it is STOPPED, and should be running"),
        ({"phase": "DEPLOYING", "status": {"ready": 0}}, "deploying", "it is DEPLOYING, and not yet running"),
        (
            {"health": {"healthy": False, "last_error": "connection refused"}},
            "destination_unhealthy",
            "the last probe of its destination failed: connection refused",
        ),
        (
            {"health": {"healthy": True, "last_checked_at": at(hours=2)}},
            "probe_old",
            "the last probe of its destination was 7,200 s ago",
        ),
        ({"metrics": {"processing_delay_ms": 61_000}}, "lag", "it lags by 61 s, more than 60 s"),
    ],
)
def test_each_finding(values: dict[str, Any], kind: str, text: str) -> None:
    """Each kind of trouble is found alone, with what was observed."""
    assert found(**values) == {kind: text}


def test_a_probe_from_before_the_deployment_says_nothing() -> None:
    """An old failure of the destination does not count for a newer deployment."""
    health = {"healthy": False, "last_checked_at": at(minutes=10)}
    assert found(status={"start_time": at(minutes=5)}, health=health) == {}
    assert "destination_unhealthy" in found(status={"start_time": at(minutes=15)}, health=health)


def test_a_bounded_pipeline_that_ended_is_fine() -> None:
    """STOPPED is its goal."""
    assert found("STOPPED", pipeline={"execution_mode": "bounded"}) == {}


@pytest.mark.parametrize(
    ("created", "started", "height", "is_found"),
    [
        (at(minutes=6), at(minutes=5), 44_000_000, True),
        (at(minutes=6), at(minutes=5), 1_050_000, False),
        (at(days=6), at(minutes=5), 44_000_000, False),
        (at(days=6), at(days=6), 44_000_000, False),
    ],
    ids=["far above", "near", "a later deployment", "long ago"],
)
def test_a_start_that_was_not_honored(created: str, started: str, height: int, *, is_found: bool) -> None:
    """Just after its first deployment, a pipeline cannot be millions of blocks above its start."""
    values = found(
        pipeline={"execution_start_from": "1000000", "created_at": created},
        status={"start_time": started},
        metrics={"last_block_height": height},
    )
    assert ("start_not_honored" in values) == is_found


def managed_inputs(**changes: Any) -> dict[str, Any]:
    body = postgres_body()
    config = {**body["destination_config"], "password": SECRET}
    return {**body, "destination_config": config, "status": "running", **changes}


def test_drift_from_the_stack() -> None:
    """Fields that differ from the state are named; secrets, which the state holds encrypted, are not compared."""
    actual = {**postgres_body(), "id": "pipe_1", "status": "running"}
    same = Managed("swaps", "pipe_1", managed_inputs(), {})
    assert found(pipeline=actual, managed=same) == {}
    other = {"swaps": "SELECT tx_hash FROM swaps"}
    changed = Managed("swaps", "pipe_1", managed_inputs(transforms=other, status="paused", description=SECRET), {})
    assert found(pipeline=actual, managed=changed) == {"drift": "differs from stack dev in transforms, status"}


@pytest.mark.parametrize(
    ("text", "seconds"), [("60s", 60.0), ("5m", 300.0), ("1h30m", 5400.0), ("90", 90.0), ("0.5", 0.5)]
)
def test_durations(text: str, seconds: float) -> None:
    """Durations are read as people write them."""
    assert _seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1s", "1x", "h"])
def test_wrong_durations(text: str, command: Callable[..., Ended]) -> None:
    """A wrong duration is one line that shows right ones."""
    assert "60s" in command("check", f"--max-lag={text}").fails_with(ExitCode.USAGE)


def test_check_lists_findings_worst_first(emulator: Emulator, caller: Caller, command: Callable[..., Ended]) -> None:
    """One line per finding, errors before warnings, and exit code 10; nothing found is exit code 0."""
    slow = caller.create(name="slow")["id"]
    assert command("check").out == "1 pipeline checked: 0 findings\n"
    emulator.fail(caller.create(name="broken")["id"])
    emulator.set_health(caller.create(name="cut off")["id"], "connection refused")
    ended = command("check", "--max-lag", "0.1")

    assert ended.code == ExitCode.UNHEALTHY
    lines = ended.out.splitlines()
    assert lines[0].split()[:3] == ["error", "failed", "broken"]
    kinds = [line.split()[1] for line in lines[:-1]]
    assert kinds == sorted(kinds, key=list(KINDS).index)
    assert {"failed", "destination_unhealthy", "lag"} <= set(kinds)
    assert any(slow in line for line in lines)
    report = command("check", "broken", "--json").json
    assert (report["checked"], report["findings"][0]["kind"]) == (1, "failed")


def test_check_of_a_stack(
    emulator: Emulator, caller: Caller, command: Callable[..., Ended], pulumi: FakePulumi
) -> None:
    """With --stack only its pipelines are checked, and one that is gone is found."""
    ours = caller.create(name="swaps")["id"]
    emulator.fail(caller.create(name="others")["id"])
    recorded = resource("base-swaps", ours, project="analytics-prod")
    recorded["inputs"] = managed_inputs(name="swaps")
    pulumi.write({}, recorded, resource("lost", "pipe_lost", project="analytics-prod"))

    report = command("check", "--stack", "dev", "--json").json
    assert [(item["kind"], item["name"]) for item in report["findings"]] == [("gone", "lost")]
    command("pause", "swaps")
    (_, drift) = command("check", "--stack", "dev", "--json").json["findings"]
    assert (drift["kind"], drift["text"]) == ("drift", "differs from stack dev in status")
    assert drift["managed_by"] == {"stack": "dev", "resource": "base-swaps", "likely_stack": None}


@pytest.mark.parametrize("foreign_status", [404, 403])
def test_what_the_list_does_not_show_is_not_gone(
    emulator: Emulator, caller: Caller, command: Callable[..., Ended], pulumi: FakePulumi, foreign_status: int
) -> None:
    """A list shows a young pipeline late, so a pipeline is gone only when its id is not found, or is another's."""
    emulator.switch(list_lag_seconds=3600.0, foreign_status=foreign_status)
    young = caller.create(name="young")["id"]
    with Caller(emulator.base_url, emulator.accounts[1].service_key) as other:
        theirs = other.create(name="theirs")["id"]
    recorded = resource("base-young", young, project="analytics-prod")
    recorded["inputs"] = managed_inputs(name="young")
    pulumi.write({}, recorded, resource("theirs", theirs, project="analytics-prod"))

    report = command("check", "--stack", "dev", "--json").json

    assert [(item["kind"], item["name"]) for item in report["findings"]] == [("gone", "theirs")]
    assert report["checked"] == 1


def test_errors_that_grow(caller: Caller, command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    """Normalization errors are counted twice, and only a count that grew is found."""
    counts = {caller.create(name="growing")["id"]: iter([3, 5]), caller.create(name="old")["id"]: iter([7, 7])}

    def metrics(_client: object, pipeline_id: str) -> PipelineMetrics:
        return PipelineMetrics(normalization_errors=next(counts[pipeline_id]))

    monkeypatch.setattr("goldrush_pulumi.api.GoldRushClient.get_pipeline_metrics", metrics)
    (finding,) = command("check", "--interval", "0", "--json").json["findings"]
    assert (finding["name"], finding["kind"]) == ("growing", "errors_growing")
    assert finding["text"] == "normalization errors grew from 3 to 5"


def test_check_costs_three_requests_each(emulator: Emulator, caller: Caller, command: Callable[..., Ended]) -> None:
    """A pass costs the list, a page for GoldRush's clock, and status, metrics and health of each pipeline."""
    for number in range(3):
        caller.create(name=f"p{number}")
    emulator.clear_requests()
    command("check")
    counts = {kind.rsplit("/", 2)[-2]: count for kind, count in emulator.request_counts().items()}
    assert counts == {"pipeline-api": 2, "status": 3, "metrics": 3, "destination-health": 3}


def test_a_pipeline_that_cannot_be_read(emulator: Emulator, caller: Caller, command: Callable[..., Ended]) -> None:
    """Trouble with one pipeline is a finding; trouble with all of GoldRush is an error."""
    lost = caller.create(name="lost")["id"]
    emulator.fault(path=f"*{lost}/status/", status=500, times=None)
    (finding,) = command("check", "--json").json["findings"]
    assert finding["kind"] == "not_readable"
    emulator.stop()
    assert "cannot be reached" in command("check").fails_with(ExitCode.UNREACHABLE)


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_clock_that_is_off_is_no_finding(
    hours: int, command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ages are measured by GoldRush's clock: on a machine that is ahead, a fresh probe is not old."""
    with Emulator(clock=lambda: time.time() - hours * 3600) as emulator:
        monkeypatch.setenv("GOLDRUSH_SERVICE_KEY", emulator.service_key)
        monkeypatch.setenv("GOLDRUSH_BASE_URL", emulator.base_url)
        with Caller(emulator.base_url, emulator.service_key) as caller:
            caller.phase(caller.create(name="swaps")["id"])
        ended = command("check")

    assert (ended.code, ended.out) == (ExitCode.OK, "1 pipeline checked: 0 findings\n")


def test_a_key_that_is_refused_in_the_middle_ends_the_check(
    emulator: Emulator, caller: Caller, command: Callable[..., Ended]
) -> None:
    """A pass that loses its key half-way reports no findings: it has not seen all pipelines."""
    for number in range(3):
        caller.create(name=f"p{number}")
    emulator.fault(path="*/metrics/", status=401, skip=1, times=None)
    ended = command("check")
    assert ended.fails_with(ExitCode.NO_ACCESS)
    assert ended.out == ""
