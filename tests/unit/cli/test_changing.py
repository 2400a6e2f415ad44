from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest
import typer

from goldrush_pulumi.cli import ExitCode
from goldrush_pulumi.emulator import Emulator, Lifecycle
from tests.unit.cli.conftest import resource

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.caller import Caller
    from tests.unit.cli.conftest import Ended, FakePulumi

TAG = f"[pulumi:{'0' * 32}/0123456789]"


def sent(emulator: Emulator) -> list[tuple[str, object]]:
    """What changed something, in its order."""
    return [(request.method, request.body) for request in emulator.requests() if request.method in {"PUT", "DELETE"}]


def test_pause_resume_and_restart(emulator: Emulator, caller: Caller, command: Callable[..., Ended]) -> None:
    """Each sets the desired status, waits for the phase, and prints it."""
    caller.create(name="swaps")

    assert "is PAUSED" in command("pause", "swaps").out
    assert "is RUNNING" in command("resume", "swaps").out
    assert command("restart", "swaps", "--json").json[0]["phase"] == "RUNNING"
    wanted = ["paused", "running", "paused", "running"]
    assert sent(emulator) == [("PUT", {"status": desired_status}) for desired_status in wanted]


def test_a_restart_reads_no_status_twice(emulator: Emulator, caller: Caller, command: Callable[..., Ended]) -> None:
    """What was observed before the pause, and at its end, is the status before each change."""
    pipeline_id = caller.create(name="swaps")["id"]
    emulator.clear_requests()
    assert command("restart", pipeline_id).code == ExitCode.OK
    reads = [item for item in emulator.requests() if item.path.rstrip("/").endswith("/status") and item.method == "GET"]
    assert [item.method for item in emulator.requests()][-5:] == ["GET", "PUT", "GET", "PUT", "GET"]
    assert len(reads) == 3


def test_not_waiting_asks_no_phase(emulator: Emulator, caller: Caller, command: Callable[..., Ended]) -> None:
    """`--no-wait` returns after the request."""
    caller.create(name="swaps")
    assert "requested paused" in command("pause", "swaps", "--no-wait").out
    assert command("resume", "swaps", "--no-wait", "--json").json[0]["phase"] is None
    assert not [request for request in emulator.requests() if request.path.endswith("/status/")]


def test_a_wait_that_times_out_has_its_own_code(
    monkeypatch: pytest.MonkeyPatch, caller: Caller, emulator: Emulator, command: Callable[..., Ended]
) -> None:
    """A timeout names the phase and has an exit code of its own."""
    del monkeypatch
    caller.create(name="swaps")
    emulator.script(outcome="HANG")
    command("pause", "swaps")
    text = command("resume", "swaps", "--timeout", "0").err.splitlines()[-1]
    assert "is DEPLOYING after" in text
    assert command("resume", "swaps", "--timeout", "0").code == ExitCode.TIMED_OUT


@pytest.mark.parametrize("verb", ["resume", "restart"])
def test_failed_grace_counts(
    verb: str, caller: Caller, emulator: Emulator, command: Callable[..., Ended], pulumi: FakePulumi
) -> None:
    """How long FAILED must last before a command gives up is what the stack's config says."""
    pulumi.write(
        {"goldrush:failedGraceSeconds": {"value": "0"}, "goldrush:stabilizationSeconds": {"value": "0"}},
        resource("base-swaps", caller.create(name="swaps")["id"]),
    )
    emulator.script(outcome="FAILED")
    if verb == "resume":
        command("pause", "base-swaps", "--stack", "dev")

    # The default grace would outlast this timeout.
    assert command(verb, "base-swaps", "--stack", "dev", "--timeout", "10").code == ExitCode.UNHEALTHY


def test_a_restart_that_stops_halfway_says_so(
    caller: Caller, emulator: Emulator, command: Callable[..., Ended]
) -> None:
    """A warning says that the pipeline may still be paused, and how to resume it."""
    pipeline_id = caller.create(name="swaps")["id"]
    emulator.fault(method="PUT", status=403, skip=1, times=None)
    ended = command("restart", "swaps")

    assert ended.code == ExitCode.NO_ACCESS
    assert f"may still be paused; run `goldrush-pulumi resume {pipeline_id}`" in ended.err


def test_what_cannot_be_restarted_is_refused(emulator: Emulator, caller: Caller, command: Callable[..., Ended]) -> None:
    """A paused pipeline is resumed, not restarted, and a bounded one that is done stays done."""
    caller.create(name="paused", status="paused")
    caller.create(name="done", execution_mode="bounded", execution_stop_from="44745010")

    assert "it is paused" in command("restart", "paused").fails_with(ExitCode.REFUSED)
    assert "it is bounded and has ended" in command("restart", "done").fails_with(ExitCode.REFUSED)
    assert sent(emulator) == []


