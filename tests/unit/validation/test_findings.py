"""Findings as a library: codes, comments that ignore them, fixes, and SARIF."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

from goldrush_pulumi.validation.files import validate_files
from goldrush_pulumi.validation.fixes import apply_fixes
from goldrush_pulumi.validation.rules import CODES, Rule
from goldrush_pulumi.validation.sarif import as_sarif

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
Write: TypeAlias = "Callable[[str], Path]"
GOOD = """\
pipelines:
  swaps:
    project: p
    topic: base.mainnet.ref.block.logs
    destination_config:
      type: webhook
      url: https://in.example.com/rows
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of pipelines and return its path."""

    def write_text(text: str) -> Path:
        path = tmp_path / "pipelines.yaml"
        path.write_bytes(text.encode())
        return path

    return write_text


def codes(path: Path, *ignore: str) -> list[str]:
    return [finding.problem.rule.code for finding in validate_files([path], ignore=frozenset(ignore)).findings]


def test_the_page_explains_every_code() -> None:
    """docs/findings.md has a place for each rule that a link can point to."""
    page = (ROOT / "docs" / "findings.md").read_text("utf-8")

    assert all(f'<a id="{rule.code.lower()}"></a>' in page and rule.title in page for rule in Rule)


def test_a_code_can_be_ignored(write: Write) -> None:
    """What is ignored is not reported, and everything else is."""
    path = write(GOOD + "    statuss: paused\n    execution_stop_from: 5\n")

    assert codes(path) == ["GR101", "GR206"]
    assert codes(path, "GR206") == ["GR101"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (GOOD + "    execution_stop_from: 5  # goldrush: ignore[GR206]\n", []),
        (GOOD + "    # goldrush: ignore[GR206]\n    execution_stop_from: 5\n", []),
        (GOOD + "    # goldrush: ignore[GR206]\n    # for a reason\n    execution_stop_from: 5\n", []),
        (GOOD + "    execution_stop_from: 5  # goldrush: ignore[GR101, GR206] for a reason\n", []),
        (GOOD.replace("swaps:", "swaps:  # goldrush: ignore[GR206]") + "    execution_stop_from: 5\n", []),
        (GOOD + "    execution_stop_from: 5  # goldrush: ignore[GR101]\n", ["GR206"]),
        (GOOD + "    status: paused  # goldrush: ignore[GR206]\n    execution_stop_from: 5\n", ["GR206"]),
        (GOOD + "    execution_stop_from: 5  # goldrush: ignore[GR999]\n", ["GR705", "GR206"]),
        (GOOD + "    execution_stop_from: 5  # goldrush: ignore\n", ["GR206"]),
    ],
)
def test_a_comment_ignores_codes_on_its_line_and_below_it(write: Write, text: str, left: list[str]) -> None:
    """A comment names the codes that its key, or all that stands under its key, may have."""
    assert codes(write(text)) == left


def test_fixes_change_what_is_certain_and_nothing_else(write: Write) -> None:
    """Misspelt names and wrong checksums are corrected in place; quotes, comments and line ends stay."""
    text = (
        GOOD.replace("topic:", "topik:").replace("url:", '"ur"  :')
        + "    abi_file: [{type: event, name: E, inputs: []}]  # kept\n"
        + "    abi_contract_addresses:\n"
        + "    - '0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed'\n"
    ).replace("\n", "\r\n")
    path = write("\ufeff" + text)
    report = validate_files([path])

    assert [finding.problem.rule.code for finding in report.findings if finding.edit] == ["GR101", "GR101", "GR513"]
    assert apply_fixes(report.findings) == 3
    fixed = text.replace("topik", "topic").replace('"ur"', '"url"').replace("0x5aaeb6", "0x5aAeb6")
    assert path.read_bytes().decode() == "\ufeff" + fixed
    assert codes(path) == []


@pytest.mark.parametrize(
    "line",
    ["    frobnicate: 1", "    destination: {}", "    topik: base.mainnet.ref.block.logs", "    &x statuss: paused"],
)
def test_what_is_not_certain_is_not_fixed(write: Write, line: str) -> None:
    """A name that is not close to any, that another tool uses, or that stands there already, is left alone."""
    path = write(f"{GOOD}{line}\n")
    report = validate_files([path])

    assert report.fails()
    assert apply_fixes(report.findings) == 0
    assert path.read_text("utf-8") == f"{GOOD}{line}\n"


def test_a_value_shared_by_an_anchor_is_fixed_once(write: Write) -> None:
    """Two pipelines that merge one map have one misspelling."""
    path = write(GOOD.replace("swaps:", "swaps: &a").replace("topic:", "topik:") + "  other:\n    <<: *a\n")

    assert apply_fixes(validate_files([path]).findings) == 1
    assert codes(path) == []


def test_sarif_names_rules_and_places(write: Write) -> None:
    """Each result points to a rule of the log and to a line of a file, and holds no value."""
    path = write(GOOD + "    statuss: planted\n")
    log = json.loads(json.dumps(as_sarif(validate_files([path]), "1.2.3")))
    (run,) = log["runs"]
    (result,) = run["results"]
    location = result["locations"][0]["physicalLocation"]

    assert (log["version"], run["tool"]["driver"]["version"]) == ("2.1.0", "1.2.3")
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(CODES)
    assert (result["ruleId"], result["level"]) == ("GR101", "error")
    assert location == {"artifactLocation": {"uri": path.as_posix()}, "region": {"startLine": 8}}
    assert "planted" not in json.dumps(log)


def test_json_holds_all_of_a_finding(write: Write) -> None:
    """A finding has a code, a place, a severity, a hint, and the page that explains it."""
    path = write(GOOD + "    statuss: paused\n")

    assert validate_files([path]).as_dict()["findings"] == [
        {
            "code": "GR101",
            "severity": "error",
            "file": str(path),
            "line": 8,
            "path": "pipelines.swaps.statuss",
            "message": "is not a setting of a pipeline",
            "hint": 'did you mean "status"?',
            "url": "docs/findings.md#gr101",
            "fixable": True,
        }
    ]
