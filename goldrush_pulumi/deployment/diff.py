"""What differs between two sets of inputs, and what that asks for. Pure: no network, no Pulumi."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from goldrush_pulumi.deployment.spec import FIELDS, Change, Inputs, canonical


@dataclass(frozen=True)
class Difference:
    """The fields that differ, by what a change of them means, each in the order of the table of fields."""

    replaces: tuple[str, ...] = ()
    updates: tuple[str, ...] = ()
    redeploys: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.replaces or self.updates or self.redeploys)


def compare(old: Inputs, new: Inputs) -> Difference:
    """What changes when a pipeline described by `old` is to become `new`.

    Fields are compared by name in their canonical forms, so layout, key order and the several ways to say "nothing"
    are no changes. A value that is not known yet equals nothing, and so counts as a change of its field.
    """
    changed: dict[Change, list[str]] = {change: [] for change in Change}
    for row in FIELDS.values():
        if not _same(row.name, old.get(row.name), new.get(row.name)):
            changed[row.change].append(row.name)
    return Difference(
        replaces=tuple(changed[Change.REPLACE]),
        updates=tuple(changed[Change.UPDATE]),
        redeploys=tuple(changed[Change.REDEPLOY]),
    )


def _same(name: str, old: Any, new: Any) -> bool:
    # Equal values need no canonical form: most comparisons end here.
    return bool(old == new) or bool(canonical(name, old) == canonical(name, new))
