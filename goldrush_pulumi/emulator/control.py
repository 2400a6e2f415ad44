"""The control side over HTTP, under its own prefix and without a key: what `Emulator` offers, for other processes."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from goldrush_pulumi.emulator.errors import StoreError
from goldrush_pulumi.emulator.switches import switch_questions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from goldrush_pulumi.emulator.admin import Controls
    from goldrush_pulumi.emulator.faults import Fault
    from goldrush_pulumi.emulator.recording import RecordedRequest


def control_application(controls: Controls) -> Starlette:
    """Return the ASGI application of the control prefix."""
    routes = [
        Route("/", _reading(lambda: _summary(controls)), methods=["GET"]),
        Route("/switches/", _reading(lambda: _switches(controls)), methods=["GET"]),
        Route("/switches/", _writing(lambda body: _change_switches(controls, body)), methods=["PUT"]),
        Route("/faults/", _reading(lambda: _plain(controls.faults())), methods=["GET"]),
        Route("/faults/", _writing(lambda body: dataclasses.asdict(controls.fault(**body))), methods=["POST"]),
        Route("/faults/", _clearing(controls.clear_faults), methods=["DELETE"]),
        Route("/requests/", _reading(lambda: _plain(controls.requests())), methods=["GET"]),
        Route("/requests/", _clearing(controls.clear_requests), methods=["DELETE"]),
        Route("/script/", _writing(lambda body: controls.script(**body)), methods=["POST"]),
        Route("/script/", _clearing(controls.clear_scripts), methods=["DELETE"]),
        Route("/pipelines/", _reading(controls.pipelines), methods=["GET"]),
        Route("/pipelines/{pipeline_id}/", _removing(controls), methods=["DELETE"]),
        Route("/pipelines/{pipeline_id}/fail/", _acting(controls.fail), methods=["POST"]),
        Route("/pipelines/{pipeline_id}/phase/", _acting(controls.set_phase), methods=["POST"]),
        Route("/pipelines/{pipeline_id}/edit/", _acting(controls.edit), methods=["POST"]),
        Route("/pipelines/{pipeline_id}/health/", _acting(controls.set_health), methods=["POST"]),
        Route("/pipelines/{pipeline_id}/logs/", _acting(controls.write_logs), methods=["POST"]),
    ]
    handlers = {HTTPException: _answer_error, LookupError: _answer_error, ValueError: _answer_error}
    handlers |= {TypeError: _answer_error, StoreError: _answer_error}
    return Starlette(routes=[Mount("/_emulator", routes=routes)], exception_handlers=handlers)


def _summary(controls: Controls) -> dict[str, Any]:
    pipelines = controls.pipelines()
    phases = sorted({str(item["phase"]) for item in pipelines})
    return {
        "switches": dataclasses.asdict(controls.switches),
        "pipelines": {phase: sum(item["phase"] == phase for item in pipelines) for phase in phases},
        "peak_deploying": controls.peak_deploying,
        "faults": len(controls.faults()),
        "requests": controls.request_counts(),
    }


def _switches(controls: Controls) -> dict[str, Any]:
    values = dataclasses.asdict(controls.switches)
    return {name: {"value": values[name], "question": question} for name, question in switch_questions().items()}


def _change_switches(controls: Controls, changes: dict[str, Any]) -> dict[str, Any]:
    controls.switch(**changes)
    return dataclasses.asdict(controls.switches)


def _plain(items: Sequence[Fault | RecordedRequest]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(item) for item in items]


def _reading(read: Callable[[], Any]) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        del request
        return JSONResponse(read())

    return answer


def _writing(write: Callable[[dict[str, Any]], Any]) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        return JSONResponse(write(await _json_object(request)))

    return answer


def _clearing(clear: Callable[[], None]) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        del request
        clear()
        return Response(status_code=204)

    return answer


def _acting(act: Callable[..., dict[str, Any]]) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        body = await _json_object(request)
        return JSONResponse(act(request.path_params["pipeline_id"], **body))

    return answer


def _removing(controls: Controls) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        controls.remove(request.path_params["pipeline_id"])
        return Response(status_code=204)

    return answer


async def _json_object(request: Request) -> dict[str, Any]:
    text = await request.body()
    try:
        body = json.loads(text) if text else {}
    except ValueError:
        raise HTTPException(400, "the body is not valid JSON") from None
    if not isinstance(body, dict):
        raise HTTPException(400, "the body must be a JSON object")
    return body


async def _answer_error(request: Request, error: Exception) -> Response:
    del request
    if isinstance(error, HTTPException):
        return JSONResponse({"error": error.detail}, error.status_code)
    status = 404 if isinstance(error, LookupError) else 422
    return JSONResponse({"error": str(error.args[0]) if error.args else str(error)}, status)
