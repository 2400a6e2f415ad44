"""How long a call may take."""

from __future__ import annotations

import json
import ssl
import threading
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict
from urllib.parse import urlsplit

import httpx

from goldrush_pulumi.api.errors import (
    AmbiguousResult,
    APIError,
    ConfigurationError,
    ConnectionFailed,
    InvalidRequest,
    shown_line,
)
from goldrush_pulumi.api.urls import is_loopback

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from pydantic import SecretStr


class Deadline:
    """A moment `seconds` from now; never, when `seconds` is None."""

    def __init__(self, seconds: float | None) -> None:
        self._ends_at = inf if seconds is None else monotonic() + seconds

    @property
    def is_set(self) -> bool:
        """Whether there is a limit at all."""
        return self._ends_at < inf

    @property
    def remaining_seconds(self) -> float:
        """What is left, never below 0; infinite without a limit."""
        return max(0.0, self._ends_at - monotonic())

    @property
    def passed(self) -> bool:
        """Whether nothing is left."""
        return self.remaining_seconds <= 0


class Facts(TypedDict):
    """What every error says about its request."""

    method: str
    path: str


@dataclass(frozen=True)
class Call:
    """A request to be sent, perhaps more than once.

    `action` is "verb noun name" for messages; `names_pipeline` tells a call about one pipeline from one about the
    list. The body stays out of `repr`: it holds credentials of the destination.
    """

    action: str
    method: str
    url: str
    names_pipeline: bool = True
    parameters: Mapping[str, int] = field(default_factory=dict)
    body: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def changes(self) -> bool:
        """Whether it changes something; everything but GET does."""
        return self.method != "GET"

    @property
    def is_repeatable(self) -> bool:
        """Whether sending it twice is the same as once; a POST has no idempotency key."""
        return self.method != "POST"

    @property
    def facts(self) -> Facts:
        """Method and path, for an error."""
        return {"method": self.method, "path": urlsplit(self.url).path}

    @property
    def host(self) -> str:
        """The host it goes to."""
        return urlsplit(self.url).hostname or ""

    def encoded_body(self) -> bytes | None:
        """Return the body as JSON, None for a call without one.

        Raises:
            InvalidRequest: something in it cannot be written as JSON. Says neither what nor where: it may be secret.
        """
        if self.body is None:
            return None
        encoded = _encode(self.body)
        if encoded is None:
            reason = "a value of the request cannot be written as JSON"
            advice = "use texts, whole numbers, true or false, lists and maps"
            raise InvalidRequest(self.action, reason, advice=advice, **self.facts)
        return encoded


def _encode(body: Mapping[str, Any]) -> bytes | None:
    try:
        return json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        return None


# Shorter than servers keep idle connections, so that a read seldom meets one that is just being closed.
_KEEP_ALIVE_SECONDS: Final = 3.0

_HEADERS: Final = {"Accept": "application/json", "User-Agent": "goldrush-pulumi"}

_PHASE_TIMEOUTS: Final = httpx.Timeout(connect=10.0, read=30.0, write=30.0, pool=60.0)

_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


@dataclass(frozen=True)
class RawResponse:
    """What came back, read to its end."""

    status: int
    headers: httpx.Headers = field(repr=False)
    content: bytes = field(repr=False)


