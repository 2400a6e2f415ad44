from __future__ import annotations

import json
import re
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from goldrush_pulumi.api import GoldRushClient
from tests.e2e.programs import TOPIC
from tests.e2e.programs import pipeline as python_pipeline
from tests.e2e.stack import is_secret, make_project
from tests.e2e.test_command_line import command, json_of
from tests.e2e.yaml_programs import POSTGRES, declare, install_plugin, install_version, pipeline, postgres, yaml_stack
from tools.distribution import project_version

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.world import World

CHANGING = {"POST", "PATCH", "PUT", "DELETE"}
HEIGHT = 44_745_000
TRANSFORMS = {"swaps": "SELECT chain_name FROM swaps"}


@pytest.fixture(autouse=True)
def _plugin(world: World) -> None:
    install_plugin(world)


def changes(world: World) -> list[str]:
    return [request.method for request in world.emulator.requests() if request.method in CHANGING]


def test_a_pipeline_lives_from_up_to_destroy(world: World) -> None:
    """Preview with an output of its own, up, clean preview, drift, update and replacement by property, destroy."""
    password = world.plant()
    outputs = {"phase": "${swaps.phase}", "seen": "${seen.phase}", "version": "${swaps.configVersion}"}
    seen = {"fn::invoke": {"function": "goldrush:getPipelineStatus", "arguments": {"pipelineId": "${swaps.id}"}}}
    stack = yaml_stack(
        world,
        {"swaps": pipeline(destination=postgres(password=password)), "after": pipeline(description="${swaps.uid}")},
        variables={"seen": seen},
        outputs=outputs,
    )
    assert re.search(r"version *: \"[0-9a-f]{12}\"", stack.preview().text)
    stack.up()
    stack.preview_clean()
    assert stack.outputs()["phase"] == stack.outputs()["seen"] == "RUNNING"
    recorded = stack.resource()
    assert is_secret(recorded.inputs["destination"]["postgres"]["password"])
    world.emulator.edit(recorded.id, description="by hand")
    stack.refresh()
    assert stack.resource().outputs["description"] == "by hand"
    changed = pipeline(destination=postgres(password=password, batchSize=7), project="other")
    declare(stack, {"swaps": pipeline(destination=postgres(password=password, batchSize=7)), "after": changed})
    shown = stack.preview("--diff")
    assert "~ description" in shown or "- description" in shown
    assert "batchSize" in shown
    assert "replace" in shown
    stack.up()
    assert world.pipeline()["destination_config"]["batch_size"] == 7
    assert (world.pipeline()["description"], world.pipeline("after")["project"]) == ("", "other")
    assert stack.resource().id == recorded.id
    stack.preview_clean()
    stack.destroy()
    assert world.emulator.pipelines() == []


def test_the_command_line_reads_a_yaml_stack(world: World) -> None:
    """Commands with --stack find the pipelines of the plugin by name, with their runs, and tell what drifted."""
    password = world.plant()
    stack = yaml_stack(
        world,
        {
            "swaps": pipeline(destination=postgres(password=password), executionStartFrom=HEIGHT),
            "kept secret": pipeline(destination={"fn::secret": postgres(password=password)}),
        },
    )
    stack.config(secret={"goldrush:serviceKey": world.emulator.service_key})
    stack.up()
    report = json_of(stack, "check")
    assert (report["checked"], report["findings"]) == (2, [])
    assert [run["action"] for run in json_of(stack, "runs", "swaps")] == ["create"]
    assert "RUNNING" in command(stack, "status", "kept secret")
    config = world.pipeline("swaps")["destination_config"]
    world.emulator.edit(
        world.pipeline("swaps")["id"], description="by hand", destination_config={**config, "user": "x"}
    )
    (finding,) = json.loads(command(stack, "check", "--json", expect=10).text)["findings"]
    assert finding["kind"] == "drift"
    assert "description" in finding["text"]
    assert "destination_config" in finding["text"]


def test_a_failed_pipeline_is_recorded_and_healed(world: World) -> None:
    """The error is the diagnosis and nothing else, the pipeline is in state, and the same `up` heals it."""
    password = world.plant()
    stack = yaml_stack(world, {"swaps": pipeline(destination=postgres(password=password))})
    logs = [f"ERROR password {password} rejected"]
    world.emulator.script(outcome="FAILED", logs=logs, until="patched")
    ended = stack.up(expect=1)
    assert "is FAILED after" in ended
    assert "ERROR password [secret] rejected" in ended
    assert "Traceback" not in ended
    assert stack.resource().init_errors
    stack.up()
    assert stack.resource().init_errors == ()
    stack.preview_clean()


