"""The Markdown files of the repository, and what stands in them."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

ROOT: Final = Path(__file__).resolve().parents[2]
EXAMPLES: Final = sorted(path for path in (ROOT / "examples").iterdir() if path.is_dir())

_PARSER: Final = MarkdownIt("commonmark").enable("table")


def documents() -> list[Path]:
    """Every Markdown file that users or maintainers read."""
    folders = [ROOT, ROOT / "docs", ROOT / "examples", *EXAMPLES]
    return [path for folder in folders for path in sorted(folder.glob("*.md"))]


@dataclass(frozen=True)
class Block:
    """A fenced block: where it begins, its language, and its text."""

    path: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def blocks(language: str) -> list[Block]:
    """Every fenced block of a language."""
    return [block for path in documents() for block in fences(path) if block.language == language]


def fences(path: Path) -> list[Block]:
    """Every fenced block of a file, in order."""
    return [
        Block(path, (token.map or [0])[0] + 1, token.info, token.content)
        for token in _tokens(path)
        if token.type == "fence"
    ]


def languages() -> set[str]:
    """Every language that a fenced block names."""
    return {token.info for path in documents() for token in _tokens(path) if token.type == "fence"}


def inline_codes(path: Path) -> list[str]:
    """Everything between backticks in the running text of a file."""
    return [child.content for child in _children(path) if child.type == "code_inline"]


def link_targets(path: Path) -> list[str]:
    """Every address that a file links to."""
    return [str(child.attrs["href"]) for child in _children(path) if child.type == "link_open"]


def pictures(path: Path) -> list[str]:
    """Every picture that a file shows."""
    return [str(child.attrs["src"]) for child in _children(path) if child.type == "image"] + [
        str(nested.attrs["src"])
        for child in _children(path)
        for nested in child.children or []
        if nested.type == "image"
    ]


def anchors(path: Path) -> set[str]:
    """The anchors that the headings of a file make."""
    tokens = _tokens(path)
    titles = [below.content for token, below in itertools.pairwise(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def prose_lines(path: Path) -> Iterator[str]:
    """The lines of a file's paragraphs, without lists, tables and code."""
    tokens = _tokens(path)
    for token, below in itertools.pairwise(tokens):
        if token.type == "paragraph_open" and token.level == 0:
            yield from below.content.splitlines()


def _tokens(path: Path) -> list[Token]:
    return _PARSER.parse(path.read_text("utf-8"))


def _children(path: Path) -> list[Token]:
    return [child for token in _tokens(path) for child in token.children or []]
