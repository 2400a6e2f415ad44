"""The admin API: look into the emulator and make things happen that the Pipeline API cannot do.

`Admin` offers it to tests in this process, and `admin_application` to other processes over HTTP, without a key.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from goldrush_pulumi.emulator.churn import ChurnPlan
from goldrush_pulumi.emulator.faults import Fault, Faults
from goldrush_pulumi.emulator.lifecycle import OutcomeKind, Phase, Script, Until
from goldrush_pulumi.emulator.store import StoreError
from goldrush_pulumi.emulator.switches import switch_questions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from goldrush_pulumi.emulator.accounts import KeyRing
    from goldrush_pulumi.emulator.middleware import RecordedRequest, Recorder
    from goldrush_pulumi.emulator.store import Store
    from goldrush_pulumi.emulator.switches import ActiveSwitches, Switches
    from goldrush_pulumi.emulator.worker import Record, Workers

_BELOW_THE_LIST = "*/pipeline-api/?*"


class Admin:
    """What tests and the admin API can do, from any thread.

    Every method that takes the id of a pipeline raises LookupError if there is no such pipeline.

    Args:
        store: The pipelines.
        keys: The accounts.
        switches: The switches in force.
        recorder: The requests so far.
        faults: The faults in force.
    """

    def __init__(
        self, store: Store, keys: KeyRing, switches: ActiveSwitches, recorder: Recorder, faults: Faults
    ) -> None:
        self._store = store
        self._keys = keys
        self._switches = switches
        self._recorder = recorder
        self._faults = faults

    @property
    def switches(self) -> Switches:
        """The switches in force."""
        return self._switches.current

    @property
    def peak_deploying(self) -> int:
        """The most pipelines that were ever DEPLOYING at the same time."""
        return self._store.peak_deploying

    @property
    def churning(self) -> ChurnPlan | None:
        """What the other client does, if there is one."""
        return self._store.churn_plan

    def switch(self, **changes: Any) -> None:
        """Change switches by name; see `Switches`.

        Raises:
            ValueError: A switch is unknown or a value does not fit; nothing was changed.
        """
        self._switches.change(**changes)

    def pipelines(self) -> list[dict[str, Any]]:
        """Return every pipeline of every account, oldest first: the whole object in clear, with its runtime state.

        Beside the API's own fields: uid, phase, ready, replicas, start_time, deployments, health_error, logs (lines).
        """
        with self._store.locked() as workers:
            return [self._store.full_object(record) for record in workers.records.values()]

    def requests(self) -> list[RecordedRequest]:
        """Return every request to the API since the start or the last ``clear_requests``."""
        return self._recorder.all()

    def request_counts(self) -> dict[str, int]:
        """Return the number of requests of each kind, such as "GET /platform/pipeline-api/{id}/status/"."""
        return self._recorder.counts()

    def clear_requests(self) -> None:
        """Remove the recorded requests."""
        self._recorder.clear()

    def script(
        self,
        name: str = "*",
        outcome: OutcomeKind = "FAILED",
        logs: Sequence[str] = (),
        health_error: str | None = None,
        until: Until | None = None,
        replicas: int = 1,
        ready: int | None = None,
    ) -> None:
        """Decide the outcome of future deployments of the pipelines whose name matches a glob; see `Script`.

        Raises:
            ValueError: The outcome or the end is unknown.
        """
        script = Script(name, outcome, list(logs), health_error, until, replicas, ready)
        with self._store.locked() as workers:
            workers.scripts.add(script)

    def clear_scripts(self) -> None:
        """Let future deployments succeed again."""
        with self._store.locked() as workers:
            workers.scripts.clear()

    def scripts(self) -> list[dict[str, Any]]:
        """Return all scripts, the newest first, which decides; `applied_to` holds ids of pipelines."""
        with self._store.locked() as workers:
            return [{**vars(item), "applied_to": sorted(item.applied_to)} for item in workers.scripts.all()]

    def fail(self, pipeline_id: str, logs: Sequence[str] = (), health_error: str | None = None) -> dict[str, Any]:
        """Crash the worker of a pipeline; ``logs`` are its last lines."""
        with self._store.locked() as workers:
            record = _find(workers, pipeline_id)
            workers.crash(record, list(logs), health_error)
            return self._store.full_object(record)

    def set_phase(
        self, pipeline_id: str, phase: str, ready: int | None = None, replicas: int | None = None
    ) -> dict[str, Any]:
        """Put a pipeline into a phase. DEPLOYING starts a new deployment; RUNNING makes all replicas ready by default.

        Raises:
            ValueError: There is no such phase.
        """
        parsed = Phase.parse(phase)
        with self._store.locked() as workers:
            record = _find(workers, pipeline_id)
            workers.set_phase(record, parsed, ready, replicas)
            return self._store.full_object(record)

    def set_health(self, pipeline_id: str, error: str | None = None) -> dict[str, Any]:
        """Set what probes of the destination find, and make one: the error, or None for healthy."""
        with self._store.locked() as workers:
            record = _find(workers, pipeline_id)
            workers.set_health(record, error)
            return self._store.full_object(record)

    def write_logs(self, pipeline_id: str, lines: Sequence[str]) -> dict[str, Any]:
        """Let the worker write more log lines."""
        with self._store.locked() as workers:
            record = _find(workers, pipeline_id)
            record.logs.extend(lines)
            workers.changed.add(record.id)
            return self._store.full_object(record)

    def edit(self, pipeline_id: str, *, redeploy: bool = False, **changes: Any) -> dict[str, Any]:
        """Change a pipeline outside of the API, as in the Platform UI; fields are replaced whole.

        A changed `status` pauses or resumes; anything else redeploys only with ``redeploy``.

        Raises:
            InvalidPipelineError: A field is unknown or its value breaks a rule.
        """
        with self._store.locked() as workers:
            record = _find(workers, pipeline_id)
            self._store.edit(record, changes, redeploy=redeploy)
            return self._store.full_object(record)

    def remove(self, pipeline_id: str) -> None:
        """Delete a pipeline outside of the API, at once."""
        with self._store.locked() as workers:
            workers.remove(_find(workers, pipeline_id))

    def fault(self, method: str = "*", path: str = "*", **options: Any) -> Fault:
        """Inject a fault into matching requests; see `Fault` for the options. Its ``hits`` counts.

        Raises:
            ValueError: An option has a value that cannot work.
            TypeError: There is no such option.
        """
        options.pop("hits", None)
        fault = Fault(method, path, **options)
        self._faults.add(fault)
        return fault

    def outage(self, status: int = 404, *, include_list: bool = True, body: Any = None) -> Fault:
        """Answer every request with ``status`` until the faults are cleared.

        Args:
            status: Status code of every response.
            include_list: Whether list and create fail too, or only requests about one pipeline.
            body: See `Fault`.

        Raises:
            ValueError: ``status`` is not a final HTTP status.
        """
        return self.fault(path="*" if include_list else _BELOW_THE_LIST, status=status, body=body, times=None)

    def faults(self) -> list[Fault]:
        """Return all faults, used-up ones included."""
        return self._faults.all()

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._faults.clear()

    def churn(self, pipelines: int = 100, per_second: float = 5.0, per_page: int = 0, account: str = "main") -> None:
        """Let another client of the account create and delete pipelines from now on; see `ChurnPlan`.

        Raises:
            LookupError: No account has that name.
            ValueError: A number is negative.
        """
        self._store.start_churn(self._keys.account_named(account), ChurnPlan(pipelines, per_second, per_page))

    def end_churn(self) -> None:
        """Stop the other client and delete its pipelines."""
        self._store.end_churn()


def admin_application(admin: Admin) -> Starlette:
    """Return the ASGI application of the admin API."""
    routes = [
        Route("/", _read(lambda: _summary(admin)), methods=["GET"]),
        Route("/switches/", _read(lambda: _switches(admin)), methods=["GET"]),
        Route("/switches/", _write(lambda body: _change_switches(admin, body)), methods=["PUT"]),
        Route("/faults/", _read(lambda: _plain(admin.faults())), methods=["GET"]),
        Route("/faults/", _write(lambda body: dataclasses.asdict(admin.fault(**body))), methods=["POST"]),
        Route("/faults/", _clear(admin.clear_faults), methods=["DELETE"]),
        Route("/outage/", _write(lambda body: dataclasses.asdict(admin.outage(**body))), methods=["POST"]),
        Route("/churn/", _write(lambda body: admin.churn(**body)), methods=["POST"]),
        Route("/churn/", _clear(admin.end_churn), methods=["DELETE"]),
        Route("/requests/", _read(lambda: _plain(admin.requests())), methods=["GET"]),
        Route("/requests/", _clear(admin.clear_requests), methods=["DELETE"]),
        Route("/script/", _read(admin.scripts), methods=["GET"]),
        Route("/script/", _write(lambda body: admin.script(**body)), methods=["POST"]),
        Route("/script/", _clear(admin.clear_scripts), methods=["DELETE"]),
        Route("/pipelines/", _read(admin.pipelines), methods=["GET"]),
        Route("/pipelines/{pipeline_id}/", _remove(admin), methods=["DELETE"]),
        Route("/pipelines/{pipeline_id}/fail/", _act(admin.fail), methods=["POST"]),
        Route("/pipelines/{pipeline_id}/phase/", _act(admin.set_phase), methods=["POST"]),
        Route("/pipelines/{pipeline_id}/edit/", _act(admin.edit), methods=["POST"]),
        Route("/pipelines/{pipeline_id}/health/", _act(admin.set_health), methods=["POST"]),
        Route("/pipelines/{pipeline_id}/logs/", _act(admin.write_logs), methods=["POST"]),
    ]
    failures = (HTTPException, LookupError, ValueError, TypeError, StoreError)
    handlers: dict[Any, Any] = dict.fromkeys(failures, _respond_to_error)
    return Starlette(routes=[Mount("/_emulator", routes=routes)], exception_handlers=handlers)


def _find(workers: Workers, pipeline_id: str) -> Record:
    record = workers.records.get(pipeline_id)
    if record is None:
        raise LookupError(f"find pipeline {pipeline_id}: there is no pipeline with that id")
    return record


def _summary(admin: Admin) -> dict[str, Any]:
    pipelines = admin.pipelines()
    phases = sorted({str(item["phase"]) for item in pipelines})
    return {
        "switches": dataclasses.asdict(admin.switches),
        "pipelines": {phase: sum(item["phase"] == phase for item in pipelines) for phase in phases},
        "peak_deploying": admin.peak_deploying,
        "scripts": admin.scripts(),
        "faults": len(admin.faults()),
        "churn": None if admin.churning is None else dataclasses.asdict(admin.churning),
        "requests": admin.request_counts(),
    }


def _switches(admin: Admin) -> dict[str, Any]:
    values = dataclasses.asdict(admin.switches)
    return {name: {"value": values[name], "question": question} for name, question in switch_questions().items()}


def _change_switches(admin: Admin, changes: dict[str, Any]) -> dict[str, Any]:
    admin.switch(**changes)
    return dataclasses.asdict(admin.switches)


def _plain(items: Sequence[Fault | RecordedRequest]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(item) for item in items]


def _read(read: Callable[[], Any]) -> Callable[[Request], Any]:
    async def respond(request: Request) -> Response:
        del request
        return JSONResponse(read())

    return respond


def _write(write: Callable[[dict[str, Any]], Any]) -> Callable[[Request], Any]:
    async def respond(request: Request) -> Response:
        return JSONResponse(write(await _json_object(request)))

    return respond


def _clear(clear: Callable[[], None]) -> Callable[[Request], Any]:
    async def respond(request: Request) -> Response:
        del request
        clear()
        return Response(status_code=204)

    return respond


def _act(act: Callable[..., dict[str, Any]]) -> Callable[[Request], Any]:
    async def respond(request: Request) -> Response:
        body = await _json_object(request)
        return JSONResponse(act(request.path_params["pipeline_id"], **body))

    return respond


def _remove(admin: Admin) -> Callable[[Request], Any]:
    async def respond(request: Request) -> Response:
        admin.remove(request.path_params["pipeline_id"])
        return Response(status_code=204)

    return respond


async def _json_object(request: Request) -> dict[str, Any]:
    text = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if text and kind != "application/json":
        # A web page may send any other kind to this address without asking first.
        raise HTTPException(415, "read body: its content type must be application/json")
    try:
        body = json.loads(text) if text else {}
    except ValueError:
        raise HTTPException(400, "read body: it is not valid JSON") from None
    if not isinstance(body, dict):
        raise HTTPException(400, "read body: it must be a JSON object")
    return body


async def _respond_to_error(request: Request, error: Exception) -> Response:
    del request
    if isinstance(error, HTTPException):
        return JSONResponse({"error": error.detail}, error.status_code)
    status = 404 if isinstance(error, LookupError) else 422
    return JSONResponse({"error": str(error.args[0]) if error.args else str(error)}, status)
