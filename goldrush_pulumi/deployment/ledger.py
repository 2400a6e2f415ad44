"""Which pipelines the verbs of one process have to do with, so that none is taken twice."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from goldrush_pulumi.deployment.census import Census

if TYPE_CHECKING:
    from goldrush_pulumi.api import GoldRushClient


class Ledger:
    """Shared by all threads of a process.

    `census` is what was there before. An id that another verb works on belongs to another resource; one that was
    handed out is a resource's already.
    """

    def __init__(self, client: GoldRushClient) -> None:
        self.census = Census(client)
        self._lock = threading.Lock()
        self._seen: set[str] = set()

    def see(self, pipeline_id: str) -> None:
        """Note a pipeline that is some resource's."""
        with self._lock:
            self._seen.add(pipeline_id)

    def delete(self, pipeline_id: str) -> None:
        """Note a pipeline that is being deleted."""
        self.see(pipeline_id)
        self.census.forget(pipeline_id)

    def has_seen(self, pipeline_id: str) -> bool:
        """Whether the pipeline is known to be some resource's."""
        with self._lock:
            return pipeline_id in self._seen

    def take(self, pipeline_id: str) -> bool:
        """Take a pipeline for a new resource; False when another resource of this process has it."""
        with self._lock:
            if pipeline_id in self._seen:
                return False
            self._seen.add(pipeline_id)
            return True
