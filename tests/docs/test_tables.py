from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi import PipelineArgs
from goldrush_pulumi.schema.pipeline import INPUTS
from tests.docs.documents import ROOT
from tools.reference import documents, filled, main, used_tables
from tools.reference_tables import ENVIRONMENT, TABLES

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = "\n".join(
    path.read_text("utf-8")
    for path in (ROOT / "goldrush_pulumi").rglob("*.py")
    if "emulator" not in path.relative_to(ROOT).parts
)


def first_cells(table: str) -> set[str]:
    return {row.split("|")[1].strip(" `") for row in table.splitlines()[2:]}


@pytest.mark.parametrize("path", list(documents()), ids=lambda path: path.name)
def test_tables_are_in_step(path: Path) -> None:
    """What stands in a document is what the code says; `make reference` writes it."""
    text = path.read_text("utf-8")

    assert text == filled(text)


def test_check_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m tools.reference --check` has nothing to say while all is in step."""
    assert 0 == main(["--check"])
    assert "" == capsys.readouterr().out


def test_every_table_is_shown() -> None:
    """No table is made for nobody."""
    assert set(TABLES) == {name for path in documents() for name in used_tables(path.read_text("utf-8"))}


def test_an_unknown_table_is_refused() -> None:
    """A misspelt table is an error that names those there are."""
    with pytest.raises(Exception, match=r"generated table inptus: there is none, use .*inputs, outputs"):
        filled("<!-- generated: inptus -->\n<!-- end of generated -->")


@pytest.mark.parametrize("name", ["inputs", "inputs-in-brief"])
def test_every_input_is_explained(name: str) -> None:
    """The tables of inputs have a row for each input, and no cell of it is empty."""
    table = TABLES[name]()

    assert set(INPUTS) == set(PipelineArgs.__dataclass_fields__) == first_cells(table)
    assert "|  |" not in table


@pytest.mark.parametrize("name", sorted(TABLES))
def test_no_cell_is_empty(name: str) -> None:
    """Whatever the code has a row for, it says something about."""
    assert "|  |" not in TABLES[name]()


def test_every_setting_is_explained() -> None:
    """Each `goldrush:*` value that the code names or reads is in the table of settings."""
    named = set(re.findall(r"goldrush:([a-z]\w+)\b(?!:)", SOURCES))
    read = set(re.findall(r'_(?:choice|number)\(config, "(\w+)"', SOURCES))

    assert named | read <= {cell.removeprefix("goldrush:") for cell in first_cells(TABLES["settings"]())}


def test_every_environment_variable_is_explained() -> None:
    """The table of environment variables holds those that the code names, and no other."""
    assert set(re.findall(r"\bGOLDRUSH_[A-Z_]+\b", SOURCES)) == set(ENVIRONMENT)
