from __future__ import annotations

import ast
import subprocess
import sys
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from goldrush_pulumi.export.python_program import Block, Lookup, is_plain_block, quote, render

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
VALUES = st.recursive(
    TEXTS | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(TEXTS)
def test_a_quoted_text_reads_back(text: str) -> None:
    """Every text is a literal of itself, on one line."""
    quoted = quote(text)

    assert ast.literal_eval(quoted) == text
    assert "\n" not in quoted


@given(VALUES)
def test_values_read_back(value: Any) -> None:
    """Whatever is rendered is an expression of the same value."""
    assert ast.literal_eval(render(value)) == value


@given(TEXTS.filter(is_plain_block), st.integers(0, 3))
def test_a_block_keeps_its_lines(text: str, depth: int) -> None:
    """A block holds the same lines between triple quotes, moved to its depth."""
    read = ast.literal_eval(render(Block(text), depth))

    assert [line.strip() for line in read.strip().splitlines()] == [line.strip() for line in text.strip().splitlines()]


@settings(max_examples=5)
@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=6))
def test_the_layout_is_that_of_the_formatter(values: dict[str, Any]) -> None:
    """What is rendered needs no formatter."""
    source = f"value = {render(values)}\n"
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "-"]
    formatted = subprocess.run(command, input=source, capture_output=True, text=True, encoding="utf-8", check=True)

    assert formatted.stdout == source


def test_a_lookup_goes_to_lines_of_its_own_when_it_is_long() -> None:
    """A call that would pass the margin is broken behind its parenthesis."""
    short = render({"a": Lookup("config.require_secret", "x" * 40)})
    long = render({"a": Lookup("config.require_secret", "x" * 70)})

    assert 'require_secret("xxx' in short
    assert "require_secret(\n" in long
