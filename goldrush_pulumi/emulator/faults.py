"""Faults: what goes wrong between a caller and the store, for chosen requests."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

HTML_BODY = "<html><head><title>502 Bad Gateway</title></head><body>upstream is away</body></html>"
"""A body as a proxy would send it, for faults that must not be JSON."""


@dataclass
class Fault:
    """What happens to requests that match. Patterns are globs.

    Args:
        method: HTTP method, or "*".
        path: Path as the caller sends it, such as "*/status/".
        pipeline: Name or id of the pipeline that the request is about; "*" also matches requests about none.
        status: Status code to answer with; None lets the request through (after the delay).
        times: How many requests it strikes; None strikes until it is cleared.
        skip: How many matching requests pass unharmed first.
        delay_seconds: How long the answer is held back.
        retry_after: Value of the `Retry-After` header.
        body: Text is sent as HTML, anything else as JSON; None gives the usual error envelope.
        drop: Break the connection without an answer, "before" or "after" the request is carried out.
        commit: Carry the request out before the fault answers, as a gateway that lost patience.
    """

    method: str = "*"
    path: str = "*"
    pipeline: str = "*"
    status: int | None = None
    times: int | None = 1
    skip: int = 0
    delay_seconds: float = 0.0
    retry_after: int | str | None = None
    body: Any = None
    drop: Literal["before", "after"] | None = None
    commit: bool = False
    hits: int = 0

    def __post_init__(self) -> None:
        """Refuse a fault that could never do what it says."""
        if self.drop not in (None, "before", "after"):
            message = f"drop: {self.drop!r} is unknown, use before or after"
            raise ValueError(message)
        if self.status is not None and not 200 <= self.status <= 599:  # noqa: PLR2004 - the range of final HTTP statuses
            message = f"status: {self.status} is no final HTTP status, use 200 to 599"
            raise ValueError(message)
        self.method = self.method.upper()

    @property
    def answers(self) -> bool:
        """Whether the fault answers in the place of the store."""
        return self.status is not None or self.body is not None

    @property
    def commits(self) -> bool:
        """Whether the request is carried out although its answer gets lost."""
        return self.commit or self.drop == "after"

    def matches(self, method: str, path: str, subjects: tuple[str, ...]) -> bool:
        """Tell whether a request is meant; ``subjects`` are the id and the name of its pipeline."""
        return (
            fnmatchcase(method, self.method)
            and fnmatchcase(path, self.path)
            and (self.pipeline == "*" or any(fnmatchcase(subject, self.pipeline) for subject in subjects))
        )


class FaultBook:
    """All faults, in the order they were added. Safe to call from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let a fault strike from now on."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Drop all faults."""
        with self._lock:
            self._faults.clear()

    def all(self) -> list[Fault]:
        """Return the faults, spent ones included."""
        with self._lock:
            return list(self._faults)

    def take(self, method: str, path: str, subjects: tuple[str, ...]) -> Fault | None:
        """Return the first fault that strikes this request, and count it."""
        with self._lock:
            for fault in self._faults:
                spent = fault.times is not None and fault.hits >= fault.times
                if spent or not fault.matches(method, path, subjects):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.hits += 1
                return fault
        return None
