"""Several pipelines at once: names, globs and --all-failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi.cli import ExitCode
from goldrush_pulumi.cli.errors import worst

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldrush_pulumi.emulator import Emulator
    from tests.support.caller import Caller
    from tests.unit.cli.conftest import Ended

SEVERAL = ("status", "logs", "diagnose", "wait", "pause", "resume", "restart")


def changed(emulator: Emulator) -> list[str]:
    """The ids of pipelines that got a new desired status, each once."""
    return sorted(
        {request.path.rstrip("/").rsplit("/", 1)[-1] for request in emulator.requests() if request.method == "PUT"}
    )


@pytest.fixture
def three(caller: Caller) -> dict[str, str]:
    """Three pipelines of two projects, by name."""
    made = {name: caller.create(name=name, project=project) for name, project in (("a", "x-1"), ("b", "x-2"))}
    made["c"] = caller.create(name="c", project="y", topic="hypercore.mainnet.ref.block.fills")
    return {name: item["id"] for name, item in made.items()}


def test_names_are_changed_side_by_side(
    three: dict[str, str], emulator: Emulator, command: Callable[..., Ended]
) -> None:
    """Each named pipeline is paused once, also one that is named twice, and a summary counts them."""
    ended = command("pause", "a", "c", "a", three["a"])

    assert ended.code == ExitCode.OK
    assert ended.out.splitlines() == [f"a ({three['a']}) is PAUSED", f"c ({three['c']}) is PAUSED"]
    assert ended.err.splitlines()[-1] == "2 pipelines: 2 reached"
    assert changed(emulator) == sorted([three["a"], three["c"]])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--project", "x-*"], {"a", "b"}),
        (["--topic", "hypercore.*"], {"c"}),
        (["--name", "[ab]", "--project", "*-2"], {"b"}),
        (["a", "c", "--project", "x-*"], {"a"}),
    ],
)
def test_globs_select_alike_everywhere(
    options: list[str], expected: set[str], three: dict[str, str], command: Callable[..., Ended]
) -> None:
    """Every command selects the same pipelines by the same globs; names are narrowed by them."""
    assert {state["name"] for state in command("status", *options, "--json").json} == expected
    assert {item["name"] for item in command("pause", *options, "--json").json} == expected
    if "a" not in options:
        assert {item["name"] for item in command("list", *options, "--json").json} == expected
        assert {row["name"] for row in command("watch", *options, "--rounds", "1", "--json").json} == expected
    assert len(three) == 3


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("verb", [*SEVERAL, "list", "watch", "check", "export"])
def test_a_filter_that_matches_nothing(verb: str, command: Callable[..., Ended]) -> None:
    """It says so with exit code 3, in every command."""
    assert "'z*'" in command(verb, "--project", "z*").fails_with(ExitCode.NOT_FOUND)


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("verb", SEVERAL)
def test_nothing_failed_and_nothing_named(verb: str, command: Callable[..., Ended]) -> None:
    """--all-failed where nothing failed is exit code 3; neither names nor filters is wrong usage."""
    assert "none is FAILED" in command(verb, "--all-failed").fails_with(ExitCode.NOT_FOUND)
    assert "none was named" in command(verb).fails_with(ExitCode.USAGE)


def test_an_unknown_name_changes_nothing(
    three: dict[str, str], emulator: Emulator, command: Callable[..., Ended]
) -> None:
    """All names are looked up before the first change."""
    assert "no pipeline has that name" in command("pause", "a", "nobody").fails_with(ExitCode.NOT_FOUND)
    assert changed(emulator) == []
    assert three


def test_one_that_fails_does_not_stop_the_others(
    three: dict[str, str], emulator: Emulator, command: Callable[..., Ended]
) -> None:
    """The failure is one line, the others are changed, and the exit code is that of the worst."""
    emulator.fault(method="PUT", path=f"*{three['b']}/", status=422, times=None)
    ended = command("pause", "a", "b", "c", "--json")

    assert ended.code == ExitCode.SERVICE_ERROR
    assert {item["name"]: item["outcome"] for item in ended.json} == {"a": "reached", "b": "error", "c": "reached"}
    assert "422" in next(item["error"] for item in ended.json if item["name"] == "b")
    errors = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert ended.err.splitlines()[-1] == "3 pipelines: 2 reached, 1 error"


def test_a_key_that_is_refused_in_the_middle_ends_it(
    three: dict[str, str], emulator: Emulator, command: Callable[..., Ended]
) -> None:
    """A refused key ends the command with one line and its own code: the others would meet the same."""
    emulator.fault(method="PUT", path="*", status=401, times=None)
    ended = command("pause", *three)
    assert ended.code == ExitCode.NO_ACCESS
    assert [line for line in ended.err.splitlines() if line.startswith("error: ")] == ended.err.splitlines()[-1:]


def test_all_failed_are_restarted(three: dict[str, str], emulator: Emulator, command: Callable[..., Ended]) -> None:
    """Only pipelines that are FAILED are restarted."""
    for name in ("a", "c"):
        emulator.fail(three[name])
    ended = command("restart", "--all-failed", "--json")
    assert {item["name"]: item["phase"] for item in ended.json} == {"a": "RUNNING", "c": "RUNNING"}
    assert changed(emulator) == sorted([three["a"], three["c"]])


def test_logs_of_several_name_their_pipeline(
    three: dict[str, str], emulator: Emulator, caller: Caller, command: Callable[..., Ended]
) -> None:
    """Each line begins with the name of its pipeline, once and while following; JSON has its id."""
    for name in ("a", "b"):
        caller.phase(three[name])
        emulator.write_logs(three[name], [f"INFO line of {name}"])

    ended = command("logs", "a", "b", "--tail", "1")
    assert ended.out.splitlines() == ["a | INFO line of a", "b | INFO line of b"]
    events = command("logs", "a", "b", "--tail", "1", "--json").json_lines
    assert [event["id"] for event in events if event["event"] == "line"] == [three["a"], three["b"]]

    for name in ("a", "b"):
        emulator.fail(three[name], logs=[f"ERROR end of {name}"])
    followed = command("logs", "a", "b", "--follow", "--tail", "1")
    assert followed.code == ExitCode.UNHEALTHY
    assert sorted(followed.out.splitlines()) == ["a | ERROR end of a", "b | ERROR end of b"]


@pytest.mark.usefixtures("three")
def test_a_cursor_belongs_to_one_pipeline(command: Callable[..., Ended]) -> None:
    """A cursor with several pipelines is wrong usage."""
    assert "a cursor belongs to one pipeline" in command("logs", "a", "b", "--cursor", "x").fails_with(ExitCode.USAGE)


def test_the_worst_exit_code() -> None:
    """What concerns the whole account is worse than what concerns one pipeline, and refusals are the mildest."""
    assert worst([ExitCode.OK, ExitCode.REFUSED]) is ExitCode.REFUSED
    assert worst([ExitCode.UNHEALTHY, ExitCode.TIMED_OUT, ExitCode.REFUSED]) is ExitCode.UNHEALTHY
    assert worst([ExitCode.UNHEALTHY, ExitCode.NO_ACCESS, ExitCode.UNREACHABLE]) is ExitCode.NO_ACCESS
    assert worst([]) is ExitCode.OK
