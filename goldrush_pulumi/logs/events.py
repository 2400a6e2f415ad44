"""What following logs yields: lines as the pods wrote them, and markers that no pod could have written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class EndReason(Enum):
    """Why a stream of logs is over."""

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
    """Lines of a pod may be missing here: the tail moved on by more than is known. How many, nobody can tell."""

    pod: str


@dataclass(frozen=True)
class NewPod:
    """A pod that was not there before. The last lines of the one it replaces may never have been seen."""

    pod: str


@dataclass(frozen=True)
class NewDeployment:
    """The pipeline was deployed anew at `start_time`, by the server's clock."""

    start_time: str


@dataclass(frozen=True)
class NothingToTail:
    """A pod has no log now; `reason` is what the runtime said in its place. Said once, until lines come."""

    pod: str
    reason: str


@dataclass(frozen=True)
class CaughtUp:
    """All lines that were there at the beginning have been yielded; what follows is new."""


@dataclass(frozen=True)
class Waiting:
    """GoldRush did not answer, for `reason`; it is asked again in `seconds`. Nothing is lost by it yet."""

    reason: str
    seconds: float


@dataclass(frozen=True)
class End:
    """The last event, and why it is the last."""

    reason: EndReason


Event = Line | Gap | NewPod | NewDeployment | NothingToTail | CaughtUp | Waiting | End
