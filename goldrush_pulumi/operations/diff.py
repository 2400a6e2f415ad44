"""What differs: between two sets of inputs, and between inputs and the server. Pure: no network, no Pulumi.

Masks, defaults the user never set, and spellings that mean the same are the server's business; they stay out of state.
Source: the API masks credentials as `******` on reading and may add defaults of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.operations.identity import as_user_wrote
from goldrush_pulumi.schema.destinations import DESTINATIONS, find_field, secret_paths
from goldrush_pulumi.schema.pipeline import INPUTS, SENT, Change, Inputs, canonical, is_cleared, is_empty, whole_numbers
from goldrush_pulumi.schema.wire import MASK

if TYPE_CHECKING:
    from goldrush_pulumi.api import Pipeline
    from goldrush_pulumi.schema.destinations import DestinationField


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
    """Return what changes when a pipeline described by `old` is to become `new`.

    Fields are compared by name in their canonical forms, so layout, key order and the several ways to say "nothing"
    are no changes. A value that is not known yet equals nothing, and so counts as a change of its field.
    """
    changed: dict[Change, list[str]] = {change: [] for change in Change}
    for row in INPUTS.values():
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


def overlay(inputs: Inputs, pipeline: Pipeline, *, ended: bool = False) -> dict[str, Any]:
    """Return the inputs that describe `pipeline` as it is, in the user's own words wherever those still hold.

    `ended` says that a bounded pipeline has reached its last block: its `status` then means nothing any more.
    Fields the server did not return keep their value. Without `inputs`, all that the server shows is taken, and of a
    pipeline that has ended the `status` of a program that does not mention it.
    """
    merged = dict(inputs)
    for name in SENT:
        if ended and name == "status":
            merged.setdefault(name, INPUTS[name].default)
            continue
        if name not in pipeline.model_fields_set:
            continue
        value = _drifted(name, inputs, _as_users_know_it(name, inputs, pipeline))
        if value is not None:
            merged[name] = value
        elif name in merged and not is_cleared(name, merged[name]):
            del merged[name]
    return merged


def _as_users_know_it(name: str, inputs: Inputs, pipeline: Pipeline) -> Any:
    """The server's value; of a description without the tag, and whole where the server cut it to a length."""
    value = getattr(pipeline, name)
    return value if name != "description" else as_user_wrote(str(inputs.get(name) or ""), value)


def drifted_fields(inputs: Inputs, pipeline: Pipeline) -> tuple[str, ...]:
    """Return the fields in which the server's pipeline is not what `inputs` ask for, as far as can be seen.

    A credential that is masked or left out cannot be compared and counts as unchanged.
    """
    actual = overlay(inputs, pipeline)
    return tuple(name for name in SENT if canonical(name, inputs.get(name)) != canonical(name, actual.get(name)))


def uncleared_fields(names: tuple[str, ...], old: Inputs, new: Inputs, pipeline: Pipeline) -> dict[str, Any]:
    """Return what a change of `names` removed and the server still has, as the body of a PATCH that nulls it.

    Empty when all is gone. Maps in it are whole: what is wanted, and a null for each key that should not be there.
    Whether a PATCH merges maps or replaces them is not documented; this works on both sides.
    """
    body: dict[str, Any] = {}
    for name in names:
        value = _uncleared(name, old, new, pipeline)
        if value is not None:
            body[name] = value.patch
    return body


@dataclass(frozen=True)
class _Uncleared:
    patch: Any


def _uncleared(name: str, old: Inputs, new: Inputs, pipeline: Pipeline) -> _Uncleared | None:
    actual = _as_users_know_it(name, {}, pipeline)
    if name == "transforms":
        wanted = new.get(name) or {}
        extra = sorted(set(actual or {}) - set(wanted))
        return _Uncleared({**wanted, **dict.fromkeys(extra)}) if extra else None
    if name == "destination_config":
        config = _nulled_config(old, new, pipeline)
        return _Uncleared(config) if config else None
    removed = is_cleared(name, new.get(name)) and not is_cleared(name, old.get(name))
    return _Uncleared(None) if removed and canonical(name, actual) == canonical(name, old[name]) else None


def _drifted(name: str, inputs: Inputs, actual: Any) -> Any:
    wanted = inputs.get(name)
    if name == "destination_config":
        return _visible_config(inputs.get("destination_type"), wanted, actual)
    never_asked = bool(inputs) and INPUTS[name].server_decides and is_cleared(name, wanted)
    if never_asked or canonical(name, wanted) == canonical(name, actual):
        return wanted
    return None if is_cleared(name, actual) else actual


