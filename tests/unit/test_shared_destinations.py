"""Destinations that a stack's config names once, and that many pipelines use."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pulumi
import pytest

from goldrush_pulumi import stack_config
from goldrush_pulumi.cli.stacks import _secrets_in
from goldrush_pulumi.stack_config import declare_pipelines, json_schema, read_declarations
from goldrush_pulumi.validation.files import Report, validate_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "plntShared001X7q9Zk"
WAREHOUSE = {"type": "postgres", "url": "postgresql://h/d", "user": "u", "password": SECRET}
SWAPS = {"project": "analytics", "topic": "base.mainnet.ref.block.swaps", "destination": "warehouse"}
OWN = {"project": "analytics", "topic": "base.mainnet.ref.block.swaps", "destination_config": WAREHOUSE}


@pytest.fixture(autouse=True)
def _forget_config() -> Iterator[None]:
    yield
    pulumi.runtime.set_all_config({}, [])


def config_of(pipelines: object, destinations: object, *, secret: bool = False) -> pulumi.Config:
    values = {"shop:pipelines": json.dumps(pipelines), "shop:destinations": json.dumps(destinations)}
    pulumi.runtime.set_all_config(values, ["shop:destinations"] if secret else [])
    return pulumi.Config("shop")


def refusal(pipelines: object, destinations: object) -> list[str]:
    with pytest.raises(pulumi.RunError) as caught:
        read_declarations(config_of(pipelines, destinations))
    assert SECRET not in str(caught.value)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def validated(tmp_path: Path, pipelines: object, destinations: object) -> Report:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n", "utf-8")
    path = tmp_path / "Pulumi.dev.yaml"
    config = {"shop:destinations": destinations, "shop:pipelines": pipelines}
    path.write_text(json.dumps({"config": config}, indent=1), "utf-8")
    return validate_files([path])


def said(report: Report) -> list[tuple[str, int, str]]:
    return [(finding.problem.rule.code, finding.line, finding.problem.path) for finding in report.findings]


def test_pipelines_get_the_destination_that_they_name() -> None:
    """Each entry has the whole shared destination, its type too, as if it had been written there."""
    declared = read_declarations(config_of({"swaps": SWAPS, "mints": SWAPS, "own": OWN}, {"warehouse": WAREHOUSE}))
    inputs = {name: found for name, (found, _) in declared.items()}
    assert inputs["swaps"] == inputs["mints"] == inputs["own"]
    assert inputs["swaps"] == {**OWN, "destination_type": "postgres"}


def test_a_shared_password_is_a_secret_of_each_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret under `destinations` makes the strings of those destinations secret, and nothing of other pipelines."""
    made: dict[str, Any] = {}

    async def declare() -> dict[str, bool]:
        monkeypatch.setattr(stack_config, "Pipeline", lambda name, **inputs: made.update({name: inputs}))
        declare_pipelines(config_of({"swaps": SWAPS, "own": OWN}, {"warehouse": WAREHOUSE}, secret=True))
        passwords = {name: inputs["destination_config"]["password"] for name, inputs in made.items()}
        return {name: isinstance(item, pulumi.Output) and await item.is_secret() for name, item in passwords.items()}

    assert asyncio.run(declare()) == {"swaps": True, "own": False}


def test_only_what_the_file_has_encrypted_is_a_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the stack's file at hand, the encrypted password of a shared destination is secret, and its URL is not."""
    made: dict[str, Any] = {}
    file = tmp_path / "Pulumi.dev.yaml"
    written = {"warehouse": {**WAREHOUSE, "password": {"secure": "v1:abc"}}}
    file.write_text(json.dumps({"config": {"shop:destinations": written}}), "utf-8")

    async def declare() -> dict[str, bool]:
        monkeypatch.setattr(stack_config, "stack_file", lambda: file)
        monkeypatch.setattr(stack_config, "Pipeline", lambda name, **inputs: made.update({name: inputs}))
        declare_pipelines(config_of({"swaps": SWAPS}, {"warehouse": WAREHOUSE}, secret=True))
        config = made["swaps"]["destination_config"]
        return {key: isinstance(item, pulumi.Output) and await item.is_secret() for key, item in config.items()}

    assert asyncio.run(declare()) == {"type": False, "url": False, "user": False, "password": True}


