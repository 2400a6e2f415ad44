"""Make names that a program can use from names that people gave: unique, and the same in every run."""

from __future__ import annotations

import itertools
import keyword
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_IN_USE: Final = frozenset({"config", "goldrush", "pulumi", "annotations"})
"""Names that the exported program itself uses."""


def unique_names(texts: Iterable[str], shape: Callable[[str], str], *, joint: str = "-") -> list[str]:
    """Return a name for each text, in their order: its shape, with `joint` and a number if that is taken.

    Names that differ by case alone count as equal, because a config key may become an environment variable.
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
    """Return a name of a resource: letters, digits, `-`, `_` and `.`."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-") or "pipeline"


def config_key(text: str) -> str:
    """Return a key of stack config that a config path reads as one word."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-") or "secret"


def variable_name(text: str) -> str:
    """Return a variable of the program."""
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_").lower() or "pipeline"
    return f"{name}_" if keyword.iskeyword(name) or name in _IN_USE else f"_{name}" if name[0].isdigit() else name
