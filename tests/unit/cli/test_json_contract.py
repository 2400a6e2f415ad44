"""What commands print with --json is what `schemas/cli/` promises."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from goldrush_pulumi.cli.app import COMMANDS
from goldrush_pulumi.cli.json_models import OUTPUTS
from tests.unit.cli.conftest import resource
from tools.command_schemas import FOLDER, schema_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goldrush_pulumi.emulator import Emulator
    from tests.support.caller import Caller
    from tests.unit.cli.conftest import Ended, FakePulumi

pytestmark = pytest.mark.untraced

WITHOUT_MODEL = {"emulator", "exporter"}
"""They print no data."""

LINES = {"logs", "watch"}
"""Commands whose JSON is one value per line."""

ARGUMENTS: dict[str, list[str]] = {
    "list": ["--with-phase"],
    "get": ["base-swaps"],
    "status": ["base-swaps", "broken"],
    "logs": ["base-swaps", "broken"],
    "metrics": ["base-swaps"],
    "health": ["broken"],
    "runs": [],
    "watch": ["--rounds", "1"],
    "check": ["base-swaps", "broken"],
    "diagnose": ["base-swaps", "broken"],
    "wait": ["base-swaps", "--timeout", "0"],
    "pause": ["base-swaps", "--no-wait"],
    "resume": ["base-swaps"],
    "restart": ["base-swaps"],
    "delete": ["broken", "--yes"],
    "export": ["--out", "exported"],
    "validate": [],
    "doctor": [],
}


def test_every_command_has_a_model() -> None:
    """A new command cannot print JSON without a promise."""
    assert set(OUTPUTS) == set(COMMANDS) - WITHOUT_MODEL == set(ARGUMENTS)


def test_the_schemas_are_those_of_the_models() -> None:
    """The files are what `python -m tools.reference` writes, and there are no others."""
    assert {path: path.read_text("utf-8") for path in FOLDER.iterdir()} == schema_files()


@pytest.mark.parametrize("name", ARGUMENTS)
def test_output_is_as_promised(
    name: str, emulator: Emulator, caller: Caller, command: Callable[..., Ended], pulumi: FakePulumi, tmp_path: Path
) -> None:
    """Every command's JSON validates against its schema, with pipelines that are fine, broken and managed."""
    swaps, broken = caller.create(name="swaps")["id"], caller.create(name="broken")["id"]
    caller.phase(swaps)
    emulator.fail(broken, logs=["ERROR connection refused"], health_error="connection refused")
    run = {"action": "create", "status": "Succeeded", "steps": []}
    pulumi.write({}, resource("base-swaps", swaps, runs=[run]))
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n", "utf-8")
    stack = {"config": {"shop:pipelines": {"swaps": {"topik": "a.b"}}}}
    (tmp_path / "Pulumi.dev.yaml").write_text(json.dumps(stack), "utf-8")
    ended = command(name, *ARGUMENTS[name], "--stack", "dev", "--json")

    schema = json.loads((FOLDER / f"{name}.schema.json").read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    values: list[Any] = ended.json_lines if name in LINES else [ended.json]
    assert values, ended.err
    for value in values:
        validator.validate(value)
        assert value != []


@pytest.mark.parametrize("name", OUTPUTS)
def test_schemas_accept_later_fields(name: str) -> None:
    """A schema does not refuse what a later version adds."""
    text = (FOLDER / f"{name}.schema.json").read_text("utf-8")
    jsonschema.Draft202012Validator.check_schema(json.loads(text))
    assert '"additionalProperties": false' not in text