@pytest.mark.parametrize(
    ("change", "destinations", "line"),
    [
        (
            {"destination": "warehose"},
            {"warehouse": WAREHOUSE},
            'is not one of destinations, did you mean "warehouse"?',
        ),
        ({}, None, "is not one of destinations, declare it under destinations, beside pipelines"),
        (
            {"destination": {"type": "postgres"}},
            {"warehouse": WAREHOUSE},
            "is not a string, write its fields under destination_config, or write the name of one of destinations",
        ),
        ({"destination": 5}, {"warehouse": WAREHOUSE}, "is not a string, write the name of one of destinations"),
        ({"destination_config": WAREHOUSE}, {"warehouse": WAREHOUSE}, "stands beside destination_config, keep one"),
    ],
)
def test_a_wrong_name_is_one_line(change: dict[str, Any], destinations: object, line: str) -> None:
    """The line has the path of the name, says what is wrong with it, and what would be right."""
    (problem,) = refusal({"swaps": SWAPS | change}, destinations)
    assert problem.startswith(f"pipelines.swaps.destination: {line}")


def test_a_mistake_in_a_shared_destination_is_reported_once() -> None:
    """However many pipelines use it, the mistake has one line, with the path at which it stands."""
    problems = refusal({"swaps": SWAPS, "mints": SWAPS}, {"warehouse": {**WAREHOUSE, "batch_size": "many"}})
    (problem,) = problems
    assert problem.startswith("destinations.warehouse.batch_size: ")


@pytest.mark.parametrize(
    ("destinations", "path"), [([WAREHOUSE], "destinations"), ({"warehouse": 5}, "destinations.warehouse")]
)
def test_destinations_of_another_shape_are_refused(destinations: object, path: str) -> None:
    """What is not a map of maps is one line that says what to write."""
    assert any(
        line.startswith(f"{path}: is not a map, write a map ") for line in refusal({"swaps": SWAPS}, destinations)
    )


def test_validate_finds_the_line_of_a_shared_destination(tmp_path: Path) -> None:
    """A mistake and a credential in clear text are found where they stand, once, used or not."""
    encrypted = {**WAREHOUSE, "password": {"secure": "v1:abc"}, "batch_size": 0}
    report = validated(tmp_path, {"swaps": SWAPS, "mints": SWAPS}, {"warehouse": encrypted, "unused": WAREHOUSE})
    assert said(report) == [
        ("GR106", 11, "destinations.warehouse.batch_size"),
        ("GR601", 17, "destinations.unused.password"),
    ]
    assert SECRET not in "".join(map(str, report.findings))
    hint = report.findings[1].problem.hint
    assert hint == "encrypt it with `pulumi config set --secret --path 'destinations.unused.password'`"


def test_validate_accepts_what_is_right(tmp_path: Path) -> None:
    """Encrypted shared destinations have no findings, and their pipelines' tables are known."""
    report = validated(tmp_path, {"swaps": SWAPS}, {"warehouse": {**WAREHOUSE, "password": {"secure": "v1:abc"}}})
    assert said(report) == []
    assert len(report.tables) == 1


def test_the_schema_agrees() -> None:
    """Editors accept a pipeline with either a name or a destination of its own, and refuse both and neither."""
    schema = json_schema()

    def accepts(pipeline: dict[str, Any], destination: object = WAREHOUSE) -> bool:
        config = {"shop:pipelines": {"swaps": pipeline}, "shop:destinations": {"warehouse": destination}}
        return bool(jsonschema.Draft202012Validator(schema).is_valid({"config": config}))

    neither = {key: value for key, value in SWAPS.items() if key != "destination"}
    assert accepts(SWAPS)
    assert accepts(OWN)
    assert not accepts({**OWN, **SWAPS})
    assert not accepts(neither)
    assert not accepts(SWAPS, {**WAREHOUSE, "pasword": "x"})


def test_the_command_line_redacts_shared_credentials() -> None:
    """Of shared destinations in a stack's config, the credentials are secret, and words such as the type are not."""
    entry = {"secret": True, "value": "", "objectValue": {"warehouse": WAREHOUSE}}
    found = set(_secrets_in("shop:destinations", entry))
    assert SECRET in found
    assert "postgres" not in found
