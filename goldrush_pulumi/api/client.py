"""The ten endpoints of the GoldRush Pipeline API, one method each. Nothing here depends on Pulumi.

Source: the Pipeline REST API overview and its ten reference pages. Every path ends in a slash.
"""

from __future__ import annotations

import copy
import logging
import threading
from collections import Counter
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import SecretStr

from goldrush_pulumi.api.call import ApiCall, Deadline
from goldrush_pulumi.api.errors import (
    AmbiguousResult,
    ConfigurationError,
    GoldRushError,
    Interrupted,
    RateLimited,
    UnexpectedResponse,
    shown_line,
)
from goldrush_pulumi.api.models import (
    ApiResponse,
    DestinationHealth,
    Pipeline,
    PipelineLogs,
    PipelineMetrics,
    PipelinePage,
    PipelineStatus,
)
from goldrush_pulumi.api.rate_limit import RateLimiter
from goldrush_pulumi.api.responses import ResponseReader
from goldrush_pulumi.api.retries import DEFAULT_RETRY_SECONDS, Tries, retrying
from goldrush_pulumi.api.transport import Connection, RawResponse, out_of_time
from goldrush_pulumi.api.urls import DEFAULT_BASE_URL, pipeline_path, usable_base_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import httpx

LAST_READ_SECONDS: Final = 2.0
"""The least time of a read within an operation, so that a wait can look once more when its time is over."""

_PAGE_SIZE: Final = 100

_MOST_PAGES: Final = 10_000

_STATUS_VERBS: Final = {"running": "resume", "paused": "pause"}

_logger: Final = logging.getLogger("goldrush_pulumi.api")

Model = TypeVar("Model", bound=ApiResponse)

R = TypeVar("R")


