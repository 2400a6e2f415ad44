"""What is wrong with a program's inputs, said by path and without showing a value."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

Severity = Literal["error", "warning", "note"]
"""An error is what GoldRush documents as refused, or what cannot be sent; everything else is at most a warning. A note
says what may well be meant."""


@dataclass(frozen=True)
class Problem:
    """One mistake in the inputs of a pipeline.

    `str(problem)` reads "path: what is wrong, what would be right". No part of it holds a value of the program: any
    value may be a secret that ended up in the wrong field. What is quoted beyond that are words that the documentation
    knows, names inside a text that was read as a SELECT or an ABI, and the checksum of an address.

    Attributes:
        path: Where, as a program would write it: `destination_config.sasl.password`, `transforms["swaps"]`.
        wrong: What is wrong there, for example "is missing".
        right: What to write instead.
        severity: Whether the pipeline is refused, or the user only told.
    """

    path: str
    wrong: str
    right: str
    severity: Severity = "error"

    @property
    def is_error(self) -> bool:
        """Whether the pipeline is refused."""
        return self.severity == "error"

    def __str__(self) -> str:
        """Read as one line."""
        return f"{self.path}: {self.wrong}, {self.right}"

    def under(self, path: str) -> Problem:
        """Say the same of inputs that stand somewhere inside a larger document."""
        separator = "" if self.path.startswith("[") else "."
        return replace(self, path=f"{path}{separator}{self.path}")


def warning(path: str, wrong: str, right: str) -> Problem:
    """Make a problem that the user is told of and that refuses nothing."""
    return Problem(path, wrong, right, "warning")


def field_path(path: str, name: str) -> str:
    """Extend a path by the name of a field: `sasl` under `destination_config` is `destination_config.sasl`."""
    if not name.isidentifier():
        return entry_path(path, name)
    return f"{path}.{name}" if path else name


def entry_path(path: str, key: str | int) -> str:
    """Extend a path by a key the user chose, or by a position: `transforms["swaps"]`, `abi_contract_addresses[2]`."""
    # json.dumps keeps a key with a line break or a quote on one readable line.
    return f"{path}[{json.dumps(key, ensure_ascii=False)}]"


def suggest(word: str, choices: Iterable[str], closeness: float = 0.6) -> str | None:
    """Find the choice a misspelt word most likely means, or None when nothing is close.

    Args:
        word: What was written.
        choices: What may have been meant.
        closeness: From 0 (anything) to 1 (the same word); higher where an unknown word may well be right.
    """
    # Comparing takes the square of the length, and no choice is nearly as long as this.
    by_folded = {choice.lower(): choice for choice in choices}
    matches = difflib.get_close_matches(word[:100].lower(), by_folded, n=1, cutoff=closeness)
    return by_folded[matches[0]] if matches else None


def advise(word: str, choices: Iterable[str]) -> str:
    """Say what to write instead of a word that is none of the choices: the likely one, or all of them."""
    known = list(choices)
    likely = suggest(word, known)
    return f'did you mean "{likely}"?' if likely else f"use {list_choices(known)}"


def list_choices(choices: Iterable[str]) -> str:
    """List choices for a sentence: `"s3", "gcs" or "r2"`."""
    quoted = [f'"{choice}"' for choice in choices]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
