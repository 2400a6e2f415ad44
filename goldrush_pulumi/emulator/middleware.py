"""What stands before the endpoints: records requests, strikes with faults, limits the rate, breaks connections."""

from __future__ import annotations

import asyncio
import json
import math
import traceback
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from goldrush_pulumi.emulator.routes import BASE_PATH, error_envelope
from goldrush_pulumi.emulator.recording import RecordedRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from goldrush_pulumi.emulator.routes import PipelineApi
    from goldrush_pulumi.emulator.faults import Fault, FaultBook
    from goldrush_pulumi.emulator.recording import Recorder
    from goldrush_pulumi.emulator.store import Store
    from goldrush_pulumi.emulator.switches import SwitchBoard

CONTROL_PATH = "/_emulator/"


class RateLimit:
    """A token bucket for each account, as deep as one second's worth.

    Args:
        board: The switches in force; the rate may change at any time.
        clock: Seconds since the epoch.
    """

    def __init__(self, board: SwitchBoard, clock: Callable[[], float]) -> None:
        self._board = board
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def admit(self, account: str) -> bool:
        """Tell whether one more request of the account is within the rate."""
        rate = self._board.current.requests_per_second
        if rate is None:
            return True
        depth = max(1.0, rate)
        now = self._clock()
        tokens, since = self._buckets.get(account, (depth, now))
        tokens = min(depth, tokens + (now - since) * rate)
        admitted = tokens >= 1
        self._buckets[account] = (tokens - 1 if admitted else tokens, now)
        return admitted


class Gateway:
    """The ASGI application that the server runs.

    Args:
        api: The endpoints.
        control: The application under the control prefix, which is neither recorded nor struck by faults.
        store: Asked for the names of pipelines.
        recorder: Keeps every request to the API.
        faults: The faults in force.
        board: The switches in force.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        api: PipelineApi,
        control: ASGIApp,
        store: Store,
        recorder: Recorder,
        faults: FaultBook,
        board: SwitchBoard,
        clock: Callable[[], float],
    ) -> None:
        self._api = api
        self._application = api.application()
        self._control = control
        self._store = store
        self._recorder = recorder
        self._faults = faults
        self._board = board
        self._clock = clock
        self._limit = RateLimit(board, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["path"].startswith(CONTROL_PATH):
            await self._control(scope, receive, send)
            return
        request = Request(scope, receive)
        body = await request.body()
        recorded = self._record(request, body)
        fault = self._faults.take(request.method, request.url.path, self._subjects(recorded))
        response = await self._answer(fault, scope, body, recorded)
        if response is None:
            await _break_connection(scope, receive)
            return
        recorded.status = response.status_code
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

    def _refuse_by_rate(self, recorded: RecordedRequest) -> Response | None:
        if recorded.account is None or self._limit.admit(recorded.account):
            return None
        switches = self._board.current
        wait = math.ceil(1 / (switches.requests_per_second or 1))
        headers = {"Retry-After": str(wait)} if switches.retry_after_on_429 else {}
        return error_envelope(429, "Too many requests.", headers)

    async def _answer(
        self, fault: Fault | None, scope: Scope, body: bytes, recorded: RecordedRequest
    ) -> Response | None:
        if fault is not None:
            return await self._strike(fault, scope, body, recorded)
        return self._refuse_by_rate(recorded) or await self._carry_out(scope, body, recorded)

    async def _strike(self, fault: Fault, scope: Scope, body: bytes, recorded: RecordedRequest) -> Response | None:
        carried_out = await self._carry_out(scope, body, recorded) if fault.commits else None
        if fault.delay_seconds:
            await asyncio.sleep(fault.delay_seconds)
        if fault.drop is not None:
            return None
        if fault.answers:
            return _fault_answer(fault)
        return carried_out or await self._carry_out(scope, body, recorded)

    async def _carry_out(self, scope: Scope, body: bytes, recorded: RecordedRequest) -> Response:
        try:
            response = await _call(self._application, scope, body)
        except Exception:  # noqa: BLE001 - a bug in the emulator must reach the caller's eyes, as an answer
            return error_envelope(500, f"The emulator itself failed: {traceback.format_exc(limit=-3)}")
        if recorded.method == "POST" and response.status_code == 201:  # noqa: PLR2004 - Created
            recorded.pipeline_id = json.loads(bytes(response.body))["data"]["id"]
        return response


async def _call(application: ASGIApp, scope: Scope, body: bytes) -> Response:
    """Call an application and hold its answer back, so that it can still get lost."""
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
    """Cut the connection without a byte of an answer, and wait until the server has noticed."""
    scope["extensions"]["goldrush.transport"].abort()
    while (await receive())["type"] != "http.disconnect":
        pass


def _fault_answer(fault: Fault) -> Response:
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
