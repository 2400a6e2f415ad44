"""What holds in every file of the package: functions are short, and commands in messages can be copied."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from goldrush_pulumi.cli.app import COMMANDS, NAME
from tests.unit.tools.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_LINES = 40
OF_PULUMI = "up preview refresh destroy import install config stack state package plugin login cancel"
COMMAND = re.compile(rf"(?<![`\w-])(?:pulumi (?:{OF_PULUMI.replace(' ', '|')})|{NAME} (?:{'|'.join(COMMANDS)}))\b")


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


def unmarked_commands(tree: ast.Module) -> Iterator[int]:
    """The lines of strings, docstrings left out, that name a command without backticks amid other words."""
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            found = COMMAND.search(node.value)
            if found and found.start() > 0:
                yield node.lineno


def test_commands_in_messages_can_be_copied() -> None:
    """A command in a message stands in backticks, so that everybody sees where it begins and ends."""
    bad = 'raise Failed(f"find {name}: run pulumi refresh")\nrun("pulumi refresh")\nnote("use `pulumi up`")'
    assert list(unmarked_commands(ast.parse(bad))) == [1]
    package = ROOT / "goldrush_pulumi"
    texts = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in sorted(package.rglob("*.py"))}
    found = [f"{name}:{line}" for name, text in texts.items() for line in unmarked_commands(ast.parse(text))]
    assert found == []
