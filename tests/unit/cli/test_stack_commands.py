from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.cli import ExitCode
from tests.unit.cli.conftest import resource

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldrush_pulumi.emulator import Emulator
    from tests.support.caller import Caller
    from tests.unit.cli.conftest import Ended, FakePulumi


def run(action: str, status: str, minute: int, version: str = "abc123", **step: Any) -> dict[str, Any]:
    at = f"2026-11-23T10:{minute:02}"
    steps = [
        {"name": "submit", "status": "Succeeded", "started_at": f"{at}:00.000Z", "finished_at": f"{at}:02.500Z"},
        {"name": "deploy", "status": status, "started_at": f"{at}:02.500Z", "finished_at": f"{at}:30.000Z", **step},
    ]
    times = {"started_at": f"{at}:00.000Z", "finished_at": f"{at}:30.000Z"}
    return {"config_version": version, "action": action, "status": status, **times, "steps": steps}


@pytest.fixture
def history(pulumi: FakePulumi) -> FakePulumi:
    """Two pipelines, the first of which failed and was repaired."""
    swaps = [run("update", "Succeeded", 30, "def456"), run("create", "Failed", 10)]
    pulumi.write(
        {}, resource("swaps", "pipe_1", runs=swaps), resource("fills", "pipe_2", runs=[run("create", "Succeeded", 20)])
    )
    return pulumi


@pytest.mark.usefixtures("history")
def test_runs_of_a_stack_newest_first(command: Callable[..., Ended]) -> None:
    """All records of all pipelines, with the step that failed, without any ServiceKey."""
    lines = command("runs", "--stack", "dev").out.splitlines()[1:]
    assert [line.split()[:3] for line in lines] == [
        ["swaps", "update", "Succeeded"],
        ["fills", "create", "Succeeded"],
        ["swaps", "create", "Failed"],
    ]
    assert lines[2].split()[-1] == "deploy"
    assert lines[0].split()[-1] == "-"
    assert "30.0" in lines[0].split()


@pytest.mark.usefixtures("history")
def test_runs_of_one_pipeline_are_a_timeline(command: Callable[..., Ended]) -> None:
    """Each step has its seconds and a bar at its place in the run."""
    out = command("runs", "swaps", "--stack", "dev").out
    submit, deploy = (line for line in out.splitlines()[:3] if line.startswith("  "))
    assert (submit.count("━"), deploy.count("━")) == (2, 28)
    assert "2.5 s" in submit
    assert deploy.index("━") > submit.rindex("━")
    assert command("runs", "pipe_1", "--stack", "dev").out == out


@pytest.mark.usefixtures("history")
def test_runs_by_version_and_as_json(command: Callable[..., Ended]) -> None:
    """A prefix of a config_version is enough; JSON holds the records unchanged."""
    (record,) = command("runs", "--stack", "dev", "--version", "def", "--json").json
    assert (record["resource"], record["id"], record["action"]) == ("swaps", "pipe_1", "update")
    assert len(record["steps"]) == 2
    assert "no runs are recorded" in command("runs", "--stack", "dev", "--version", "none").out


@pytest.mark.usefixtures("history")
def test_runs_of_an_unknown_resource(command: Callable[..., Ended]) -> None:
    """A misspelt resource suggests the likely one."""
    assert 'did you mean "swaps"?' in command("runs", "swap", "--stack", "dev").fails_with(ExitCode.NOT_FOUND)


def test_broken_records_break_nothing(command: Callable[..., Ended], pulumi: FakePulumi) -> None:
    """A record of another version of the package, or an unfinished one, is shown as far as it goes."""
    records = [{}, {"steps": [{}, "?"], "started_at": "soon"}, "?", run("await", "Running", 5, finished_at=None)]
    pulumi.write({}, resource("swaps", "pipe_1", runs=records))
    assert command("runs", "--stack", "dev").code == ExitCode.OK
    assert command("runs", "swaps", "--stack", "dev").code == ExitCode.OK


