"""Credentials that stand in a stack file in clear, where Pulumi would keep them encrypted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any

from goldrush_pulumi.validation.destination_rules import resolve_type
from goldrush_pulumi.validation.destinations import secret_paths
from goldrush_pulumi.validation.problems import Problem, field_path, warning
from goldrush_pulumi.validation.unknowns import UNKNOWN
from goldrush_pulumi.validation.values import holds_placeholder

_SERVICE_KEY = "goldrush:serviceKey"
_WRONG = "is a credential in clear text"


def find_clear_credentials(path: str, entry: object) -> Iterator[Problem]:
    """Find the credentials of one declared pipeline that are not encrypted.

    A placeholder such as `${PG_PASSWORD}` is filled in elsewhere and tells nothing.

    Args:
        path: Where the pipeline stands, such as `pipelines.base-swaps`.
        entry: What stands there.
    """
    config = entry.get("destination_config") if isinstance(entry, Mapping) else None
    if not isinstance(entry, Mapping) or not isinstance(config, Mapping):
        return
    for keys in secret_paths(resolve_type(entry), config):
        leaf: Any = reduce(lambda value, key: value[key], keys, config)
        if leaf is UNKNOWN or not leaf or (isinstance(leaf, str) and holds_placeholder(leaf)):
            continue
        place = reduce(field_path, keys, f"{path}.destination_config")
        yield warning(place, _WRONG, f"encrypt it with `pulumi config set --secret --path '{place}'`")


def find_clear_service_key(config: Mapping[str, object]) -> Iterator[Problem]:
    """Find a ServiceKey that stands in the `config` of a stack file and is not encrypted."""
    key = config.get(_SERVICE_KEY)
    if key is not None and key is not UNKNOWN:
        right = f"encrypt it with `pulumi config set --secret {_SERVICE_KEY}`"
        yield warning(field_path("config", _SERVICE_KEY), _WRONG, right)
