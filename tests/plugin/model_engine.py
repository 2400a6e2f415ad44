"""The engine as a model, in this process: it calls the real provider, keeps the state of a stack, and can be killed.

The provider speaks to an emulator without a socket in between, and all time is made up: a wait of ten minutes takes
none. So whole lives of pipelines fit into milliseconds, and nothing depends on how busy the machine is.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import patch
from urllib.parse import urlencode, urlsplit

import httpx
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2, status_pb2

from goldrush_pulumi import api, engine
from goldrush_pulumi.api import call as deadlines
from goldrush_pulumi.api import transport as connection
from goldrush_pulumi.api.network import CHANGE_GRACE_SECONDS, ExchangeEnded, ExchangeLimits
from goldrush_pulumi.api.rate_limit import RateLimiter
from goldrush_pulumi.engine.request import EngineCall, _call
from goldrush_pulumi.engine.values import is_plain
from goldrush_pulumi.operations import wait
from goldrush_pulumi.operations.journal import CreateJournal
from goldrush_pulumi.plugin.names import in_program_words
from goldrush_pulumi.plugin.servicer import PipelineServicer
from goldrush_pulumi.provider import PipelineProvider
from goldrush_pulumi.schema.wire import OWNER, PLUGIN_PIPELINE_TYPE
from goldrush_pulumi.session import Session
from tests.plugin.bookkeeper import as_sent
from tests.plugin.pipelines import leaks
from tests.plugin.resource_plugin import in_program_names
from tests.plugin.wire import decode, decode_partial, encode, urn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from goldrush_pulumi.emulator import Emulator
    from goldrush_pulumi.plugin.host import Host
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
    """A pipeline in state. `errors` are the reasons why it is not as declared."""

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

    def up(self, program: Mapping[str, Properties], aliases: Mapping[str, str] | None = None) -> str | None:
        """Make the stack what `program` says; answers the error that ended it, None when all went well.

        `aliases` are the former names of resources that were renamed.
        """
        with self._process() as process:
            return self._ended(lambda: self._converge(process, program, aliases or {}))

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

    def _for_each(self, verb: Callable[[Any, str], None], process: Any) -> None:
        for name in list(self.records):
            verb(process, name)

    def _converge(self, process: Any, program: Mapping[str, Properties], aliases: Mapping[str, str]) -> None:
        for name, declared in program.items():
            former = aliases.get(name, name)
            is_renamed = name not in self.records and former in self.records and former not in program
            self._register(process, name, declared, former if is_renamed else name)
        for name in [name for name in self.records if name not in program]:
            self._delete(process, name)

    def _register(self, process: Any, name: str, declared: Properties, former: str) -> None:
        """Bring one resource to what is declared. It is recorded under its `former` name until a step of it ends."""
        record = self.records.get(former)
        checked = self._check(process, name, declared, record)
        if record is None:
            self._create(process, name, checked)
            return
        replaces, changes = self._diff(process, name, record, checked)
        if replaces:
            self._delete(process, former)
            self._create(process, name, checked)
            return
        if changes or record.errors:
            self._update(process, name, record, checked, former)
        record.inputs = checked
        self.records[name] = self.records.pop(former)

    def _check(self, process: Any, name: str, declared: Properties, record: Record | None) -> Properties:
        given, olds = self._given(declared), self._sent(record.inputs) if record else {}
        message = provider_pb2.CheckRequest(urn=self._urn(name), news=encode(given), olds=encode(olds))
        result = self._verb(process, "check", message, _decoded(olds), _decoded(given))
        assert result.failures == [], [failure.reason for failure in result.failures]
        return _safe(result.inputs)

    def _diff(self, process: Any, name: str, record: Record, checked: Properties) -> tuple[bool, bool]:
        """Return whether the resource has to be replaced, and whether anything changes."""
        olds, news, inputs = self._sent(record.outputs), self._sent(checked), self._sent(record.inputs)
        message = provider_pb2.DiffRequest(
            urn=self._urn(name), id=record.id, olds=encode(olds), news=encode(news), old_inputs=encode(inputs)
        )
        change = self._verb(process, "diff", message, record.id, _decoded(olds), _decoded(news))
        return bool(change.replaces), change.changes is not False

    def _create(self, process: Any, name: str, checked: Properties) -> None:
        sent = self._sent(checked)
        message = provider_pb2.CreateRequest(urn=self._urn(name), properties=encode(sent))
        try:
            result = self._verb(process, "create", message, _decoded(sent))
        except engine.InitFailed as error:
            self.records[name] = Record(error.id, checked, _safe(error.outputs), error.reasons)
            raise
        self.records[name] = Record(result.id, checked, _safe(result.outs))

    def _update(self, process: Any, name: str, record: Record, checked: Properties, former: str) -> None:
        olds, news, inputs = self._sent(record.outputs), self._sent(checked), self._sent(record.inputs)
        message = provider_pb2.UpdateRequest(
            urn=self._urn(name), id=record.id, olds=encode(olds), news=encode(news), old_inputs=encode(inputs)
        )
        try:
            result = self._verb(process, "update", message, record.id, _decoded(olds), _decoded(news))
        except engine.InitFailed as error:
            # The engine keeps the old inputs.
            record.outputs, record.errors = _safe(error.outputs), error.reasons
            self.records[name] = self.records.pop(former)
            raise
        record.outputs, record.errors = _safe(result.outs), ()

    def _read(self, process: Any, name: str) -> None:
        record = self.records[name]
        olds, inputs = self._sent(record.outputs), self._sent(record.inputs)
        message = provider_pb2.ReadRequest(
            urn=self._urn(name), id=record.id, properties=encode(olds), inputs=encode(inputs)
        )
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

    def _delete(self, process: Any, name: str) -> None:
        record = self.records[name]
        olds, inputs = self._sent(record.outputs), self._sent(record.inputs)
        message = provider_pb2.DeleteRequest(
            urn=self._urn(name), id=record.id, properties=encode(olds), old_inputs=encode(inputs)
        )
        self._verb(process, "delete", message, record.id, _decoded(olds))
        del self.records[name]

    def _urn(self, name: str) -> str:
        return urn(name)

    def _given(self, declared: Properties) -> Properties:
        """What the program hands to the engine."""
        return {**declared, **({OWNER: self.owner} if self.owner else {})}

    def _sent(self, properties: Properties) -> Properties:
        """Properties as the engine sends them to the provider: without the marks of secrets."""
        return as_sent(properties)

    def _verb(self, process: Any, verb: str, message: Any, *arguments: Any) -> Any:
        token = _call.set(EngineCall(verb, message))
        try:
            result = self._answer(process, verb, message, *arguments)
        except BaseException:
            self._require_alive()
            raise
        finally:
            _call.reset(token)
        self._require_alive()
        return result

    def _answer(self, process: Any, verb: str, _message: Any, *arguments: Any) -> Any:
        return getattr(process, verb)(*arguments)

    def _require_alive(self) -> None:
        if self.fuse is not None and self.fuse.blown:
            raise Killed

    def _configured(self, config: Mapping[str, str], alarm: Alarm) -> tuple[Any, Session]:
        """Start a provider process; return it and its session."""
        process = PipelineProvider()
        settings = {f"goldrush:{key}": value for key, value in config.items()}
        process._session = Session(settings.get, alarm, engine.require_engine)
        return process, process._session

    @contextlib.contextmanager
    def _process(self) -> Iterator[Any]:
        """A provider process from its start to its end."""
        config = {"serviceKey": self.emulator.service_key, "baseUrl": self.emulator.base_url, **QUICK, **self.settings}
        process, session = self._configured(config, Alarm(self.time, self.interrupt_after))
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
            _self: Any, call: Any, content: bytes | None, deadline: Any, cancelled: threading.Event
        ) -> connection.RawResponse:
            fuse = self.fuse
            if fuse is not None:
                fuse.burn(carried_out=False)
            dripped = self._dripped()
            reply = asyncio.run(_carry_out(self.emulator, call, content))
            if fuse is not None:
                fuse.burn(carried_out=True)
            if self._dripped() > dripped:
                raise connection._failure(call, self._give_up(call, deadline, cancelled), deadline)
            if reply is None:
                raise connection._failure(call, httpx.ReadError("the connection was cut"), deadline)
            return reply

        return exchange

    def _dripped(self) -> int:
        """How many responses have dripped so far."""
        return sum(fault.hits for fault in self.emulator.faults() if fault.drip_seconds is not None)

    def _give_up(self, call: Any, deadline: Any, cancelled: threading.Event) -> ExchangeEnded:
        """Let time pass until the caller gives up a response that drips and never ends."""
        limits = ExchangeLimits(deadline, cancelled, CHANGE_GRACE_SECONDS if call.changes else 0.0)
        while True:
            try:
                limits.remaining_seconds()
            except ExchangeEnded as ended:
                return ended
            if cancelled.is_set():
                self.time.pass_by(1.0)
            cancelled.wait(1.0)


class PluginEngine(ModelEngine):
    """One stack of a program in another language, which the plugin serves. `owner` is the id of its provider."""

    def _configured(self, config: Mapping[str, str], alarm: Alarm) -> tuple[Any, Session]:
        servicer = PipelineServicer(cast("Host", _ModelHost(alarm)))
        servicer.Configure(provider_pb2.ConfigureRequest(args=encode(config), id=self.owner or ""), None)
        return servicer, servicer._session

    def _urn(self, name: str) -> str:
        return urn(name, PLUGIN_PIPELINE_TYPE)

    def _given(self, declared: Properties) -> Properties:
        kind = declared["destination_type"]
        rest = {name: item for name, item in declared.items() if not name.startswith("destination_")}
        names = {in_program_words(name): item for name, item in rest.items()}
        return {**names, "destination": in_program_names(kind, declared["destination_config"])}

    def _sent(self, properties: Properties) -> Properties:
        return properties

    def _answer(self, process: Any, verb: str, message: Any, *_arguments: Any) -> Any:
        context = _ModelContext()
        try:
            reply = getattr(process, verb.capitalize())(message, context)
        except _CallAborted:
            status = None if context.trailer is None else status_pb2.Status.FromString(context.trailer)
            partial = decode_partial(status)
            if partial is None:
                raise engine.UserError(context.text) from None
            raise engine.InitFailed(partial.id, partial.properties, partial.reasons, partial.inputs) from None
        return _plain_reply(reply)


class _CallAborted(Exception):  # noqa: N818 - what gRPC does to the thread of a call
    """A call was answered with an error."""


class _ModelContext:
    """What gRPC hands to a call."""

    trailer: bytes | None = None
    text = ""

    def set_trailing_metadata(self, metadata: Any) -> None:
        self.trailer = metadata[0][1]

    def abort(self, _code: Any, text: str) -> None:
        self.text = text
        raise _CallAborted


class _ModelHost:
    """The plugin's way to the engine, which records everything and never goes away."""

    def __init__(self, alarm: Alarm) -> None:
        self.cancelled = alarm
        self.while_engine_lives: Callable[[], None] = lambda: None

    def require_engine(self) -> None:
        """The engine is there."""

    def log(self, *_line: Any, **_more: Any) -> None:
        """Nobody reads it."""

    warn_once = log


def _plain_reply(reply: Any) -> SimpleNamespace:
    """The plugin's reply as the dynamic provider would have put it."""
    read = {name: decode(getattr(reply, name)) for name in ("properties", "inputs") if hasattr(reply, name)}
    return SimpleNamespace(
        id=getattr(reply, "id", ""),
        outs=read.get("properties", {}),
        inputs=read.get("inputs", {}),
        failures=list(getattr(reply, "failures", ())),
        replaces=list(getattr(reply, "replaces", ())),
        changes=getattr(reply, "changes", None) != provider_pb2.DiffResponse.DIFF_NONE,
    )


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
