"""The credentials in a `destination_config`: where they are, what config calls them, and which values are known."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from goldrush_pulumi.schema.destinations import secret_paths
from goldrush_pulumi.schema.wire import MASK

UNKNOWN_SECRET: Final = "unknown-to-export"  # noqa: S105 - a placeholder
"""Placeholder in the recorded state for a credential that nobody gave; never sent by itself."""

Path = tuple[str, ...]


@dataclass(frozen=True)
class Leaf:
    """One credential of one pipeline.

    Attributes:
        resource: Name of the resource.
        path: Where it is inside `destination_config`.
        key: Its key in stack config.
        shown: What the server returned, masked or not.
        given: The value, if somebody gave it.
    """

    resource: str
    path: Path
    key: str
    shown: Any = field(repr=False)
    given: str | None = field(default=None, repr=False)

    @property
    def is_known(self) -> bool:
        """Whether the value is known: given, or shown unmasked by the server."""
        return self.given is not None or not is_masked(self.shown)

    @property
    def recorded(self) -> Any:
        """The value for the state, or a placeholder that keeps a masked URL a URL."""
        if self.given is not None:
            return self.given
        return _unmasked(self.shown)

    def filled(self, source: Source) -> Leaf:
        """Return this leaf with the value that `source` has for it, if it has one."""
        return replace(self, given=source(self))


Source = Callable[[Leaf], "str | None"]
"""Returns the value of a credential, None if it has none."""


def secret_leaves(destination_type: str, config: Mapping[str, Any]) -> list[tuple[Path, Any]]:
    """Return path and value of each credential: by the table of destinations, and wherever the server masked one."""
    paths = dict.fromkeys((*secret_paths(destination_type, config), *_masked_paths(config, ())))
    return [(path, value_at(config, path)) for path in paths]


def value_at(config: Mapping[str, Any], path: Path) -> Any:
    """Return the value at an existing path."""
    value: Any = config
    for key in path:
        value = value[key]
    return value


def with_values(config: Mapping[str, Any], values: Mapping[Path, Any]) -> dict[str, Any]:
    """Return a copy of `config` with other values at some paths."""
    changed = dict(config)
    for key, item in config.items():
        below = {path[1:]: value for path, value in values.items() if path[0] == key}
        if () in below:
            changed[key] = below[()]
        elif below:
            changed[key] = with_values(item, below)
    return changed


def without_values(config: Mapping[str, Any], paths: set[Path]) -> dict[str, Any]:
    """Return a copy of `config` without the leaves at some paths."""
    kept: dict[str, Any] = {}
    for key, item in config.items():
        below = {path[1:] for path in paths if path[0] == key}
        if () not in below:
            kept[key] = without_values(item, below) if below else item
    return kept


def is_masked(value: Any) -> bool:
    """Return whether the server masks the value or a part of it."""
    if isinstance(value, Mapping):
        return any(is_masked(item) for item in value.values())
    if isinstance(value, list):
        return any(is_masked(item) for item in value)
    return isinstance(value, str) and MASK in value


def _masked_paths(config: Mapping[str, Any], path: Path) -> Iterator[Path]:
    for key, item in config.items():
        if isinstance(item, Mapping):
            yield from _masked_paths(item, (*path, key))
        elif is_masked(item):
            yield (*path, key)


def _unmasked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _unmasked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unmasked(item) for item in value]
    return value.replace(MASK, UNKNOWN_SECRET) if isinstance(value, str) else value


VARIABLE_PREFIX: Final = "GOLDRUSH_EXPORT_"
"""Prefix of the environment variables that hold credentials for an export."""


def from_file(values: Mapping[str, Any]) -> Source:
    """Read credentials from a map of resource names to the secret part of their `destination_config`.

    `{"base-swaps": {"password": "..."}, "events": {"headers": {"Authorization": "..."}}}`
    """

    def value_of(leaf: Leaf) -> str | None:
        return _string_at(values, (leaf.resource, *leaf.path))

    return value_of


def from_environment(environment: Mapping[str, str]) -> Source:
    """Read credentials from variables named after the config key: the prefix and `BASE_SWAPS_PASSWORD`."""

    def value_of(leaf: Leaf) -> str | None:
        return environment.get(variable_of(leaf)) or None

    return value_of


def variable_of(leaf: Leaf) -> str:
    """Return the environment variable that may hold a credential."""
    return VARIABLE_PREFIX + re.sub(r"\W", "_", leaf.key, flags=re.ASCII).upper()


def from_stack_config(values: Mapping[str, str], project: str) -> Source:
    """Read credentials from the config of a stack of `project`, values in clear text, maps as JSON."""
    declared = _object(values.get(f"{project}:pipelines"))

    def value_of(leaf: Leaf) -> str | None:
        text = values.get(f"{project}:{leaf.key}")
        return text or _string_at(declared, (leaf.resource, "destination_config", *leaf.path))

    return value_of


def first_of(*sources: Source) -> Source:
    """Ask some sources in their order, and take the first value."""

    def value_of(leaf: Leaf) -> str | None:
        return next((value for source in sources if (value := source(leaf)) is not None), None)

    return value_of


def _object(text: Any) -> Mapping[str, Any]:
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, Mapping) else {}


def _string_at(value: Any, path: tuple[str, ...]) -> str | None:
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value if isinstance(value, str) else None
