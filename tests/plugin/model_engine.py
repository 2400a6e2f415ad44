"""The engine as a model, in this process: it calls the real provider, keeps the state of a stack, and can be killed.

The provider speaks to an emulator without a socket in between, and all time is made up: a wait of ten minutes takes
none. So whole lives of pipelines fit into milliseconds, and nothing depends on how busy the machine is.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from urllib.parse import urlencode, urlsplit

import httpx
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2

from goldrush_pulumi import api, engine
from goldrush_pulumi.api import call as deadlines
from goldrush_pulumi.api import transport as connection
from goldrush_pulumi.api.rate_limit import RateLimiter
from goldrush_pulumi.engine.request import EngineCall, _call
from goldrush_pulumi.engine.values import is_plain
from goldrush_pulumi.operations import wait
from goldrush_pulumi.operations.journal import CreateJournal
from goldrush_pulumi.provider import PipelineProvider
from goldrush_pulumi.schema.wire import OWNER
from goldrush_pulumi.session import Session
from tests.plugin.bookkeeper import as_sent
from tests.plugin.pipelines import leaks
from tests.plugin.wire import encode, urn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from goldrush_pulumi.emulator import Emulator
    from tests.plugin.wire import Properties

PORT = 8799
"""Named in the base URL of emulators that are never started."""

QUICK = {"failedGraceSeconds": "20", "stabilizationSeconds": "5", "requestsPerSecond": "1000"}


class Time:
    """Time that passes only when somebody waits. It is the emulator's clock too."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0
        self._events: list[tuple[float, Callable[[], object]]] = []

    def __call__(self) -> float:
        return self.seconds

    def after(self, seconds: float, happen: Callable[[], object]) -> None:
        """Let something happen so many seconds from now, while somebody waits."""
        self._events.append((self.seconds + seconds, happen))

    def pass_by(self, seconds: float) -> None:
        """Let time pass, and what was to happen until then happen."""
        self.seconds += seconds
        due = [event for event in self._events if event[0] <= self.seconds]
        self._events = [event for event in self._events if event[0] > self.seconds]
        for _, happen in due:
            happen()


class Alarm(threading.Event):
    """The event that everything listens to which waits. It can be set to go off after some waits, as by Ctrl-C."""

    def __init__(self, time: Time, waits: int | None = None) -> None:
        super().__init__()
        self._time = time
        self._waits = waits

    def wait(self, timeout: float | None = None) -> bool:
        if self.is_set():
            return True
        self._time.pass_by(timeout or 0.0)
        if self._waits is not None:
            self._waits -= 1
            if self._waits <= 0:
                self.set()
        return self.is_set()


class Killed(BaseException):
    """The provider process, or the engine, is gone: no reply of this verb is ever recorded."""


@dataclass
class Fuse:
    """When a process dies: at its `requests`-th request, before or after the server has carried it out."""

    requests: int
    carried_out: bool
    blown: bool = False

    def burn(self, *, carried_out: bool) -> None:
        """Note that a request is on its way, or was carried out."""
        if not carried_out and not self.blown:
            self.requests -= 1
        if self.requests <= 0 and carried_out is self.carried_out:
            self.blown = True
        if self.blown:
            raise Killed


@dataclass
class Record:
    """A pipeline in state. `errors` are the reasons why it is not as wished."""

    id: str
    inputs: Properties
    outputs: Properties
    errors: tuple[str, ...] = ()