class GoldRushClient:
    """The pipelines of one account. Safe to share between threads; its connections are pooled.

    Failed calls are repeated for `retry_seconds` where that is safe; see `retries` for the rules. Once `cancelled` is
    set nothing new starts, a read ends within a second, and a change waits a few seconds for its response.
    `before_change` is called right before every request that changes something, at each try; what it raises keeps the
    request from being sent and passes through. `key_source` says in messages where the key came from. Without a
    `rate_limiter` the client makes its own, at the default rate.

    A `timeout_seconds` bounds a whole call, its waits and repeats included. Without one, a call has the time that is
    left to its operation (see `within`), and each request ends after two minutes.

    Raises (every call):
        ConfigurationError: the machine's proxy or certificate settings cannot be used.
        Interrupted: cancelled. An `InterruptedChange` may have been applied.
        AmbiguousResult: a change was sent, without a usable response. It may have been applied.
        APIError: GoldRush refused, gave an unusable response or did not respond; see its subclasses.
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
        self._rate_limiter = rate_limiter or RateLimiter(cancelled=self._cancelled)
        self._retry_seconds = retry_seconds
        self._seconds_left: Callable[[], float] | None = None
        self._outcomes: Counter[int | None] = Counter()
        self._outcomes_lock = threading.Lock()

    def __repr__(self) -> str:
        return f"GoldRushClient({self._base_url})"

    def within(self, seconds_left: Callable[[], float]) -> GoldRushClient:
        """Return a view of this client for one operation: its calls take no more time than `seconds_left` returns.

        A read gets two seconds even when no time is left; a change is not sent then. A call that is given a
        `timeout_seconds` keeps to that alone. Connections and rate limit are shared with this client.
        """
        view = copy.copy(self)
        view._seconds_left = seconds_left  # noqa: SLF001 - another client, of the same class
        return view

    @property
    def seconds_left(self) -> float | None:
        """How long the operation that this client works for may still take; None where nothing bounds it."""
        return None if self._seconds_left is None else max(self._seconds_left(), 0.0)

    @property
    def outcomes(self) -> dict[int | None, int]:
        """How many requests were sent so far, by the status of the response; None counts those without a response."""
        with self._outcomes_lock:
            return dict(self._outcomes)

    def list_pipelines(
        self, page_number: int = 1, page_size: int | None = None, *, timeout_seconds: float | None = None
    ) -> PipelinePage:
        """Return one page of the pipelines that the key sees, 100 of them at most by default; pages count from 1."""
        parameters = {"page_number": page_number, "page_size": page_size or _PAGE_SIZE}
        call = ApiCall("list pipelines", "GET", self._base_url, names_pipeline=False, parameters=parameters)
        return self._request(PipelinePage, call, timeout_seconds)

    def iterate_pipelines(self) -> Iterator[Pipeline]:
        """Yield every pipeline that the key sees, page by page, each id once.

        Raises:
            UnexpectedResponse: the list says that more follows and brings nothing new.
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

    def create_pipeline(self, body: Mapping[str, Any], *, timeout_seconds: float | None = None) -> Pipeline:
        """Create a pipeline and return it with its id; its worker is then being deployed.

        Raises:
            AmbiguousResult: it was sent and got no usable response. It may exist, and is not sent again.
        """
        call = ApiCall("create pipeline", "POST", self._base_url, names_pipeline=False, body=body)
        return self._request(Pipeline, call, timeout_seconds)

    def get_pipeline(self, pipeline_id: str, *, timeout_seconds: float | None = None) -> Pipeline:
        """Return the configuration of a pipeline, credentials masked."""
        return self._request(Pipeline, self._about("get pipeline", pipeline_id, "GET"), timeout_seconds)

    def update_pipeline(
        self, pipeline_id: str, body: Mapping[str, Any], *, timeout_seconds: float | None = None
    ) -> Pipeline:
        """Change the fields in `body`, leave the others, and return the whole."""
        return self._request(Pipeline, self._about("update pipeline", pipeline_id, "PATCH", body=body), timeout_seconds)

    def set_pipeline_status(self, pipeline_id: str, status: str, *, timeout_seconds: float | None = None) -> Pipeline:
        """Pause or resume a pipeline: `status` is "paused" or "running"."""
        verb = _STATUS_VERBS.get(status, "set status of")
        call = self._about(f"{verb} pipeline", pipeline_id, "PUT", body={"status": status})
        return self._request(Pipeline, call, timeout_seconds)

    def delete_pipeline(self, pipeline_id: str, *, timeout_seconds: float | None = None) -> None:
        """Delete a pipeline for good; data it has written stays.

        Raises:
            PipelineNotFound: it is not there, perhaps because an earlier try without a response deleted it.
        """
        call = self._about("delete pipeline", pipeline_id, "DELETE")
        self._perform(call, lambda response: self._reader.read(call, response), timeout_seconds)

    def get_pipeline_status(self, pipeline_id: str, *, timeout_seconds: float | None = None) -> PipelineStatus:
        """Return the phase of a pipeline's worker, and how many replicas are ready."""
        call = self._about("get status of pipeline", pipeline_id, "GET", "status")
        return self._request(PipelineStatus, call, timeout_seconds)

    def get_pipeline_logs(self, pipeline_id: str, *, timeout_seconds: float | None = None) -> PipelineLogs:
        """Return the tail of each pod's log."""
        call = self._about("get logs of pipeline", pipeline_id, "GET", "logs")
        return self._request(PipelineLogs, call, timeout_seconds)

    def get_pipeline_metrics(self, pipeline_id: str, *, timeout_seconds: float | None = None) -> PipelineMetrics:
        """Return a snapshot of throughput and lag."""
        call = self._about("get metrics of pipeline", pipeline_id, "GET", "metrics")
        return self._request(PipelineMetrics, call, timeout_seconds)

    def get_destination_health(self, pipeline_id: str, *, timeout_seconds: float | None = None) -> DestinationHealth:
        """Return the result of the last probe of the destination."""
        call = self._about("get destination health of pipeline", pipeline_id, "GET", "destination-health")
        return self._request(DestinationHealth, call, timeout_seconds)

    def close(self) -> None:
        """Close the pooled connections; a later call opens new ones."""
        self._connection.close()

    def _about(
        self, action: str, pipeline_id: str, method: str, view: str = "", *, body: Mapping[str, Any] | None = None
    ) -> ApiCall:
        url = self._base_url + pipeline_path(pipeline_id, view)
        return ApiCall(f"{action} {shown_line(pipeline_id)}", method, url, body=body)

    def _request(self, model: type[Model], call: ApiCall, timeout_seconds: float | None) -> Model:
        return self._perform(call, lambda response: self._reader.read_as(model, call, response), timeout_seconds)

    def _perform(self, call: ApiCall, read: Callable[[RawResponse], R], timeout_seconds: float | None) -> R:
        """Send `call`, again where that is safe, and return what `read` makes of the response."""
        content, deadline = call.encoded_body(), Deadline(self._limit_seconds(call, timeout_seconds))
        policy = retrying(call, retry_seconds=self._retry_seconds, deadline=deadline, cancelled=self._cancelled)
        tries, started = Tries(call), perf_counter()
        try:
            result: R = policy(self._try, tries, content, deadline, read)
        except GoldRushError as error:
            raise tries.conclude(error) from None
        finally:
            milliseconds = (perf_counter() - started) * 1000
            outcome = tries.status or "no response"
            _logger.debug("%s %s: %s, tries: %d, %.0f ms", call.method, call.path, outcome, tries.count, milliseconds)
        return result

    def _limit_seconds(self, call: ApiCall, timeout_seconds: float | None) -> float | None:
        if timeout_seconds is not None or self._seconds_left is None:
            return timeout_seconds
        return self._seconds_left() if call.changes else max(self._seconds_left(), LAST_READ_SECONDS)

    def _try(self, tries: Tries, content: bytes | None, deadline: Deadline, read: Callable[[RawResponse], R]) -> R:
        call = tries.call
        self._take_turn(call, deadline)
        if call.changes:
            self._before_change()
            # The check may itself have found that the run is over.
            self._require_running(call)
        tries.count, tries.status = tries.count + 1, None
        try:
            response = self._connection.exchange(call, content, deadline, self._cancelled)
            tries.status = response.status
            return read(response)
        except RateLimited as error:
            self._rate_limiter.slow_down(error.retry_after_seconds)
            raise
        except AmbiguousResult:
            tries.may_be_applied = True
            raise
        finally:
            with self._outcomes_lock:
                self._outcomes[tries.status] += 1

    def _take_turn(self, call: ApiCall, deadline: Deadline) -> None:
        self._require_running(call)
        self._require_no_long_pause(call, deadline)
        timeout_seconds = deadline.remaining_seconds if deadline.is_set else None
        try:
            has_turn = self._rate_limiter.acquire(changes=call.changes, timeout_seconds=timeout_seconds)
        except Interrupted:
            # The rate limiter does not know which call it held back.
            raise _cancelled(call) from None
        self._require_running(call)
        if not has_turn or deadline.passed:
            raise out_of_time(call)

    def _require_no_long_pause(self, call: ApiCall, deadline: Deadline) -> None:
        """Refuse a call that would have to wait too long for the end of a pause that GoldRush asked for."""
        seconds = self._rate_limiter.pause_seconds()
        if seconds > min(self._retry_seconds, deadline.remaining_seconds):
            reason = f"not sent, because GoldRush asked for a pause that lasts another {seconds:.0f} s"
            advice = "try again after it, and lower goldrush:requestsPerSecond"
            raise RateLimited(call.action, reason, advice=advice, retry_after_seconds=seconds, **call.facts)

    def _require_running(self, call: ApiCall) -> None:
        if self._cancelled.is_set():
            raise _cancelled(call)


def _cancelled(call: ApiCall) -> Interrupted:
    return Interrupted(f"{call.action}: cancelled before it was sent")


def _usable_key(service_key: str | SecretStr, source: str) -> SecretStr:
    key = service_key.get_secret_value() if isinstance(service_key, SecretStr) else service_key
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        problem = "holds characters that no key has, copy it again" if key else "is empty, set it to a ServiceKey"
        raise ConfigurationError(f"use ServiceKey: the one from {source} {problem}")
    return SecretStr(key)
