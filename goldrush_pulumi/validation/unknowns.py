"""Values that are not known yet, such as the outputs of resources that do not exist during a preview."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable


class Unknown:
    """The type of `UNKNOWN`."""


UNKNOWN: Final = Unknown()
"""Stands for every value that is not known yet; compare by identity."""

# Copied as they are: no rule looks inside, and an ABI may be large.
_OPAQUE_INPUTS = frozenset({"abi_file", "triggers"})


def mark_unknowns(inputs: Mapping[str, object], is_unknown: Callable[[object], bool]) -> dict[str, object]:
    """Copy inputs with `UNKNOWN` in place of every value that is not known, at any depth.

    Keys whose value is None are left out: to the engine they are the same as absent.
    """
    return {
        str(name): _mark(value, is_unknown, deep=name not in _OPAQUE_INPUTS)
        for name, value in inputs.items()
        if value is not None
    }


def mark_unknown_parts(value: object, is_unknown: Callable[[object], bool]) -> object:
    """Copy one value with `UNKNOWN` in place of everything in it that is not known."""
    return _mark(value, is_unknown, deep=True)


def contains_unknown(value: object) -> bool:
    """Tell whether `UNKNOWN` stands anywhere in a marked value."""
    if isinstance(value, Mapping):
        return any(map(contains_unknown, value.values()))
    return any(map(contains_unknown, value)) if isinstance(value, list) else value is UNKNOWN


def _mark(value: object, is_unknown: Callable[[object], bool], *, deep: bool) -> object:
    if is_unknown(value):
        return UNKNOWN
    if deep and isinstance(value, Mapping):
        return {str(key): _mark(item, is_unknown, deep=True) for key, item in value.items() if item is not None}
    if deep and isinstance(value, (list, tuple)):
        return [_mark(item, is_unknown, deep=True) for item in value]
    return value
