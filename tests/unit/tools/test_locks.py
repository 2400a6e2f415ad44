from __future__ import annotations

import re

import pytest
from packaging.requirements import Requirement

from tests.unit.tools.project import PROJECT, PYTHONS, ROOT

LOCKS = ["requirements.lock", "requirements-oldest.lock"]


def entries(lock: str) -> list[tuple[Requirement, str]]:
    """Every requirement of a lock file with the text of its options."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / lock).read_text("utf-8"), flags=re.MULTILINE)
    parts = re.split(r"\n(?=\S)", text.strip())
    return [(Requirement(part.split(" \\\n")[0]), part) for part in parts]


def applies(requirement: Requirement, python: str) -> bool:
    """Whether a requirement is asked for on this Python."""
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def declared(*tables: str) -> list[Requirement]:
    """The requirements of these tables of pyproject.toml: dependencies, extras and groups."""
    everything = {
        "dependencies": PROJECT["project"]["dependencies"],
        **PROJECT["project"]["optional-dependencies"],
        **PROJECT["dependency-groups"],
    }
    return [Requirement(line) for table in tables for line in everything[table] if isinstance(line, str)]


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


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(
    ("lock", "tables"),
    [
        ("requirements.lock", ("dependencies", "emulator", "test", "dev")),
        ("requirements-oldest.lock", ("dependencies",)),
    ],
)
def test_lock_is_in_step_with_the_project(lock: str, tables: tuple[str, ...], python: str) -> None:
    """Whatever pyproject.toml asks for directly is locked for each Python, in a version that it allows."""
    locked = {requirement.name.lower(): requirement for requirement, _ in entries(lock) if applies(requirement, python)}
    required = [requirement for requirement in declared(*tables) if applies(requirement, python)]

    assert len(required) >= len(tables) * 2
    for requirement in required:
        assert requirement.name.lower() in locked, f"{requirement.name} is not in {lock}; run `make lock`"
        (version,) = locked[requirement.name.lower()].specifier
        assert requirement.specifier.contains(version.version), f"{requirement} is not what {lock} has; run `make lock`"


def test_one_oldest_python_is_named_everywhere() -> None:
    """Package, type checkers, lock files, set-up and documents agree on the oldest Python."""
    oldest = PYTHONS[0]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    setup = (ROOT / "tools" / "setup_environment.py").read_text("utf-8")

    assert PROJECT["project"]["requires-python"] == f">={oldest}"
    assert PROJECT["tool"]["mypy"]["python_version"] == oldest
    assert PROJECT["tool"]["pyright"]["pythonVersion"] == oldest
    assert re.findall(r"--python-version (\S+)", makefile) == [oldest]
    assert f"OLDEST_PYTHON = ({oldest.replace('.', ', ')})" in setup
    assert re.findall(r"with (3\.\d+) or newer", setup) == [oldest]
    for document in ("README.md", "CONTRIBUTING.md", "docs/getting-started.md"):
        named = re.findall(r"Python (3\.\d+) to (3\.\d+)", (ROOT / document).read_text("utf-8"))
        assert set(named) == {(oldest, PYTHONS[-1])}, document
