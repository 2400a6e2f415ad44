from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from tests.e2e.programs import pipeline

if TYPE_CHECKING:
    from tests.e2e.cli import Ended
    from tests.e2e.stack import Stack
    from tests.e2e.world import World


def command(stack: Stack, *arguments: str, expect: int = 0, **environment: str) -> Ended:
    """Run `goldrush-pulumi` on a stack, in its project's folder."""
    words = [sys.executable, "-m", "goldrush_pulumi.cli", *arguments, "--stack", stack.name]
    return stack.cli.run_program(words, folder=stack.folder, expect=expect, environment=environment)


def json_of(stack: Stack, *arguments: str) -> Any:
    return json.loads(command(stack, *arguments, "--json").text)


def test_a_stack_names_its_pipelines(world: World) -> None:
    """Resource names, key and endpoint come from the stack, and `list` marks what is its own."""
    stack = world.stack(pipeline("swaps"), pipeline("fills", description="fills of the shop"))
    stack.config(secret={"goldrush:serviceKey": world.emulator.service_key})
    stack.up()

    found = json.loads(command(stack, "get", "fills", "--json", GOLDRUSH_SERVICE_KEY="a-wrong-one").text)
    assert (found["description"], found["managed_by"]["resource"]) == ("fills of the shop", "fills")
    assert {row["managed_by"]["resource"] for row in json_of(stack, "list")} == {"swaps", "fills"}
    assert "RUNNING" in command(stack, "status", "swaps")


def test_runs_tell_what_was_done(world: World) -> None:
    """A create that failed and the update that repaired it are both there, with the step that failed."""
    world.emulator.script(outcome="FAILED", logs=["ERROR bad credentials"], until="patched")
    stack = world.stack(pipeline("swaps"))
    stack.up(expect=1)
    stack.program(pipeline("swaps", description="repaired"))
    stack.up()

    runs = json_of(stack, "runs", "swaps")
    assert [(run["action"], run["status"]) for run in runs] == [("update", "Succeeded"), ("create", "Failed")]
    assert runs[1]["steps"][-1]["status"] == "Failed"
    assert [run["changed"] for run in runs] == [["description"], None]
    assert "Failed" in command(stack, "runs")
    version = runs[0]["config_version"]
    assert [run["action"] for run in json_of(stack, "runs", "--version", version)] == ["update"]


def test_pausing_a_managed_pipeline_is_drift_that_up_undoes(world: World) -> None:
    """The warning is true: a refresh sees the pause and the next up resumes; both are recorded; delete needs force."""
    stack = world.stack(pipeline("swaps"))
    stack.up()

    assert "warning: stack dev wants swaps" in command(stack, "pause", "swaps")
    assert world.pipeline()["phase"] == "PAUSED"
    stack.refresh()
    stack.up()
    assert world.pipeline()["phase"] == "RUNNING"
    records = [(run["action"], run["recorded_in"]) for run in json_of(stack, "runs")]
    assert records == [("resume", "state"), ("pause", "this_machine"), ("create", "state")]
    assert "--force" in command(stack, "delete", "swaps", "--yes", expect=12)


def test_secrets_of_the_stack_stay_out_of_logs(world: World) -> None:
    """A secret of the stack's config that a worker prints is redacted by the command line too."""
    secret = world.plant("password")
    stack = world.stack(pipeline("swaps"))
    stack.config(secret={"goldrush-pipelines:pgPassword": secret})
    stack.config(secret={"pipelines.other.destination_config.password": secret + "2"}, paths=True)
    stack.up()
    lines = [f"ERROR login with {secret}", f"ERROR login with {secret}2"]
    world.emulator.write_logs(world.pipeline()["id"], lines)

    assert "ERROR login with [secret]" in command(stack, "logs", "swaps")


def test_a_passphrase_that_is_wrong_is_one_line(world: World) -> None:
    """A stack whose secrets cannot be opened is an error of one line with a code of its own."""
    stack = world.stack(pipeline("swaps"))
    stack.config(secret={"goldrush:serviceKey": world.emulator.service_key})

    ended = command(stack, "list", expect=8, PULUMI_CONFIG_PASSPHRASE="another")
    assert ended.text.startswith("error: read stack dev: ")
    assert ended.text.count("\n") == 1


def test_a_checksum_that_a_killed_cli_left_empty(world: World) -> None:
    """The error of the CLI comes with what to remove, and with that done nothing is lost."""
    stack = world.stack(pipeline("swaps"))
    stack.up()
    checksum = stack.state_file.with_name(f"{stack.state_file.name}.attrs")
    checksum.write_bytes(b"")

    assert "remove the empty .json.attrs file" in command(stack, "list", expect=8)

    checksum.unlink()
    assert "swaps" in command(stack, "list")
    stack.preview_clean()


def test_the_doctor_examines_a_stack(world: World) -> None:
    """On a project that works, nothing is wrong; more pipelines than places are a warning with the number to set."""
    stack = world.stack(pipeline("swaps"), pipeline("fills"))
    stack.up()

    ended = command(stack, "doctor", PULUMI_PARALLEL="1")
    assert "set PULUMI_PARALLEL=2" in ended
    assert "ok       provider" in ended
