"""What `pause`, `resume`, `restart` and `delete` record on this machine, and `runs` shows beside the state."""

from __future__ import annotations

import os
import stat
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn, cast

import pytest

from goldrush_pulumi.api import Interrupted, Pipeline, ServerError
from goldrush_pulumi.cli import ExitCode
from goldrush_pulumi.cli.errors import CommandFailed
from goldrush_pulumi.cli.local_runs import KEPT, LocalRuns, recorded
from goldrush_pulumi.cli.stacks import Managed
from goldrush_pulumi.cli.targets import Target
from tests.unit.cli.conftest import resource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goldrush_pulumi.cli.context import CommandContext
    from goldrush_pulumi.emulator import Emulator
    from tests.support.caller import Caller
    from tests.unit.cli.conftest import Ended, FakePulumi

CREATE = {
    "action": "create",
    "status": "Succeeded",
    "config_version": "abc123",
    "started_at": "2026-11-23T10:00:00.000Z",
    "steps": [],
}


@pytest.fixture
def swaps(caller: Caller, pulumi: FakePulumi) -> str:
    """The id of the one pipeline of the stack."""
    pipeline_id = str(caller.create(name="swaps")["id"])
    pulumi.write({}, resource("base-swaps", pipeline_id, config_version="abc123", runs=[CREATE]))
    return pipeline_id


def runs(command: Callable[..., Ended], *arguments: str) -> list[Any]:
    """The records of the stack, newest first."""
    return list(command("runs", "--stack", "dev", "--json", *arguments).json)


def told(records: list[Any]) -> list[tuple[str, str, str]]:
    return [(record["action"], record["status"], record["recorded_in"]) for record in records]


