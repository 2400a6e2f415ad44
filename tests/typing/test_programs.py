"""Type checkers on programs as users write them, and what an editor shows for every field."""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path
from subprocess import run
from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi.schema.pipeline import INPUTS
from goldrush_pulumi.validation import DESTINATIONS

if TYPE_CHECKING:
    from goldrush_pulumi.validation import DestinationField

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests" / "typing" / "programs"
# Checking the SDK's own sources takes most of the time.
pytestmark = pytest.mark.timeout(600)


def marked_lines() -> set[int]:
    """The lines of the wrong programs that have to be refused."""
    lines = (PROGRAMS / "wrong.py").read_text("utf-8").splitlines()
    return {number for number, line in enumerate(lines, 1) if "  # wrong: " in line}


def mypy(*programs: str) -> list[tuple[str, int]]:
    """File and line of every error of mypy, strict."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context", "--output=json"]
    # Programs of users are checked without this project's own settings.
    alone = ["--config-file=", "--python-version=3.11", "--cache-dir", str(ROOT / ".mypy_cache" / "programs")]
    files = [str(PROGRAMS / name) for name in programs]
    done = run([*command, *alone, *files], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode in (0, 1), done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [(Path(item["file"]).name, item["line"]) for item in found if item["severity"] == "error"]


def pyright(*programs: str) -> list[tuple[str, int]]:
    """File and line of every error of pyright."""
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    files = [str(PROGRAMS / name) for name in programs]
    done = run([*command, *files], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)["generalDiagnostics"]
    return [
        (Path(item["file"]).name, item["range"]["start"]["line"] + 1) for item in found if item["severity"] == "error"
    ]


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_type_checkers_judge_programs_right(checker: object) -> None:
    """Nothing in the right programs is refused, and in the wrong ones every marked line and no other."""
    assert callable(checker)
    found = checker("right.py", "wrong.py")

    assert [place for place in found if place[0] == "right.py"] == []
    assert {line for name, line in found if name == "wrong.py"} == marked_lines()


def documented_fields(module: str) -> dict[str, dict[str, str]]:
    """Class name to field name to the text under the field, which editors show."""
    tree = ast.parse((ROOT / "goldrush_pulumi" / module).read_text("utf-8"))
    found: dict[str, dict[str, str]] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            pairs = zip(node.body, node.body[1:], strict=False)
            found[node.name] = {
                first.target.id: second.value.value
                for first, second in pairs
                if isinstance(first, ast.AnnAssign)
                and isinstance(first.target, ast.Name)
                and isinstance(second, ast.Expr)
                and isinstance(second.value, ast.Constant)
                and isinstance(second.value.value, str)
            }
    return found


def class_of(destination_type: str) -> str:
    """Name of the class of a destination."""
    names = {"clickhouse": "ClickHouse", "object_storage": "ObjectStorage"}
    return names.get(destination_type, destination_type.capitalize()) + "DestinationArgs"


@pytest.mark.parametrize("type_", sorted(DESTINATIONS))
def test_every_field_of_a_destination_is_explained(type_: str) -> None:
    """Under every field stands what it is for, its unit when it is a time, and its default."""
    texts = documented_fields("destinations.py")[class_of(type_)]

    for field in DESTINATIONS[type_].fields:
        assert_explained(field, texts.get(field.name, ""))


def assert_explained(field: DestinationField, text: str) -> None:
    assert len(text) > 10, field.name
    assert not field.name.endswith("_ms") or "milliseconds" in text, field.name
    if isinstance(field.default, (str, int)):
        assert re.search(rf"default\W+{field.default}\b", text), (field.name, text)


def test_every_input_of_a_pipeline_is_explained() -> None:
    """Under every input stands what it is for; those that may be left out name their default."""
    for class_ in ("PipelineArgs", "PipelineArgsDict"):
        texts = documented_fields("pipeline_types.py")[class_]

        assert texts.keys() >= INPUTS.keys()
        for name, row in INPUTS.items():
            assert not row.default or f"(default: {row.default})" in " ".join(texts[name].split()), name
