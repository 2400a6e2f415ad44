"""The ten endpoints over HTTP: routes, envelope, keys, status codes and pages."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from goldrush_pulumi.emulator.errors import InvalidPipelineError, PipelineForbiddenError, PipelineNotFoundError
from goldrush_pulumi.emulator.timestamps import iso_time_with_offset

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from goldrush_pulumi.emulator.accounts import Account, KeyRing
    from goldrush_pulumi.emulator.store import Store
    from goldrush_pulumi.emulator.switches import SwitchBoard

BASE_PATH = "/platform/pipeline-api/"
_DEFAULT_PAGE_SIZE = 100


class PipelineApi:
    """The endpoints as Starlette handlers.

    Args:
        store: The pipelines.
        keys: Which key opens which account.
        board: The switches in force.
        clock: Seconds since the epoch.
    """

    def __init__(self, store: Store, keys: KeyRing, board: SwitchBoard, clock: Callable[[], float]) -> None:
        self._store = store
        self._keys = keys
        self._board = board
        self._clock = clock

    def application(self) -> Starlette:
        """Return the ASGI application. A path without its trailing slash is not there."""
        item = f"{BASE_PATH}{{pipeline_id}}/"
        store = self._store
        reads = {
            item: store.get,
            f"{item}status/": store.status,
            f"{item}logs/": store.logs,
            f"{item}metrics/": store.metrics,
        }
        routes = [
            Route(BASE_PATH, self._list, methods=["GET"]),
            Route(BASE_PATH, self._create, methods=["POST"]),
            *(Route(path, self._reader(read), methods=["GET"]) for path, read in reads.items()),
            Route(f"{item}destination-health/", self._health, methods=["GET"]),
            Route(item, self._writer(store.patch), methods=["PATCH"]),
            Route(item, self._writer(store.set_status), methods=["PUT"]),
            Route(item, self._delete, methods=["DELETE"]),
        ]
        application = Starlette(
            routes=routes,
            exception_handlers={
                HTTPException: _answer_http_error,
                PipelineNotFoundError: _answer_with(404),
                PipelineForbiddenError: _answer_with(403),
                InvalidPipelineError: _answer_with(422),
            },
        )
        application.router.redirect_slashes = False
        return application

    def authorise(self, authorization: str) -> Account:
        """Return the account of an `Authorization` header.

        Raises:
            HTTPException: 401 without a known key, 403 for a plain API key.
        """
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() == "bearer" and key.strip() == self._keys.api_key:
            raise HTTPException(403, "This endpoint requires a ServiceKey; API keys are not accepted.")
        account = self._keys.account_of(key.strip()) if scheme.lower() == "bearer" else None
        if account is None:
            raise HTTPException(401, "No valid ServiceKey was provided.")
        return account

    async def _list(self, request: Request) -> Response:
        account = self._authorised(request)
        number = _positive(request, "page_number", 1)
        limit = self._board.current.page_size_limit
        size = min(_positive(request, "page_size", _DEFAULT_PAGE_SIZE), limit)
        items, total = self._store.page(account, (number - 1) * size, size)
        pagination = {
            "page_number": number,
            "page_size": size,
            "total_count": total,
            "has_more": number * size < total,
        }
        updated_at = iso_time_with_offset(self._clock())
        return envelope({"items": items, "pagination": pagination, "updated_at": updated_at})

    async def _create(self, request: Request) -> Response:
        account = self._authorised(request)
        return envelope(self._store.create(account, await _json_object(request)), 201)

    async def _delete(self, request: Request) -> Response:
        self._store.delete(self._authorised(request), request.path_params["pipeline_id"])
        return Response(status_code=204)

    async def _health(self, request: Request) -> Response:
        account, pipeline_id = self._authorised(request), request.path_params["pipeline_id"]
        if self._store.probes:
            await asyncio.to_thread(self._store.probe_again, account, pipeline_id)
        return envelope(self._store.destination_health(account, pipeline_id))

    def _reader(self, read: Callable[[Account, str], dict[str, Any]]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return envelope(read(self._authorised(request), request.path_params["pipeline_id"]))

        return answer

    def _writer(
        self, write: Callable[[Account, str, dict[str, Any]], dict[str, Any]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            account = self._authorised(request)
            return envelope(write(account, request.path_params["pipeline_id"], await _json_object(request)))

        return answer

    def _authorised(self, request: Request) -> Account:
        return self.authorise(request.headers.get("authorization", ""))


def envelope(data: Any, status: int = 200) -> JSONResponse:
    """Return a successful answer in the envelope of every GoldRush endpoint."""
    return JSONResponse({"data": data, "error": False, "error_message": None, "error_code": None}, status)


def error_envelope(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return a failure in the envelope; the error code is the status as text."""
    body = {"data": None, "error": True, "error_message": message, "error_code": str(status)}
    return JSONResponse(body, status, headers)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    del request
    if not isinstance(error, HTTPException):
        raise error
    return error_envelope(error.status_code, error.detail, dict(error.headers or {}))


def _answer_with(status: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, error: Exception) -> Response:
        del request
        return error_envelope(status, str(error))

    return answer


async def _json_object(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise HTTPException(400, "The request body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise HTTPException(400, "The request body must be a JSON object.")
    return body


def _positive(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise HTTPException(422, f"{name}: must be an integer of at least 1")
    return int(text)
