"""Pipelines declared in files: where they stand, and what is wrong with a declaration beside its inputs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import reduce
from typing import Any, Final, NamedTuple

from goldrush_pulumi.schema.credentials import is_credential_header
from goldrush_pulumi.schema.destinations import DESTINATIONS, secret_paths
from goldrush_pulumi.schema.pipeline import INPUTS
from goldrush_pulumi.schema.urls import carries_credentials
from goldrush_pulumi.validation.destinations import resolve_type
from goldrush_pulumi.validation.names import INPUT_HINTS, unknown_name
from goldrush_pulumi.validation.problems import Problem, advise, field_path
from goldrush_pulumi.validation.rules import Rule
from goldrush_pulumi.validation.values import UNKNOWN, holds_placeholder, without_placeholders

PIPELINES: Final = "pipelines"
"""The key of a map of pipelines, in a file of its own or, behind a namespace, in the config of a stack."""

SHARED: Final = "destinations"
"""The key of a map of destinations, beside `pipelines`: declarations name one of them by `destination`."""

REFERENCE: Final = "destination"
"""The key by which a declaration names a shared destination, instead of having a `destination_config`."""

OPTIONS: Final = ("protect", "retain_on_delete", "custom_timeouts")
"""The settings of a declaration that are for Pulumi; all others are inputs."""

_TIMEOUTS: Final = ("create", "update", "delete")

_DURATION: Final = re.compile(r"(\d+(\.\d+)?(h|m|s|ms))+")


class Declarations(NamedTuple):
    """A map of pipelines in a file.

    Attributes:
        keys: Where it stands.
        pipelines: The pipelines by their names, or what stands there in place of a map.
        is_config: Whether it is config of a stack, in which Pulumi can encrypt.
        is_text: Whether it is JSON in a string, as `pulumi config set` writes it.
        shared: The shared destinations by their names, or what stands there in place of a map.
        shared_keys: Where they stand.
        shared_is_text: Whether they are JSON in a string.
    """

    keys: tuple[str, ...]
    pipelines: object
    is_config: bool = False
    is_text: bool = False
    shared: object = None
    shared_keys: tuple[str, ...] = ()
    shared_is_text: bool = False


def find_declarations(value: object, project: str) -> list[Declarations]:
    """Return the maps of pipelines in a file.

    Args:
        value: What the file holds.
        project: The name of the project that the file belongs to, empty when it is not known. The program reads the
            key of its own namespace; another namespace counts where it cannot hold anything but pipelines.
    """
    # The project's own file holds the types of settings, not their values.
    if not isinstance(value, Mapping) or "runtime" in value:
        return []
    config = value.get("config")
    if isinstance(config, Mapping):
        return _find_in_config(config, project)
    if PIPELINES in value:
        return [Declarations((PIPELINES,), value[PIPELINES], shared=value.get(SHARED), shared_keys=(SHARED,))]
    return [Declarations((), {"pipeline": value})] if value.keys() & INPUTS.keys() else []


def _find_in_config(config: Mapping[str, object], project: str) -> list[Declarations]:
    found = [
        Declarations(("config", key), *_read_text(value), *_shared_in(config, key, project))
        for key, value in config.items()
        if key == PIPELINES or key.endswith(f":{PIPELINES}")
    ]
    own = {("config", PIPELINES), ("config", f"{project}:{PIPELINES}")} if project else set()
    sure = [item for item in found if item.keys in own or _looks_like_pipelines(item.pipelines)]
    # Where nothing is known, a key of that name is taken for what it most likely is.
    return sure or ([] if project else found[:1])


def _shared_in(config: Mapping[str, object], key: str, project: str) -> tuple[object, tuple[str, ...], bool]:
    """Return the shared destinations for the pipelines at `key`, where they stand, and whether they are text."""
    beside = f"{key.removesuffix(PIPELINES)}{SHARED}"
    names = [name for name in (beside, f"{project}:{SHARED}", SHARED) if name in config]
    if not names:
        return None, ("config", beside), False
    value, _, is_text = _read_text(config[names[0]])
    return value, ("config", names[0]), is_text


def _read_text(value: object) -> tuple[object, bool, bool]:
    """Read JSON text, as the SDK does when a program asks for an object; anything else is as it is."""
    if not isinstance(value, str):
        return value, True, False
    try:
        return json.loads(value), True, True
    except (ValueError, RecursionError):
        return value, True, True


def _looks_like_pipelines(value: object) -> bool:
    entries = value.values() if isinstance(value, Mapping) else ()
    return value is UNKNOWN or any(isinstance(entry, Mapping) and entry.keys() & INPUTS.keys() for entry in entries)


def declaration_path(name: str) -> str:
    """Return the path of an entry of `pipelines`, by its name."""
    return f"{PIPELINES}.{name}" if re.fullmatch(r"[\w-]+", name) else f"{PIPELINES}[{json.dumps(name)}]"


def with_destination(entry: object, shared: object) -> tuple[object, list[Problem]]:
    """Return a declaration with the shared destination in place of its name, and what is wrong with that name.

    Args:
        entry: The declaration.
        shared: The map of shared destinations, or what stands there in its place.
    """
    if not isinstance(entry, Mapping) or entry.get(REFERENCE) is None:
        return entry, []
    name, rest = entry[REFERENCE], {key: value for key, value in entry.items() if key != REFERENCE}
    if rest.get("destination_config") is not None:
        hint = "keep one of the two"
        return rest, [Problem(Rule.DESTINATION_TWICE, REFERENCE, "stands beside destination_config", hint)]
    unresolved = {**rest, "destination_config": UNKNOWN}
    if name is UNKNOWN or shared is UNKNOWN:
        return unresolved, []
    if not isinstance(name, str):
        # Other tools call the settings themselves so.
        fields = "write its fields under destination_config, or " if isinstance(name, Mapping) else ""
        hint = f"{fields}write the name of one of {SHARED}"
        return unresolved, [Problem(Rule.WRONG_TYPE, REFERENCE, "is not a string", hint)]
    known = shared if isinstance(shared, Mapping) else {}
    if name not in known:
        hint = advise(name, known) if known else f"declare it under {SHARED}, beside {PIPELINES}"
        return unresolved, [Problem(Rule.NOT_A_CHOICE, REFERENCE, f"is not one of {SHARED}", hint)]
    return {**rest, "destination_config": known[name]}, []


def shared_path(name: str) -> str:
    """Return the path of an entry of `destinations`, by its name."""
    return f"{SHARED}.{name}" if re.fullmatch(r"[\w-]+", name) else f"{SHARED}[{json.dumps(name)}]"


def find_shared_shape_problems(shared: object) -> Iterator[Problem]:
    """Find what is wrong with the map of shared destinations itself."""
    if shared is None or shared is UNKNOWN:
        return
    if not isinstance(shared, Mapping):
        yield Problem(Rule.WRONG_TYPE, SHARED, "is not a map", "write a map of names to destinations")
        return
    for name, config in shared.items():
        if config is not UNKNOWN and not isinstance(config, Mapping):
            hint = "write a map with type and the fields of that type"
            yield Problem(Rule.WRONG_TYPE, shared_path(str(name)), "is not a map", hint)


def at_shared(problem: Problem, pipeline: str, entry: object) -> Problem:
    """Return a problem of a pipeline's destination with the path of the shared destination that the entry names."""
    reference = entry.get(REFERENCE) if isinstance(entry, Mapping) else None
    own = f"{declaration_path(pipeline)}.destination_config"
    if not isinstance(reference, str) or not problem.path.startswith(own):
        return problem
    return replace(problem, path=f"{shared_path(reference)}{problem.path.removeprefix(own)}")