def _visible_config(destination_type: Any, wanted: Any, actual: Any) -> Any:
    """The settings with what the server shows differently; credentials and settings never asked for stay out."""
    if not isinstance(actual, Mapping):
        return wanted
    if not isinstance(wanted, Mapping):
        return _without_masks(actual)
    # A server that masks credentials masks all of them: one that is missing beside a mask was taken away.
    secrets = frozenset[tuple[str, ...]]() if _has_mask(actual) else frozenset(secret_paths(destination_type, wanted))
    known = {key: _visible_setting((key,), wanted[key], actual, secrets) for key in wanted}
    visible = {key: item for key, item in known.items() if item is not None}
    same = canonical("destination_config", wanted) == canonical("destination_config", visible)
    return wanted if same else visible


def _visible_setting(
    path: tuple[str, ...], wanted: Any, actual: Mapping[str, Any], secrets: frozenset[tuple[str, ...]]
) -> Any:
    key = path[-1]
    if path == ("type",):
        return wanted
    value = actual.get(key)
    # Whether the server masks a credential or leaves it out, it shows nothing of it.
    is_hidden = _is_masked(value) or (value is None and (is_empty(wanted) or path in secrets))
    if is_hidden:
        return wanted
    if isinstance(wanted, Mapping):
        inside = value if isinstance(value, Mapping) else {}
        if value is None and not any(secret[: len(path)] == path for secret in secrets):
            return None
        return _visible_map(path, wanted, inside, secrets) if isinstance(value, (Mapping, type(None))) else value
    return wanted if _alike(wanted, value) else value


def _visible_map(
    path: tuple[str, ...], wanted: Mapping[str, Any], actual: Mapping[str, Any], secrets: frozenset[tuple[str, ...]]
) -> Any:
    """A nested map. `headers` belong to the user as a whole, so one that was added elsewhere is drift."""
    merged = {name: _visible_setting((*path, name), wanted[name], actual, secrets) for name in wanted}
    if path == ("headers",):
        merged |= {name: item for name, item in actual.items() if name not in wanted and not _is_masked(item)}
    return {name: item for name, item in merged.items() if item is not None}


def _alike(wanted: Any, actual: Any) -> bool:
    """Whether two settings mean the same; a number may come back as its digits."""
    if isinstance(wanted, str) and isinstance(actual, (int, float)):
        return wanted == str(whole_numbers(actual))
    if isinstance(actual, str) and isinstance(wanted, (int, float)):
        return actual == str(whole_numbers(wanted))
    return bool(wanted == actual)


def _is_masked(value: Any) -> bool:
    """Whether the server hides the value, or a part of it: the password in a URL, an item of a list."""
    return any(map(_has_mask, value)) if isinstance(value, list) else isinstance(value, str) and MASK in value


def _has_mask(value: Any) -> bool:
    """Whether the server hides anything at any depth of the value."""
    return any(map(_has_mask, value.values())) if isinstance(value, Mapping) else _is_masked(value)


def _without_masks(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_masks(item) for key, item in value.items() if not _is_masked(item)}
    return value


def _nulled_config(old: Inputs, new: Inputs, pipeline: Pipeline) -> dict[str, Any] | None:
    before, wanted = old.get("destination_config"), new.get("destination_config")
    if not (isinstance(before, Mapping) and isinstance(wanted, Mapping)):
        return None
    destination = DESTINATIONS.get(str(new["destination_type"]))
    fields = destination.fields if destination else ()
    body, found = _nulled_map(fields, before, wanted, pipeline.destination_config)
    return {"type": new["destination_type"], **body} if found else None


def _nulled_map(
    fields: tuple[DestinationField, ...],
    before: Mapping[str, Any],
    wanted: Mapping[str, Any],
    actual: Mapping[str, Any],
) -> tuple[dict[str, Any], bool]:
    """`wanted` with a null for every setting of `before` that was removed and that `actual` still shows unchanged."""
    body, found = dict(wanted), False
    for key, old in before.items():
        if key == "type" or key not in actual:
            continue
        field = find_field(fields, key)
        if is_empty(wanted.get(key)):
            if _remains(field, old, actual[key]):
                body[key], found = None, True
        elif isinstance(old, Mapping) and isinstance(wanted[key], Mapping) and isinstance(actual[key], Mapping):
            inner = field.fields if field else ()
            body[key], deeper = _nulled_map(inner, old, wanted[key], actual[key])
            found = found or deeper
    return body, found


def _remains(field: DestinationField | None, old: Any, actual: Any) -> bool:
    """Whether a removed setting is still there. One that equals its documented default says nothing either way."""
    if isinstance(old, Mapping) and isinstance(actual, Mapping):
        fields = field.fields if field else ()
        return any(_remains(find_field(fields, key), old[key], actual[key]) for key in old if key in actual)
    if is_empty(old):
        return False
    default = list(field.default) if field and isinstance(field.default, tuple) else field and field.default
    if _is_masked(actual):
        return default is None
    return _alike(old, actual) and not _alike(default, actual)