def test_an_import_ends_in_a_program(world: World) -> None:
    """`pulumi import` prints a program; with the password filled in, the preview changes the password alone."""
    stack = yaml_stack(world, {"swaps": pipeline()})
    stack.up()
    password = world.plant()
    with closing(GoldRushClient(service_key=world.emulator.service_key, base_url=world.emulator.base_url)) as client:
        made = client.create_pipeline(
            {
                "name": "by-hand",
                "project": "legacy",
                "topic": TOPIC,
                "execution_mode": "unbounded",
                "destination_type": "postgres",
                "destination_config": {"type": "postgres", **POSTGRES, "password": password},
                "transforms": {"swaps": "SELECT chain_name FROM swaps"},
            }
        )
    world.until(lambda: world.emulator.pipelines()[-1]["phase"] == "RUNNING", "a running pipeline")
    world.emulator.clear_requests()
    ended = stack.run("import", "goldrush:index:Pipeline", "by-hand", made.id, "--yes", "--protect=false")
    assert "destination.postgres.password: is not known, because GoldRush shows no credentials" in ended
    printed = yaml.safe_load("resources:" + ended.text.partition("\nresources:")[2])["resources"]
    assert printed["by-hand"]["properties"]["destination"]["postgres"]["password"] == ""
    printed["by-hand"]["properties"]["destination"]["postgres"]["password"] = password
    declare(stack, {"swaps": pipeline(), **printed})
    shown = stack.preview("--diff")
    assert "1 to update" in shown
    assert "password" in shown
    assert changes(world) == []
    stack.up()
    assert changes(world) == ["PATCH"]
    stack.preview_clean()


def test_an_import_of_nothing_says_so(world: World) -> None:
    """An id that does not exist, and one of another account, end in one line with the way out."""
    emulator = world.emulator
    with closing(GoldRushClient(service_key=emulator.accounts[1].service_key, base_url=emulator.base_url)) as client:
        config = {"type": "webhook", "url": "https://example.com"}
        made = client.create_pipeline(
            {
                "name": "theirs",
                "execution_mode": "unbounded",
                "project": "p",
                "topic": TOPIC,
                "destination_type": "webhook",
                "destination_config": config,
            }
        )
    world.strays.add(made.id)
    stack = yaml_stack(world, {})
    for pipeline_id in ("pipe_0", made.id):
        ended = stack.run("import", "goldrush:index:Pipeline", "none", pipeline_id, "--yes", expect=1)
        reason = f"{pipeline_id} does not exist or is hidden from this ServiceKey; check the id"
        assert f"read pipeline none: {reason}" in ended


def test_a_plugin_of_another_version_is_named(world: World) -> None:
    """An SDK names the version of its plugin, as this option does; one on PATH serves, with a warning of the skew."""
    stack = yaml_stack(world, {"swaps": pipeline(options={"version": "8.8.8"})})
    ended = stack.preview()
    assert f"plugin goldrush is expected to have version >=8.8.8, but has {project_version()}" in ended


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        (
            pipeline(destination={"postgres": POSTGRES, "webhook": {"url": "https://example.com"}}),
            "destination: names 2 destinations, postgres and webhook, set exactly one",
        ),
        (pipeline(destination={}), "destination: names no destination, set exactly one of postgres, clickhouse,"),
        (pipeline(executionMode="forever"), 'Allowed values are Bounded ("bounded"), Unbounded ("unbounded")'),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(world: World, declared: dict[str, Any], reason: str) -> None:
    """Two destinations, none and a wrong word: one clear line each, and no request."""
    stack = yaml_stack(world, {"swaps": declared})
    ended = stack.preview(expect=1)
    assert reason in ended
    assert "Traceback" not in ended
    assert world.emulator.requests() == []


def test_a_killed_run_leaves_no_second_pipeline(world: World) -> None:
    """`kill -9` while a create waits: the next `up` takes the pipeline over."""
    world.emulator.script("swaps", "HANG")
    stack = yaml_stack(world, {"swaps": pipeline()})
    running = stack.start_up()
    world.until(world.emulator.pipelines, "a POST")
    running.kill()
    running.wait(expect=None)
    (held,) = world.emulator.pipelines()
    stack.run("cancel", "--yes")
    world.emulator.set_phase(held["id"], "RUNNING")
    ended = stack.up()
    assert "is taken over" in ended
    assert stack.resource().id == held["id"]
    assert changes(world).count("POST") == 1


