"""One exchange with GoldRush: a request goes out, and its response is read to the end, or an error says how far it got.

Reads share connections. Each change has a new one that closes after it: an idle connection may be closed, by the server
or for another thread, just when a request goes out on it. A read is then repeated; for a change it would be
unknown whether it was applied.
"""

from __future__ import annotations

import ssl
import threading
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import httpx

from goldrush_pulumi.api.errors import (
    APIError,
    ConfigurationError,
    ConnectionFailed,
    Interrupted,
    InterruptedChange,
    OutOfTime,
    UnexpectedResponse,
    shown_line,
)
from goldrush_pulumi.api.network import (
    CHANGE_GRACE_SECONDS,
    ExchangeCancelled,
    ExchangeEnded,
    ExchangeLimits,
    open_transport,
)

if TYPE_CHECKING:
    from pydantic import SecretStr

    from goldrush_pulumi.api.call import ApiCall, Deadline
    from goldrush_pulumi.api.errors import GoldRushError

LARGEST_RESPONSE_BYTES: Final = 16_000_000
"""How large a response may be once it is unpacked."""

_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "goldrush-pulumi"}

# How long the parts of a request may be silent; the whole has a limit of its own.
_TIMEOUTS: Final = httpx.Timeout(connect=10.0, read=30.0, write=30.0, pool=60.0)

_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


@dataclass(frozen=True)
class RawResponse:
    """A response, read to its end and unpacked."""

    status: int
    headers: httpx.Headers = field(repr=False)
    content: bytes = field(repr=False)


class Connection:
    """Pooled connections to one base URL, opened by the first call and safe to share between threads.

    Private certificate authorities and proxies come from the usual environment variables, but nothing that goes to
    this machine passes a proxy. Tests bring a `transport` of their own.
    """

    def __init__(
        self, base_url: str, service_key: SecretStr, *, transport: httpx.BaseTransport | None, max_connections: int
    ) -> None:
        self._base_url = base_url
        self._service_key = service_key
        self._transport = transport
        self._max_connections = max_connections
        self._lock = threading.Lock()
        self._pools: dict[bool, httpx.BaseTransport] = {}
        self._trust: ssl.SSLContext | None = None

    def exchange(
        self, call: ApiCall, content: bytes | None, deadline: Deadline, cancelled: threading.Event
    ) -> RawResponse:
        """Send `call` once and return its response, whatever its status.

        Raises:
            ConfigurationError: the server's certificate, or the proxy settings, cannot be used.
            ConnectionFailed: it was never sent, or it only reads and got no response.
            Interrupted: cancelled before it was sent, or while a read waited for its response.
            UnexpectedResponse: it only reads, and the response is too large.
            AmbiguousResult: it changes something, was sent, and got no response that can be read.
        """
        transport = self._transport or self._open_pool(for_changes=call.changes)
        limits = ExchangeLimits(deadline, cancelled, CHANGE_GRACE_SECONDS if call.changes else 0.0)
        fault: Exception
        try:
            with limits.in_force():
                return self._send(transport, call, content, limits)
        except (httpx.RequestError, ExchangeEnded, _ResponseTooLarge) as error:
            fault = error
        # Raised outside the handler: httpx's errors hold the request, and with it the key and the body.
        raise _failure(call, fault, deadline)

    def close(self) -> None:
        """Close all connections; a later call opens new ones."""
        with self._lock:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    def _send(
        self, transport: httpx.BaseTransport, call: ApiCall, content: bytes | None, limits: ExchangeLimits
    ) -> RawResponse:
        headers = dict(_HEADERS)
        if call.changes:
            headers["Connection"] = "close"
        if content is not None:
            headers["Content-Type"] = "application/json"
        # The key goes into the one header it belongs in, at the last moment.
        headers["Authorization"] = f"Bearer {self._service_key.get_secret_value()}"
        request = httpx.Request(
            call.method,
            call.url,
            params=call.parameters or None,
            headers=headers,
            content=content,
            extensions={"timeout": _TIMEOUTS.as_dict()},
        )
        response = transport.handle_request(request)
        try:
            return RawResponse(response.status_code, response.headers, _unpacked(response, limits))
        finally:
            response.close()

    def _open_pool(self, *, for_changes: bool) -> httpx.BaseTransport:
        with self._lock:
            if for_changes not in self._pools:
                self._pools[for_changes] = self._new_pool(for_changes=for_changes)
            return self._pools[for_changes]

    def _new_pool(self, *, for_changes: bool) -> httpx.BaseTransport:
        try:
            if self._trust is None and self._base_url.lower().startswith("https:"):
                # Reading the certificate authorities takes a while, so both pools share them.
                self._trust = httpx.create_ssl_context()
            return open_transport(
                self._base_url, self._trust, max_connections=self._max_connections, keeps_connections=not for_changes
            )
        except (ImportError, OSError, RuntimeError, ValueError, httpx.InvalidURL) as error:
            problem = type(error).__name__
        # The text of the error is left out: it may quote a proxy's password.
        raise ConfigurationError(
            f"open connections: the proxy or certificate settings of the environment cannot be used ({problem}),"
            " check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR"
        )


