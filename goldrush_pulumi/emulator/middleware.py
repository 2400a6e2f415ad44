"""The ASGI middleware before the endpoints: it records requests, applies faults and limits the rate.

It also refuses requests under a foreign host name: a web page that binds its own name to a loopback address could
otherwise read what the emulator holds.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import json
import math
import threading
import traceback
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from goldrush_pulumi.emulator.responses import error_envelope
from goldrush_pulumi.emulator.routes import BASE_PATH

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from goldrush_pulumi.emulator.accounts import Account
    from goldrush_pulumi.emulator.faults import Fault, Faults
    from goldrush_pulumi.emulator.routes import PipelineApi
    from goldrush_pulumi.emulator.store import Store
    from goldrush_pulumi.emulator.switches import ActiveSwitches

ADMIN_PATH = "/_emulator/"
_GZIP_WINDOW = 31
_PADDING_STEP = 1 << 20


@dataclass
class RecordedRequest:
    """One request to the API.

    Args:
        method: HTTP method.
        path: Path without the query.
        query: The query string.
        body: The parsed JSON body; None if there was none or it was not JSON.
        pipeline_id: The pipeline that it is about; after a POST the one that it created.
        at: When it arrived, in seconds since the epoch.
        status: Status code of the response; None until it is sent and if the connection was dropped.
        account: Name of the account that its key opens, if any.
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
        """Method and path without the id, such as "GET /platform/pipeline-api/{id}/status/"."""
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
        """Remove all requests."""
        with self._lock:
            self._requests.clear()

    def counts(self) -> dict[str, int]:
        """Return the number of requests of each kind."""
        return dict(Counter(request.kind for request in self.all()))


class RateLimit:
    """A token bucket for each account, which holds the tokens of one second.

    Args:
        switches: The switches in force; the rate may change at any time.
        clock: Seconds since the epoch.
    """

    def __init__(self, switches: ActiveSwitches, clock: Callable[[], float]) -> None:
        self._switches = switches
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def admit(self, account: str) -> bool:
        """Return whether one more request of the account is within the rate."""
        rate = self._switches.current.requests_per_second
        if rate is None:
            return True
        depth = max(1.0, rate)
        now = self._clock()
        tokens, since = self._buckets.get(account, (depth, now))
        tokens = min(depth, tokens + (now - since) * rate)
        admitted = tokens >= 1
        self._buckets[account] = (tokens - 1 if admitted else tokens, now)
        return admitted