def test_ctrl_c_records_what_waits(world: World) -> None:
    """The pipeline is recorded as it is, and the next `up` goes on with it."""
    world.emulator.script("swaps", "HANG")
    stack = yaml_stack(world, {"swaps": pipeline()})
    running = stack.start_up()
    world.until(world.emulator.pipelines, "a POST")
    running.interrupt()
    running.wait(expect=None)
    (held,) = world.emulator.pipelines()
    assert stack.resource().id == held["id"]
    assert stack.resource().init_errors
    world.emulator.set_phase(held["id"], "RUNNING")
    stack.up()
    assert stack.resource().init_errors == ()
    assert changes(world).count("POST") == 1


def test_a_forced_replacement_keeps_its_pipeline(world: World) -> None:
    """`up --replace` creates before it deletes: the pipeline is taken over and left alone, or the run is refused."""
    stack = yaml_stack(world, {"swaps": pipeline()})
    stack.up()
    recorded = stack.resource()
    stack.up("--replace", recorded.urn, expect=None)
    assert [item["id"] for item in world.emulator.pipelines()] == [recorded.id] == [stack.resource().id]
    declare(stack, {"swaps": pipeline(options={"deleteBeforeReplace": True})})
    stack.up("--replace", recorded.urn)
    assert stack.resource().id != recorded.id


def test_a_new_version_of_the_plugin_keeps_the_owner(world: World, tmp_path: Path) -> None:
    """Another version is another provider resource with another id: what the old one created is still its own."""
    launcher = tmp_path / "later" / "pulumi-resource-goldrush"
    launcher.parent.mkdir()
    launcher.write_text('#!/bin/sh\nexec "$GOLDRUSH_PULUMI_PYTHON" -m goldrush_pulumi.plugin "$@"\n', "utf-8")
    launcher.chmod(0o755)
    install_version(world, "9.9.9", launcher.parent)
    stack = yaml_stack(world, {"swaps": pipeline(options={"version": project_version()})})
    stack.up()
    before = world.emulator.pipelines()[0]["description"]
    declare(stack, {"swaps": pipeline(options={"version": "9.9.9"})})
    stack.up()
    providers = {item["urn"] for item in stack.state()["resources"] if item["type"] == "pulumi:providers:goldrush"}
    assert [urn for urn in providers if "9_9_9" in urn]
    declare(stack, {"swaps": pipeline(options={"version": "9.9.9"}, description="changed")})
    stack.up()
    assert world.emulator.pipelines()[0]["description"] == f"changed {before}"
    stack.destroy()
    assert world.emulator.pipelines() == []
    assert changes(world) == ["POST", "PATCH", "DELETE"]


def in_python(name: str, password: str) -> str:
    """A pipeline as a Python program declares it."""
    config = {"type": "postgres", **POSTGRES, "password": password}
    return python_pipeline(name, destination_config=config, execution_start_from=HEIGHT, transforms=TRANSFORMS)


def in_yaml(password: str) -> dict[str, Any]:
    """The same pipeline as a YAML program declares it."""
    return pipeline(destination=postgres(password=password), executionStartFrom=HEIGHT, transforms=TRANSFORMS)


def test_a_stack_moves_over_and_back(world: World) -> None:
    """From Python to YAML and back: the same ids, not one request that changes anything, and no owner left behind."""
    passwords = {name: world.plant() for name in ("swaps", "more")}
    parts = [in_python(name, password) for name, password in passwords.items()]
    stack = world.stack(*parts)
    stack.up()
    ids = {item.name: item.id for item in stack.resources()}
    world.emulator.clear_requests()

    declare(stack, {name: in_yaml(password) for name, password in passwords.items()})
    stack.up()
    assert {item.name: item.id for item in stack.resources()} == ids
    assert {item.urn.split("::")[2] for item in stack.resources()} == {"goldrush:index:Pipeline"}
    assert not [item for item in stack.state()["resources"] if "pulumi-python" in item["type"]]
    assert is_secret(stack.resource().outputs["destination"]["postgres"]["password"])
    stack.preview_clean()

    make_project(stack.folder, stack.project)
    stack.program(*parts)
    stack.up()
    assert {item.name: item.id for item in stack.resources()} == ids
    assert {item.urn.split("::")[2] for item in stack.resources()} == {"pulumi-python:dynamic/goldrush:Pipeline"}
    assert stack.resource().outputs["execution_start_from"] == "44745000"
    stack.preview_clean()
    assert changes(world) == []
    stack.destroy()
    assert world.emulator.pipelines() == []
