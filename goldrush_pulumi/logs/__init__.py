"""Following a pipeline's logs: a stream made of the tail snapshots that GoldRush offers.

GoldRush answers the last lines of each pod, without a position and without a history. `follow` asks again and again,
recognises what it has shown, and marks whatever it may have missed. Source: API reference, get-pipeline-logs.
"""

from __future__ import annotations

from goldrush_pulumi.logs.cursor import CursorError
from goldrush_pulumi.logs.events import (
    CaughtUp,
    End,
    EndReason,
    Event,
    Gap,
    Line,
    NewDeployment,
    NewPod,
    NothingToTail,
    Waiting,
)
from goldrush_pulumi.logs.stream import LogClient, LogStream, follow

__all__ = [
    "CaughtUp",
    "CursorError",
    "End",
    "EndReason",
    "Event",
    "Gap",
    "Line",
    "LogClient",
    "LogStream",
    "NewDeployment",
    "NewPod",
    "NothingToTail",
    "Waiting",
    "follow",
]
