"""Values and files that are rare: large, encrypted as a whole, of an unexpected kind, or not what they say they are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from goldrush_pulumi.schema.credentials import is_credential_name
from goldrush_pulumi.validation.documents import DocumentError, read_document
from goldrush_pulumi.validation.files import validate_files
from goldrush_pulumi.validation.inputs import find_problems
from goldrush_pulumi.validation.sql_rules import find_select_faults
from goldrush_pulumi.validation.values import UNKNOWN
from tests.support.pipelines import inputs_of

if TYPE_CHECKING:
    from pathlib import Path

ENCRYPTED = {"secure": "v1:abc"}


# --- Documents --------------------------------------------------------------------------------------------------------


def test_a_large_json_file_is_read_without_its_lines(tmp_path: Path) -> None:
    """To find the lines of a large file would take long; its values are read, and what is encrypted stays unknown."""
    file = tmp_path / "state.json"
    value = {"padding": ["x" * 1000] * 400, "password": ENCRYPTED, "nested": [{"secure": 5}, ENCRYPTED]}
    file.write_text(json.dumps(value), "utf-8")

    document = read_document(file)

    assert document.value == {"padding": value["padding"], "password": UNKNOWN, "nested": [{"secure": 5}, UNKNOWN]}
    assert document.line_of(("password",)) == 1


def test_a_file_that_nobody_wrote_is_refused(tmp_path: Path) -> None:
    """A file of more than ten million bytes is refused before it is read."""
    file = tmp_path / "Pulumi.dev.yaml"
    with file.open("wb") as sparse:
        sparse.truncate(10_000_001)

    with pytest.raises(DocumentError, match=r"^is larger than 10000000 bytes$"):
        read_document(file)


def test_a_date_stays_text(tmp_path: Path) -> None:
    """YAML makes a date of a text that looks like one, and no input is a date."""
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text("project: 2026-01-01\ntriggers: [2026-01-01T00:00:00Z]\n", "utf-8")

    assert read_document(file).value == {"project": "2026-01-01", "triggers": ["2026-01-01T00:00:00Z"]}


# --- Stack files ------------------------------------------------------------------------------------------------------


def findings(tmp_path: Path, pipeline: dict[str, Any], destinations: Any = None) -> list[str]:
    """What is wrong with a stack file that declares one pipeline."""
    config: dict[str, Any] = {"shop:pipelines": {"swaps": pipeline}}
    if destinations is not None:
        config["shop:destinations"] = destinations
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(yaml.safe_dump({"config": config}), "utf-8")
    return [str(found.problem) for found in validate_files([file]).findings]


BASICS = {"project": "analytics", "topic": "base.mainnet.ref.block.swap.v3"}
SETTINGS = {"type": "postgres", "url": "postgresql://db.example.com/d", "user": "u", "password": ENCRYPTED}


@pytest.mark.parametrize(
    ("name", "destinations"),
    [("main", ENCRYPTED), (ENCRYPTED, {"main": SETTINGS})],
    ids=["all destinations", "the name"],
)
def test_a_destination_that_is_encrypted_may_be_right(name: Any, destinations: Any, tmp_path: Path) -> None:
    """Where the destinations or the name of one are encrypted as a whole, nothing is claimed of them."""
    assert findings(tmp_path, {**BASICS, "destination": name}, destinations) == []


@pytest.mark.parametrize("password", [12345678, "in-clear-7"])
def test_a_credential_in_clear_is_found_whatever_it_is(password: object, tmp_path: Path) -> None:
    """A password of digits is a number in YAML, and stands in clear text all the same."""
    found = findings(tmp_path, {**BASICS, "destination_config": {**SETTINGS, "password": password}})

    (said,) = (text for text in found if "clear text" in text)
    assert "pulumi config set" in said
    assert str(password) not in " ".join(found)


# --- Inputs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "is_lost"), [("1.2e+18", True), ("9.0e+15", False), ("1200000000000000001", False)])
def test_a_height_that_has_lost_its_digits(height: str, tmp_path: Path, *, is_lost: bool) -> None:
    """A height that is written with an exponent is warned of where its last digits may be gone; digits keep them."""
    file = tmp_path / "Pulumi.dev.yaml"
    text = yaml.safe_dump({**BASICS, "destination_config": SETTINGS}, default_flow_style=True, width=1000)
    entry = f"{text.strip()[:-1]}, execution_start_from: {height}}}"
    file.write_text(f"config:\n  shop:pipelines:\n    swaps: {entry}\n", "utf-8")
    found = [item.problem for item in validate_files([file]).findings]

    assert [problem.message for problem in found] == ["is so large that its last digits were lost on the way"] * is_lost


@pytest.mark.parametrize("name", ["", "2", "v2", "_"])
def test_a_name_without_words_is_no_credential(name: str) -> None:
    """A header or parameter that is named by a number alone says nothing of a credential."""
    assert not is_credential_name(name)


# --- SQL --------------------------------------------------------------------------------------------------------------


def said_of(sql: str) -> list[str]:
    return [fault.message for fault in find_select_faults(sql, "swaps")]


@pytest.mark.parametrize("sql", ["DROP TABLE swaps", "SHOW TABLES", "SET x = 1"])
def test_a_statement_that_is_no_select(sql: str) -> None:
    """A transform is one SELECT: whatever else can be read as SQL is refused with what to write."""
    (fault,) = find_select_faults(sql, "swaps")

    assert (fault.message, fault.hint) == ("is not a SELECT", "write one SELECT that reads swaps")


@pytest.mark.parametrize(
    "sql",
    ["SELECT tx_hash FROM VALUES (1)", "SELECT tx_hash FROM (VALUES (1)) AS v", "SELECT tx_hash FROM f(1)"],
)
def test_a_source_that_is_no_table(sql: str) -> None:
    """Rows that are written out and functions in FROM are warned of, since nothing documents them."""
    assert said_of(sql)[-1] == "reads something other than a table, which is not documented"


def test_a_table_of_hyperliquid_may_be_newer_than_the_documentation() -> None:
    """Not all tables of HyperCore's events are documented, so a name of their form is not warned of."""
    topic = "hypercore.mainnet.ref.block.miscevents"
    newer = {"hl_liquidations_by_vault": "SELECT a FROM hl_liquidations_by_vault"}
    other = {"liquidations": "SELECT a FROM liquidations"}

    def warned(transforms: dict[str, str]) -> list[str]:
        problems = find_problems(inputs_of(topic=topic, transforms=transforms), lambda _: False)
        return [str(problem) for problem in problems if "known table" in str(problem)]

    assert warned(newer) == []
    assert len(warned(other)) == 1
