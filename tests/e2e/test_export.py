"""Pipelines made by hand come under Pulumi: exported, imported, and the next preview finds nothing to do."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from goldrush_pulumi.api import GoldRushClient, RateLimiter
from goldrush_pulumi.export import declare, from_file, make_bundle, survey, write_bundle
from goldrush_pulumi.export.credentials import value_at
from goldrush_pulumi.export.stack_file import config_path
from goldrush_pulumi.plugin.names import program_path, write_path
from tests.e2e.account import fill
from tests.e2e.stack import Stack
from tests.e2e.yaml_programs import declare as declare_yaml
from tests.e2e.yaml_programs import install_plugin, yaml_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldrush_pulumi.export import Bundle, Declared, Source
    from goldrush_pulumi.export.bundle import Form
    from goldrush_pulumi.export.credentials import Leaf
    from tests.e2e.world import World

COUNT = int(os.environ.get("EXPORT_PIPELINES", "20"))
"""How many pipelines are exported; a hundred take longer and show nothing else."""


@pytest.fixture
def client(world: World) -> Iterator[GoldRushClient]:
    """A client of the account, which may ask as fast as it can."""
    made = GoldRushClient(
        service_key=world.emulator.service_key, base_url=world.emulator.base_url, rate_limiter=RateLimiter(1000.0)
    )
    yield made
    made.close()


@pytest.fixture
def secrets(world: World, client: GoldRushClient) -> dict[str, dict[str, Any]]:
    """A full account; the configs of its pipelines in clear, by their ids."""
    fill(world.emulator, COUNT, world.plant, client.create_pipeline)
    return {item["id"]: item["destination_config"] for item in world.emulator.pipelines()}


def known(declared: list[Declared], secrets: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What somebody would write into a file of secrets."""
    return {item.resource: secrets[item.found.pipeline.id] for item in declared}


def export(world: World, client: GoldRushClient, form: Form, source: Source) -> tuple[Stack, Bundle, list[Declared]]:
    """Export the whole account into a new project with an empty stack."""
    declared = declare(survey(client), source)
    bundle = make_bundle(
        declared,
        form=form,
        project="found",
        stack="dev",
        service_key=world.emulator.service_key,
        base_url=world.emulator.base_url,
    )
    folder = world.folder / "found"
    write_bundle(bundle, folder)
    stack = Stack(world.cli, folder)
    stack.write_config({"goldrush:baseUrl": world.emulator.base_url})
    stack.init()
    world.stacks.append(stack)
    return stack, bundle, declared


def set_secrets(stack: Stack, form: Form, declared: list[Declared], secrets: dict[str, dict[str, Any]]) -> None:
    """What the commands of the export do, in one call of the CLI instead of hundreds."""
    leaves = [(leaf, secrets[item.found.pipeline.id]) for item in declared for leaf in item.leaves]
    key_of = config_path if form == "yaml" else lambda leaf: leaf.key
    values = {key_of(leaf): value_at(config, leaf.path) for leaf, config in leaves}
    stack.config(secret=values, paths=form == "yaml")


def import_all(stack: Stack) -> None:
    stack.run("import", "--file", "import.json", "--generate-code=false", "--protect=false", "--yes", "--skip-preview")


@pytest.mark.parametrize("form", ["python", "yaml"])
def test_known_secrets_leave_nothing_to_do(
    world: World, client: GoldRushClient, secrets: dict[str, dict[str, Any]], form: Form
) -> None:
    """With its secrets given, an account is imported, previews clean, refreshes clean, and nothing of it is changed."""
    names = declare(survey(client))
    stack, bundle, declared = export(world, client, form, from_file(known(names, secrets)))

    assert bundle.unknown == ()
    assert len(declared) == COUNT
    set_secrets(stack, form, declared, secrets)
    import_all(stack)
    (stack.folder / "import.json").unlink()
    stack.preview_clean()
    stack.refresh()
    stack.preview_clean()
    stack.up()
    stack.preview_clean()
    assert {request.method for request in world.emulator.requests()} == {"GET"}
    stack.destroy()
    assert world.emulator.pipelines() == []


@pytest.mark.parametrize("form", ["python", "yaml"])
def test_unknown_secrets_are_one_change_each(
    world: World, client: GoldRushClient, secrets: dict[str, dict[str, Any]], form: Form
) -> None:
    """Without its secrets, the preview changes exactly the masked leaves; one `up` sends them and is the last one."""
    stack, bundle, declared = export(world, client, form, lambda _leaf: None)
    changed = {leaf.resource for leaf in bundle.unknown}
    set_secrets(stack, form, declared, secrets)
    import_all(stack)
    before = {item["id"]: item["destination_config"] for item in world.emulator.pipelines()}

    preview = stack.preview("--diff")
    assert f"~ {len(changed)} to update" in preview.text
    assert f"{COUNT - len(changed) + 2} unchanged" in preview.text
    stack.up()
    stack.preview_clean()

    writes = [request for request in world.emulator.requests() if request.method != "GET"]
    assert [set(request.body or {}) for request in writes] == [{"destination_config"}] * len(changed)
    assert {item["id"]: item["destination_config"] | {"type": ""} for item in world.emulator.pipelines()} == {
        id_: config | {"type": ""} for id_, config in before.items()
    }


