from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[3]
LOCKS = ["requirements.lock", "requirements-oldest.lock"]


def entries(lock: str) -> list[tuple[Requirement, str]]:
    """Every requirement of a lock file with the text of its options."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / lock).read_text("utf-8"), flags=re.MULTILINE)
    parts = re.split(r"\n(?=\S)", text.strip())
    return [(Requirement(part.split(" \\\n")[0]), part) for part in parts]


def declared(*tables: str) -> list[Requirement]:
    """The requirements that stand as text in these tables of pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    found = [re.search(rf"^{table} = \[(.*?)\]$", text, re.MULTILINE | re.DOTALL) for table in tables]
    lines = [line for match in found if match for line in re.findall(r'(?<![=#])\s"([^"]+)"', match.group(1))]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_address(lock: str) -> None:
    """A lock serves every mirror, so no address stands in it."""
    assert "://" not in (ROOT / lock).read_text("utf-8")


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_locked_is_exact_and_hashed(lock: str) -> None:
    """Every package has one exact version and hashes to check it by."""
    assert [] == [
        str(requirement)
        for requirement, text in entries(lock)
        if "--hash=sha256:" not in text or [spec.operator for spec in requirement.specifier] != ["=="]
    ]


@pytest.mark.parametrize(
    ("lock", "tables"),
    [
        ("requirements.lock", ("dependencies", "cli", "emulator", "test", "dev")),
        ("requirements-oldest.lock", ("dependencies",)),
    ],
)
def test_lock_is_in_step_with_the_project(lock: str, tables: tuple[str, ...]) -> None:
    """Whatever pyproject.toml asks for directly is locked, in a version that it allows."""
    locked = {requirement.name.lower(): requirement for requirement, _ in entries(lock)}
    wanted = declared(*tables)

    assert len(wanted) >= len(tables) * 2
    for requirement in wanted:
        assert requirement.name.lower() in locked, f"{requirement.name} is not in {lock}; run `make lock`"
        (version,) = locked[requirement.name.lower()].specifier
        assert requirement.specifier.contains(version.version), f"{requirement} is not what {lock} has; run `make lock`"
