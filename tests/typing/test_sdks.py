"""The SDKs that are generated for the plugin, judged by what their users' checkers say."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.typing.test_programs import ROOT
from tools import pulumi_build, sdk
from tools.environment import command_path

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(1200)

PROGRAM = """import pulumi
import pulumi_goldrush as goldrush

config = pulumi.Config()
swaps = goldrush.Pipeline(
    "swaps",
    project="analytics",
    topic="base.mainnet.ref.block.swap.v3",
    destination={"postgres": {"url": "postgresql://db", "user": "u", "password": config.require_secret("password")}},
    execution_mode=goldrush.ExecutionMode.UNBOUNDED,
    wait_for=goldrush.WaitFor.HEALTHY,
    execution_start_from=44_745_000,
    transforms={"swaps": pulumi.Output.secret("SELECT chain_name FROM swaps")},
)
goldrush.Pipeline("typed", goldrush.PipelineArgs(
    project="p", topic="t",
    destination=goldrush.DestinationArgs(webhook=goldrush.WebhookDestinationArgs(url="https://example.com")),
))
phase: pulumi.Output[str] = swaps.phase
provider = goldrush.Provider("other", service_key=config.require_secret("key"), parallel=8, adopt_foreign=True)
goldrush.Pipeline("a", project="p", topic="t", destination={"postgress": {}})  # wrong
goldrush.Pipeline("b", project="p", topic="t", destination={"webhook": {"url": "u"}}, execution_mod="bounded")  # wrong
goldrush.Pipeline("c", project="p", topic="t", destination={"webhook": {"url": "u"}}, execution_start_from="x")  # wrong
goldrush.DestinationArgs(webhook=goldrush.WebhookDestinationArgs())  # wrong
"""


@pytest.fixture(scope="module")
def sdks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SDKs of all languages, generated from the schema as it is now."""
    if shutil.which("go") is None:
        pytest.skip("there is no Go to build the generator of SDKs with")
    folder = tmp_path_factory.mktemp("sdk")
    sdk.generate(folder)
    return folder


def test_python_programs(sdks: Path, tmp_path: Path) -> None:
    """Pyright refuses the lines of a program that are wrong, and no other."""
    file = tmp_path / "program.py"
    file.write_text(PROGRAM, "utf-8")
    settings = {"extraPaths": [str(sdks / "python")], "typeCheckingMode": "standard", "include": ["program.py"]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    done = subprocess.run(
        ["pyright", "--outputjson", "--project", str(tmp_path)],
        env={"PATH": command_path(), "HOME": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    found = {item["range"]["start"]["line"] for item in json.loads(done.stdout)["generalDiagnostics"]}
    assert found == {number for number, line in enumerate(PROGRAM.splitlines()) if line.endswith("# wrong")}


def test_every_language_has_the_names(sdks: Path) -> None:
    """Enum values read as words in Go and TypeScript, and the schema's alias and replacements reach the SDKs."""
    go = (sdks / "go" / "goldrush" / "pulumiEnums.go").read_text("utf-8")
    node = (sdks / "nodejs" / "pipeline.ts").read_text("utf-8")

    assert 'WaitForHealthy = WaitFor("healthy")' in go
    assert 'AbiUnmatchedDrop = AbiUnmatched("")' in go
    assert 'aliases: [{ type: "pulumi-python:dynamic/goldrush:Pipeline" }]' in node
    assert 'replaceOnChanges: ["executionMode", "project", "topic"]' in node


def test_the_generator_is_locked() -> None:
    """It is built from the version of the CLI, whose schema it reads."""
    assert pulumi_build.locked_version(pulumi_build.SDK_GENERATOR) == pulumi_build.engine_version()
