"""Values that are not known yet, such as the outputs of resources that do not exist during a preview."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from goldrush_pulumi.schema.destinations import DestinationField, Kind, find_field
from goldrush_pulumi.schema.urls import find_url_fault
from goldrush_pulumi.schema.wire import MASK
from goldrush_pulumi.validation.problems import Problem, advise, entry_path, field_path, list_choices

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


_PLACEHOLDER = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")

_BROKER = re.compile(r"\s*(?:[\w.-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}\s*")


def holds_placeholder(text: str) -> bool:
    """Tell whether a text holds a `${ENV_VAR}`, which the service fills in: its final form is not known here."""
    return _PLACEHOLDER.search(text) is not None


def find_string_problems(value: object, path: str, *, choices: tuple[str, ...] = ()) -> Iterator[Problem]:
    """Check a text that must not be empty, and that is one of the choices if there are any."""
    if value is UNKNOWN:
        return
    if not isinstance(value, str):
        yield Problem(path, "is not a text", f"use {list_choices(choices)}" if choices else "write it in quotes")
    elif choices and value not in choices:
        yield Problem(path, "is none of the possible values", advise(value, choices))
    elif not choices and not value.strip():
        yield Problem(path, "is empty", "give it a text")


def find_integer_problems(
    value: object, path: str, *, minimum: int = 0, maximum: int | None = None
) -> Iterator[Problem]:
    """Check a whole number, which the engine hands over as a float."""
    if value is UNKNOWN:
        return
    right = f"give {_describe_range(minimum, maximum)}"
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1:
        yield Problem(path, "is not a whole number", right)
    elif value < minimum:
        yield Problem(path, "is too small", right)
    elif maximum is not None and value > maximum:
        yield Problem(path, "is too large", right)


def find_string_list_problems(value: object, path: str, *, choices: tuple[str, ...] = ()) -> Iterator[Problem]:
    """Check a list of texts."""
    if value is UNKNOWN:
        return
    if not isinstance(value, list):
        yield Problem(path, "is not a list", "write a list of texts")
        return
    for index, item in enumerate(value):
        if not (isinstance(item, str) and holds_placeholder(item)):
            yield from find_string_problems(item, entry_path(path, index), choices=choices)


def find_string_map_problems(value: object, path: str) -> Iterator[Problem]:
    """Check a map whose names and texts must not be empty."""
    if value is UNKNOWN:
        return
    if not isinstance(value, Mapping):
        yield Problem(path, "is not a map", "write a map of names to texts")
        return
    for name, item in value.items():
        if not name.strip():
            yield Problem(entry_path(path, name), "has an empty name", "name the entry")
        yield from find_string_problems(item, entry_path(path, name))


def find_object_problems(
    fields: tuple[DestinationField, ...], value: object, path: str, owner: str
) -> Iterator[Problem]:
    """Check a map against its fields: what is missing, what is unknown, and each value.

    Args:
        fields: The fields it may have.
        value: The map.
        path: Where it stands.
        owner: Whose fields they are, for the sentence: "a postgres destination".
    """
    if value is UNKNOWN:
        return
    if not isinstance(value, Mapping):
        yield Problem(path, "is not a map", f"write a map with the fields of {owner}")
        return
    for field in fields:
        if field.required and field.name not in value:
            yield Problem(field_path(path, field.name), "is missing", f"{owner} needs it")
    for name, item in value.items():
        known = find_field(fields, name)
        if known:
            yield from find_field_problems(known, item, field_path(path, name))
        else:
            right = advise(name, (field.name for field in fields))
            yield Problem(field_path(path, name), f"is not a field of {owner}", right)


def find_field_problems(field: DestinationField, value: object, path: str) -> Iterator[Problem]:
    """Check one value of a destination's config against its row of the table.

    An empty text counts as left out, as it does for the service, and one that holds a placeholder can be anything.
    """
    if isinstance(value, str) and (holds_placeholder(value) or (value == "" and not field.required)):
        return
    yield from _RULES[field.kind](field, value, path)


def _describe_range(minimum: int, maximum: int | None) -> str:
    return f"one from {minimum} to {maximum}" if maximum is not None else f"a whole number of at least {minimum}"


def _find_url_problems(field: DestinationField, value: object, path: str) -> Iterator[Problem]:
    yield from find_string_problems(value, path)
    if not isinstance(value, str) or not value.strip() or MASK in value:
        return
    fault = find_url_fault(value, field.schemes)
    if fault:
        yield Problem(path, fault, f"begin it with {list_choices(field.schemes)} and name a host")


def _find_brokers_problems(_: DestinationField, value: object, path: str) -> Iterator[Problem]:
    yield from find_string_problems(value, path)
    if not isinstance(value, str) or not value.strip() or MASK in value:
        return
    if not all(_BROKER.fullmatch(broker) for broker in value.split(",")):
        yield Problem(path, "is not a list of brokers", "write host:port, several separated by commas")


_RULES: Mapping[Kind, Callable[[DestinationField, object, str], Iterator[Problem]]] = {
    "string": lambda field, value, path: find_string_problems(value, path, choices=field.choices),
    "url": _find_url_problems,
    "brokers": _find_brokers_problems,
    "integer": lambda field, value, path: find_integer_problems(
        value, path, minimum=field.minimum, maximum=field.maximum
    ),
    "string_list": lambda field, value, path: find_string_list_problems(value, path, choices=field.choices),
    "string_map": lambda _, value, path: find_string_map_problems(value, path),
    "object": lambda field, value, path: find_object_problems(field.fields, value, path, f"a {field.name} block"),
}