def test_the_plugin_imports_a_program_in_yaml(
    world: World, client: GoldRushClient, secrets: dict[str, dict[str, Any]]
) -> None:
    """An account as a program in YAML: the preview after the import changes the masked leaves, one `up` sends them."""
    install_plugin(world)
    stack, bundle, declared = export(world, client, "plugin", lambda _leaf: None)
    set_secrets(stack, "plugin", declared, secrets)
    import_all(stack)
    before = {item["id"]: item["destination_config"] for item in world.emulator.pipelines()}
    changed = {leaf.resource for leaf in bundle.unknown}

    preview = steps_of(stack.preview("--json").text)
    assert preview["changeSummary"] == {"same": COUNT - len(changed) + 1, "update": len(changed)}
    shown = {
        (step["urn"].rpartition("::")[2], path) for step in preview["steps"] for path in step.get("detailedDiff") or ()
    }
    assert shown == {(leaf.resource, shown_path(leaf, declared)) for leaf in bundle.unknown}
    stack.up()
    stack.preview_clean()
    writes = [request for request in world.emulator.requests() if request.method != "GET"]
    assert [set(request.body or {}) for request in writes] == [{"destination_config"}] * len(changed)
    assert {item["id"]: item["destination_config"] | {"type": ""} for item in world.emulator.pipelines()} == {
        id_: config | {"type": ""} for id_, config in before.items()
    }


def steps_of(text: str) -> dict[str, Any]:
    """What `preview --json` printed, behind the warnings of the CLI."""
    found: dict[str, Any] = json.JSONDecoder().raw_decode(text[text.index("{\n") :])[0]
    return found


def shown_path(leaf: Leaf, declared: list[Declared]) -> str:
    """The path of a credential as a preview of the plugin shows it."""
    (kind,) = [item.inputs["destination_type"] for item in declared if item.resource == leaf.resource]
    return write_path(program_path(("destination_config", *leaf.path), kind))


def test_the_plugin_imports_into_any_program(world: World, client: GoldRushClient) -> None:
    """The import file alone: Pulumi records the pipelines, and prints the program that declares them."""
    install_plugin(world)
    fill(world.emulator, 2, world.plant, client.create_pipeline)
    declared = declare(survey(client))
    bundle = make_bundle(declared, form="import", project="shop", stack="dev", service_key="", base_url="")
    assert list(bundle.files) == ["import.json"]
    write_bundle(bundle, world.folder / "found")
    stack = yaml_stack(world, {})
    world.emulator.clear_requests()

    file = str(world.folder / "found" / "import.json")
    ended = stack.run("import", "--file", file, "--protect=false", "--yes", "--skip-preview")
    printed = yaml.safe_load("resources:" + ended.text.partition("\nresources:")[2])["resources"]
    assert {item.resource for item in declared} == set(printed)
    for item in printed.values():
        (config,) = item["properties"]["destination"].values()
        assert config["password"] == ""
        config["password"] = "a-credential"
    declare_yaml(stack, printed)
    preview = steps_of(stack.preview("--json").text)
    assert {path for step in preview["steps"] for path in step.get("detailedDiff") or ()} == {
        "destination.postgres.password",
        "destination.clickhouse.password",
    }
    assert {request.method for request in world.emulator.requests()} == {"GET"}
    world.emulator.clear_requests()
    stack.destroy()
    assert world.emulator.pipelines() == []


def test_exported_program_is_formatted_and_the_import_file_private(
    world: World, client: GoldRushClient, secrets: dict[str, dict[str, Any]]
) -> None:
    """The program needs no formatter, no file but the import file holds a secret, and only its owner reads that one."""
    names = declare(survey(client))
    stack, bundle, _ = export(world, client, "python", from_file(known(names, secrets)))
    world.strays = {item["id"] for item in world.emulator.pipelines()}

    program = stack.folder / "__main__.py"
    for arguments in (("format", "--check", "--isolated"), ("check", "--isolated", "--select", "E9,F")):
        subprocess.run([sys.executable, "-m", "ruff", *arguments, str(program)], check=True, capture_output=True)
    assert stat.S_IMODE((stack.folder / "import.json").stat().st_mode) == 0o600
    for name, text in bundle.files.items():
        assert any(secret in text for secret in world.secrets) is (name == "import.json"), name
    assert yaml.safe_load(bundle.files["Pulumi.yaml"])["name"] == "found"


@pytest.mark.parametrize("form", ["python", "yaml"])
def test_commands_set_the_secrets(world: World, client: GoldRushClient, form: Form) -> None:
    """The commands of an export, run as they stand, put values where program and stack file look for them."""
    fill(world.emulator, 6, world.plant, client.create_pipeline)
    secrets = {item["id"]: item["destination_config"] for item in world.emulator.pipelines()}
    names = declare(survey(client))
    stack, bundle, declared = export(world, client, form, from_file(known(names, secrets)))
    values = [value_at(secrets[item.found.pipeline.id], leaf.path) for item in declared for leaf in item.leaves]

    for command, value in zip(bundle.commands, values, strict=True):
        environment = stack.cli.environment
        asked = ["sh", "-c", f"{command} --stack dev"]
        subprocess.run(asked, cwd=stack.folder, env=environment, input=value, text=True, check=True)
    import_all(stack)
    stack.preview_clean()
