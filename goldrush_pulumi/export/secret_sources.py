"""Where the credentials are known that the server masks: a file, the environment, or the stack's own config."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from goldrush_pulumi.export.leaves import Leaf, Source

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
