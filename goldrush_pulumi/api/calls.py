"""One call of the API, as a value: what errors say about it, and what is sent."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import urlsplit

from goldrush_pulumi.api.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping


class Facts(TypedDict):
    """What every error says about its request."""

    method: str
    path: str


@dataclass(frozen=True)
class Call:
    """A request to be sent, perhaps more than once.

    `action` is "verb noun name" for messages; `names_pipeline` tells a call about one pipeline from one about the
    list. The body stays out of `repr`: it holds credentials of the destination.
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
    def facts(self) -> Facts:
        """Method and path, for an error."""
        return {"method": self.method, "path": urlsplit(self.url).path}

    @property
    def host(self) -> str:
        """The host it goes to."""
        return urlsplit(self.url).hostname or ""

    def encoded_body(self) -> bytes | None:
        """Return the body as JSON, None for a call without one.

        Raises:
            InvalidRequest: something in it cannot be written as JSON. Says neither what nor where: it may be secret.
        """
        if self.body is None:
            return None
        encoded = _encode(self.body)
        if encoded is None:
            reason = "a value of the request cannot be written as JSON"
            advice = "use texts, whole numbers, true or false, lists and maps"
            raise InvalidRequest(self.action, reason, advice=advice, **self.facts)
        return encoded


def _encode(body: Mapping[str, Any]) -> bytes | None:
    try:
        return json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        return None
