"""Rules for single values, and the marker of values that are not known yet.

Not known yet are, for example, the outputs of resources that do not exist during a preview.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from goldrush_pulumi.schema.destinations import DestinationField, Kind, find_field
from goldrush_pulumi.schema.urls import find_url_fault
from goldrush_pulumi.schema.wire import MASK
from goldrush_pulumi.validation.names import unknown_name
from goldrush_pulumi.validation.problems import Problem, advise, entry_path, field_path, list_choices
from goldrush_pulumi.validation.rules import Rule


class Unknown:
    """The type of `UNKNOWN`."""


UNKNOWN: Final = Unknown()
"""Stands for every value that is not known yet; compare by identity."""

# Copied as they are: no rule looks inside, and an ABI may be large.
_OPAQUE_INPUTS: Final = frozenset({"abi_file", "triggers"})


def mark_unknowns(inputs: Mapping[str, object], is_unknown: Callable[[object], bool]) -> dict[str, object]:
    """Copy inputs with `UNKNOWN` in place of every value that is not known, at any depth.

    Keys whose value is None are left out: to the engine they are the same as absent.
    """
    return {
        str(name): _mark(value, is_unknown, deep=name not in _OPAQUE_INPUTS)
        for name, value in inputs.items()
        if value is not None
    }


def holds_unknown(value: object, is_unknown: Callable[[object], bool]) -> bool:
    """Return whether a value that is not known yet stands anywhere in a value, marked or not."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        # Most of a large ABI is text, which is quick to tell; whether something is a Mapping is not.
        if isinstance(item, str):
            if is_unknown(item):
                return True
        elif isinstance(item, Mapping):
            waiting.extend(item.values())
        elif isinstance(item, (list, tuple)):
            waiting.extend(item)
        elif item is UNKNOWN or is_unknown(item):
            return True
    return False


def _mark(value: object, is_unknown: Callable[[object], bool], *, deep: bool) -> object:
    if is_unknown(value):
        return UNKNOWN
    if deep and isinstance(value, Mapping):
        return {str(key): _mark(item, is_unknown, deep=True) for key, item in value.items() if item is not None}
    if deep and isinstance(value, (list, tuple)):
        return [_mark(item, is_unknown, deep=True) for item in value]
    return value


_PLACEHOLDER: Final = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")


def holds_placeholder(text: str) -> bool:
    """Return whether a text holds a `${ENV_VAR}`, which the service fills in: its final form is not known here."""
    return _PLACEHOLDER.search(text) is not None


def without_placeholders(text: str) -> str:
    """Return what is written literally beside the placeholders of a text."""
    return _PLACEHOLDER.sub("", text)


def find_string_problems(
    value: object, path: str, *, choices: tuple[str, ...] = (), hints: Mapping[str, str] | None = None
) -> Iterator[Problem]:
    """Check a string that must not be empty, and that is one of the choices if there are any."""
    if value is UNKNOWN:
        return
    if not isinstance(value, str):
        hint = f"use {list_choices(choices)}" if choices else "write it in quotes"
        yield Problem(Rule.WRONG_TYPE, path, "is not a string", hint)
    elif choices and value not in choices:
        hint = (hints or {}).get(value) or advise(value, choices)
        yield Problem(Rule.NOT_A_CHOICE, path, "is not one of the possible values", hint)
    elif not choices and not value.strip():
        yield Problem(Rule.EMPTY, path, "must not be empty")


_DURATION: Final = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*(ms|s|sec|m|min|h)")

_MILLISECONDS: Final = {"ms": 1, "s": 1000, "sec": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000}


def find_integer_problems(
    value: object, path: str, *, minimum: int = 0, maximum: int | None = None
) -> Iterator[Problem]:
    """Check a whole number, which the engine passes as a float."""
    if value is UNKNOWN:
        return
    hint = f"give {_describe_range(minimum, maximum)}"
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1:
        yield Problem(Rule.WRONG_TYPE, path, "is not a whole number", _milliseconds_hint(value, path) or hint)
    elif value < minimum:
        yield Problem(Rule.OUT_OF_RANGE, path, "is too small", hint)
    elif maximum is not None and value > maximum:
        yield Problem(Rule.OUT_OF_RANGE, path, "is too large", hint)


def _milliseconds_hint(value: object, path: str) -> str:
    """Return how to write a duration with a unit in a field that counts milliseconds."""
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) and path.endswith("_ms") else None
    return f"give milliseconds as a number: {float(match[1]) * _MILLISECONDS[match[2]]:.0f}" if match else ""


