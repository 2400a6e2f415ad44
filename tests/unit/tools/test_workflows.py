from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.unit.tools.project import PYTHONS, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = ROOT / ".github"
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
ACTIONS = sorted((FOLDER / "actions").glob("*/action.yml"))
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
VERBS = set(re.findall(r"^([a-z0-9-]+):.*##", MAKEFILE, re.MULTILINE))
GATE = "all-green"


def read(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return loaded


def jobs(workflow: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read(FOLDER / "workflows" / f"{workflow}.yml")["jobs"]
    return found


def commands(job: dict[str, Any]) -> Iterator[str]:
    """Every command of a job, once for each value of the matrix variable that it names."""
    matrix = job.get("strategy", {}).get("matrix", {})
    for step in job.get("steps", []):
        command = step.get("run", "")
        name = re.search(r"\$\{\{ matrix\.(\w+) \}\}", command)
        if name:
            yield from (command.replace(name[0], value) for value in matrix[name[1]])
        elif command:
            yield command


def everything(workflow: str) -> list[str]:
    return list(chain.from_iterable(map(commands, jobs(workflow).values())))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_run_verbs_of_the_makefile(path: Path) -> None:
    """Each command is a verb that contributors have too, so a failure can be reproduced at home."""
    found = [command for name, job in read(path)["jobs"].items() if name != GATE for command in commands(job)]

    assert found
    assert [command for command in found if command not in {f"make {verb}" for verb in VERBS}] == []


def test_ci_runs_all_parts_of_the_tests() -> None:
    """What `make test` runs is run before a merge, and so is the check of the wheel."""
    checks, kinds = (
        re.findall(rf"^{name} := (.+)$", MAKEFILE, re.MULTILINE)[0].split() for name in ("CHECKS", "KINDS")
    )
    parts = [*checks, *kinds]

    assert sorted(kinds) == sorted(
        {path.relative_to(ROOT / "tests").parts[0] for path in ROOT.glob("tests/**/test_*.py")}
    )
    assert sorted(everything("ci")) == sorted([*(f"make {part}" for part in parts), "make wheel", "exit 1"])


def test_ci_covers_every_python_that_the_package_names() -> None:
    """Unit and contract tests run on each Python of the classifiers, and every other job on one of them."""
    ci = jobs("ci")
    single = [
        step["with"]["python-version"]
        for workflow in ("ci", "release")
        for job in jobs(workflow).values()
        for step in job.get("steps", [])
        if "python-version" in step.get("with", {}) and "matrix" not in step["with"]["python-version"]
    ]

    assert ci["unit"]["strategy"]["matrix"]["python"] == PYTHONS
    assert [
        step["with"]["python-version"] for step in ci["unit"]["steps"] if step.get("uses", "").startswith("./")
    ] == ["${{ matrix.python }}"]
    assert single
    assert set(single) <= set(PYTHONS)


def test_gate_waits_for_every_job() -> None:
    """The check that a branch rule requires fails when any other job failed, was cancelled or was skipped."""
    ci = jobs("ci")
    gate = ci[GATE]

    assert sorted(gate["needs"]) == sorted(ci.keys() - {GATE})
    assert gate["if"] == "always()"
    (step,) = gate["steps"]
    assert set(re.findall(r"needs\.\*\.result, '(\w+)'", step["if"])) == {"failure", "cancelled", "skipped"}


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_actions_are_pinned(path: Path) -> None:
    """Foreign actions are named by the hash of a commit, which nobody can move, beside the version it stands for."""
    uses = re.findall(r"\buses: (.+)$", path.read_text("utf-8"), re.MULTILINE)
    foreign = [line for line in uses if not line.startswith("./")]

    assert uses
    assert [line for line in foreign if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []
    assert all((ROOT / line).exists() for line in uses if line.startswith("./"))


def test_an_action_is_pinned_to_one_version() -> None:
    """Two workflows never disagree on the version of an action."""
    texts = [path.read_text("utf-8") for path in [*WORKFLOWS, *ACTIONS]]
    pins = {
        match for text in texts for match in re.findall(r"uses: ([\w./-]+)@([0-9a-f]{40} # v\S+)$", text, re.MULTILINE)
    }

    assert len(pins) > 3
    assert len({name for name, _ in pins}) == len(pins)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_permissions_are_given_job_by_job(path: Path) -> None:
    """A workflow has no permission by default, no job reads secrets, and checkouts leave no credentials behind."""
    workflow = read(path)

    assert workflow["permissions"] == {}
    assert all("permissions" in job for job in workflow["jobs"].values())
    assert "secrets." not in path.read_text("utf-8")
    steps = [step for job in workflow["jobs"].values() for step in job.get("steps", [])]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"] == {"persist-credentials": False} for step in checkouts)


def test_only_publishing_may_write() -> None:
    """One job can publish, after all checks, and it runs no code of this repository."""
    writing = {
        (workflow, name): job
        for workflow in ("ci", "release")
        for name, job in jobs(workflow).items()
        if "write" in job["permissions"].values()
    }

    assert list(writing) == [("release", "publish")]
    publish = writing["release", "publish"]
    assert publish["permissions"] == {"id-token": "write", "attestations": "write"}
    assert sorted(publish["needs"]) == ["build", "checks"]
    assert list(commands(publish)) == []
    assert not any(step["uses"].startswith(("./", "actions/checkout@")) for step in publish["steps"])


def test_a_release_has_the_version_of_its_tag() -> None:
    """The build gets the tag through the environment: no shell ever reads it as a command."""
    (step,) = [step for step in jobs("release")["build"]["steps"] if "run" in step]

    assert step == {"run": "make dist", "env": {"TAG": "${{ github.ref_name }}"}}
    for path in [*WORKFLOWS, *ACTIONS]:
        lines = re.findall(r"\brun: (.*)$", path.read_text("utf-8"), re.MULTILINE)
        assert not [line for line in lines if re.search(r"\$\{\{(?! matrix\.)", line)]
