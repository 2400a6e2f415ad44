"""The credentials in a `destination_config`: where they stand, what config calls them, what is known of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from goldrush_pulumi.deployment.secrets import MASK
from goldrush_pulumi.validation.destinations import secret_paths

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
