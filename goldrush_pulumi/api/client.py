"""The ten endpoints of the GoldRush Pipeline API, one method each. Knows nothing of Pulumi.

Source: the Pipeline REST API overview and its ten reference pages. Every path ends in a slash.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import SecretStr

from goldrush_pulumi.api.errors import (
    ConfigurationError,
    Interrupted,
    OutOfTime,
    RateLimited,
    UnexpectedResponse,
    shown_line,
)
from goldrush_pulumi.api.models import (
    Answer,
    DestinationHealth,
    Pipeline,
    PipelineLogs,
    PipelineMetrics,
    PipelinePage,
    PipelineStatus,
)
from goldrush_pulumi.api.rate_limit import RateLimiter
from goldrush_pulumi.api.responses import ResponseReader
from goldrush_pulumi.api.retries import DEFAULT_RETRY_SECONDS, retrying
from goldrush_pulumi.api.transport import Call, Connection, Deadline, RawResponse
from goldrush_pulumi.api.urls import DEFAULT_BASE_URL, pipeline_path, usable_base_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import httpx

_PAGE_SIZE: Final = 100

_MOST_PAGES: Final = 10_000

_STATUS_VERBS: Final = {"running": "resume", "paused": "pause"}

A = TypeVar("A", bound=Answer)

R = TypeVar("R")


class GoldRushClient:
    """The pipelines of one account. Safe to share between threads; its connections are pooled.

    Calls that can be repeated safely are, for `retry_seconds`; see `retries` for the rules. Once `cancelled` is set, a
    request under way ends and nothing new starts. `before_change` is called right before every request that changes
    something, at each try; what it raises keeps the request from being sent and passes through. `key_source` says in
    messages where the key came from. Without a `rate_limiter` the client makes its own, at the default rate.

    A `timeout_seconds` bounds a whole call, its waits and repeats included.

    Raises (every call):
        ConfigurationError: the machine's proxy or certificate settings cannot be used.
        Interrupted: cancelled before the request, or between two tries.
        APIError: GoldRush refused, answered strangely or did not answer; see its subclasses.
    """

    def __init__(
        self,
        *,
        service_key: str | SecretStr,
        base_url: str = DEFAULT_BASE_URL,
        key_source: str = "the caller",
        cancelled: threading.Event | None = None,
        before_change: Callable[[], None] | None = None,
        rate_limiter: RateLimiter | None = None,
        transport: httpx.BaseTransport | None = None,
        max_connections: int = 256,
        retry_seconds: float = DEFAULT_RETRY_SECONDS,
    ) -> None:
        """Check key and URL; nothing is opened before the first call.

        Raises:
            ConfigurationError: the key or the base URL cannot be used.
        """
        key = _usable_key(service_key, key_source)
        self._base_url = usable_base_url(base_url)
        self._reader = ResponseReader(key_source, lambda text: text.replace(key.get_secret_value(), "[secret]"))
        self._connection = Connection(self._base_url, key, transport=transport, max_connections=max_connections)
        self._cancelled = cancelled or threading.Event()
        self._before_change = before_change or (lambda: None)
        self._pacer = rate_limiter or RateLimiter(cancelled=self._cancelled)
        self._retry_seconds = retry_seconds

    def __repr__(self) -> str:
        return f"GoldRushClient({self._base_url})"

    def list_pipelines(
        self, page_number: int = 1, page_size: int = _PAGE_SIZE, *, timeout_seconds: float | None = None
    ) -> PipelinePage:
        """Return one page of the pipelines that the key sees; pages count from 1."""
        parameters = {"page_number": page_number, "page_size": page_size}
        call = Call("list pipelines", "GET", self._base_url, names_pipeline=False, parameters=parameters)
        return self._answer(PipelinePage, call, timeout_seconds)

    def iterate_pipelines(self) -> Iterator[Pipeline]:
        """Yield every pipeline that the key sees, page by page, each id once.

        Raises:
            UnexpectedResponse: the list says that there is more and brings nothing new.
        """
        seen: set[str] = set()
        for number in range(1, _MOST_PAGES + 1):
            page = self.list_pipelines(number)
            fresh = {pipeline.id: pipeline for pipeline in page.items if pipeline.id not in seen}
            yield from fresh.values()
            if not page.has_more:
                return
            if not fresh:
                break
            seen |= fresh.keys()
        reason = "the list has no end, it always says that more follows"
        raise UnexpectedResponse("list pipelines", reason, advice="try again later", method="GET")

    def create_pipeline(self, body: Mapping[str, Any]) -> Pipeline:
        """Create a pipeline and return it with its id; its worker is then being deployed.

        Raises:
            AmbiguousResult: it was sent and no usable answer came. It may exist, and is not sent again.
        """
        call = Call("create pipeline", "POST", self._base_url, names_pipeline=False, body=body)
        return self._answer(Pipeline, call)

    def get_pipeline(self, pipeline_id: str, *, timeout_seconds: float | None = None) -> Pipeline:
        """Return the configuration of a pipeline, credentials masked."""
        return self._answer(Pipeline, self._about("get pipeline", pipeline_id, "GET"), timeout_seconds)

    def update_pipeline(self, pipeline_id: str, body: Mapping[str, Any]) -> Pipeline:
        """Change the fields in `body`, leave the others, and return the whole."""
        return self._answer(Pipeline, self._about("update pipeline", pipeline_id, "PATCH", body=body))

    def set_pipeline_status(self, pipeline_id: str, status: str) -> Pipeline:
        """Pause or resume a pipeline: `status` is "paused" or "running"."""
        verb = _STATUS_VERBS.get(status, "set status of")
        return self._answer(Pipeline, self._about(f"{verb} pipeline", pipeline_id, "PUT", body={"status": status}))

    def delete_pipeline(self, pipeline_id: str) -> None:
        """Delete a pipeline for good; data it has written stays.

        Raises:
            PipelineNotFound: it is not there, perhaps because an earlier try whose answer was lost deleted it.
        """
        call = self._about("delete pipeline", pipeline_id, "DELETE")
        self._perform(call, lambda reply: self._reader.read(call, reply))

    def get_pipeline_status(self, pipeline_id: str, *, timeout_seconds: float | None = None) -> PipelineStatus:
        """Return the phase of a pipeline's worker, and how many replicas are ready."""
        call = self._about("get status of pipeline", pipeline_id, "GET", "status")
        return self._answer(PipelineStatus, call, timeout_seconds)

    def get_pipeline_logs(self, pipeline_id: str, *, timeout_seconds: float | None = None) -> PipelineLogs:
        """Return the tail of each pod's log."""
        call = self._about("get logs of pipeline", pipeline_id, "GET", "logs")
        return self._answer(PipelineLogs, call, timeout_seconds)

    def get_pipeline_metrics(self, pipeline_id: str, *, timeout_seconds: float | None = None) -> PipelineMetrics:
        """Return a snapshot of throughput and lag."""
        call = self._about("get metrics of pipeline", pipeline_id, "GET", "metrics")
        return self._answer(PipelineMetrics, call, timeout_seconds)

    def get_destination_health(self, pipeline_id: str, *, timeout_seconds: float | None = None) -> DestinationHealth:
        """Return what the last probe of the destination said."""
        call = self._about("get destination health of pipeline", pipeline_id, "GET", "destination-health")
        return self._answer(DestinationHealth, call, timeout_seconds)

    def close(self) -> None:
        """Close the pooled connections; a later call opens new ones."""
        self._connection.close()

    def _about(
        self, action: str, pipeline_id: str, method: str, view: str = "", *, body: Mapping[str, Any] | None = None
    ) -> Call:
        url = self._base_url + pipeline_path(pipeline_id, view)
        return Call(f"{action} {shown_line(pipeline_id)}", method, url, body=body)

    def _answer(self, model: type[A], call: Call, timeout_seconds: float | None = None) -> A:
        return self._perform(call, lambda reply: self._reader.read_as(model, call, reply), timeout_seconds)

    def _perform(self, call: Call, read: Callable[[RawResponse], R], timeout_seconds: float | None = None) -> R:
        """Send `call`, again where that is safe, and return what `read` makes of the reply."""
        content, deadline = call.encoded_body(), Deadline(timeout_seconds)
        policy = retrying(call, retry_seconds=self._retry_seconds, deadline=deadline, cancelled=self._cancelled)
        result: R = policy(self._try, call, content, deadline, read)
        return result

    def _try(self, call: Call, content: bytes | None, deadline: Deadline, read: Callable[[RawResponse], R]) -> R:
        self._take_turn(call, deadline)
        if call.changes:
            self._before_change()
            # The look at the world may itself have found that everything is over.
            self._require_running(call)
        try:
            return read(self._connection.exchange(call, content, deadline))
        except RateLimited as error:
            self._pacer.slow_down(error.retry_after_seconds)
            raise

    def _take_turn(self, call: Call, deadline: Deadline) -> None:
        self._require_running(call)
        timeout_seconds = deadline.remaining_seconds if deadline.is_set else None
        try:
            has_turn = self._pacer.acquire(changes=call.changes, timeout_seconds=timeout_seconds)
        except Interrupted:
            # The pacer does not know whose request it held back.
            raise _cancelled(call) from None
        self._require_running(call)
        if not has_turn or deadline.passed:
            reason = "not sent, because there was no time left"
            raise OutOfTime(call.action, reason, advice="try again later", **call.facts)

    def _require_running(self, call: Call) -> None:
        if self._cancelled.is_set():
            raise _cancelled(call)


def _cancelled(call: Call) -> Interrupted:
    return Interrupted(f"{call.action}: cancelled before it was sent")


def _usable_key(service_key: str | SecretStr, source: str) -> SecretStr:
    key = service_key.get_secret_value() if isinstance(service_key, SecretStr) else service_key
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        problem = "holds characters that no key has, copy it again" if key else "is empty, set it to a ServiceKey"
        raise ConfigurationError(f"use ServiceKey: the one from {source} {problem}")
    return SecretStr(key)