def find_string_list_problems(value: object, path: str, *, choices: tuple[str, ...] = ()) -> Iterator[Problem]:
    """Check a list of strings."""
    if value is UNKNOWN:
        return
    if not isinstance(value, list):
        yield Problem(Rule.WRONG_TYPE, path, "is not a list", "write a list of strings")
        return
    for index, item in enumerate(value):
        if not (isinstance(item, str) and holds_placeholder(item)):
            yield from find_string_problems(item, entry_path(path, index), choices=choices)


def find_string_map_problems(value: object, path: str) -> Iterator[Problem]:
    """Check a map whose names and strings must not be empty."""
    if value is UNKNOWN:
        return
    if not isinstance(value, Mapping):
        yield Problem(Rule.WRONG_TYPE, path, "is not a map", "write a map of names to strings")
        return
    for name, item in value.items():
        if not name.strip():
            yield Problem(Rule.EMPTY, entry_path(path, name), "must not have an empty name")
        yield from find_string_problems(item, entry_path(path, name))


def find_object_problems(
    fields: tuple[DestinationField, ...], value: object, path: str, owner: str, hints: Mapping[str, str] | None = None
) -> Iterator[Problem]:
    """Check a map against its fields: what is missing, what is unknown, and each value.

    Args:
        fields: The fields it may have.
        value: The map.
        path: Where it stands.
        owner: What has the fields, for the sentence: "a postgres destination".
        hints: What to say of names that mean something elsewhere.
    """
    if value is UNKNOWN:
        return
    if not isinstance(value, Mapping):
        yield Problem(Rule.WRONG_TYPE, path, "is not a map", f"write a map with the fields of {owner}")
        return
    for field in fields:
        if field.required and field.name not in value:
            yield Problem(Rule.MISSING, field_path(path, field.name), "is missing", f"{owner} needs it")
    for name, item in value.items():
        known = find_field(fields, name)
        if known:
            yield from find_field_problems(known, item, field_path(path, name))
        else:
            names = (field.name for field in fields)
            yield unknown_name(path, name, f"is not a field of {owner}", names, hints or {}, value)


def find_field_problems(field: DestinationField, value: object, path: str) -> Iterator[Problem]:
    """Check one value of a destination's config against its row of the table.

    An empty string counts as left out, as it does for the service, and one that holds a placeholder can be anything.
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
    hint = f"begin it with {list_choices(field.schemes)} and name a host"
    fault = find_url_fault(value, field.schemes, field.other_schemes)
    if fault:
        rule = Rule.BAD_URL if fault.certain else Rule.UNDOCUMENTED_URL
        yield Problem(rule, path, fault.message, fault.hint or hint)


# One broker as clients read it: a listener's name may stand before it, as Kafka's own tools print brokers.
_BROKER: Final = re.compile(r"\s*(?:\w+://)?(?:[\w.-]+|\[[0-9a-fA-F:.%\w]+\]):(\d{1,5})\s*")

_GREATEST_PORT: Final = 65535


def _find_brokers_problems(_: DestinationField, value: object, path: str) -> Iterator[Problem]:
    yield from find_string_problems(value, path)
    if not isinstance(value, str) or not value.strip() or MASK in value:
        return
    hint = "write host:port, several separated by commas"
    # Clients pass over what is empty between commas.
    brokers = [_BROKER.fullmatch(broker) for broker in value.split(",") if broker.strip()]
    if not brokers or not all(brokers):
        yield Problem(Rule.BAD_BROKERS, path, "is not a list of brokers", hint)
    elif not all(1 <= int(broker[1]) <= _GREATEST_PORT for broker in brokers if broker):
        yield Problem(Rule.BAD_BROKERS, path, f"has a port that is not from 1 to {_GREATEST_PORT}", hint)


_RULES: Final[Mapping[Kind, Callable[[DestinationField, object, str], Iterator[Problem]]]] = {
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


# NAMEDATALEN is 64 in every build of PostgreSQL that anybody ships, and one byte ends the name.
_POSTGRES_NAME_BYTES: Final = 63


def find_long_name(path: str, name: str, what: str) -> Iterator[Problem]:
    """Warn of a name that PostgreSQL cuts off.

    Args:
        path: Where the name comes from.
        name: The name of a table or a schema.
        what: What stands at `path`, for the sentence: "names a table".
    """
    length = len(name[: _POSTGRES_NAME_BYTES * 20].encode())
    if length > _POSTGRES_NAME_BYTES:
        message = f"{what} of {length} bytes, of which PostgreSQL keeps {_POSTGRES_NAME_BYTES}"
        yield Problem(Rule.LONG_TABLE_NAME, path, message, "make sure that no other name begins with the same ones")