class Middleware:
    """The ASGI application that the server runs.

    Args:
        api: The endpoints.
        admin: The application under the admin prefix, which is neither recorded nor affected by faults.
        store: The pipelines.
        recorder: Keeps every request to the API.
        faults: The faults in force.
        switches: The switches in force.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        api: PipelineApi,
        admin: ASGIApp,
        store: Store,
        recorder: Recorder,
        faults: Faults,
        switches: ActiveSwitches,
        clock: Callable[[], float],
    ) -> None:
        self._api = api
        self._application = api.application()
        self._admin = admin
        self._store = store
        self._recorder = recorder
        self._faults = faults
        self._switches = switches
        self._clock = clock
        self._limit = RateLimit(switches, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        is_admin = scope["path"].startswith(ADMIN_PATH)
        refusal = _refuse_foreign(Headers(scope=scope), is_admin=is_admin)
        if refusal is not None:
            await refusal(scope, receive, send)
        elif is_admin:
            await self._admin(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        recorded = self._record(request, body)
        fault = self._faults.take(request.method, request.url.path, self._subjects(recorded))
        response = await self._respond(fault, scope, body, recorded)
        if response is None:
            await _break_connection(scope, receive)
            return
        recorded.status = response.status_code
        if fault is not None and fault.drip_seconds is not None:
            await _drip(response, fault.drip_seconds, receive, send)
        else:
            await response(scope, receive, send)

    def _record(self, request: Request, body: bytes) -> RecordedRequest:
        path = request.url.path
        rest = path.removeprefix(BASE_PATH) if path.startswith(BASE_PATH) else ""
        recorded = RecordedRequest(
            method=request.method,
            path=path,
            query=request.url.query,
            body=_parsed(body),
            pipeline_id=rest.partition("/")[0] or None,
            at=self._clock(),
        )
        try:
            recorded.account = self._api.authorise(request.headers.get("authorization", "")).name
        except HTTPException:
            recorded.account = None
        self._recorder.add(recorded)
        return recorded

    def _subjects(self, recorded: RecordedRequest) -> tuple[str, ...]:
        if recorded.pipeline_id is not None:
            name = self._store.name_of(recorded.pipeline_id)
            return (recorded.pipeline_id, name) if name else (recorded.pipeline_id,)
        named = recorded.body.get("name") if isinstance(recorded.body, dict) else None
        return (named,) if isinstance(named, str) else ()

    def _limit_rate(self, recorded: RecordedRequest) -> Response | None:
        if recorded.account is None or self._limit.admit(recorded.account):
            return None
        switches = self._switches.current
        wait = math.ceil(1 / (switches.requests_per_second or 1))
        headers = {"Retry-After": str(wait)} if switches.retry_after_on_429 else {}
        return error_envelope(429, "Too many requests.", headers)

    async def _respond(
        self, fault: Fault | None, scope: Scope, body: bytes, recorded: RecordedRequest
    ) -> Response | None:
        """Return the response, or None where the connection breaks."""
        if fault is None:
            return self._limit_rate(recorded) or await self._carry_out(scope, body, recorded)
        response = None
        if fault.change is not None:
            response = await self._ignore_change(fault, scope, recorded)
        elif fault.commits:
            response = await self._carry_out(scope, body, recorded)
        if fault.delay_seconds:
            await asyncio.sleep(fault.delay_seconds)
        if fault.drop is not None:
            return None
        if fault.responds:
            response = _fault_response(fault)
        response = response or await self._carry_out(scope, body, recorded)
        if fault.unpacks_to_bytes is not None:
            await asyncio.to_thread(_compress, response, fault.unpacks_to_bytes)
        return response

    async def _carry_out(self, scope: Scope, body: bytes, recorded: RecordedRequest) -> Response:
        try:
            response = await _call(self._application, scope, body)
        except Exception:  # noqa: BLE001 - the caller must see a bug of the emulator, as a response
            return error_envelope(500, f"The emulator itself failed: {traceback.format_exc(limit=-3)}")
        if recorded.method == "POST" and response.status_code == 201:  # noqa: PLR2004 - Created
            recorded.pipeline_id = json.loads(bytes(response.body))["data"]["id"]
        return response

    async def _ignore_change(self, fault: Fault, scope: Scope, recorded: RecordedRequest) -> Response:
        """Return the pipeline as it is, as if that were the result; carry the change out later if the fault says so."""
        response = await self._carry_out({**scope, "method": "GET"}, b"", recorded)
        if response.status_code >= 400:  # noqa: PLR2004 - what may not be read may not be changed either
            return response
        if fault.change == "later" and recorded.pipeline_id is not None:
            account = self._api.authorise(Headers(scope=scope).get("authorization", ""))
            change = functools.partial(_change, self._store, account, recorded.pipeline_id, recorded)
            self._store.postpone(fault.later_seconds, change)
        return Response(status_code=204) if recorded.method == "DELETE" else response


def _change(store: Store, account: Account, pipeline_id: str, recorded: RecordedRequest) -> None:
    if recorded.method == "DELETE":
        store.delete(account, pipeline_id)
    elif isinstance(recorded.body, dict):
        (store.patch if recorded.method == "PATCH" else store.set_status)(account, pipeline_id, recorded.body)


def _refuse_foreign(headers: Headers, *, is_admin: bool) -> Response | None:
    """Return the refusal of a request that a web page of another origin sent, or None for any other request."""
    host, origin = headers.get("host"), headers.get("origin")
    if host is not None and not _is_loopback(host):
        message = f"serve host {host}: it is not this emulator, use a loopback address or localhost"
        status = 421
    elif is_admin and origin is not None and origin.lower() != f"http://{host}".lower():
        message = f"serve origin {origin}: only pages of the emulator itself may use the admin API"
        status = 403
    else:
        return None
    return JSONResponse({"error": message}, status) if is_admin else error_envelope(status, message)


def _is_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


async def _call(application: ASGIApp, scope: Scope, body: bytes) -> Response:
    """Call an application and keep its response, so that it can still get lost."""
    response = Response()
    parts: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def collect(message: Message) -> None:
        if message["type"] == "http.response.start":
            response.status_code = message["status"]
            response.raw_headers = list(message["headers"])
        else:
            parts.append(message.get("body", b""))

    await application(dict(scope), receive, collect)
    response.body = b"".join(parts)
    return response


async def _break_connection(scope: Scope, receive: Receive) -> None:
    """Break the connection without a byte of a response, and wait until the server has noticed."""
    scope["extensions"]["goldrush.transport"].abort()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _drip(response: Response, seconds: float, receive: Receive, send: Send) -> None:
    """Send the body one byte at a time until it is complete or the caller has gone."""
    start = {"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers}
    await send(start)
    gone = asyncio.ensure_future(receive())
    body = bytes(response.body)
    for end in range(1, len(body) + 1):
        await asyncio.wait({gone}, timeout=seconds)
        if gone.done():
            break
        await send({"type": "http.response.body", "body": body[end - 1 : end], "more_body": True})
    gone.cancel()
    await send({"type": "http.response.body", "body": b""})


def _compress(response: Response, size: int) -> None:
    """Pad the body of a response to ``size`` bytes and compress it, without ever holding it uncompressed."""
    packer = zlib.compressobj(wbits=_GZIP_WINDOW)
    padding = max(0, size - len(response.body))
    parts = [packer.compress(bytes(response.body))]
    parts += [packer.compress(b" " * min(_PADDING_STEP, padding - at)) for at in range(0, padding, _PADDING_STEP)]
    response.body = b"".join([*parts, packer.flush()])
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Content-Length"] = str(len(response.body))


def _fault_response(fault: Fault) -> Response:
    status = fault.status or 200
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if fault.body is None:
        return error_envelope(status, f"Injected fault {status}.", headers)
    if isinstance(fault.body, str):
        return HTMLResponse(fault.body, status, headers)
    return JSONResponse(fault.body, status, headers)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None
