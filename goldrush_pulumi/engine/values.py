"""Values as they travel between engine and provider: unknown ones and secret ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.schema.wire import SECRET_SIGNATURE, SIGNATURE_KEY, UNKNOWN_VALUE

if TYPE_CHECKING:
    from typing_extensions import TypeIs


def is_unknown(value: object) -> bool:
    """Return whether `value` stands for something only known after other resources exist (previews only)."""
    from pulumi.output import Unknown  # noqa: PLC0415 - the engine bridge must cost a program nothing

    return isinstance(value, Unknown) or (isinstance(value, str) and value == UNKNOWN_VALUE)


def contains_unknown(value: object) -> bool:
    """Return whether `value` is unknown or holds something unknown at any depth."""
    if isinstance(value, Mapping):
        return any(contains_unknown(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(contains_unknown(item) for item in value)
    return is_unknown(value)


def secret(value: object) -> dict[str, Any]:
    """Mark `value` as secret in inputs or outputs, so that the engine encrypts it in the state.

    The marker is that of the wire protocol. The engine honors it at any depth of a verb's result, although the host
    declares that it takes no secrets. A value that is already marked is returned as it is.
    """
    if _is_secret(value):
        return value
    return {SIGNATURE_KEY: SECRET_SIGNATURE, "value": value}


def unwrap_secrets(value: Any) -> Any:
    """Return `value` without the markers of secrets, at any depth: the inverse of `secret`."""
    if _is_secret(value):
        return unwrap_secrets(value.get("value"))
    if isinstance(value, Mapping):
        return {key: unwrap_secrets(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [unwrap_secrets(item) for item in value]
    return value


def is_plain(value: object) -> bool:
    """Return whether the host can send `value`; where it cannot, its own error would print it."""
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and is_plain(item) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return all(map(is_plain, value))
    return value is None or isinstance(value, (str, int, float)) or is_unknown(value)


def _is_secret(value: object) -> TypeIs[dict[str, Any]]:
    return isinstance(value, dict) and value.get(SIGNATURE_KEY) == SECRET_SIGNATURE