def find_declaration_problems(
    name: str, entry: object, find: Callable[[Mapping[str, object]], list[Problem]]
) -> list[Problem]:
    """Find everything that is wrong with one entry of `pipelines`.

    Args:
        name: The entry's name.
        entry: What stands there.
        find: Judges the inputs; an `abi_file` that is a path is not among them.
    """
    path = declaration_path(name)
    if not isinstance(entry, Mapping):
        hint = "write a map with project, topic and destination_config"
        return [Problem(Rule.WRONG_TYPE, path, "is not a map", hint)]
    inputs = {key: value for key, value in entry.items() if key in INPUTS}
    if isinstance(inputs.get("abi_file"), str):
        # A path, which the resource reads when it is declared.
        del inputs["abi_file"]
    return [problem.under(path) for problem in (*_find_option_problems(entry), *find(inputs))]


def _find_option_problems(entry: Mapping[str, object]) -> Iterator[Problem]:
    for name in entry:
        if name not in INPUTS and name not in OPTIONS:
            names = (*INPUTS, *OPTIONS, REFERENCE)
            yield unknown_name("", str(name), "is not a setting of a pipeline", names, INPUT_HINTS, entry)
    for name in ("protect", "retain_on_delete"):
        value = entry.get(name, False)
        if value is not UNKNOWN and not isinstance(value, bool):
            yield Problem(Rule.WRONG_TYPE, name, "is not true or false", "write true or false without quotes")
    yield from _find_timeout_problems(entry.get("custom_timeouts"))


