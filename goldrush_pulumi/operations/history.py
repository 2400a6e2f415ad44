"""The record of one deployment: what was done to a pipeline, in which steps, and how it ended.

GoldRush keeps no history of changes, so the provider writes its own: the last five records are an output of the
pipeline. A record holds no text of a log and no value of an input.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

KEPT: Final = 5
"""How many records stay in state."""

Action = Literal["create", "update", "pause", "resume", "adopt", "await"]

Command = Literal["pause", "resume", "restart", "delete"]
"""What the command line records of itself, on the machine on which it runs."""

RunStatus = Literal["Succeeded", "Failed", "TimedOut", "Cancelled"]

Step = Literal["look-up", "submit", "deploy", "ready", "destination"]


def utc_now() -> str:
    """The time now as ISO 8601 in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Run:
    """A deployment being recorded. `enter` each step in turn, then `finish`; `as_output` is what state keeps.

    `changed` are the names of the inputs that changed, None where there was nothing to compare with. `author` says who
    did it, as far as that is known.
    """

    action: Action | Command
    config_version: str
    now: Callable[[], str] = utc_now
    changed: tuple[str, ...] | None = None
    author: Mapping[str, str] = field(default_factory=dict)
    status: RunStatus | Literal["Running"] = "Running"
    steps: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.started_at = self.now()
        self.finished_at: str | None = None

    def enter(self, name: Step) -> None:
        """Begin the step `name`; the one before it is thereby over, and went well. Entering it again is nothing new."""
        if self.steps and self.steps[-1]["name"] == name:
            return
        self._close("Succeeded")
        self.steps.append({"name": name, "status": "Running", "started_at": self.now()})

    def finish(self, status: RunStatus) -> None:
        """Close the record and with it the step it was in, which ended the same way."""
        self._close(status)
        self.status, self.finished_at = status, self.now()

    def _close(self, status: RunStatus) -> None:
        if self.steps and self.steps[-1]["status"] == "Running":
            self.steps[-1] |= {"status": status, "finished_at": self.now()}

    def as_output(self) -> dict[str, Any]:
        """The record as it is kept in state."""
        return {
            "config_version": self.config_version,
            "action": self.action,
            "status": self.status,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            **({} if self.changed is None else {"changed": list(self.changed)}),
            **self.author,
            "steps": [dict(step) for step in self.steps],
        }


def recorded(run: Run, earlier: Sequence[Any] | None) -> list[Any]:
    """The records to keep, newest first: `run`, then the newest of the `earlier` ones."""
    return [run.as_output(), *(earlier or [])][:KEPT]
