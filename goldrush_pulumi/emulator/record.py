"""One pipeline as the emulator keeps it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from goldrush_pulumi.emulator.lifecycle import Leg


@dataclass
class Record:
    """The configuration of a pipeline beside the state of its worker. Times are seconds since the epoch."""

    id: str
    group_id: str
    config: dict[str, Any]
    created_at: float
    updated_at: float

    phase: str = "PAUSED"
    ready: int = 0
    replicas: int = 1
    start_time: float | None = None

    itinerary: list[Leg] = field(default_factory=list)
    leg_since: float = 0.0
    """The instant that the first leg of the itinerary counts from."""
    reads: int = 0
    """Status reads since then."""
    turn: int = 0
    """Counts changes of course; an alarm set for an earlier turn is void."""

    cause: str = "created"
    """What the running deployment came from: "created", "patched" or "resumed"."""
    deployments: int = 0
    fate: dict[str, Any] = field(default_factory=dict)
    """What this deployment comes to: outcome, logs, health_error, ready."""

    logs: list[str] = field(default_factory=list)
    health_error: str | None = None
    probed: bool = False

    position: int = 0
    """The block height that was committed last."""
    running_since: float | None = None

    @property
    def uid(self) -> str:
        """The name of the worker; the runtime allows no underscore in it."""
        return f"covalent-{self.config['destination_type']}-{self.id}".replace("_", "-")

    def block_height(self, now: float) -> int:
        """Return the height reached by ``now``: the worker reads one block a second."""
        height = self.position
        if self.running_since is not None:
            height += int(now - self.running_since)
        stop = str(self.config.get("execution_stop_from") or "")
        return min(height, int(stop)) if stop else height

    def rewind(self, height: int, now: float) -> None:
        """Go on reading from another block height."""
        self.position = height
        if self.running_since is not None:
            self.running_since = now

    def to_json(self) -> dict[str, Any]:
        """Return plain values that ``from_json`` reads back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Record:
        """Rebuild a record from what ``to_json`` returned."""
        return cls(**{**values, "itinerary": [Leg(**leg) for leg in values["itinerary"]]})
