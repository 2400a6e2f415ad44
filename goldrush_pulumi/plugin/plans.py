"""What a preview shows: the outputs as far as they are known, and each property that changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from goldrush_pulumi.operations.call import contains_unknown
from goldrush_pulumi.operations.spec import PipelineSpec
from goldrush_pulumi.plugin.names import DESTINATION_CONFIG, DESTINATION_TYPE, program_path, write_path
from goldrush_pulumi.schema.pipeline import ECHOED, INPUTS, OUTPUTS, Change, canonical
from goldrush_pulumi.schema.wire import UNKNOWN_VALUE

if TYPE_CHECKING:
    from goldrush_pulumi.schema.pipeline import Inputs

Kind = Literal["ADD", "DELETE", "UPDATE", "ADD_REPLACE", "DELETE_REPLACE", "UPDATE_REPLACE"]

_STABLE: Final = ("group_id", "created_at")
"""Outputs that a deployment does not change."""

_DEEP: Final = frozenset({"string_map", "any_map", "destination"})
"""Shapes whose changes are shown key by key."""


class PropertyChange(NamedTuple):
    """One property that changes.

    `path` is as programs see it, and `is_input` says whether the program changed it, rather than somebody on GoldRush.
    """

    path: tuple[str, ...]
    kind: Kind
    is_input: bool

    @property
    def text(self) -> str:
        """Return the path as the engine reads it."""
        return write_path(self.path)


def planned_outputs(inputs: Inputs, olds: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the outputs of a pipeline that is to be created, or updated from `olds`, as far as they are known."""
    planned = {name: inputs[name] for name in ECHOED if inputs.get(name) is not None}
    planned |= dict.fromkeys(OUTPUTS, UNKNOWN_VALUE)
    planned |= {name: olds[name] for name in _STABLE if olds and olds.get(name) is not None}
    if not contains_unknown({name: inputs.get(name) for name in ECHOED if name != DESTINATION_CONFIG}):
        planned["config_version"] = PipelineSpec(inputs).config_version
    return planned


def property_changes(olds: Inputs, news: Inputs, recorded: Inputs) -> list[PropertyChange]:
    """Return every property that changes when the outputs `olds` are to become the inputs `news`.

    `recorded` are the recorded inputs: a value that equals its recorded one has drifted.
    """
    found: list[PropertyChange] = []
    for row in INPUTS.values():
        old, new = canonical(row.name, olds.get(row.name)), canonical(row.name, news.get(row.name))
        if row.change is Change.NOTHING or old == new:
            continue
        if row.name == DESTINATION_CONFIG and olds.get(DESTINATION_TYPE) != news.get(DESTINATION_TYPE):
            # The type is part of the path, and its own row says that all of the destination is replaced.
            continue
        is_input = bool(recorded) and canonical(row.name, recorded.get(row.name)) != new
        before = canonical(row.name, recorded.get(row.name)) if is_input else old
        leaves = list(_leaves(before, new) if row.shape in _DEEP else [((), _kind(_given(before), _given(new)))])
        suffix = "_REPLACE" if row.change is Change.REPLACE else ""
        for path, kind in leaves:
            shown = program_path((row.name, *path), news.get(DESTINATION_TYPE))
            found.append(PropertyChange(shown, f"{kind}{suffix}", is_input))  # type: ignore[arg-type]
    return found


def _given(value: Any) -> Any:
    """Return None for a canonical value that means "not given", so that it counts as added or deleted."""
    return None if value in ("", [], {}) else value


def _kind(old: Any, new: Any) -> str:
    if old is None:
        return "ADD"
    return "DELETE" if new is None else "UPDATE"


def _leaves(old: Any, new: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the path of every leaf that differs, with what happens to it; a list is a leaf."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        yield path, _kind(old, new)
        return
    for key in {**old, **new}:
        before, after = old.get(key), new.get(key)
        if before != after:
            yield from _leaves(before, after, (*path, str(key)))
