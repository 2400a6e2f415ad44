"""`destination`: one object with a property per type in programs, a type and a config in the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from goldrush_pulumi.plugin.names import (
    DESTINATION,
    DESTINATION_CONFIG,
    DESTINATION_NAMES,
    DESTINATION_TYPE,
    PROPERTY_NAMES,
    TYPE_NAMES,
    camel_case,
    to_api,
    to_program,
)
from goldrush_pulumi.schema.wire import UNKNOWN_VALUE, is_secret, secret
from goldrush_pulumi.validation.problems import Problem, advise, field_path, list_choices
from goldrush_pulumi.validation.rules import Rule

_TYPES: Final = tuple(TYPE_NAMES.to_api)


def take_destination_apart(properties: dict[str, Any]) -> Problem | None:
    """Replace `destination` by the type and the config that it stands for; return what is wrong with it."""
    if DESTINATION not in properties:
        return None
    given = properties.pop(DESTINATION)
    if is_secret(given) and "value" not in given:
        # An exported state has the ciphertext in place of the value.
        properties |= {DESTINATION_TYPE: given, DESTINATION_CONFIG: given}
        return None
    mark = secret if is_secret(given) else _as_it_is
    given = given["value"] if is_secret(given) else given
    if given == UNKNOWN_VALUE:
        properties |= {DESTINATION_TYPE: UNKNOWN_VALUE, DESTINATION_CONFIG: mark(UNKNOWN_VALUE)}
        return None
    named = sorted(key for key, item in given.items() if item is not None) if isinstance(given, Mapping) else []
    problem = _destination_problem(given, named)
    if problem is not None:
        properties |= {DESTINATION_TYPE: UNKNOWN_VALUE, DESTINATION_CONFIG: UNKNOWN_VALUE}
        return problem
    kind = TYPE_NAMES.api(named[0])
    properties[DESTINATION_TYPE] = kind
    properties[DESTINATION_CONFIG] = mark(to_api(given[named[0]], DESTINATION_NAMES[kind]))
    return None


def _as_it_is(value: Any) -> Any:
    return value


def _destination_problem(given: Any, named: list[str]) -> Problem | None:
    if not isinstance(given, Mapping):
        return Problem(
            Rule.WRONG_TYPE, DESTINATION, "is not an object", f"give it one property, {list_choices(_TYPES)}"
        )
    wrong = [key for key in named if key not in _TYPES]
    if wrong:
        return Problem(
            Rule.UNKNOWN_NAME, field_path(DESTINATION, wrong[0]), "is not a destination", advise(wrong[0], _TYPES)
        )
    if not named:
        return Problem(Rule.MISSING, DESTINATION, "names no destination", f"set exactly one of {_listed(_TYPES)}")
    if len(named) > 1:
        return Problem(
            Rule.TYPE_CONFLICT, DESTINATION, f"names {len(named)} destinations, {_listed(named)}", "set exactly one"
        )
    return None


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def with_destination(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return `properties` by the names that programs see, with type and config of the destination as one object."""
    rest = {key: item for key, item in properties.items() if key not in {DESTINATION_TYPE, DESTINATION_CONFIG}}
    shown: dict[str, Any] = to_program(rest, PROPERTY_NAMES)
    kind, config = properties.get(DESTINATION_TYPE), properties.get(DESTINATION_CONFIG)
    if is_secret(kind):
        kind = kind["value"]
    if kind in DESTINATION_NAMES:
        shown[DESTINATION] = {camel_case(str(kind)): _program_config(config or {}, str(kind))}
    elif UNKNOWN_VALUE in {kind, config if isinstance(config, str) else None}:
        shown[DESTINATION] = UNKNOWN_VALUE
    return shown


def _program_config(config: Any, kind: str) -> Any:
    if is_secret(config):
        return secret(_program_config(config["value"], kind))
    if not isinstance(config, Mapping):
        return config
    given = {key: item for key, item in config.items() if key != "type" and item is not None}
    return to_program(given, DESTINATION_NAMES[kind])


def api_properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties that state of the plugin holds by the API's names; hidden ones stay as they are."""
    translated: dict[str, Any] = to_api(properties, PROPERTY_NAMES)
    take_destination_apart(translated)
    return translated
