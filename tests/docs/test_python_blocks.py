from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.documents import EXAMPLES, ROOT, Block, blocks

RUNNER = Path(__file__).with_name("run_under_mocks.py")
BLOCKS = blocks("python")
OVERVIEW = (ROOT / "examples" / "README.md").read_text("utf-8").splitlines()
PROGRAMS = [folder / "__main__.py" for folder in EXAMPLES if (folder / "__main__.py").exists()]


def judged(program: Path) -> dict[str, object]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, str(RUNNER), str(program)],
        cwd=program.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    answer: dict[str, object] = json.loads(ended.stdout)
    return answer


def test_there_are_blocks_and_programs() -> None:
    """What the tests below look through is not empty."""
    assert len(BLOCKS) > 8
    assert len(PROGRAMS) > 6


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_block_runs(block: Block, tmp_path: Path) -> None:
    """Every Python block is a whole program that runs, and whose pipelines have nothing wrong with them."""
    program = tmp_path / "program.py"
    program.write_text(block.text, "utf-8")

    answer = judged(program)

    assert [] == answer["problems"]
    makes_one = "goldrush.Pipeline(" in block.text or "destination =" in block.text
    assert makes_one == bool(answer["pipelines"])


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.parent.name)
def test_example_runs(program: Path) -> None:
    """Every example declares as many pipelines as the overview says, and nothing is wrong with their inputs."""
    answer = judged(program)
    (row,) = [line for line in OVERVIEW if line.startswith(f"| [{program.parent.name}]")]

    assert [] == answer["problems"]
    assert answer["pipelines"] == int(row.split("|")[3].split()[0].rstrip(","))


@pytest.mark.timeout(300)
def test_blocks_and_examples_have_right_types(tmp_path: Path) -> None:
    """A type checker in its strictest mode finds nothing in any Python block or example."""
    for number, block in enumerate(BLOCKS):
        origin = f"# {block}\n"
        (tmp_path / f"block_{number}.py").write_text(origin + block.text, "utf-8")
    for folder in EXAMPLES:
        for path in folder.glob("*.py"):
            name = path.name if path.name != "__main__.py" else f"example_{folder.name[:2]}.py"
            shutil.copy(path, tmp_path / name)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(ROOT / ".mypy_cache")]
    environment = {**os.environ, "MYPYPATH": str(ROOT)}

    ended = subprocess.run(
        [*command, "--follow-imports", "silent", "."],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
