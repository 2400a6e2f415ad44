"""Functions stay short enough to be read at one look."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tests.unit.tools.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_LINES = 40


def functions() -> Iterator[tuple[str, int]]:
    """Every function of the package, and how many lines it has."""
    for path in sorted((ROOT / "goldrush_pulumi").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno:
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def test_no_function_is_long() -> None:
    """No function of the package has more than forty lines."""
    found = dict(functions())
    assert len(found) > 1000
    assert {place: lines for place, lines in found.items() if lines > MOST_LINES} == {}
