"""Sockets that keep deadlines: no wait on the network outlives the time of its call, or Ctrl-C.

The timeouts of httpx bound one wait each, so a response that comes byte by byte never ends. Here every wait is made of
short steps, between which the limits of the exchange are checked. The steps happen below httpx, in a network backend
of httpcore, because a wait that has timed out inside httpx cannot be continued.
"""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from math import inf
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from goldrush_pulumi.api.call import Deadline
from goldrush_pulumi.api.urls import is_loopback

if TYPE_CHECKING:
    import ssl
    import threading
    from collections.abc import Iterable, Iterator

_STEP_SECONDS: Final = 0.5

LONGEST_EXCHANGE_SECONDS: Final = 120.0
"""How long one request and its response may take where the caller sets no limit."""

CHANGE_GRACE_SECONDS: Final = 3.0
"""How long the response to a change is still awaited after Ctrl-C: it says whether the change was applied."""

# Shorter than servers keep idle connections, so that a read seldom meets one that is just being closed.
_KEEP_ALIVE_SECONDS: Final = 3.0

# A server that reads slowly is noticed between two pieces.
_PIECE_BYTES: Final = 1 << 16

# Zero would mean "do not block".
_SHORTEST_TIMEOUT_SECONDS: Final = 0.001


class ExchangeEnded(Exception):  # noqa: N818 - the name says what happened
    """An exchange was given up. `was_sent` is False when the request certainly did not go out."""

    def __init__(self, *, was_sent: bool) -> None:
        super().__init__()
        self.was_sent = was_sent


class ExchangeTimedOut(ExchangeEnded):
    """The time of the exchange was over."""


class ExchangeCancelled(ExchangeEnded):
    """The run was cancelled."""


class ExchangeLimits:
    """When the exchange on this thread ends: at its deadline, or `grace_seconds` after `cancelled` was set."""

    def __init__(self, deadline: Deadline, cancelled: threading.Event, grace_seconds: float) -> None:
        self._deadline = Deadline(min(deadline.remaining_seconds, LONGEST_EXCHANGE_SECONDS))
        self._cancelled = cancelled
        self._grace_seconds = grace_seconds
        self._grace: Deadline | None = None

    def remaining_seconds(self, *, was_sent: bool = True) -> float:
        """Return how long the exchange may still wait.

        Raises:
            ExchangeTimedOut: the deadline has passed.
            ExchangeCancelled: the run was cancelled, and the grace period is over.
        """
        if self._deadline.passed:
            raise ExchangeTimedOut(was_sent=was_sent)
        if not self._cancelled.is_set():
            return self._deadline.remaining_seconds
        if self._grace is None:
            self._grace = Deadline(self._grace_seconds if was_sent else 0.0)
        if self._grace.passed:
            raise ExchangeCancelled(was_sent=was_sent)
        return min(self._deadline.remaining_seconds, self._grace.remaining_seconds)

    @contextlib.contextmanager
    def in_force(self) -> Iterator[None]:
        """Apply these limits to every wait of this thread."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)


_current: ContextVar[ExchangeLimits | None] = ContextVar("goldrush_pulumi_exchange_limits", default=None)


def _bounded(timeout: float | None, *, was_sent: bool = True) -> float:
    """Return `timeout`, or what the exchange leaves of it."""
    limits = _current.get()
    remaining = inf if limits is None else limits.remaining_seconds(was_sent=was_sent)
    return max(_SHORTEST_TIMEOUT_SECONDS, min(inf if timeout is None else timeout, remaining))


class _SteppingStream(httpcore.NetworkStream):
    """A connection that waits in steps."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        silence = Deadline(timeout)
        while True:
            step = min(_STEP_SECONDS, _bounded(silence.remaining_seconds))
            try:
                return self._stream.read(max_bytes, step)
            except httpcore.ReadTimeout:
                if silence.passed:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE_BYTES):
            self._stream.write(buffer[start : start + _PIECE_BYTES], _bounded(timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        bounded = _bounded(timeout, was_sent=False)
        return _SteppingStream(self._stream.start_tls(ssl_context, server_hostname, bounded))

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _SteppingBackend(httpcore.NetworkBackend):
    """Opens connections that wait in steps. Opening one is a single wait of the operating system."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        bounded = _bounded(timeout, was_sent=False)
        return _SteppingStream(self._backend.connect_tcp(host, port, bounded, local_address, socket_options))


class _PooledTransport(httpx.BaseTransport):
    """What `httpx.HTTPTransport` is, for a pool of httpcore's that has a backend of its own."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        outgoing = httpcore.Request(
            request.method,
            _core_url(request.url),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _errors_of_httpx():
            response = self._pool.handle_request(outgoing)
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response))

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        with _errors_of_httpx():
            yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


@contextlib.contextmanager
def _errors_of_httpx() -> Iterator[None]:
    """Raise what httpcore raises as the error of the same name in httpx."""
    try:
        yield
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError) as error:
        kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__, httpx.TransportError)
        raise kind(str(error)) from error


def open_transport(
    base_url: str, trust: ssl.SSLContext | None, *, max_connections: int, keeps_connections: bool
) -> httpx.BaseTransport:
    """Open a pool of connections to the host of `base_url`; it connects when the first request goes out.

    `trust` is needed for https only.

    Proxies come from the usual environment variables, except for a loopback host, which is reached directly.

    Raises:
        ImportError, OSError, ValueError, RuntimeError, httpx.InvalidURL: the proxy settings cannot be used.
    """
    options: dict[str, Any] = {
        "ssl_context": trust,
        "max_connections": max_connections,
        "max_keepalive_connections": max_connections if keeps_connections else 0,
        "keepalive_expiry": _KEEP_ALIVE_SECONDS,
        "network_backend": _SteppingBackend(),
    }
    proxy = _proxy_for(base_url)
    if proxy is None:
        return _PooledTransport(httpcore.ConnectionPool(**options))
    options |= {"proxy_url": _core_url(proxy.url), "proxy_auth": proxy.raw_auth}
    if proxy.url.scheme.startswith("socks5"):
        return _PooledTransport(httpcore.SOCKSProxy(**options))
    return _PooledTransport(httpcore.HTTPProxy(**options, proxy_headers=proxy.headers.raw))


def _proxy_for(base_url: str) -> httpx.Proxy | None:
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if is_loopback(host) or proxy_bypass(host):
        return None
    proxies = getproxies()
    url = proxies.get(parts.scheme) or proxies.get("all")
    if not url:
        return None
    return httpx.Proxy(url if "://" in url else f"http://{url}")


def _core_url(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
