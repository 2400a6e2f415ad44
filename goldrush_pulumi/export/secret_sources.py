"""Where the credentials are known that the server masks: a file, the environment, or the stack's own config."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goldrush_pulumi.export.leaves import Leaf, Source


def from_file(values: Mapping[str, Any]) -> Source:
    """From a map of resource names to what is secret in their `destination_config`, in its own shape.

    `{"base-swaps": {"password": "..."}, "events": {"headers": {"Authorization": "..."}}}`
    """

    def value_of(leaf: Leaf) -> str | None:
        return _text_at(values, (leaf.resource, *leaf.path))

    return value_of


def from_environment(environment: Mapping[str, str]) -> Source:
    """From variables named after the config key: `base-swaps-password` is `GOLDRUSH_EXPORT_BASE_SWAPS_PASSWORD`."""

    def value_of(leaf: Leaf) -> str | None:
        return environment.get(variable_of(leaf)) or None

    return value_of


def variable_of(leaf: Leaf) -> str:
    """The environment variable that may hold a credential."""
    return "GOLDRUSH_EXPORT_" + re.sub(r"\W", "_", leaf.key, flags=re.ASCII).upper()


def from_stack_config(values: Mapping[str, Any], project: str) -> Source:
    """From what `pulumi config --show-secrets --json` answers for a stack of `project`, set for either form."""
    plain = {name: item.get("value") for name, item in values.items() if isinstance(item, Mapping)}
    declared = _object(plain.get(f"{project}:pipelines"))

    def value_of(leaf: Leaf) -> str | None:
        text = plain.get(f"{project}:{leaf.key}")
        return text if isinstance(text, str) else _text_at(declared, (leaf.resource, "destination_config", *leaf.path))

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
