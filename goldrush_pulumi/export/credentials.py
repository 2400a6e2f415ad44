"""The credentials in a `destination_config`: where they stand, what config calls them, what is known of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from goldrush_pulumi.schema.destinations import secret_paths
from goldrush_pulumi.schema.wire import MASK

UNKNOWN_SECRET: Final = "unknown-to-export"  # noqa: S105 - says that there is none
"""Stands in the recorded state for a credential that nobody gave; never sent by itself."""

Path = tuple[str, ...]


@dataclass(frozen=True)
class Leaf:
    """One credential of one pipeline.

    `path` leads to it inside `destination_config`; `key` is what the program asks config for. `shown` is what the
    server answered, masked or not; `given` the value where somebody gave it.
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
        """What state is told: the value, or a stand-in that keeps a masked URL a URL."""
        if self.given is not None:
            return self.given
        return _unmasked(self.shown)

    def filled(self, source: Source) -> Leaf:
        """This leaf with the value that `source` has for it, if it has one."""
        return replace(self, given=source(self))


Source = Callable[[Leaf], "str | None"]
"""Answers the value of a credential, None where it has none."""


def secret_leaves(destination_type: str, config: Mapping[str, Any]) -> list[tuple[Path, Any]]:
    """Where the credentials stand: by the table of destinations, and wherever the server masked something."""
    paths = dict.fromkeys((*secret_paths(destination_type, config), *_masked_paths(config, ())))
    return [(path, value_at(config, path)) for path in paths]


def value_at(config: Mapping[str, Any], path: Path) -> Any:
    """The value at a path that is there."""
    value: Any = config
    for key in path:
        value = value[key]
    return value


def with_values(config: Mapping[str, Any], values: Mapping[Path, Any]) -> dict[str, Any]:
    """A copy of `config` with other values at some paths."""
    changed = dict(config)
    for key, item in config.items():
        below = {path[1:]: value for path, value in values.items() if path[0] == key}
        if () in below:
            changed[key] = below[()]
        elif below:
            changed[key] = with_values(item, below)
    return changed


def without_values(config: Mapping[str, Any], paths: set[Path]) -> dict[str, Any]:
    """A copy of `config` without the leaves at some paths."""
    kept: dict[str, Any] = {}
    for key, item in config.items():
        below = {path[1:] for path in paths if path[0] == key}
        if () not in below:
            kept[key] = without_values(item, below) if below else item
    return kept


def is_masked(value: Any) -> bool:
    """Whether the server hides the value or a part of it."""
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
    if isinstance(value, list):
        return [_unmasked(item) for item in value]
    return value.replace(MASK, UNKNOWN_SECRET) if isinstance(value, str) else value


VARIABLE_PREFIX: Final = "GOLDRUSH_EXPORT_"
"""What the names of environment variables begin with that hold credentials for an export."""


def from_file(values: Mapping[str, Any]) -> Source:
    """From a map of resource names to what is secret in their `destination_config`, in its own shape.

    `{"base-swaps": {"password": "..."}, "events": {"headers": {"Authorization": "..."}}}`
    """

    def value_of(leaf: Leaf) -> str | None:
        return _text_at(values, (leaf.resource, *leaf.path))

    return value_of


def from_environment(environment: Mapping[str, str]) -> Source:
    """From variables named after the config key: of `base-swaps-password`, the prefix and `BASE_SWAPS_PASSWORD`."""

    def value_of(leaf: Leaf) -> str | None:
        return environment.get(variable_of(leaf)) or None

    return value_of


def variable_of(leaf: Leaf) -> str:
    """The environment variable that may hold a credential."""
    return VARIABLE_PREFIX + re.sub(r"\W", "_", leaf.key, flags=re.ASCII).upper()


def from_stack_config(values: Mapping[str, str], project: str) -> Source:
    """From the config of a stack of `project` in clear, maps as JSON, whichever form its commands set it for."""
    declared = _object(values.get(f"{project}:pipelines"))

    def value_of(leaf: Leaf) -> str | None:
        text = values.get(f"{project}:{leaf.key}")
        return text or _text_at(declared, (leaf.resource, "destination_config", *leaf.path))

    return value_of


def first_of(*sources: Source) -> Source:
    """The first answer of some sources."""

    def value_of(leaf: Leaf) -> str | None:
        return next((value for source in sources if (value := source(leaf)) is not None), None)

    return value_of


def _object(text: Any) -> Mapping[str, Any]:
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, Mapping) else {}


def _text_at(value: Any, path: tuple[str, ...]) -> str | None:
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value if isinstance(value, str) else None
