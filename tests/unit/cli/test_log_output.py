from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.cli import ExitCode
from tests.support.terminal import read_until
from tests.unit.cli.conftest import resource

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldrush_pulumi.emulator import Emulator
    from tests.support.caller import Caller
    from tests.unit.cli.conftest import Ended, FakePulumi


def start_following(*arguments: str) -> subprocess.Popen[str]:
    """`logs --follow` as a process of its own, with its output read line by line."""
    return subprocess.Popen(
        [sys.executable, "-m", "goldrush_pulumi.cli", "logs", *arguments, "--follow"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
        # A shell that starts commands in the background ignores SIGINT, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )


def test_logs_once(emulator: Emulator, caller: Caller, command: Callable[..., Ended]) -> None:
    """Without --follow the lines that are there are printed, the last ones with --tail."""
    pipeline_id = caller.create(name="swaps")["id"]
    caller.phase(pipeline_id)
    emulator.write_logs(pipeline_id, ["INFO one", "INFO two"])

    assert command("logs", "swaps").out.splitlines()[-2:] == ["INFO one", "INFO two"]
    ended = command("logs", "swaps", "--tail", "1")
    assert (ended.code, ended.out, ended.err) == (ExitCode.OK, "INFO two\n", "")


def test_the_cursor_of_json_goes_on_exactly(emulator: Emulator, caller: Caller, command: Callable[..., Ended]) -> None:
    """Two commands in a row print each line once."""
    pipeline_id = caller.create(name="swaps")["id"]
    caller.phase(pipeline_id)
    emulator.write_logs(pipeline_id, ["INFO same"] * 3)
    first = command("logs", "swaps", "--json").json_lines
    emulator.write_logs(pipeline_id, ["INFO same"] * 2)
    second = command("logs", "swaps", "--json", "--cursor", first[-1]["cursor"]).json_lines

    assert [event["event"] for event in first][-3:] == ["line", "caught_up", "cursor"]
    assert [event.get("text") for event in second] == ["INFO same", "INFO same", None, None]


def test_a_pipeline_that_is_deploying_has_nothing_to_tail(
    emulator: Emulator, caller: Caller, command: Callable[..., Ended]
) -> None:
    """What the runtime returns in place of logs goes to stderr and is not a log line."""
    emulator.script(outcome="HANG")
    caller.create(name="swaps")
    ended = command("logs", "swaps")
    assert ended.out == ""
    assert "has no log now: unable to upgrade connection" in ended.err


def test_following_a_failed_pipeline_ends_with_its_reason(
    emulator: Emulator, caller: Caller, command: Callable[..., Ended]
) -> None:
    """The last words go to stdout, the reason to stderr, and the exit code says so."""
    emulator.fail(caller.create(name="swaps")["id"], logs=["ERROR no such database"])
    ended = command("logs", "swaps", "--follow")

    assert ended.code == ExitCode.UNHEALTHY
    assert ended.out.splitlines()[-1] == "ERROR no such database"
    assert re.fullmatch(r"-- end: pipeline swaps \(pipe_\w+\) is failed\n", ended.err)


def test_known_secrets_are_not_printed(
    emulator: Emulator, caller: Caller, command: Callable[..., Ended], pulumi: FakePulumi
) -> None:
    """The ServiceKey and every secret of the selected stack are taken out of logs, reports and JSON."""
    pipeline_id = caller.create(name="swaps")["id"]
    caller.phase(pipeline_id)
    declared = {"swaps": {"destination_config": {"type": "postgres", "user": "goldrush", "password": "s3cret/word"}}}
    pulumi.write(
        {
            "shop:pipelines": {"value": json.dumps(declared), "objectValue": declared, "secret": True},
            "shop:token": {"value": "another-secret", "secret": True},
            "shop:database": {"value": "{}", "objectValue": {"users": [{"token": "a-nested-one"}]}, "secret": True},
            "shop:plain": {"value": "INFO", "secret": False},
        },
        resource("swaps", pipeline_id),
    )
    words = f"INFO goldrush {emulator.service_key} s3cret/word s3cret%2Fword another-secret a-nested-one"
    emulator.write_logs(pipeline_id, [words])
    emulator.set_health(pipeline_id, words)

    for arguments in (
        ["logs", "swaps"],
        ["logs", "swaps", "--json"],
        ["health", "swaps"],
        ["health", "swaps", "--json"],
    ):
        ended = command(*arguments, "--stack", "dev")
        assert "INFO goldrush [secret] [secret] [secret] [secret] [secret]" in ended.out, arguments


def test_ctrl_c_in_the_middle_of_following(emulator: Emulator, caller: Caller) -> None:
    """Ctrl-C ends with 130 and one line, which holds the cursor; the next command goes on right behind."""
    pipeline_id = caller.create(name="swaps")["id"]
    caller.phase(pipeline_id)
    emulator.write_logs(pipeline_id, ["INFO first"])
    process = start_following("swaps")
    read_until(process, "INFO first")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()

    assert process.returncode == ExitCode.INTERRUPTED, err
    assert out == ""
    found = re.fullmatch(r"error: interrupted; continue with --cursor '(\S+)'\n", err)
    assert found
    emulator.write_logs(pipeline_id, ["INFO second"])
    again = start_following("swaps", "--cursor", found[1])
    assert read_until(again, "INFO second") == ["INFO second"]
    emulator.remove(pipeline_id)
    out, err = again.communicate()
    assert (again.returncode, out) == (ExitCode.OK, "")
    assert err.endswith("is deleted\n")


def test_following_through_trouble_and_a_redeployment(emulator: Emulator, caller: Caller) -> None:
    """A failed call is announced and repeated, a new deployment and its pod are announced, and no line repeats."""
    pipeline_id = caller.create(name="swaps")["id"]
    caller.phase(pipeline_id)
    process = start_following("swaps", "--json")
    read_until(process, '"caught_up"')
    emulator.fault(path="*/logs/", status=429, retry_after=1)
    read_until(process, '"waiting"')
    emulator.write_logs(pipeline_id, ["INFO behind the trouble"])
    read_until(process, "behind the trouble")
    emulator.edit(pipeline_id, description="new", redeploy=True)
    lines = read_until(process, "INFO Consuming")
    process.send_signal(signal.SIGINT)
    process.communicate()

    events: list[dict[str, Any]] = [json.loads(line) for line in lines]
    assert [event["event"] for event in events if event["event"] != "nothing_to_tail"] == [
        "new_deployment",
        "new_pod",
        "line",
        "line",
    ]
    assert process.returncode == ExitCode.INTERRUPTED
