from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import jsonschema
import pulumi
import pytest
import yaml

from goldrush_pulumi.plugin.servicer import schema_text
from goldrush_pulumi.stack_config import read_declarations
from tests.docs.documents import EXAMPLES, ROOT, Block, blocks
from tests.docs.stack_files import decrypted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCKS = blocks("yaml")
PROJECT_FILES = [folder / "Pulumi.yaml" for folder in EXAMPLES]
STACK_FILES = [path for folder in EXAMPLES for path in folder.glob("Pulumi.*.yaml")]


@pytest.fixture(autouse=True)
def _forget_config() -> Iterator[None]:
    yield
    pulumi.runtime.set_all_config({}, [])


def require_project(project: dict[str, Any]) -> None:
    runtime = project["runtime"]
    if runtime == "yaml":
        require_yaml_program(project)
        return
    assert (runtime if isinstance(runtime, str) else runtime["name"]) in {"python", "nodejs", "go"}
    assert {"name", "runtime"} <= set(project) <= {"name", "description", "runtime", "config"}
    if isinstance(runtime, dict):
        assert {"toolchain": "pip", "virtualenv": ".venv"} == runtime["options"]


def require_yaml_program(program: dict[str, Any]) -> None:
    """Every pipeline of a program in YAML has properties that the schema of the plugin knows, and all that it needs."""
    schema = json.loads(schema_text())
    assert {"name", "runtime"} < set(program)
    for resource in program.get("resources", {}).values():
        if resource["type"] == "goldrush:Pipeline":
            pipeline = schema["resources"]["goldrush:index:Pipeline"]
            assert set(pipeline["requiredInputs"]) <= set(resource["properties"]) <= set(pipeline["inputProperties"])
            ((kind, fields),) = resource["properties"]["destination"].items()
            name = schema["types"]["goldrush:index:Destination"]["properties"][kind]["$ref"].removeprefix("#/types/")
            assert set(schema["types"][name]["required"]) <= set(fields) <= set(schema["types"][name]["properties"])


def require_workflow(workflow: dict[Any, Any]) -> None:
    # In YAML's own words, the key `on` is a truth value.
    assert {"name", True, "permissions", "jobs"} <= set(workflow)
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert all("run" in step or re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"]) for step in steps)
    pulumi_steps = [step for step in steps if step.get("uses", "").startswith("pulumi/actions@")]
    assert [step["with"]["command"] for step in pulumi_steps] in (["preview"], ["up"])
    for name, value in pulumi_steps[0]["env"].items():
        assert value == f"${{{{ secrets.{name} }}}}"


def require_stack_file(text: str) -> None:
    whole = yaml.safe_load(text)
    schema = json.loads((ROOT / "schemas" / "pulumi-stack.schema.json").read_text("utf-8"))
    jsonschema.validate(whole, schema)
    for key, declared in whole["config"].items():
        project, _, name = key.partition(":")
        if name == "pipelines":
            others = {key: json.dumps(decrypted(value)) for key, value in whole["config"].items() if "destin" in key}
            pulumi.runtime.set_all_config({key: json.dumps(decrypted(declared)), **others}, [key])
            assert list(declared) == list(read_declarations(pulumi.Config(project)))


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_block_is_right(block: Block) -> None:
    """Every YAML block is a project file, a workflow, or a stack file that the schema and the program accept."""
    whole = yaml.safe_load(block.text)

    if "runtime" in whole:
        require_project(whole)
    elif "jobs" in whole:
        require_workflow(whole)
    else:
        require_stack_file(block.text)


@pytest.mark.parametrize("path", PROJECT_FILES, ids=lambda path: path.parent.name)
def test_example_is_a_project(path: Path) -> None:
    """Every folder of examples is a Pulumi project."""
    require_project(yaml.safe_load(path.read_text("utf-8")))


@pytest.mark.parametrize("path", STACK_FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_example_stack_stays_on_this_machine(path: Path) -> None:
    """The stacks of the examples speak to a loopback address, and no key of theirs is in clear text."""
    require_stack_file(path.read_text("utf-8"))

    config = yaml.safe_load(path.read_text("utf-8"))["config"]
    assert "http://127.0.0.1:8710/platform/pipeline-api/" == config["goldrush:baseUrl"]
    assert {"secure"} == set(config.get("goldrush:serviceKey", {"secure": "comes from elsewhere"}))
