"""How the errors of a verb reach the engine: `verb` turns each into the reply that the engine understands."""

from __future__ import annotations

import asyncio
import functools
import os
import traceback
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from goldrush_pulumi.engine.log import DEBUG_VARIABLE, warn_once
from goldrush_pulumi.engine.request import EngineCall, current_call, enter_verb
from goldrush_pulumi.engine.values import is_plain
from goldrush_pulumi.operations.errors import InitFailed, UserError
from goldrush_pulumi.schema.wire import PROVIDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class EngineGone(UserError):  # noqa: N818 - a state of affairs
    """The engine that asked for this verb no longer listens: nothing more may be changed on its behalf."""


_Parameters = ParamSpec("_Parameters")

_Result = TypeVar("_Result")

_TRAILER = "grpc-status-details-bin"

_UNKNOWN_STATUS = 2  # with any other code the engine's gRPC library rejects the trailer as contradicting the status

# The engine's gRPC library refuses trailers of more than 16 MB, and they are sent in base64.
_GREATEST_DETAIL_BYTES = 8 * 1024 * 1024
_VERBS_WITH_PARTIAL_RESULT = ("create", "update", "read")


def verb(method: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Wrap one of a provider's six verbs, so that its errors reach the user as plain messages.

    UserError: exactly its text. InitFailed: the resource is recorded as it is, with its reasons. Anything else, exits
    and interrupts included (a request without a reply would hang the engine for ever): one line with the place of the
    bug but without the exception's text, which may hold a secret. Outside the host, and where its internals have moved,
    the text arrives as a RuntimeError. A verb that is called by another verb is not wrapped twice.
    """

    @functools.wraps(method)
    def run(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        if current_call() is not None:
            return method(*args, **kwargs)
        with enter_verb(method.__name__) as call:
            try:
                return _require_sendable(call, method(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - see above: nothing may go past
                text = _report(call, error, method.__module__)
            # Raised out here the error carries no context, so nothing prints the original beside it.
            raise RuntimeError(text)

    return run


def _require_sendable(call: EngineCall, result: _Result) -> _Result:
    """Keep the host from printing, in an error of its own, a value that it cannot send."""
    outputs, inputs = getattr(result, "outs", None), getattr(result, "inputs", None)
    lost = [*_find_lost(outputs), *_find_lost(inputs)]
    if not lost:
        return result
    if call.verb not in _VERBS_WITH_PARTIAL_RESULT:
        raise UserError("\n".join(_say_lost(call, lost)))
    known_id = str(getattr(result, "id", None) or getattr(call.message, "id", ""))
    raise InitFailed(known_id, outputs or {}, (), inputs)


def _report(call: EngineCall, error: BaseException, module: str) -> str:
    """Put the reply in the request's trailer where that is possible, and return its text."""
    text = _describe(call, error, module)
    if call.context is None:
        warn_once(
            "this version of the Pulumi SDK hides the engine's requests: errors show tracebacks, and a resource that "
            "does not get ready is not recorded"
        )
        return text
    try:
        _send(call, text, error)
    except Exception:  # noqa: BLE001 - internals moved: the text still arrives, with the SDK's own wrapping
        warn_once(
            "this version of the Pulumi SDK does not take partial results: errors show tracebacks, and a resource that "
            "does not get ready is not recorded"
        )
    return text


def _describe(call: EngineCall, error: BaseException, module: str) -> str:
    if isinstance(error, InitFailed):
        return "\n".join(_reasons(call, error))
    return str(error) if isinstance(error, UserError) else describe_bug(str(call), error, module)


def describe_bug(subject: str, error: BaseException, module: str) -> str:
    """Return what a user reads of an error that nobody raised on purpose: where it happened, and never its text.

    `subject` says what was being done, and `module` names the package whose frames count.
    """
    line = (
        f"{subject}: internal error {type(error).__name__} in {_place(error, module)}, please report it "
        f"({DEBUG_VARIABLE}=1 shows the traceback)"
    )
    return f"{line}\n{_trace(error)}" if os.environ.get(DEBUG_VARIABLE) == "1" else line


def _place(error: BaseException, module: str) -> str:
    """Return "module:line" of the innermost frame in the package of `module`: where to look first."""
    package = module.partition(".")[0]
    places = [(str(frame.f_globals.get("__name__")), line) for frame, line in traceback.walk_tb(error.__traceback__)]
    # The outermost frame is the wrapper itself.
    ours = [place for place in places[1:] if place[0].partition(".")[0] == package] or places
    return ":".join(map(str, ours[-1]))


def _trace(error: BaseException) -> str:
    """Return the traceback of `error` and of what led to it, without any exception's text."""
    lines: list[str] = []
    for cause in _causes(error):
        lines += [type(cause).__name__, *(line.rstrip() for line in traceback.format_tb(cause.__traceback__))]
    return "\n".join(lines)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _send(call: EngineCall, text: str, error: BaseException) -> None:
    from pulumi.runtime.proto import status_pb2  # noqa: PLC0415 - the engine bridge must cost a program nothing

    reply = status_pb2.Status(code=_UNKNOWN_STATUS, message=text)
    if isinstance(error, InitFailed) and call.verb in _VERBS_WITH_PARTIAL_RESULT:
        reply.details.add().Pack(_partial_result(call, error), type_url_prefix="type.googleapis.com")
    call.context.set_trailing_metadata(((_TRAILER, reply.SerializeToString()),))


def _partial_result(call: EngineCall, failure: InitFailed) -> Any:
    from pulumi.runtime.proto import provider_pb2  # noqa: PLC0415 - the engine bridge must cost a program nothing

    detail = provider_pb2.ErrorResourceInitFailed(id=failure.id, reasons=_reasons(call, failure))
    detail.properties.CopyFrom(_serialize(call, failure.outputs))
    inputs = call.request.inputs if failure.inputs is None and call.verb == "read" else failure.inputs
    if inputs is not None:
        detail.inputs.CopyFrom(_serialize(call, inputs))
    shorten(detail)
    return detail


def shorten(detail: Any) -> None:
    """Leave out the largest properties until the engine takes the message; without it the resource would be forgotten.

    What is left out differs in the next comparison, so the next update sends it again.
    """
    while detail.ByteSize() > _GREATEST_DETAIL_BYTES:
        sizes = {
            (values.ByteSize(), side, name)
            for side in ("properties", "inputs")
            for name, values in getattr(detail, side).fields.items()
            if name != PROVIDER
        }
        if not sizes:
            break
        _, side, name = max(sizes)
        del getattr(detail, side).fields[name]
        if side == "properties":
            detail.reasons.append(f"{name} is too large to be recorded with a failure; `pulumi up` sends it again")


def _reasons(call: EngineCall, failure: InitFailed) -> list[str]:
    return [*failure.reasons, *_say_lost(call, [*_find_lost(failure.outputs), *_find_lost(failure.inputs)])]


def _find_lost(properties: Mapping[str, Any] | None) -> list[str]:
    return [name for name, value in (properties or {}).items() if not is_plain(value)]


def _say_lost(call: EngineCall, names: list[str]) -> list[str]:
    return [f"{call}: internal error: {name} cannot be recorded, please report it" for name in dict.fromkeys(names)]


def _serialize(call: EngineCall, properties: Mapping[str, Any]) -> Any:
    """Return `properties` in the engine's form, as the host itself does, with the request's pickled provider.

    Raises LookupError when the request holds none.
    """
    from pulumi.runtime import rpc  # noqa: PLC0415 - the engine bridge must cost a program nothing

    sendable = {name: value for name, value in properties.items() if is_plain(value)}
    loop = asyncio.new_event_loop()
    try:
        whole = loop.run_until_complete(rpc.serialize_properties(sendable, {}))
    finally:
        loop.close()
    for name in ("news", "properties", "inputs", "olds"):
        source = getattr(call.message, name, None)
        if source is not None and PROVIDER in source:
            whole.fields[PROVIDER].CopyFrom(source.fields[PROVIDER])
            return whole
    # Recorded without it, the resource could never be read or deleted again.
    message = "the request holds no provider"
    raise LookupError(message)