def test_commands_are_found_again(swaps: str, command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command on a pipeline of the stack is shown with who ran it and the configuration that was declared then."""
    monkeypatch.setenv("PULUMI_CI_SYSTEM", "night build")
    monkeypatch.setenv("PULUMI_CI_BUILD_URL", "https://bot:planted-Passw0rd@ci.example.com/7")
    command("pause", "base-swaps", "--stack", "dev")
    command("resume", "--name", "swaps", "--stack", "dev", "--no-wait")
    command("restart", swaps, "--stack", "dev")

    records = runs(command)
    commands = [(action, "Succeeded", "this_machine") for action in ("restart", "resume", "pause")]
    assert told(records) == [*commands, ("create", "Succeeded", "state")]
    assert [record["changed"] for record in records] == [[], ["status"], ["status"], None]
    by = {"ci": "night build", "job": "https://ci.example.com/7", "user": None, "config_version": "abc123"}
    assert all(by.items() <= record.items() for record in records[:3])
    assert len(runs(command, "--version", "abc")) == 4
    timeline = command("runs", "base-swaps", "--stack", "dev").out
    assert "pause (command line)  Succeeded" in timeline
    assert "by           night build, https://ci.example.com/7" in timeline
    assert "planted" not in timeline
    (header, *rows) = command("runs", "--stack", "dev").out.splitlines()
    assert ("changed" in header, "night build" in rows[2], "night build" in rows[3]) == (True, True, False)


def test_without_a_stack_nothing_is_recorded(
    swaps: str, caller: Caller, command: Callable[..., Ended], tmp_path: Path
) -> None:
    """Only pipelines of the selected stack have records; the pipeline of nobody has none even beside them."""
    caller.create(name="nobodys")
    assert command("pause", swaps).code == ExitCode.OK
    assert command("pause", "nobodys", "--stack", "dev").code == ExitCode.OK
    assert told(runs(command)) == [("create", "Succeeded", "state")]
    assert not (tmp_path / "home" / "goldrush" / "runs").exists()


def test_what_went_wrong_is_recorded(swaps: str, emulator: Emulator, command: Callable[..., Ended]) -> None:
    """A failure, a timeout and an error of the service are records too; a refusal changed nothing and is none."""
    stack = ("--stack", "dev")
    command("pause", swaps, *stack)
    assert command("restart", swaps, *stack).code == ExitCode.REFUSED
    emulator.script(outcome="HANG")
    assert command("resume", swaps, *stack, "--timeout", "0").code == ExitCode.TIMED_OUT
    emulator.fault(status=422, method="PUT", path="*", times=1)
    assert command("pause", swaps, *stack).code == ExitCode.SERVICE_ERROR
    assert [word[:2] for word in told(runs(command))[:-1]] == [
        ("pause", "Failed"),
        ("resume", "TimedOut"),
        ("pause", "Succeeded"),
    ]


@pytest.mark.usefixtures("swaps")
def test_a_deletion_by_force_is_recorded(emulator: Emulator, command: Callable[..., Ended]) -> None:
    """The stack still names the pipeline, and whoever wonders where it went finds who deleted it and how that ended."""
    command("delete", "base-swaps", "--stack", "dev", "--yes")
    assert told(runs(command)) == [("create", "Succeeded", "state")]
    for status in (403, 204):
        emulator.fault("DELETE", status=status)
        command("delete", "base-swaps", "--stack", "dev", "--yes", "--force", "--timeout", "0")
    command("delete", "base-swaps", "--stack", "dev", "--yes", "--force")

    done = [(action, status) for action, status, recorded_in in told(runs(command)) if recorded_in == "this_machine"]
    assert done == [("delete", "Succeeded"), ("delete", "TimedOut"), ("delete", "Failed")]
    assert emulator.pipelines() == []
    assert "delete (command line)" in command("runs", "--stack", "dev").out


def test_a_record_that_cannot_be_written(swaps: str, command: Callable[..., Ended], tmp_path: Path) -> None:
    """The command does what it was asked, and one line says that nobody will read of it."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "goldrush").write_text("", "utf-8")
    ended = command("pause", swaps, "--stack", "dev")
    assert (ended.code, "is PAUSED" in ended.out) == (ExitCode.OK, True)
    assert f"warning: pause of base-swaps ({swaps}) is not recorded: " in ended.err
    assert told(runs(command)) == [("create", "Succeeded", "state")]


def test_records_of_the_state_keep_to_the_contract(command: Callable[..., Ended], pulumi: FakePulumi) -> None:
    """Fields of another version with other types do not reach the JSON, and harmful ones do not reach a terminal."""
    strange = {"changed": "all", "user": {"name": "alice"}, "recorded_in": "moon", "resource": 7, "more": [1]}
    harmful = {**CREATE, "user": "al\x1b[31mice", "changed": ["name\n"]}
    pulumi.write({}, resource("swaps", "pipe_1", runs=[strange, harmful]))
    second, first = runs(command)
    found = {name: second[name] for name in ("changed", "user", "recorded_in", "resource", "more")}
    assert found == {"changed": None, "user": None, "recorded_in": "state", "resource": "swaps", "more": [1]}
    assert first["user"] == harmful["user"]
    for ended in (command("runs", "--stack", "dev"), command("runs", "swaps", "--stack", "dev")):
        assert "\x1b" not in ended.out
        assert "alice" in ended.out


def test_the_file_of_a_pipeline_stays_small(tmp_path: Path) -> None:
    """The last records are kept, whatever an id looks like and however many came; broken lines count for nothing."""
    local = LocalRuns(tmp_path / "runs")
    for pipeline_id in ("../../pipe", "pipe_1"):
        for number in range(300):
            local.add(pipeline_id, {"number": number, "text": "x" * 300})
        assert [record["number"] for record in local.find(pipeline_id)] == list(range(299, 299 - KEPT, -1))
    files = list((tmp_path / "runs").iterdir())
    assert len(files) == 2
    assert all(file.stat().st_size < 60_000 for file in files)
    for file in files:
        file.write_bytes(file.read_bytes() + b'{"id": "pipe_1", "numb\n\xff[]\n7\n')
    assert len(local.find("pipe_1")) == KEPT
    assert stat.S_IMODE((tmp_path / "runs").stat().st_mode) == 0o700


def test_old_files_go(tmp_path: Path) -> None:
    """The records of a pipeline are dropped three months after the last one; without a home there are none."""
    local = LocalRuns(tmp_path)
    local.add("pipe_old", {})
    (file,) = tmp_path.iterdir()
    os.utime(file, (0, 0))
    local.add("pipe_new", {})
    assert (local.find("pipe_old"), len(local.find("pipe_new"))) == ([], 1)
    LocalRuns(None).add("pipe_1", {})
    assert LocalRuns(None).find("pipe_1") == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Interrupted("cancelled"), ["Cancelled"]),
        (ServerError("set status", "GoldRush failed (500)", status=500), ["Failed"]),
        (CommandFailed("paused already", ExitCode.REFUSED), []),
    ],
    ids=["interrupted", "failed", "refused"],
)
def test_an_error_is_recorded_and_goes_on(
    error: Exception, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C and errors end up in the record, and still reach whoever called."""
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))

    def change(_target: Target) -> NoReturn:
        raise error

    target = Target(Pipeline(id="pipe_1"), Managed("swaps", "pipe_1", {}, {}), "dev")
    with pytest.raises(type(error)):
        recorded(cast("CommandContext", SimpleNamespace(redact=str)), "pause", change)(target)
    assert [record["status"] for record in LocalRuns.of_user().find("pipe_1")] == expected
