"""What future deployments of chosen pipelines are to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, get_args

Outcome = Literal["RUNNING", "FAILED", "HANG", "FLAP"]
Until = Literal["patched", "resumed", "never", "healed by time"]

_CURES: dict[str, frozenset[str]] = {
    "patched": frozenset({"patched", "resumed", "created"}),
    "resumed": frozenset({"resumed", "created"}),
    "never": frozenset(),
    "healed by time": frozenset(),
}


@dataclass
class Script:
    """The fate of deployments of the pipelines whose name matches a glob.

    Args:
        name: Glob of pipeline names.
        outcome: "RUNNING", "FAILED", "HANG" (stays DEPLOYING) or "FLAP" (RUNNING, FAILED and RUNNING again).
        logs: Lines that the worker writes before it ends up there.
        health_error: What destination-health reports as `last_error`.
        until: What ends the script for a pipeline it has struck: a PATCH, a pause with a resume, nothing, or
            ("healed by time") a failure that recovers by itself. None follows the switch `failed_heals_by`.
        replicas: Desired replicas of the deployment.
        ready: Replicas that become ready once RUNNING; None means all.
    """

    name: str = "*"
    outcome: Outcome = "FAILED"
    logs: list[str] = field(default_factory=list)
    health_error: str | None = None
    until: Until | None = None
    replicas: int = 1
    ready: int | None = None
    struck: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Refuse an outcome or an end that does not exist."""
        _require("outcome", self.outcome, get_args(Outcome))
        if self.until is not None:
            _require("until", self.until, get_args(Until))

    def applies(self, pipeline_id: str, name: str, cause: str, default_until: Until) -> bool:
        """Tell whether the deployment of a pipeline that came from ``cause`` meets this fate."""
        if not fnmatchcase(name, self.name):
            return False
        cured_by = _CURES[self.until or default_until]
        return pipeline_id not in self.struck or cause not in cured_by


class ScriptBook:
    """All scripts; the one added last speaks first, and one that is over for a pipeline lets the next speak."""

    def __init__(self) -> None:
        self._scripts: list[Script] = []

    def add(self, script: Script) -> None:
        """Put a script before all others."""
        self._scripts.insert(0, script)

    def clear(self) -> None:
        """Drop all scripts: deployments come up again."""
        self._scripts.clear()

    def find(self, pipeline_id: str, name: str, cause: str, default_until: Until) -> Script | None:
        """Return the script that decides this deployment, and note that it struck."""
        for script in self._scripts:
            if script.applies(pipeline_id, name, cause, default_until):
                script.struck.add(pipeline_id)
                return script
        return None


def _require(field_name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        message = f"{field_name}: {value!r} is unknown, use one of {', '.join(allowed)}"
        raise ValueError(message)
