"""Another client of an account that creates and deletes pipelines all the time, so that its list never holds still."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_ROUNDS = 1000
"""Rounds that are made up for at once; after a long pause the rest would only replace pipelines that nobody saw."""


@dataclass(frozen=True)
class ChurnPlan:
    """What the other client does. One round creates a pipeline and deletes the oldest of its own.

    Args:
        pipelines: How many pipelines it has from the start, all paused.
        per_second: Rounds per second of the emulator's clock.
        per_page: Rounds before each page of the list is returned.
    """

    pipelines: int = 100
    per_second: float = 5.0
    per_page: int = 0

    def __post_init__(self) -> None:
        """Refuse negative numbers."""
        for name in ("pipelines", "per_second", "per_page"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: {getattr(self, name)} is negative, use 0 or more")


class Churn:
    """The other client at work. The store holds its lock during every call.

    Args:
        plan: What the client does.
        create: Creates a pipeline from a request body and returns its id.
        delete: Deletes a pipeline at once, if it still exists.
        now: The present time in seconds since the epoch.
    """

    def __init__(
        self, plan: ChurnPlan, create: Callable[[dict[str, Any]], str], delete: Callable[[str], None], now: float
    ) -> None:
        self.plan = plan
        self.created = 0
        self._create = create
        self._delete = delete
        self._started = now
        self._rounds = 0
        self._own: deque[str] = deque()
        for _ in range(plan.pipelines):
            self._add()

    def advance(self, now: float) -> None:
        """Do the rounds that are due by ``now``."""
        due = int((now - self._started) * self.plan.per_second)
        for _ in range(min(due - self._rounds, _MOST_ROUNDS)):
            self._round()
        self._rounds = max(due, self._rounds)

    def before_page(self) -> None:
        """Do the rounds that come before a page of the list."""
        for _ in range(self.plan.per_page):
            self._round()

    def end(self) -> None:
        """Delete every pipeline of the client."""
        while self._own:
            self._delete(self._own.popleft())

    def _round(self) -> None:
        self._add()
        self._delete(self._own.popleft())

    def _add(self) -> None:
        self.created += 1
        self._own.append(self._create(_body(self.created)))


def _body(number: int) -> dict[str, Any]:
    return {
        "name": f"churn {number}",
        "project": "churn",
        "topic": "base.mainnet.ref.block.swaps",
        "destination_type": "postgres",
        "destination_config": {"url": "postgresql://db.example.com/churn", "user": "churn", "password": "churn"},
        "execution_mode": "unbounded",
        "status": "paused",
    }