class Connection:
    """Pooled connections, opened at the first call and safe to share between threads.

    Reads share connections. Each change has a new one that closes after it: an idle connection may be closed, by the
    server or by httpx for another thread, just when a request goes out on it, and the answer would be lost. A read is
    then repeated; of a change nobody would know whether it was applied.

    Proxies and private certificate authorities come from httpx's usual environment variables, but nothing that goes
    to this machine passes a proxy.
    """

    def __init__(
        self, base_url: str, service_key: SecretStr, *, transport: httpx.BaseTransport | None, max_connections: int
    ) -> None:
        self._base_url = base_url
        self._auth = _ServiceKeyAuth(service_key)
        self._transport = transport
        self._max_connections = max_connections
        self._lock = threading.Lock()
        self._pools: dict[bool, httpx.Client] = {}
        self._trust: ssl.SSLContext | Literal[True] = True

    def exchange(self, call: Call, content: bytes | None, deadline: Deadline) -> RawResponse:
        """Send `call` once and return what came back, whatever its status.

        Raises:
            ConfigurationError: the server's certificate, or the proxy settings, cannot be used.
            ConnectionFailed: it was never sent, or it only reads and its answer was lost.
            AmbiguousResult: it changes something, was sent, and its answer was lost.
        """
        pool = self._open_pool(for_changes=call.changes)
        try:
            return self._once(pool, call, content, deadline)
        except httpx.RequestError as error:
            fault = error
        # Raised outside the handler: httpx's errors hold the request, and with it the key and the body.
        raise _failure(call, fault)

    def close(self) -> None:
        """Close what is open; a later call opens anew."""
        with self._lock:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    def _once(self, pool: httpx.Client, call: Call, content: bytes | None, deadline: Deadline) -> RawResponse:
        headers = {} if content is None else {"Content-Type": "application/json"}
        request = pool.build_request(
            call.method, call.url, params=call.parameters or None, content=content, headers=headers
        )
        if deadline.is_set:
            request.extensions["timeout"] = _Countdown(request.extensions["timeout"], deadline)
        response = pool.send(request, auth=self._auth, stream=True)
        try:
            return RawResponse(response.status_code, response.headers, _content(response, deadline))
        finally:
            response.close()

    def _open_pool(self, *, for_changes: bool) -> httpx.Client:
        with self._lock:
            if for_changes not in self._pools:
                self._pools[for_changes] = self._new_pool(for_changes=for_changes)
            return self._pools[for_changes]

    def _new_pool(self, *, for_changes: bool) -> httpx.Client:
        host = urlsplit(self._base_url).hostname or ""
        try:
            if self._trust is True and self._transport is None:
                # Reading the certificate authorities takes a while, so both pools share them.
                self._trust = httpx.create_ssl_context()
            return httpx.Client(
                headers={**_HEADERS, **({"Connection": "close"} if for_changes else {})},
                timeout=_PHASE_TIMEOUTS,
                verify=self._trust,
                limits=httpx.Limits(
                    max_connections=self._max_connections,
                    max_keepalive_connections=0 if for_changes else self._max_connections,
                    keepalive_expiry=_KEEP_ALIVE_SECONDS,
                ),
                follow_redirects=False,
                transport=self._transport,
                mounts={f"all://{_bracketed(host)}": None} if is_loopback(host) else None,
            )
        except (ImportError, OSError, ValueError, httpx.InvalidURL) as error:
            problem = type(error).__name__
        # The text of the error is left out: it may quote a proxy's password.
        raise ConfigurationError(
            f"open connections: the proxy or certificate settings of the environment cannot be used ({problem}),"
            " check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR"
        )


class _ServiceKeyAuth(httpx.Auth):
    """Puts the key into the one header it belongs in, at the last moment."""

    def __init__(self, service_key: SecretStr) -> None:
        self._service_key = service_key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._service_key.get_secret_value()}"
        yield request


class _Countdown(dict[str, Any]):
    """Timeouts of a request's phases that shrink to what the deadline leaves.

    The transport asks for each phase's timeout when the phase starts, so connecting slowly leaves less for reading.
    One that copied the values beforehand would still bound every phase.
    """

    def __init__(self, phases: dict[str, float], deadline: Deadline) -> None:
        super().__init__({phase: min(seconds, deadline.remaining_seconds) for phase, seconds in phases.items()})
        self._deadline = deadline

    def get(self, phase: str, default: Any = None) -> Any:
        # Zero would mean "do not wait", which some platforms take for "do not block".
        return max(0.001, min(super().get(phase, default), self._deadline.remaining_seconds))


def _content(response: httpx.Response, deadline: Deadline) -> bytes:
    content = bytearray()
    for piece in response.iter_bytes():
        content += piece
        if deadline.passed:
            raise httpx.ReadTimeout("the answer did not end in time")
    return bytes(content)


def _failure(call: Call, fault: httpx.RequestError) -> APIError | ConfigurationError:
    detail = shown_line(str(fault)) or type(fault).__name__
    if _is_untrusted_certificate(fault):
        return ConfigurationError(
            f"{call.action}: the certificate of {call.host} is not trusted ({detail}),"
            " for a private authority set SSL_CERT_FILE to its certificate"
        )
    if isinstance(fault, _NEVER_SENT):
        reason = f"{call.host} cannot be reached ({detail})"
        return ConnectionFailed(call.action, reason, advice="check the network and goldrush:baseUrl", **call.facts)
    reason = f"{call.host} did not answer ({detail})"
    if not call.changes:
        return ConnectionFailed(call.action, reason, advice="try again", **call.facts)
    return ambiguous(call, reason)


def ambiguous(call: Call, reason: str, **facts: Any) -> AmbiguousResult:
    """Build the error of a change that was sent and may have been applied; `facts` are attributes of `APIError`."""
    advice = "look at the pipelines of the account before you try again"
    return AmbiguousResult(
        call.action, f"not known whether it was applied: {reason}", advice=advice, **call.facts, **facts
    )


def _is_untrusted_certificate(fault: BaseException | None) -> bool:
    while fault is not None:
        if isinstance(fault, ssl.SSLCertVerificationError):
            return True
        fault = fault.__cause__ or fault.__context__
    return False


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
