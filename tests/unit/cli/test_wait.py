from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi.api import DestinationHealth, PipelineStatus
from goldrush_pulumi.cli import ExitCode
from goldrush_pulumi.cli.wait import is_current
from goldrush_pulumi.emulator import Emulator, Lifecycle
from tests.support.caller import Caller
from tests.unit.cli.conftest import resource

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.cli.conftest import Ended, FakePulumi


@pytest.mark.parametrize("state", ["running", "healthy"])
def test_waiting_for_what_is_there(state: str, caller: Caller, command: Callable[..., Ended]) -> None:
    """A pipeline that is there already ends the wait at once, and nothing is changed."""
    for name in ("a", "b"):
        caller.phase(caller.create(name=name)["id"])
    ended = command("wait", "a", "b", "--for", state)
    assert (ended.code, ended.out.count("is RUNNING")) == (ExitCode.OK, 2)


def test_each_state(caller: Caller, command: Callable[..., Ended]) -> None:
    """Paused and stopped are reached when the phase says so."""
    caller.create(name="paused", status="paused")
    caller.create(name="done", execution_mode="bounded", execution_stop_from="44745010")
    assert "is PAUSED" in command("wait", "paused", "--for", "paused").out
    assert "is STOPPED" in command("wait", "done", "--for", "stopped").out
    assert command("wait", "done", "--for", "running", "--json").json[0]["phase"] == "STOPPED"


def test_waiting_for_a_deletion(command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipeline that is being deleted is waited for; an id that leads nowhere counts as deleted, a name does not."""
    with Emulator(lifecycle=Lifecycle.by_reads(3)) as emulator:
        emulator.switch(delete_through_stopping=True)
        monkeypatch.setenv("GOLDRUSH_SERVICE_KEY", emulator.service_key)
        monkeypatch.setenv("GOLDRUSH_BASE_URL", emulator.base_url)
        with Caller(emulator.base_url, emulator.service_key) as caller:
            pipeline_id = caller.create(name="swaps")["id"]
        assert command("delete", "swaps", "--yes", "--no-wait").code == ExitCode.OK
        ended = command("wait", "swaps", "--for", "deleted")
        assert (ended.code, "is gone" in ended.out) == (ExitCode.OK, True)
        assert command("wait", pipeline_id, "--for", "deleted").out == f"{pipeline_id} is gone\n"
        assert command("wait", pipeline_id, "--for", "deleted", "--json").json[0]["outcome"] == "reached"
        assert command("wait", "swaps", "--for", "deleted").code == ExitCode.NOT_FOUND


def test_a_wait_that_is_too_long(emulator: Emulator, caller: Caller, command: Callable[..., Ended]) -> None:
    """A timeout has exit code 11, names the phase, and says which command shows why."""
    emulator.script(outcome="HANG")
    pipeline_id = caller.create(name="swaps")["id"]
    ended = command("wait", "swaps", "--timeout", "0")
    assert ended.code == ExitCode.TIMED_OUT
    last = ended.err.splitlines()[-1]
    assert last.startswith(f"error: swaps ({pipeline_id}) is DEPLOYING after 0 s")
    assert last.endswith(f"`goldrush-pulumi diagnose {pipeline_id}` shows why")


def test_a_failure_lasts_for_the_configured_grace(
    emulator: Emulator, caller: Caller, command: Callable[..., Ended], pulumi: FakePulumi
) -> None:
    """`goldrush:failedGraceSeconds` of the stack decides how long FAILED must hold, for `wait` and for `resume`."""
    pipeline_id = caller.create(name="swaps")["id"]
    grace = {"goldrush:failedGraceSeconds": {"value": "0", "secret": False}}
    config = {**grace, "goldrush:stabilizationSeconds": {"value": "0", "secret": False}}
    pulumi.write(config, resource("base-swaps", pipeline_id))
    emulator.fail(pipeline_id)

    ended = command("wait", "base-swaps", "--stack", "dev", "--json")
    assert (ended.code, ended.json[0]["outcome"]) == (ExitCode.UNHEALTHY, "failed")
    assert ended.json[0]["waited_seconds"] < 15
    emulator.script(outcome="FAILED")
    emulator.edit(pipeline_id, redeploy=True)
    assert command("resume", "base-swaps", "--stack", "dev").code == ExitCode.UNHEALTHY


def test_an_unhealthy_destination(
    emulator: Emulator, caller: Caller, command: Callable[..., Ended], pulumi: FakePulumi
) -> None:
    """`--for healthy` fails where `--for running` is content."""
    pipeline_id = caller.create(name="swaps")["id"]
    caller.phase(pipeline_id)
    emulator.set_health(pipeline_id, "connection refused")
    pulumi.write({"goldrush:failedGraceSeconds": {"value": "0", "secret": False}}, resource("base-swaps", pipeline_id))
    assert command("wait", "swaps").code == ExitCode.OK
    ended = command("wait", "base-swaps", "--for", "healthy", "--stack", "dev")
    assert ended.code == ExitCode.UNHEALTHY
    assert "its destination is unhealthy" in ended.err


@pytest.mark.parametrize(
    ("checked", "started", "counts"),
    [
        ("2026-11-23T10:00:01Z", "2026-11-23T10:00:00Z", True),
        ("2026-11-23T09:59:59Z", "2026-11-23T10:00:00+00:00", False),
        (None, "2026-11-23T10:00:00Z", True),
        ("2026-11-23T10:00:00Z", None, True),
    ],
)
def test_only_a_probe_of_this_deployment_counts(checked: str | None, started: str | None, *, counts: bool) -> None:
    """A probe from before the deployment says nothing about it."""
    health = DestinationHealth(healthy=True, last_checked_at=checked)
    assert is_current(health, PipelineStatus(start_time=started)) == counts
