"""Names that a program can use, made of names that people gave: each once, the same in every run."""

from __future__ import annotations

import itertools
import keyword
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_IN_USE: Final = frozenset({"config", "goldrush", "pulumi", "annotations"})
"""What the exported program itself calls something."""


def unique_names(texts: Iterable[str], shape: Callable[[str], str], *, joint: str = "-") -> list[str]:
    """A name for each text, in their order: its shape, with `joint` and a number where that is taken already.

    Letters that differ by case alone count as the same: a config key may become the name of an environment variable.
    """
    used: set[str] = set()
    names = []
    for text in texts:
        base = shape(text)
        numbered = (base if number == 1 else f"{base}{joint}{number}" for number in itertools.count(1))
        name = next(name for name in numbered if name.casefold() not in used)
        used.add(name.casefold())
        names.append(name)
    return names


def resource_name(text: str) -> str:
    """The name of a resource: letters, digits, `-`, `_` and `.`."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-") or "pipeline"


def config_key(text: str) -> str:
    """A key of stack config, which a path reads as one word."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-") or "secret"


def variable_name(text: str) -> str:
    """A variable of the program."""
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_").lower() or "pipeline"
    return f"{name}_" if keyword.iskeyword(name) or name in _IN_USE else f"_{name}" if name[0].isdigit() else name
