"""Following a pipeline's logs: a stream made of tail snapshots.

GoldRush returns the last lines of each pod and tracks no read position. `follow` keeps polling, recognizes the lines
that it has shown, and marks each place where lines may be missing. Source: API reference, get-pipeline-logs.
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
