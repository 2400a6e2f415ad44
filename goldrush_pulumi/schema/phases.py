"""The phases of a pipeline's worker, and what each means.

A phase that is added here is known to waits, log streams and the command line. Source: API reference,
get-pipeline-status; how phases follow one another is not documented.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Tone = Literal["good", "bad", "pending", "quiet"]


class Phase(StrEnum):
    """What a worker does. The API may answer others: one that is not listed here counts as on its way."""

    DEPLOYING = "DEPLOYING"
    """The worker starts."""
    RUNNING = "RUNNING"
    """The worker runs; the pipeline is live when every replica is ready."""
    PAUSED = "PAUSED"
    """The worker does not run, because the desired status is "paused"."""
    FAILED = "FAILED"
    """The worker crashed."""
    STOPPING = "STOPPING"
    """The worker ends."""
    STOPPED = "STOPPED"
    """The worker has ended: the goal of a bounded pipeline, and a failure of an unbounded one."""


ENDS_OF_LOGS: frozenset[Phase] = frozenset({Phase.PAUSED, Phase.FAILED, Phase.STOPPED})
"""Phases in which a worker writes no more log lines."""

TONES: dict[Phase, Tone] = {
    Phase.RUNNING: "good",
    Phase.FAILED: "bad",
    Phase.DEPLOYING: "pending",
    Phase.STOPPING: "pending",
    Phase.PAUSED: "quiet",
    Phase.STOPPED: "quiet",
}
"""How a phase is colored for people."""
