"""Which pipelines the verbs of one process have to do with, so that none is taken twice or deleted under another."""

from __future__ import annotations

import threading


class Ledger:
    """Shared by all threads of a process.

    A pipeline that any verb works on belongs to some resource and is nobody's leftover. One that is known to be the
    resource's of one URN must not become another's.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._holders: dict[str, str] = {}

    def see(self, pipeline_id: str) -> None:
        """Note a pipeline that is some resource's."""
        with self._lock:
            self._seen.add(pipeline_id)

    def has_seen(self, pipeline_id: str) -> bool:
        """Whether the pipeline is known to be some resource's."""
        with self._lock:
            return pipeline_id in self._seen

    def hold(self, pipeline_id: str, urn: str) -> str | None:
        """Note that the resource `urn` has a pipeline; answers the URN of another one that has it, if one does."""
        with self._lock:
            self._seen.add(pipeline_id)
            holder = self._holders.setdefault(pipeline_id, urn)
            return None if holder == urn else holder

    def take(self, pipeline_id: str, urn: str) -> bool:
        """Take a pipeline for the new resource `urn`; False when it is some resource's already."""
        with self._lock:
            if pipeline_id in self._seen:
                return False
            self._seen.add(pipeline_id)
            self._holders[pipeline_id] = urn
            return True

    def other_holder(self, pipeline_id: str, urn: str) -> str | None:
        """The URN of the resource that has a pipeline, where that is known and it is not `urn`."""
        with self._lock:
            holder = self._holders.get(pipeline_id, urn)
            return None if holder == urn else holder
