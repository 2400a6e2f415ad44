"""Rules for a single value: what shape it has, and what it may say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from goldrush_pulumi.validation.fields import Field, Kind, find_field
from goldrush_pulumi.validation.problems import Problem, advise, entry_path, field_path, list_choices
from goldrush_pulumi.validation.unknowns import UNKNOWN
from goldrush_pulumi.validation.urls import find_url_fault

MASK = "******"
"""What the service answers in place of a secret."""

_PLACEHOLDER = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_BROKER = re.compile(r"\s*(?:[\w.-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}\s*")


def holds_placeholder(text: str) -> bool:
    """Tell whether a text holds a `${ENV_VAR}`, which the service fills in: its final form is not known here."""
    return _PLACEHOLDER.search(text) is not None


def find_text_problems(value: object, path: str, *, choices: tuple[str, ...] = ()) -> Iterator[Problem]:
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


def find_texts_problems(value: object, path: str, *, choices: tuple[str, ...] = ()) -> Iterator[Problem]:
    """Check a list of texts."""
    if value is UNKNOWN:
        return
    if not isinstance(value, list):
        yield Problem(path, "is not a list", "write a list of texts")
        return
    for index, item in enumerate(value):
        if not (isinstance(item, str) and holds_placeholder(item)):
            yield from find_text_problems(item, entry_path(path, index), choices=choices)


def find_text_map_problems(value: object, path: str) -> Iterator[Problem]:
    """Check a map whose names and texts must not be empty."""
    if value is UNKNOWN:
        return
    if not isinstance(value, Mapping):
        yield Problem(path, "is not a map", "write a map of names to texts")
        return
    for name, item in value.items():
        if not name.strip():
            yield Problem(entry_path(path, name), "has an empty name", "name the entry")
        yield from find_text_problems(item, entry_path(path, name))


def find_object_problems(fields: tuple[Field, ...], value: object, path: str, owner: str) -> Iterator[Problem]:
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


def find_field_problems(field: Field, value: object, path: str) -> Iterator[Problem]:
    """Check one value of a destination's config against its row of the table.

    An empty text counts as left out, as it does for the service, and one that holds a placeholder can be anything.
    """
    if isinstance(value, str) and (holds_placeholder(value) or (value == "" and not field.required)):
        return
    yield from _RULES[field.kind](field, value, path)


def _describe_range(minimum: int, maximum: int | None) -> str:
    return f"one from {minimum} to {maximum}" if maximum is not None else f"a whole number of at least {minimum}"


def _find_url_problems(field: Field, value: object, path: str) -> Iterator[Problem]:
    yield from find_text_problems(value, path)
    if not isinstance(value, str) or not value.strip() or MASK in value:
        return
    fault = find_url_fault(value, field.schemes)
    if fault:
        yield Problem(path, fault, f"begin it with {list_choices(field.schemes)} and name a host")


def _find_brokers_problems(_: Field, value: object, path: str) -> Iterator[Problem]:
    yield from find_text_problems(value, path)
    if not isinstance(value, str) or not value.strip() or MASK in value:
        return
    if not all(_BROKER.fullmatch(broker) for broker in value.split(",")):
        yield Problem(path, "is not a list of brokers", "write host:port, several separated by commas")


_RULES: Mapping[Kind, Callable[[Field, object, str], Iterator[Problem]]] = {
    "text": lambda field, value, path: find_text_problems(value, path, choices=field.choices),
    "url": _find_url_problems,
    "brokers": _find_brokers_problems,
    "integer": lambda field, value, path: find_integer_problems(
        value, path, minimum=field.minimum, maximum=field.maximum
    ),
    "texts": lambda field, value, path: find_texts_problems(value, path, choices=field.choices),
    "text_map": lambda _, value, path: find_text_map_problems(value, path),
    "object": lambda field, value, path: find_object_problems(field.fields, value, path, f"a {field.name} block"),
}
