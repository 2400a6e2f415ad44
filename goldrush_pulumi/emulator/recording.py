"""What was asked: every request to the API, kept for assertions."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any


@dataclass
class RecordedRequest:
    """One request to the API.

    Args:
        method: HTTP method.
        path: Path without the query.
        query: The query string.
        body: The parsed JSON body; None when there was none or it was no JSON.
        pipeline_id: The pipeline it is about; after a POST the one it created.
        at: When it arrived, in seconds since the epoch.
        status: The answered status code; None while it runs and when the connection was dropped.
        account: Name of the account whose key it carried, if any.
    """

    method: str
    path: str
    query: str
    body: Any
    pipeline_id: str | None
    at: float
    status: int | None = None
    account: str | None = None

    @property
    def kind(self) -> str:
        """Method and path with the id left out, such as "GET /platform/pipeline-api/{id}/status/"."""
        in_path = self.pipeline_id is not None and self.pipeline_id in self.path
        return f"{self.method} {self.path.replace(str(self.pipeline_id), '{id}') if in_path else self.path}"


class Recorder:
    """Keeps requests in the order of their arrival. Safe to call from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[RecordedRequest] = []

    def add(self, request: RecordedRequest) -> None:
        """Keep a request."""
        with self._lock:
            self._requests.append(request)

    def all(self) -> list[RecordedRequest]:
        """Return all requests since the start or the last ``clear``."""
        with self._lock:
            return list(self._requests)

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._requests.clear()

    def counts(self) -> dict[str, int]:
        """Return how many requests of each kind there were."""
        return dict(Counter(request.kind for request in self.all()))
