"""What is wrong with a program's inputs, reported by path and without showing a value."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goldrush_pulumi.validation.rules import Rule, Severity


@dataclass(frozen=True)
class Problem:
    """One mistake in the inputs of a pipeline.

    `str(problem)` reads "path: what is wrong, what would be right". No part of it holds a value of the program: any
    value may be a secret that ended up in the wrong field. Quoted are only words that the documentation knows, names
    inside a text that was read as a SELECT or an ABI, and the checksum of an address.

    Attributes:
        rule: The kind of mistake, which has a code and a severity.
        path: Where, as a program would write it: `destination_config.sasl.password`, `transforms["swaps"]`.
        message: What is wrong there, for example "is missing".
        hint: What to write instead; empty when the message says it.
        fix: What to write in place of the name (an unknown name) or of the value (any other rule) where that is
            certain; empty otherwise.
    """

    rule: Rule
    path: str
    message: str
    hint: str = ""
    fix: str = ""

    @property
    def severity(self) -> Severity:
        """Whether the pipeline is refused, or the user is only warned."""
        return self.rule.severity

    @property
    def is_error(self) -> bool:
        """Whether the pipeline is refused."""
        return self.severity == "error"

    def __str__(self) -> str:
        """Return the problem on one line."""
        return f"{self.path}: {self.message}, {self.hint}" if self.hint else f"{self.path}: {self.message}"

    def under(self, path: str) -> Problem:
        """Return the same problem of inputs that stand at `path` of a larger document."""
        separator = "" if self.path.startswith("[") else "."
        return replace(self, path=f"{path}{separator}{self.path}")


def field_path(path: str, name: str) -> str:
    """Extend a path by the name of a field: `sasl` under `destination_config` is `destination_config.sasl`."""
    if not name.isidentifier():
        return entry_path(path, name)
    return f"{path}.{name}" if path else name


def entry_path(path: str, key: str | int) -> str:
    """Extend a path by a key the user chose, or by a position: `transforms["swaps"]`, `abi_contract_addresses[2]`."""
    # json.dumps keeps a key with a line break or a quote on one readable line.
    return f"{path}[{json.dumps(key, ensure_ascii=False)}]"


_STEP = re.compile(r"\[(?P<key>\"(?:[^\"\\]|\\.)*\"|\d+)\]|\.?(?P<name>[^.\[]+)")


def path_keys(path: str) -> tuple[str | int, ...]:
    """Return the keys and positions that a path names, from the outside in."""
    return tuple(step["name"] or json.loads(step["key"]) for step in _STEP.finditer(path))


def suggest(word: str, choices: Iterable[str], closeness: float = 0.6) -> str | None:
    """Return the choice that a misspelt word most likely means, or None when none is close.

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
    """Return a hint for a word that is not one of the choices: the likely choice, or all of them."""
    known = list(choices)
    likely = suggest(word, known)
    return f'did you mean "{likely}"?' if likely else f"use {list_choices(known)}"


def list_choices(choices: Iterable[str]) -> str:
    """Return choices as a sentence lists them: `"s3", "gcs" or "r2"`."""
    quoted = [f'"{choice}"' for choice in choices]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def describe_place(text: str, offset: int | None) -> str:
    """Return at which line and column a character stands: " at line 2, column 5"."""
    if offset is None:
        return ""
    line, last_break = text.count("\n", 0, offset) + 1, text.rfind("\n", 0, offset)
    return f" at line {line}, column {offset - last_break}"
