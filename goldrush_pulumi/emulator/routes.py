"""The ten endpoints over HTTP: routes, keys, status codes and pages."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from goldrush_pulumi.emulator.responses import envelope, error_envelope, iso_time_with_offset
from goldrush_pulumi.emulator.store import InvalidPipelineError, PipelineForbiddenError, PipelineNotFoundError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from goldrush_pulumi.emulator.accounts import Account, KeyRing
    from goldrush_pulumi.emulator.store import Store
    from goldrush_pulumi.emulator.switches import ActiveSwitches

BASE_PATH = "/platform/pipeline-api/"
_DEFAULT_PAGE_SIZE = 100


class PipelineApi:
    """The endpoints as Starlette handlers.

    Args:
        store: The pipelines.
        keys: The keys that open accounts.
        switches: The switches in force.
        clock: Seconds since the epoch.
    """

    def __init__(self, store: Store, keys: KeyRing, switches: ActiveSwitches, clock: Callable[[], float]) -> None:
        self._store = store
        self._keys = keys
        self._switches = switches
        self._clock = clock

    def application(self) -> Starlette:
        """Return the ASGI application. A path without its trailing slash is a 404."""
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
                HTTPException: _respond_to_http_error,
                PipelineNotFoundError: _respond_with(404),
                PipelineForbiddenError: _respond_with(403),
                InvalidPipelineError: _respond_with(422),
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
        limit = self._switches.current.page_size_limit
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
        async def respond(request: Request) -> Response:
            return envelope(read(self._authorised(request), request.path_params["pipeline_id"]))

        return respond

    def _writer(
        self, write: Callable[[Account, str, dict[str, Any]], dict[str, Any]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            account = self._authorised(request)
            return envelope(write(account, request.path_params["pipeline_id"], await _json_object(request)))

        return respond

    def _authorised(self, request: Request) -> Account:
        return self.authorise(request.headers.get("authorization", ""))


async def _respond_to_http_error(request: Request, error: Exception) -> Response:
    del request
    if not isinstance(error, HTTPException):
        raise error
    return error_envelope(error.status_code, error.detail, dict(error.headers or {}))


def _respond_with(status: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def respond(request: Request, error: Exception) -> Response:
        del request
        return error_envelope(status, str(error))

    return respond


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
