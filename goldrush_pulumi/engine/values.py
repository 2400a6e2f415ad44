"""Values as they travel between the engine and the host of dynamic providers."""

from __future__ import annotations

from collections.abc import Mapping

from goldrush_pulumi.schema.wire import UNKNOWN_VALUE


def is_unknown(value: object) -> bool:
    """Return whether `value` stands for something only known after other resources exist (previews only)."""
    from pulumi.output import Unknown  # noqa: PLC0415 - the engine bridge must cost a program nothing

    return isinstance(value, Unknown) or (isinstance(value, str) and value == UNKNOWN_VALUE)


def is_plain(value: object) -> bool:
    """Return whether the host can send `value`; where it cannot, its own error would print it."""
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and is_plain(item) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return all(map(is_plain, value))
    return value is None or isinstance(value, (str, int, float)) or is_unknown(value)
