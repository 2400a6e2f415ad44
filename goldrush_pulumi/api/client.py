"""The ten endpoints of the GoldRush Pipeline API, one method each. Knows nothing of Pulumi.

Source: the Pipeline REST API overview and its ten reference pages. Every path ends in a slash.
"""

from __future__ import annotations

import functools
import ipaddress
import threading
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote, urlsplit

import httpx
from pydantic import SecretStr, ValidationError

from goldrush_pulumi.api.answers import open_envelope
from goldrush_pulumi.api.errors import (
    AmbiguousResult,
    ConfigurationError,
    ConnectionFailed,
    Interrupted,
    InvalidRequest,
    ServerError,
    UnexpectedAnswer,
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
from goldrush_pulumi.api.pacing import Pacer
from goldrush_pulumi.api.retries import DEFAULT_RETRY_SECONDS, LostAnswer, retrying

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from goldrush_pulumi.api.errors import APIError

DEFAULT_BASE_URL: Final = "https://api.covalenthq.com/platform/pipeline-api/"
"""The Pipeline REST API. Source: page "Pipeline REST API", section Base URL."""

_PHASE_TIMEOUTS: Final = httpx.Timeout(connect=10.0, read=30.0, write=30.0, pool=60.0)
_PAGE_SIZE: Final = 100
_MOST_PAGES: Final = 10_000

A = TypeVar("A", bound=Answer)


class GoldRushClient:
    """One account's pipelines. Safe to share between threads; its connections are pooled.

    Calls that can be repeated are, for up to `retry_seconds`, with pauses that end when `cancelled` is set; see
    `retries` for the rules. `before_change` is called right before every request that changes something, at each try,
    and may raise to keep it from being sent. `key_source` says in messages where the key came from.

    Raises (every call):
        ConfigurationError: the key or the base URL cannot be used.
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
        pacer: Pacer | None = None,
        transport: httpx.BaseTransport | None = None,
        max_connections: int = 256,
        retry_seconds: float = DEFAULT_RETRY_SECONDS,
    ) -> None:
        self._key = service_key if isinstance(service_key, SecretStr) else SecretStr(service_key)
        self._base_url = _usable_base_url(base_url)
        _require_usable_key(self._key.get_secret_value(), key_source)
        self._key_source = key_source
        self._cancelled = cancelled or threading.Event()
        self._before_change = before_change or (lambda: None)
        self._pacer = pacer or Pacer(cancelled=self._cancelled)
        self._transport = transport
        self._max_connections = max_connections
        self._retry_seconds = retry_seconds
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"GoldRushClient({self._base_url})"

    def list_pipelines(self, page_number: int = 1, page_size: int = _PAGE_SIZE) -> PipelinePage:
        """One page of the pipelines that the key sees; pages count from 1."""
        parameters = {"page_number": page_number, "page_size": page_size}
        return self._read(PipelinePage, "list pipelines", "", parameters=parameters)

    def iterate_pipelines(self) -> Iterator[Pipeline]:
        """Every pipeline that the key sees, page by page, each id once.

        Raises:
            UnexpectedAnswer: the list does not end.
        """
        seen: set[str] = set()
        for number in range(1, _MOST_PAGES + 1):
            page = self.list_pipelines(number)
            fresh = [pipeline for pipeline in page.items if pipeline.id not in seen]
            seen.update(pipeline.id for pipeline in fresh)
            yield from fresh
            if not page.has_more:
                return
            if not fresh:
                break
        raise UnexpectedAnswer("list pipelines", "the list does not end, a page brought nothing new", method="GET")

    def create_pipeline(self, body: Mapping[str, Any]) -> Pipeline:
        """Create a pipeline. The answer has its id; its worker is then being deployed.

        Raises:
            AmbiguousResult: the request was sent and no usable answer came: it may have been created.
        """
        return self._change(Pipeline, "create pipeline", "POST", "", body)

    def get_pipeline(self, pipeline_id: str) -> Pipeline:
        """The configuration of a pipeline, credentials masked."""
        return self._read(Pipeline, f"get pipeline {pipeline_id}", _path(pipeline_id))

    def update_pipeline(self, pipeline_id: str, body: Mapping[str, Any]) -> Pipeline:
        """Change the fields in `body`; others stay."""
        return self._change(Pipeline, f"update pipeline {pipeline_id}", "PATCH", _path(pipeline_id), body)

    def set_pipeline_status(self, pipeline_id: str, status: str) -> Pipeline:
        """Pause or resume: `status` is "paused" or "running"."""
        body = {"status": status}
        return self._change(Pipeline, f"set status of pipeline {pipeline_id}", "PUT", _path(pipeline_id), body)

    def delete_pipeline(self, pipeline_id: str) -> None:
        """Delete a pipeline for good; data it has written stays."""
        self._send(f"delete pipeline {pipeline_id}", "DELETE", _path(pipeline_id))

    def get_pipeline_status(self, pipeline_id: str, timeout_seconds: float | None = None) -> PipelineStatus:
        """The phase of a pipeline's worker, and how many replicas are ready."""
        action = f"get status of pipeline {pipeline_id}"
        return self._read(PipelineStatus, action, _path(pipeline_id, "status"), timeout_seconds)

    def get_pipeline_logs(self, pipeline_id: str, timeout_seconds: float | None = None) -> PipelineLogs:
        """The tail of each pod's log."""
        action = f"get logs of pipeline {pipeline_id}"
        return self._read(PipelineLogs, action, _path(pipeline_id, "logs"), timeout_seconds)

    def get_pipeline_metrics(self, pipeline_id: str, timeout_seconds: float | None = None) -> PipelineMetrics:
        """A snapshot of throughput and lag."""
        action = f"get metrics of pipeline {pipeline_id}"
        return self._read(PipelineMetrics, action, _path(pipeline_id, "metrics"), timeout_seconds)

    def get_destination_health(self, pipeline_id: str, timeout_seconds: float | None = None) -> DestinationHealth:
        """What the last probe of the destination said."""
        action = f"get destination health of pipeline {pipeline_id}"
        return self._read(DestinationHealth, action, _path(pipeline_id, "destination-health"), timeout_seconds)

    def close(self) -> None:
        """Close the pooled connections."""
        if "_http" in self.__dict__:
            self._http.close()

    @functools.cached_property
    def _http(self) -> httpx.Client:
        with self._lock:
            if "_http" in self.__dict__:
                return self.__dict__["_http"]  # type: ignore[no-any-return]
            limits = httpx.Limits(
                max_connections=self._max_connections, max_keepalive_connections=self._max_connections
            )
            http = httpx.Client(
                base_url=self._base_url,
                headers={"Authorization": f"Bearer {self._key.get_secret_value()}", "Accept": "application/json"},
                timeout=_PHASE_TIMEOUTS,
                limits=limits,
                follow_redirects=False,
                transport=self._transport,
            )
            self.__dict__["_http"] = http
            return http

    def _read(
        self,
        model: type[A],
        action: str,
        path: str,
        timeout_seconds: float | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> A:
        data = self._send(action, "GET", path, parameters=parameters, timeout_seconds=timeout_seconds)
        return _as_model(model, data, action, "GET")

    def _change(self, model: type[A], action: str, method: str, path: str, body: Mapping[str, Any]) -> A:
        data = self._send(action, method, path, body=body)
        try:
            return _as_model(model, data, action, method)
        except UnexpectedAnswer as error:
            if method == "POST":
                raise _ambiguous(error) from None
            raise

    def _send(
        self,
        action: str,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        timeout_seconds: float | None = None,
    ) -> Any:
        """Send a request, again where that is safe, and return the `data` of its answer."""
        total = self._retry_seconds if timeout_seconds is None else timeout_seconds
        timeout = _PHASE_TIMEOUTS if timeout_seconds is None else httpx.Timeout(timeout_seconds)
        request = self._http.build_request(method, path, json=body, params=parameters, timeout=timeout)
        is_create = method == "POST"
        policy = retrying(action, is_create=is_create, total_seconds=total, cancelled=self._cancelled)
        try:
            return policy(self._try, request, action)
        except LostAnswer as lost:
            raise (_ambiguous(lost.error) if method != "GET" else lost.error) from None
        except (ServerError, UnexpectedAnswer) as error:
            raise (_ambiguous(error) if is_create else error) from None

    def _try(self, request: httpx.Request, action: str) -> Any:
        changes = request.method != "GET"
        self._pacer.acquire(action, changes=changes)
        if self._cancelled.is_set():
            raise Interrupted(f"{action}: cancelled before it was sent")
        if changes:
            self._before_change()
        response = self._answer(request, action)
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            self._pacer.slow_down()
        return open_envelope(response, action, self._key_source)

    def _answer(self, request: httpx.Request, action: str) -> httpx.Response:
        facts: dict[str, Any] = {"method": request.method, "path": request.url.path}
        host = request.url.host
        try:
            return self._http.send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            advice = "check the network and goldrush:baseUrl"
            reason = f"{host} cannot be reached ({type(error).__name__})"
            raise ConnectionFailed(action, reason, advice=advice, **facts) from None
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):
            raise InvalidRequest(action, "the URL cannot be used", advice="check goldrush:baseUrl", **facts) from None
        except httpx.HTTPError as error:
            reason = f"{host} did not answer ({type(error).__name__})"
            raise LostAnswer(ConnectionFailed(action, reason, advice="try again", **facts)) from None


def _as_model(model: type[A], data: Any, action: str, method: str) -> A:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        # Names of fields only: the values of an answer may be secret.
        names = ", ".join(sorted({".".join(map(str, problem["loc"])) or "data" for problem in error.errors()}))
        reason = f"the answer has another shape than documented ({names})"
        raise UnexpectedAnswer(action, reason, method=method) from None


def _ambiguous(error: APIError) -> AmbiguousResult:
    return AmbiguousResult(
        error.action,
        f"it is not known whether it was applied: {error.reason}",
        advice="look before you try again",
        status=error.status,
        code=error.code,
        method=error.method,
        path=error.path,
        server_message=error.server_message,
    )


def _path(pipeline_id: str, view: str = "") -> str:
    """The path below the base URL; an id never leaves its own segment."""
    if not pipeline_id or set(pipeline_id) <= {"."}:
        raise InvalidRequest("find pipeline", "an id is needed, such as pipe_3e8678c5fc9e48a7bf9879ca729")
    segment = quote(pipeline_id, safe="")
    return f"{segment}/{view}/" if view else f"{segment}/"


def _usable_base_url(base_url: str) -> str:
    """The base URL with a trailing slash.

    Raises:
        ConfigurationError: it is no URL, holds user info, or would send the key unencrypted to another machine.
    """
    try:
        parts = urlsplit(base_url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if not host or parts.scheme not in {"http", "https"} or parts.username or parts.query or parts.fragment:
        raise ConfigurationError(
            f"use base URL: it is not a plain http(s) URL; the documented one is {DEFAULT_BASE_URL}"
        )
    if parts.scheme == "http" and not _is_loopback(host):
        raise ConfigurationError(f"use base URL: http would send the ServiceKey to {host} unencrypted, use https")
    return base_url if base_url.endswith("/") else f"{base_url}/"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _require_usable_key(key: str, source: str) -> None:
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError(
            f"use ServiceKey: the one from {source} is empty or holds characters that no key has, copy it again"
        )