class _ResponseTooLarge(Exception):  # noqa: N818 - the name says what happened
    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


def _unpacked(response: httpx.Response, limits: ExchangeLimits) -> bytes:
    """Read and unpack a response piece by piece, so that neither its time nor its size is without limit."""
    stream = response.stream
    if not isinstance(stream, httpx.SyncByteStream):
        raise httpx.DecodingError("the response cannot be read")
    unpacker = _unpacker(response.headers.get("Content-Encoding", ""))
    content, is_empty = bytearray(), True
    for piece in stream:
        is_empty = is_empty and not piece
        room = LARGEST_RESPONSE_BYTES + 1 - len(content)
        try:
            content += piece if unpacker is None else unpacker.decompress(piece, room)
        except zlib.error as error:
            raise httpx.DecodingError(str(error)) from None
        if len(content) > LARGEST_RESPONSE_BYTES:
            raise _ResponseTooLarge(response.status_code)
        limits.remaining_seconds()
    if unpacker is not None and not is_empty and not unpacker.eof:
        raise httpx.DecodingError("the response is cut off")
    return bytes(content)


def _unpacker(encoding: str) -> zlib._Decompress | None:
    if encoding.strip().lower() in {"", "identity"}:
        return None
    if encoding.strip().lower() not in {"gzip", "x-gzip"}:
        raise httpx.DecodingError("the response has an encoding that was not asked for")
    return zlib.decompressobj(zlib.MAX_WBITS | 16)


def _failure(call: ApiCall, fault: Exception, deadline: Deadline) -> GoldRushError:
    """Turn a fault into an error that says what became of the call."""
    if isinstance(fault, ExchangeEnded):
        return _ended(call, fault, deadline)
    if isinstance(fault, _ResponseTooLarge):
        reason = f"response is larger than {LARGEST_RESPONSE_BYTES // 1_000_000} MB once unpacked"
        if call.changes:
            return call.ambiguous(reason, status=fault.status)
        advice = "check that no proxy or gateway responds in GoldRush's place"
        return UnexpectedResponse(call.action, reason, advice=advice, status=fault.status, **call.facts)
    detail = shown_line(str(fault)) or type(fault).__name__
    if _is_untrusted_certificate(fault):
        return ConfigurationError(
            f"{call.action}: the certificate of {call.host} is not trusted ({detail}),"
            " for a private authority set SSL_CERT_FILE to its certificate"
        )
    if isinstance(fault, _NEVER_SENT):
        reason = f"{call.host} cannot be reached ({detail})"
        return ConnectionFailed(call.action, reason, advice="check the network and goldrush:baseUrl", **call.facts)
    return _unanswered(call, f"{call.host} did not respond ({detail})")


def _ended(call: ApiCall, fault: ExchangeEnded, deadline: Deadline) -> GoldRushError:
    if isinstance(fault, ExchangeCancelled):
        if not fault.was_sent:
            return Interrupted(f"{call.action}: cancelled before it was sent")
        reason = f"cancelled before {call.host} responded"
        return (
            call.ambiguous(reason, kind=InterruptedChange) if call.changes else Interrupted(f"{call.action}: {reason}")
        )
    if not fault.was_sent:
        return out_of_time(call)
    reason = f"{call.host} did not respond in time"
    if call.changes or not deadline.passed:
        return _unanswered(call, reason)
    return OutOfTime(call.action, reason, advice="try again later", **call.facts)


def _unanswered(call: ApiCall, reason: str) -> APIError:
    if call.changes:
        return call.ambiguous(reason)
    return ConnectionFailed(call.action, reason, advice="try again", **call.facts)


def out_of_time(call: ApiCall) -> OutOfTime:
    """Build the error of a call that was not sent because its time was over."""
    reason = "not sent, because there was no time left"
    return OutOfTime(call.action, reason, advice="try again later", **call.facts)


def _is_untrusted_certificate(fault: BaseException | None) -> bool:
    while fault is not None:
        if isinstance(fault, ssl.SSLCertVerificationError):
            return True
        fault = fault.__cause__ or fault.__context__
    return False