@dataclass
class ModelEngine:
    """One stack. Each `up`, `refresh` and `destroy` has a provider process of its own, as with the real engine."""

    emulator: Emulator
    time: Time
    owner: str | None = "a" * 32
    settings: dict[str, str] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    notes: Path | None = None
    """Where this machine keeps what it has begun to create."""
    fuse: Fuse | None = None
    """Burns down in the next process."""
    interrupt_after: int | None = None
    """After how many waits of the next process somebody presses Ctrl-C."""

    def up(self, program: Mapping[str, Properties]) -> str | None:
        """Make the stack what `program` says; answers the error that ended it, None when all went well."""
        with self._process() as process:
            return self._ended(lambda: self._converge(process, program))

    def refresh(self) -> str | None:
        """Read every pipeline in state; those that are gone leave it, those in trouble are marked."""
        with self._process() as process:
            return self._ended(lambda: self._for_each(self._read, process))

    def destroy(self) -> str | None:
        """Delete every pipeline in state."""
        with self._process() as process:
            return self._ended(lambda: self._for_each(self._delete, process))

    def _ended(self, work: Any) -> str | None:
        try:
            work()
        except Killed:
            return "killed"
        except (engine.UserError, engine.InitFailed) as error:
            self.said.append(str(error))
            return str(error)
        return None

    def _for_each(self, verb: Callable[[PipelineProvider, str], None], process: PipelineProvider) -> None:
        for name in list(self.records):
            verb(process, name)

    def _converge(self, process: PipelineProvider, program: Mapping[str, Properties]) -> None:
        for name, declared in program.items():
            self._register(process, name, declared)
        for name in [name for name in self.records if name not in program]:
            self._delete(process, name)

    def _register(self, process: PipelineProvider, name: str, declared: Properties) -> None:
        checked = self._check(process, name, declared)
        record = self.records.get(name)
        if record is None:
            self._create(process, name, checked)
            return
        change = self._diff(process, name, record, checked)
        if change.replaces:
            self._delete(process, name)
            self._create(process, name, checked)
        elif change.changes is False and not record.errors:
            record.inputs = checked
        else:
            self._update(process, name, record, checked)

    def _check(self, process: PipelineProvider, name: str, declared: Properties) -> Properties:
        given = {**declared, **({OWNER: self.owner} if self.owner else {})}
        record = self.records.get(name)
        olds = as_sent(record.inputs) if record else {}
        message = provider_pb2.CheckRequest(urn=urn(name), news=encode(given), olds=encode(olds))
        result = self._verb(process, "check", message, _decoded(olds), _decoded(given))
        assert result.failures == [], [failure.reason for failure in result.failures]
        return dict(result.inputs)

    def _diff(self, process: PipelineProvider, name: str, record: Record, checked: Properties) -> Any:
        olds, news, inputs = as_sent(record.outputs), as_sent(checked), as_sent(record.inputs)
        message = provider_pb2.DiffRequest(urn=urn(name), id=record.id, old_inputs=encode(inputs))
        return self._verb(process, "diff", message, record.id, _decoded(olds), _decoded(news))

    def _create(self, process: PipelineProvider, name: str, checked: Properties) -> None:
        sent = as_sent(checked)
        message = provider_pb2.CreateRequest(urn=urn(name), properties=encode(sent))
        try:
            result = self._verb(process, "create", message, _decoded(sent))
        except engine.InitFailed as error:
            self.records[name] = Record(error.id, checked, _safe(error.outputs), error.reasons)
            raise
        self.records[name] = Record(result.id, checked, _safe(result.outs))

    def _update(self, process: PipelineProvider, name: str, record: Record, checked: Properties) -> None:
        olds, news = as_sent(record.outputs), as_sent(checked)
        message = provider_pb2.UpdateRequest(urn=urn(name), id=record.id, old_inputs=encode(as_sent(record.inputs)))
        try:
            result = self._verb(process, "update", message, record.id, _decoded(olds), _decoded(news))
        except engine.InitFailed as error:
            # The engine keeps the old inputs.
            record.outputs, record.errors = _safe(error.outputs), error.reasons
            raise
        record.inputs, record.outputs, record.errors = checked, _safe(result.outs), ()

    def _read(self, process: PipelineProvider, name: str) -> None:
        record = self.records[name]
        olds, inputs = as_sent(record.outputs), as_sent(record.inputs)
        message = provider_pb2.ReadRequest(urn=urn(name), id=record.id, inputs=encode(inputs))
        try:
            result = self._verb(process, "read", message, record.id, _decoded(olds))
        except engine.InitFailed as error:
            record.outputs, record.errors = _safe(error.outputs), error.reasons
            record.inputs = _safe(error.inputs or {})
            self.said.extend(error.reasons)
            return
        if not result.id:
            del self.records[name]
            return
        record.outputs, record.inputs, record.errors = _safe(result.outs), _safe(result.inputs), ()

    def _delete(self, process: PipelineProvider, name: str) -> None:
        record = self.records[name]
        message = provider_pb2.DeleteRequest(urn=urn(name), id=record.id)
        self._verb(process, "delete", message, record.id, _decoded(as_sent(record.outputs)))
        del self.records[name]

    def _verb(self, process: PipelineProvider, verb: str, message: Any, *arguments: Any) -> Any:
        token = _call.set(EngineCall(verb, message))
        try:
            result = getattr(process, verb)(*arguments)
        except BaseException:
            self._require_alive()
            raise
        finally:
            _call.reset(token)
        self._require_alive()
        return result

    def _require_alive(self) -> None:
        if self.fuse is not None and self.fuse.blown:
            raise Killed

    @contextlib.contextmanager
    def _process(self) -> Iterator[PipelineProvider]:
        """A provider process from its start to its end."""
        config = {"serviceKey": self.emulator.service_key, "baseUrl": self.emulator.base_url, **QUICK, **self.settings}
        process = PipelineProvider()
        alarm = Alarm(self.time, self.interrupt_after)
        settings = {f"goldrush:{key}": value for key, value in config.items()}
        process._session = session = Session(settings.get, alarm, engine.require_engine)
        # In the place of the user's home. It stays when a process dies.
        session._journal = CreateJournal(self.notes, self.time)
        with contextlib.ExitStack() as patches:
            patches.enter_context(patch.object(deadlines, "monotonic", self.time))
            patches.enter_context(patch.object(api, "RateLimiter", _limiter_of(self.time)))
            patches.enter_context(patch.object(wait, "EventClock", _clock_of(self.time)))
            patches.enter_context(patch.object(connection.Connection, "exchange", self._exchange()))
            try:
                yield process
                if self.fuse is None or not self.fuse.blown:
                    session.note_delivered()
            finally:
                self.fuse = self.interrupt_after = None

    def _exchange(self) -> Any:
        def exchange(
            _self: Any, call: Any, content: bytes | None, deadline: Any, _cancelled: Any
        ) -> connection.RawResponse:
            fuse = self.fuse
            if fuse is not None:
                fuse.burn(carried_out=False)
            reply = asyncio.run(_carry_out(self.emulator, call, content))
            if fuse is not None:
                fuse.burn(carried_out=True)
            if reply is None:
                raise connection._failure(call, httpx.ReadError("the connection was cut"), deadline)
            return reply

        return exchange