def _find_timeout_problems(timeouts: object) -> Iterator[Problem]:
    if timeouts is None or timeouts is UNKNOWN:
        return
    if not isinstance(timeouts, Mapping):
        hint = "write a map with create, update and delete"
        yield Problem(Rule.WRONG_TYPE, "custom_timeouts", "is not a map", hint)
        return
    for name, value in timeouts.items():
        path = field_path("custom_timeouts", str(name))
        if name not in _TIMEOUTS:
            yield unknown_name("custom_timeouts", str(name), "is not a timeout", _TIMEOUTS, {}, timeouts)
        elif value is not None and not (isinstance(value, str) and _DURATION.fullmatch(value)):
            yield Problem(Rule.BAD_DURATION, path, "is not a duration", "write it like 10m or 1h30m")


_CLEAR: Final = "is a credential in clear text"

# What stands beside a placeholder may be a prefix; from this many characters on it may be a credential.
_SHORTEST_LITERAL: Final = 6


def find_clear_credentials(path: str, entry: object, key: str = "") -> Iterator[Problem]:
    """Find the credentials of one declared pipeline that are not encrypted.

    A placeholder such as `${PG_PASSWORD}` is filled in elsewhere; what is written beside it counts.

    Args:
        path: Where the pipeline stands, such as `pipelines.base-swaps`.
        entry: What stands there.
        key: The whole config key, where the pipelines are JSON in a string and can only be encrypted as a whole.
    """
    if isinstance(entry, Mapping):
        place = f"{path}.destination_config"
        yield from find_clear_in_destination(place, entry.get("destination_config"), resolve_type(entry), key)


def find_clear_in_destination(path: str, config: object, type_: str | None, key: str = "") -> Iterator[Problem]:
    """Find the credentials of a destination of a type that are not encrypted; see `find_clear_credentials`."""
    destination_type = type_ or resolve_type({"destination_config": config})
    if not isinstance(config, Mapping):
        return
    for keys in secret_paths(destination_type, config):
        leaf: Any = reduce(lambda value, step: value[step], keys, config)
        if not _is_clear(destination_type, keys, leaf):
            continue
        place = reduce(field_path, keys, path)
        how = f"--secret {key}" if key else f"--secret --path '{place}'"
        message = "holds a credential in clear text" if isinstance(leaf, str) and "://" in leaf else _CLEAR
        yield Problem(Rule.CLEAR_CREDENTIAL, place, message, f"encrypt it with `pulumi config set {how}`")


def _is_clear(destination_type: str | None, keys: tuple[str, ...], leaf: object) -> bool:
    if leaf is UNKNOWN or not leaf:
        return False
    if not isinstance(leaf, str):
        return True
    literal = without_placeholders(leaf)
    field = DESTINATIONS[destination_type].field(keys[0]) if destination_type else None
    if field and field.kind == "string_map":
        return is_credential_header(keys[-1], literal)
    if field and not field.holds_secrets:
        return carries_credentials(leaf)
    return not holds_placeholder(leaf) or sum(map(str.isalnum, literal)) >= _SHORTEST_LITERAL


_SERVICE_KEY: Final = "goldrush:serviceKey"

_NAMESPACE: Final = "goldrush:"


def find_config_problems(config: Mapping[str, object], settings: tuple[str, ...], project: str) -> Iterator[Problem]:
    """Find a ServiceKey that is not encrypted, and `goldrush:` settings that do not exist.

    Args:
        config: The `config` of a stack file.
        settings: The names of the settings there are, without their namespace; empty skips that check.
        project: The name of the project: its own config may be in the same namespace.
    """
    if config.get(_SERVICE_KEY) and config[_SERVICE_KEY] is not UNKNOWN:
        hint = f"encrypt it with `pulumi config set --secret {_SERVICE_KEY}`"
        yield Problem(Rule.CLEAR_CREDENTIAL, field_path("config", _SERVICE_KEY), _CLEAR, hint)
    if not settings or f"{project}:" == _NAMESPACE:
        return
    for key in config:
        name = key.removeprefix(_NAMESPACE)
        if key.startswith(_NAMESPACE) and name not in (*settings, PIPELINES, SHARED):
            hint = advise(name, settings)
            yield Problem(Rule.UNKNOWN_SETTING, field_path("config", key), "is not a setting of the provider", hint)
