from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi.cli import ExitCode
from goldrush_pulumi.operations.diagnosis import likely_cause
from tests.unit.cli.conftest import resource

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldrush_pulumi.emulator import Emulator
    from tests.support.caller import Caller
    from tests.unit.cli.conftest import Ended, FakePulumi


def test_a_diagnosis_says_what_is_wrong_and_what_to_do(
    emulator: Emulator, caller: Caller, command: Callable[..., Ended]
) -> None:
    """Phase, destination, last lines, likely cause, and a command that works as it stands."""
    pipeline_id = caller.create(name="swaps")["id"]
    emulator.fail(pipeline_id, logs=["ERROR FATAL: password authentication failed"], health_error="login failed")
    ended = command("diagnose", "swaps")

    assert ended.code == ExitCode.UNHEALTHY
    lines = ended.out.splitlines()
    assert lines[0].startswith(f"pipeline swaps ({pipeline_id}) is FAILED (ready 0 of 1), desired status running")
    assert lines[1] == "  destination: login failed"
    assert "    ERROR FATAL: password authentication failed" in lines
    assert "  likely cause: the destination rejected the credentials (auth_failed)" in lines
    assert f"`goldrush-pulumi restart {pipeline_id}`" in lines[-1]
    assert f"`goldrush-pulumi logs {pipeline_id} --follow`" in lines[-1]


def test_a_diagnosis_as_json(emulator: Emulator, caller: Caller, command: Callable[..., Ended]) -> None:
    """Programs get the cause by its stable name, and the lines of each pod."""
    emulator.fail(caller.create(name="swaps")["id"], logs=["ERROR too many clients already"])
    (diagnosis,) = command("diagnose", "swaps", "--json").json
    assert (diagnosis["phase"], diagnosis["status"], diagnosis["ready"]) == ("FAILED", "running", 0)
    assert diagnosis["likely_cause"]["name"] == "too_many_connections"
    assert diagnosis["logs"][0]["lines"][-1] == "ERROR too many clients already"


def test_a_healthy_pipeline_needs_no_diagnosis(caller: Caller, command: Callable[..., Ended]) -> None:
    """It says that nothing is wrong, with exit code 0."""
    caller.phase(caller.create(name="swaps")["id"])
    ended = command("diagnose", "swaps")
    assert ended.code == ExitCode.OK
    assert "nothing is wrong" in ended.out


def test_all_failed_are_diagnosed(emulator: Emulator, caller: Caller, command: Callable[..., Ended]) -> None:
    """One diagnosis for each failed pipeline, and a summary."""
    caller.create(name="good")
    for name in ("one", "two"):
        emulator.fail(caller.create(name=name)["id"])
    ended = command("diagnose", "--all-failed")
    named = {line.split()[1] for line in ended.out.splitlines() if line.startswith("pipeline ")}
    assert named == {"one", "two"}
    assert ended.err == "2 pipelines: 2 not as desired\n"


def test_a_managed_pipeline_is_mended_by_its_stack(
    emulator: Emulator, caller: Caller, command: Callable[..., Ended], pulumi: FakePulumi
) -> None:
    """With --stack, the advice names the stack, and secrets of its config are redacted."""
    pipeline_id = caller.create(name="swaps")["id"]
    pulumi.write({"shop:token": {"value": "planted-token", "secret": True}}, resource("base-swaps", pipeline_id))
    emulator.fail(pipeline_id, logs=["ERROR login with planted-token failed"])
    ended = command("diagnose", "base-swaps", "--stack", "dev")
    assert "`pulumi up --refresh --stack dev`" in ended.out
    assert f"`goldrush-pulumi logs {pipeline_id} --stack dev --follow`" in ended.out
    assert "login with [secret] failed" in ended.out
    assert "planted-token" not in ended.out + command("diagnose", pipeline_id, "--stack", "dev", "--json").out


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("FATAL: sorry, too many clients already", "too_many_connections"),
        ("FATAL: remaining connection slots are reserved for superuser", "too_many_connections"),
        ("ERROR: could not extend file: No space left on device", "disk_full"),
        ("java.net.UnknownHostException: db.example.com", "name_not_resolved"),
        ("getaddrinfo ENOTFOUND db.example.com", "name_not_resolved"),
        ("PKIX path building failed: unable to find valid certification path", "tls_required"),
        ("ERROR: permission denied for schema analytics", "permission_denied"),
        ("TopicAuthorizationException: Not authorized to access topics: [swaps]", "topic_not_authorized"),
        ("webhook responded with HTTP 422 Unprocessable Entity", "webhook_rejected"),
        ("webhook responded with HTTP 401 Unauthorized", "auth_failed"),
        ("webhook responded with HTTP 429 Too Many Requests", "rate_limited"),
        ("your plan has expired", "plan_expired"),
        ("HTTP 402 Payment Required", "plan_expired"),
        ("FATAL: password authentication failed for user", "auth_failed"),
        ("AccessDenied: not authorized to perform: s3:PutObject on resource", "permission_denied"),
    ],
)
def test_causes(line: str, cause: str) -> None:
    """Messages as destinations write them lead to the cause that people would name."""
    found = likely_cause(line)
    assert found is not None
    assert found.name == cause