def test_drift_is_warned_of(
    emulator: Emulator, caller: Caller, command: Callable[..., Ended], pulumi: FakePulumi
) -> None:
    """A status that differs from the stack's is warned of; setting the one that the stack declares is not."""
    pulumi.write({}, resource("base-swaps", caller.create(name="swaps")["id"]))
    caller.create(name="theirs", description=TAG)

    assert "warning: stack dev wants base-swaps" in command("pause", "base-swaps", "--stack", "dev").err
    assert "warning" not in command("resume", "base-swaps", "--stack", "dev").err
    assert "belongs to a stack" in command("pause", "theirs").err
    assert len(sent(emulator)) == 3


def test_delete_asks_first(
    emulator: Emulator, caller: Caller, command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a terminal, --yes is required; with one, no keeps the pipeline and yes deletes it."""
    caller.create(name="swaps")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert "--yes" in command("delete", "swaps").fails_with(ExitCode.REFUSED)

    monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda _: True})())
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: False)
    assert "nothing was deleted" in command("delete", "swaps").fails_with(ExitCode.REFUSED)
    assert len(emulator.pipelines()) == 1
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: True)
    assert "is deleted" in command("delete", "swaps").out
    assert emulator.pipelines() == []


def test_delete_waits_until_it_is_gone(command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    """A delete that passes through STOPPING ends once the pipeline is gone, or with a timeout."""
    with Emulator(lifecycle=Lifecycle.by_reads(2)) as emulator:
        emulator.switch(delete_through_stopping=True)
        from tests.support.caller import Caller  # noqa: PLC0415

        monkeypatch.setenv("GOLDRUSH_SERVICE_KEY", emulator.service_key)
        monkeypatch.setenv("GOLDRUSH_BASE_URL", emulator.base_url)
        with Caller(emulator.base_url, emulator.service_key) as caller:
            first, second = (caller.create(name=name)["id"] for name in ("a", "b"))
        deleted = command("delete", first, "--yes", "--json").json
        assert (deleted["id"], deleted["deleted"]) == (first, True)
        assert "still exists" in command("delete", second, "--yes", "--timeout", "0").fails_with(ExitCode.TIMED_OUT)


def test_what_a_stack_manages_needs_force(
    emulator: Emulator, caller: Caller, command: Callable[..., Ended], pulumi: FakePulumi
) -> None:
    """Neither the selected stack's pipeline nor one that carries an ownership tag is deleted by --yes alone."""
    pulumi.write({}, resource("base-swaps", caller.create(name="swaps")["id"]))
    caller.create(name="theirs", description=TAG)

    refused = command("delete", "base-swaps", "--stack", "dev", "--yes").fails_with(ExitCode.REFUSED)
    assert "stack dev manages it" in refused
    assert "a stack manages it" in command("delete", "theirs", "--yes").fails_with(ExitCode.REFUSED)
    assert len(emulator.pipelines()) == 2
    ended = command("delete", "theirs", "--yes", "--force")
    assert ended.code == ExitCode.OK
    assert "will create it again" in ended.err
    assert [item["name"] for item in emulator.pipelines()] == ["swaps"]


def test_a_pipeline_that_vanishes_meanwhile_is_deleted(
    emulator: Emulator, caller: Caller, command: Callable[..., Ended]
) -> None:
    """A delete by somebody else at the same moment counts as success."""
    caller.create(name="swaps")
    emulator.fault(method="DELETE", status=404, times=1)
    ended = command("delete", "swaps", "--yes", "--no-wait")
    assert (ended.code, "already gone" in ended.err) == (ExitCode.OK, True)


def test_a_restart_warns_only_of_a_difference(
    caller: Caller, command: Callable[..., Ended], pulumi: FakePulumi
) -> None:
    """A restart ends as it began, so only a stack that wants the pipeline paused is worth a warning."""
    pipeline_id = caller.create(name="swaps", description=TAG)["id"]
    pulumi.write({}, resource("base-swaps", pipeline_id))
    assert "warning" not in command("restart", "base-swaps", "--stack", "dev").err
    assert "warning" not in command("restart", pipeline_id).err
    pulumi.write({}, resource("base-swaps", pipeline_id, desired_status="paused"))
    assert "wants base-swaps" in command("restart", "base-swaps", "--stack", "dev").err