def test_only_live_pipelines_of_the_state_count(command: Callable[..., Ended], pulumi: FakePulumi) -> None:
    """Other resources, pipelines that are only read, and those that wait for deletion are left out."""
    runs = [run("create", "Succeeded", 1)]
    pulumi.write(
        {},
        {**resource("other", "1", runs=runs), "type": "random:index:Id"},
        {**resource("read", "2", runs=runs), "external": True},
        {**resource("old", "3", runs=runs), "delete": True},
        resource("ours", "4", runs=runs),
    )
    assert [record["resource"] for record in command("runs", "--stack", "dev", "--json").json] == ["ours"]


@pytest.mark.usefixtures("no_pulumi")
@pytest.mark.parametrize("words", [["runs"], ["list"], ["get", "x"], ["logs", "x"]])
def test_without_the_cli_a_stack_cannot_be_read(words: list[str], command: Callable[..., Ended]) -> None:
    """One line says what is missing."""
    text = command(*words, "--stack", "dev").fails_with(ExitCode.NO_STACK)
    assert "the Pulumi CLI is not on PATH" in text


@pytest.mark.usefixtures("pulumi")
def test_a_stack_that_is_not_there(command: Callable[..., Ended]) -> None:
    """The CLI's own reason is shown, on one line."""
    text = command("list", "--stack", "other").fails_with(ExitCode.NO_STACK)
    assert text == "read stack other: no stack named 'other' found"
    missing = command("list", "--stack", "dev", "--cwd", "nowhere").fails_with(ExitCode.NO_STACK)
    assert "no such file or directory" in missing


def test_a_resource_comes_before_a_name(caller: Caller, command: Callable[..., Ended], pulumi: FakePulumi) -> None:
    """With --stack, the resource's name wins over a pipeline of that name, and ids and other names work as well."""
    ours, theirs = caller.create(name="one")["id"], caller.create(name="swaps")["id"]
    pulumi.write({}, resource("swaps", ours), resource("gone", "pipe_gone"))

    assert command("get", "swaps", "--stack", "dev", "--json").json["id"] == ours
    assert command("get", "swaps", "--json").json["id"] == theirs
    manager = {"stack": "dev", "resource": "swaps", "likely_stack": None}
    assert command("get", "one", "--stack", "dev", "--json").json["managed_by"] == manager
    assert command("get", theirs, "--stack", "dev", "--json").json["managed_by"] is None
    assert "stack dev records pipe_gone" in command("get", "gone", "--stack", "dev").fails_with(ExitCode.NOT_FOUND)


def test_a_resource_name_that_two_have(caller: Caller, command: Callable[..., Ended], pulumi: FakePulumi) -> None:
    """If resources of different parents share a name, the error lists their ids."""
    del caller
    pulumi.write({}, resource("swaps", "pipe_1"), resource("swaps", "pipe_2"))
    assert "pipe_1, pipe_2" in command("get", "swaps", "--stack", "dev").fails_with(ExitCode.AMBIGUOUS)


def test_the_config_of_the_stack_comes_before_the_environment(
    emulator: Emulator, command: Callable[..., Ended], pulumi: FakePulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Key and endpoint of the stack are used, and a wrong setting is reported by its name."""
    monkeypatch.setenv("GOLDRUSH_SERVICE_KEY", "another")
    monkeypatch.setenv("GOLDRUSH_BASE_URL", "http://127.0.0.1:1/")
    config = {
        "goldrush:serviceKey": {"value": emulator.service_key, "secret": True},
        "goldrush:baseUrl": {"value": emulator.base_url, "secret": False},
    }
    pulumi.write(config)
    assert command("list", "--stack", "dev").code == ExitCode.OK
    pulumi.write({**config, "goldrush:requestsPerSecond": {"value": "many", "secret": False}})
    assert "goldrush:requestsPerSecond" in command("list", "--stack", "dev").fails_with(ExitCode.NO_ACCESS)


def test_a_resource_name_with_colons(caller: Caller, command: Callable[..., Ended], pulumi: FakePulumi) -> None:
    """The name of a resource is everything behind the third `::` of its URN, whatever it contains."""
    pipeline_id = caller.create(name="swaps")["id"]
    pulumi.write({}, resource("base::swaps::v3", pipeline_id))
    shown = command("get", "base::swaps::v3", "--stack", "dev", "--json").json
    assert shown["managed_by"] == {"stack": "dev", "resource": "base::swaps::v3", "likely_stack": None}
