from __future__ import annotations

import ast
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from goldrush_pulumi.export.python_program import Block, Call, Code, is_plain_block, quote, render

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
VALUES = st.recursive(
    TEXTS | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(TEXTS)
def test_a_quoted_text_reads_back(text: str) -> None:
    """Every text is written as a literal on one line that reads back as the text."""
    quoted = quote(text)

    assert ast.literal_eval(quoted) == text
    assert "\n" not in quoted


@given(VALUES)
def test_values_read_back(value: Any) -> None:
    """Every value is written as an expression that reads back as the value."""
    assert ast.literal_eval(render(value)) == value


@given(TEXTS.filter(is_plain_block), st.integers(0, 3))
def test_a_block_keeps_its_lines(text: str, depth: int) -> None:
    """A block holds the same lines between triple quotes, moved to its depth."""
    read = ast.literal_eval(render(Block(text), depth))

    assert [line.strip() for line in read.strip().splitlines()] == [line.strip() for line in text.strip().splitlines()]


def test_each_argument_has_a_line_of_its_own() -> None:
    """Calls, maps and lists are written one item per line, nested ones indented."""
    value = Call("Pipeline", ("swaps",), {"headers": {"a": [1, "b"]}, "password": Code("config.require_secret('x')")})

    assert render(value).splitlines() == [
        "Pipeline(",
        '    "swaps",',
        "    headers={",
        '        "a": [',
        "            1,",
        '            "b",',
        "        ],",
        "    },",
        "    password=config.require_secret('x'),",
        ")",
    ]
