"""One call of the API as a value: what is sent, how long it may take, and the error of a change that may be applied."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import urlsplit

from goldrush_pulumi.api.errors import AmbiguousResult, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping


class Deadline:
    """A moment `seconds` from now; never, when `seconds` is None."""

    def __init__(self, seconds: float | None) -> None:
        self._ends_at = inf if seconds is None else monotonic() + seconds

    @property
    def is_set(self) -> bool:
        """Whether there is a limit at all."""
        return self._ends_at < inf

    @property
    def remaining_seconds(self) -> float:
        """The time that is left, never below 0; infinite without a limit."""
        return max(0.0, self._ends_at - monotonic())

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return self.remaining_seconds <= 0


class Facts(TypedDict):
    """What every error says about its request."""

    method: str
    path: str


@dataclass(frozen=True)
class ApiCall:
    """A request to be sent, perhaps more than once.

    `action` is "verb noun name" for messages. `names_pipeline` is True for a call about one pipeline, False for one
    about the list. The body stays out of `repr`: it holds credentials of the destination.
    """

    action: str
    method: str
    url: str
    names_pipeline: bool = True
    parameters: Mapping[str, int] = field(default_factory=dict)
    body: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def changes(self) -> bool:
        """Whether it changes something; everything but GET does."""
        return self.method != "GET"

    @property
    def is_repeatable(self) -> bool:
        """Whether sending it twice is the same as once; a POST has no idempotency key."""
        return self.method != "POST"

    @property
    def path(self) -> str:
        """Path of the URL, without host and query."""
        return urlsplit(self.url).path

    @property
    def facts(self) -> Facts:
        """Method and path, for an error."""
        return {"method": self.method, "path": self.path}

    @property
    def host(self) -> str:
        """Host of the URL."""
        return urlsplit(self.url).hostname or ""

    def encoded_body(self) -> bytes | None:
        """Return the body as JSON, None for a call without one.

        Raises:
            InvalidRequest: a value cannot be written as JSON. The message leaves the value out: it may be secret.
        """
        if self.body is None:
            return None
        encoded = _encode(self.body)
        if encoded is None:
            reason = "a value of the request cannot be written as JSON"
            advice = "use strings, whole numbers, true or false, lists and maps"
            raise InvalidRequest(self.action, reason, advice=advice, **self.facts)
        return encoded

    def ambiguous(self, reason: str, *, kind: type[AmbiguousResult] = AmbiguousResult, **facts: Any) -> AmbiguousResult:
        """Build the error of a change that was sent and may have been applied; `facts` are attributes of `APIError`."""
        advice = "look at the pipelines of the account before you try again"
        return kind(self.action, f"not known whether it was applied: {reason}", advice=advice, **self.facts, **facts)


def _encode(body: Mapping[str, Any]) -> bytes | None:
    try:
        return json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        return None
