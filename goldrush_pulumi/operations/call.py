"""What a front-end knows about one call of a verb, beside the properties of the resource."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from goldrush_pulumi.schema.wire import UNKNOWN_VALUE

DEFAULT_TIMEOUT_SECONDS: Final = 600.0
"""How long create, update and delete may take where `custom_timeouts` says nothing."""

_LATE_STATE: Final = "PULUMI_SKIP_CHECKPOINTS"
"""The CLI's own variable; it hands its environment on to plugins."""


def saves_state_late() -> bool:
    """Return whether the engine saves state when the run ends, and not after each step."""
    return os.environ.get(_LATE_STATE, "").lower() in {"1", "true"}


def is_unknown_value(value: object) -> bool:
    """Return whether `value` is the wire protocol's stand-in for a value that is not known yet."""
    return isinstance(value, str) and value == UNKNOWN_VALUE


def contains_unknown(value: object, is_unknown: Callable[[object], bool] = is_unknown_value) -> bool:
    """Return whether `value` is unknown or holds something unknown at any depth."""
    if isinstance(value, Mapping):
        return any(contains_unknown(item, is_unknown) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(contains_unknown(item, is_unknown) for item in value)
    return is_unknown(value)


def _say_nothing(_text: str) -> None:
    """Stand in where nobody listens."""


@dataclass(frozen=True)
class CallContext:
    """One call of a verb.

    Attributes:
        urn: The resource's URN; empty where the front-end does not know it.
        name: The resource's name in the program.
        recorded_inputs: The recorded inputs where the verb has them (update and diff: the old ones, read: the present
            ones), secrets in clear; else {}.
        timeout_seconds: How long the verb may take; None when the user set no `custom_timeouts`.
        is_unknown: Returns whether a value is only known after other resources exist (previews only).
        status: Shows a line on the resource's row while the verb runs.
        warn: Shows a warning that stays.
        warn_once: Shows a warning that stays, one time only for this resource in this process.
    """

    urn: str = ""
    name: str = ""
    recorded_inputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    timeout_seconds: float | None = None
    is_unknown: Callable[[object], bool] = is_unknown_value
    status: Callable[[str], None] = _say_nothing
    warn: Callable[[str], None] = _say_nothing
    warn_once: Callable[[str], None] = _say_nothing

    def is_known(self, value: object) -> bool:
        """Return whether all of `value` is known."""
        return not contains_unknown(value, self.is_unknown)


def name_in(urn: str) -> str:
    """Return the resource's name at the end of a URN, `urn:pulumi:<stack>::<project>::<types>::<name>`.

    The name itself may hold "::".
    """
    return urn.split("::", 3)[-1]