class _Transport:
    """What the emulator cuts when it breaks a connection."""

    def abort(self) -> None:
        """Nothing comes back then."""


async def _carry_out(emulator: Emulator, call: Any, content: bytes | None) -> connection.RawResponse | None:
    """Send a request straight into the emulator's application; None when it broke the connection."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "scheme": "http",
        "method": call.method,
        "path": urlsplit(call.url).path,
        "raw_path": urlsplit(call.url).path.encode(),
        "root_path": "",
        "query_string": urlencode(call.parameters).encode(),
        "headers": [(b"authorization", f"Bearer {emulator.service_key}".encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", PORT),
        "extensions": {"goldrush.transport": _Transport()},
    }
    incoming = iter([{"type": "http.request", "body": content or b"", "more_body": False}])
    outgoing: list[Any] = []

    async def receive() -> Any:
        return next(incoming, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        outgoing.append(message)

    await emulator.application(scope, receive, send)
    if not outgoing:
        return None
    headers = httpx.Headers(outgoing[0]["headers"])
    return connection.RawResponse(
        outgoing[0]["status"], headers, b"".join(part.get("body", b"") for part in outgoing[1:])
    )


def _limiter_of(time: Time) -> Any:
    def make(rate: float, *, cancelled: threading.Event) -> RateLimiter:
        return RateLimiter(rate, cancelled=cancelled, now=time)

    return make


def _clock_of(time: Time) -> Any:
    class ModelClock:
        def __init__(self, cancelled: threading.Event) -> None:
            self._cancelled = cancelled

        def now(self) -> float:
            return time.seconds

        def sleep(self, seconds: float) -> bool:
            return self._cancelled.wait(seconds)

    return ModelClock


def _decoded(properties: Properties) -> dict[str, Any]:
    """Properties as the host hands them to a provider: numbers are floats, and nulls are gone."""
    decoded: dict[str, Any] = rpc.deserialize_properties(encode(properties), keep_unknowns=True)
    return decoded


def _safe(properties: Mapping[str, Any]) -> Properties:
    """Properties of a reply, which the host must be able to send and in which no secret stands in clear."""
    assert is_plain(properties)
    assert leaks(properties) == []
    return dict(properties)
