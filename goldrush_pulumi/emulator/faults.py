"""Injected faults: what goes wrong between a caller and the store, for chosen requests."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

HTML_BODY = "<html><head><title>502 Bad Gateway</title></head><body>upstream is away</body></html>"
"""A body as a proxy sends it, for responses that are not JSON."""
_CHANGING = frozenset({"PATCH", "PUT", "DELETE"})


@dataclass
class Fault:
    """What happens to matching requests. Patterns are globs.

    Args:
        method: HTTP method, or "*".
        path: Path as the caller sends it, such as "*/status/".
        pipeline: Name or id of the pipeline that the request is about; "*" also matches requests about none.
        status: Status code of the response; None lets the request through (after the delay).
        times: How many requests the fault applies to; None means all until it is cleared.
        skip: How many matching requests pass unharmed first.
        delay_seconds: How long the whole response is held back.
        retry_after: Value of the `Retry-After` header, of any kind; needs ``status``.
        body: A string is sent as HTML, anything else as JSON; None gives the usual error envelope.
        drop: Break the connection without a response, "before" or "after" the request is carried out.
        commit: Carry the request out although the response says something else.
        change: Return 200 with the old object (204 for a DELETE) and ignore the change ("ignored"), or carry it out
            after ``later_seconds`` ("later"). Applies to PATCH, PUT and DELETE.
        later_seconds: How late a change is carried out, in seconds of the emulator's clock.
        drip_seconds: Send the headers at once, and the body one byte at a time with this many seconds before each.
        unpacks_to_bytes: Pad the body with spaces to this size and send it compressed with gzip.
        hits: How many requests the fault was applied to.
    """

    method: str = "*"
    path: str = "*"
    pipeline: str = "*"
    status: int | None = None
    times: int | None = 1
    skip: int = 0
    delay_seconds: float = 0.0
    retry_after: float | str | None = None
    body: Any = None
    drop: Literal["before", "after"] | None = None
    commit: bool = False
    change: Literal["ignored", "later"] | None = None
    later_seconds: float = 1.0
    drip_seconds: float | None = None
    unpacks_to_bytes: int | None = None
    hits: int = 0

    def __post_init__(self) -> None:
        """Refuse a fault that could never do what it says."""
        if self.drop not in (None, "before", "after"):
            raise ValueError(f"drop: {self.drop!r} is unknown, use before or after")
        if self.change not in (None, "ignored", "later"):
            raise ValueError(f"change: {self.change!r} is unknown, use ignored or later")
        if self.status is not None and not 200 <= self.status <= 599:  # noqa: PLR2004 - the range of final HTTP statuses
            raise ValueError(f"status: {self.status} is not a final HTTP status, use 200 to 599")
        if self.retry_after is not None and self.status is None:
            raise ValueError("retry_after: needs a status, such as 429 or 503")
        if not (str(self.retry_after).isascii() and str(self.retry_after).isprintable()):
            raise ValueError("retry_after: is not a valid header value, use printable ASCII characters")
        for name in ("delay_seconds", "later_seconds", "drip_seconds", "unpacks_to_bytes"):
            if (getattr(self, name) or 0) < 0:
                raise ValueError(f"{name}: {getattr(self, name)} is negative, use 0 or more")
        self.method = self.method.upper()

    @property
    def responds(self) -> bool:
        """Whether the fault sends a response of its own."""
        return self.status is not None or self.body is not None

    @property
    def commits(self) -> bool:
        """Whether the request is carried out although its response is lost."""
        return self.commit or self.drop == "after"

    def matches(self, method: str, path: str, subjects: tuple[str, ...]) -> bool:
        """Return whether the fault applies to a request; ``subjects`` are the id and the name of its pipeline."""
        return (
            fnmatchcase(method, self.method)
            and (self.change is None or method in _CHANGING)
            and fnmatchcase(path, self.path)
            and (self.pipeline == "*" or any(fnmatchcase(subject, self.pipeline) for subject in subjects))
        )


class Faults:
    """All faults, in the order in which they were added. Safe to call from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Apply a fault from now on."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()

    def all(self) -> list[Fault]:
        """Return the faults, used-up ones included."""
        with self._lock:
            return list(self._faults)

    def take(self, method: str, path: str, subjects: tuple[str, ...]) -> Fault | None:
        """Return the first fault that applies to this request, and count it."""
        with self._lock:
            for fault in self._faults:
                used_up = fault.times is not None and fault.hits >= fault.times
                if used_up or not fault.matches(method, path, subjects):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.hits += 1
                return fault
        return None
