"""The events of a log stream: lines as the pods wrote them, and markers apart from the log text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class EndReason(Enum):
    """Why a log stream ended."""

    DELETED = "deleted"
    PAUSED = "paused"
    STOPPED = "stopped"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Line:
    """One line of a pod, as it came, without its newline. The first one after a marker may have lost its beginning."""

    pod: str
    text: str


@dataclass(frozen=True)
class Gap:
    """An unknown number of lines of a pod may be missing here: the tail moved on by more than is known."""

    pod: str


@dataclass(frozen=True)
class NewPod:
    """A new pod. The last lines of the one that it replaces may never have been seen."""

    pod: str


@dataclass(frozen=True)
class NewDeployment:
    """A new deployment began at `start_time`, by the server's clock."""

    start_time: str


@dataclass(frozen=True)
class NothingToTail:
    """A pod has no log now; `reason` is the runtime's message in its place. Yielded once, until lines come."""

    pod: str
    reason: str


@dataclass(frozen=True)
class CaughtUp:
    """All lines that existed at the start have been yielded; new ones follow."""


@dataclass(frozen=True)
class Waiting:
    """GoldRush did not respond, for `reason`; the next poll is in `seconds`. No line is lost yet."""

    reason: str
    seconds: float


@dataclass(frozen=True)
class End:
    """The last event, with its reason."""

    reason: EndReason


Event = Line | Gap | NewPod | NewDeployment | NothingToTail | CaughtUp | Waiting | End
