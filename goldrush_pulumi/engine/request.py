"""The engine's request behind the verb that is running: its resource, its recorded inputs, and its time."""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.schema.wire import PROVIDER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


_HIDDEN: Final = "__"
"""What the names of hidden properties begin with."""


@dataclass(frozen=True)
class Request:
    """What the engine sent beside the properties. All fields are empty outside a verb.

    `inputs` are the recorded inputs where the verb has them (update and diff: the old ones, read: the present ones),
    without the SDK's own `__provider`; else {}. `timeout_seconds` is the resource's `custom_timeouts` for this verb,
    None when the user set none.
    """

    urn: str = ""
    resource_name: str = ""
    inputs: dict[str, Any] = field(default_factory=dict, repr=False)
    timeout_seconds: float | None = None


@dataclass(frozen=True)
class EngineCall:
    """A call of one verb: its name, and the host's message and gRPC context where they could be found."""

    verb: str
    message: Any = None
    context: Any = None

    @functools.cached_property
    def request(self) -> Request:
        """The message in our words, read once and only when needed."""
        return Request() if self.message is None else _read_request(self.message)

    def __str__(self) -> str:
        """The verb and its object as errors name them: "create Pipeline base-swaps"."""
        resource_type, name = _split_urn(getattr(self.message, "urn", ""))
        return f"{self.verb} {resource_type.rpartition(':')[2] or 'resource'} {name}".rstrip()


_call: ContextVar[EngineCall | None] = ContextVar("goldrush_pulumi_call", default=None)

_idle = threading.Condition()

_running = 0


def current_request() -> Request:
    """Return the request of the verb that runs on this thread; an empty one outside a verb or when internals moved.

    A thread started by a verb sees it only when it runs in a copy of the verb's `contextvars` context.
    """
    call = _call.get()
    return Request() if call is None else call.request


def current_call() -> EngineCall | None:
    """Return the verb that runs on this thread."""
    return _call.get()


@contextlib.contextmanager
def enter_verb(name: str) -> Iterator[EngineCall]:
    """Make the host's message and context known to this thread for as long as the verb runs."""
    message, context = _find_message_and_context()
    call = EngineCall(name, message, context)
    token = _call.set(call)
    _count(1)
    try:
        yield call
    finally:
        _count(-1)
        _call.reset(token)


def wait_until_idle(timeout_seconds: float) -> bool:
    """Wait until no verb runs in this process. Return False when some still do after `timeout_seconds`."""
    with _idle:
        return _idle.wait_for(lambda: _running == 0, timeout_seconds)


def with_hidden(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Return properties of the verb that runs, those of the message's field `name`, with what the SDK left out of them.

    Older SDKs leave out every key that begins with two underscores, at any depth: the hidden inputs and outputs, and
    whatever a user has called so.
    """
    call = _call.get()
    sent = getattr(call.message, name, None) if call else None
    return properties if sent is None or not _leaves_out_hidden() else _restored(properties, sent)


def _count(change: int) -> None:
    global _running  # noqa: PLW0603 - one number for the whole process, guarded by the condition
    with _idle:
        _running += change
        _idle.notify_all()


def _find_message_and_context() -> tuple[Any, Any]:
    """Return `request` and `context` of the host's handler, which lies above us on this thread's stack."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the host passes neither of them on
    while frame is not None:
        if "request" in frame.f_code.co_varnames and "context" in frame.f_code.co_varnames:
            message, context = frame.f_locals.get("request"), frame.f_locals.get("context")
            if hasattr(message, "urn") and hasattr(context, "set_trailing_metadata"):
                return message, context
        frame = frame.f_back
    return None, None


def _read_request(message: Any) -> Request:
    """Translate the engine's message; a field that this SDK does not have stays empty."""
    return Request(
        urn=message.urn,
        resource_name=_split_urn(message.urn)[1],
        inputs=_read_inputs(message),
        timeout_seconds=getattr(message, "timeout", 0.0) or None,
    )


def _split_urn(urn: str) -> tuple[str, str]:
    """Return type and name of "urn:pulumi:stack::project::parent$type::name"; the name itself may hold "::"."""
    types, _, name = urn.partition("::")[2].partition("::")[2].partition("::")
    return types.rpartition("$")[2], name


def _read_inputs(message: Any) -> dict[str, Any]:
    from pulumi.runtime import rpc  # noqa: PLC0415 - the engine bridge must cost a program nothing

    recorded = getattr(message, "old_inputs", None) or getattr(message, "inputs", None)
    if recorded is None:
        return {}
    try:
        inputs = rpc.deserialize_properties(recorded, keep_unknowns=True)
        inputs = _restored(inputs, recorded) if _leaves_out_hidden() else inputs
    except Exception:  # noqa: BLE001 - internals moved: what the public API hands to a verb has to do
        from goldrush_pulumi.engine.log import warn_once  # noqa: PLC0415 - it imports this module

        warn_once(
            "this version of the Pulumi SDK hides recorded inputs: previews and refreshes go by the recorded outputs"
        )
        return {}
    return {key: value for key, value in inputs.items() if key != PROVIDER}


@functools.cache
def _leaves_out_hidden() -> bool:
    """Whether this SDK leaves out keys that begin with two underscores."""
    from google.protobuf import struct_pb2  # noqa: PLC0415 - the engine bridge must cost a program nothing
    from pulumi.runtime import rpc  # noqa: PLC0415 - as above

    probe = struct_pb2.Struct()
    probe["nested"] = {_HIDDEN: True}
    try:
        return _HIDDEN not in rpc.deserialize_properties(probe)["nested"]
    except Exception:  # noqa: BLE001 - internals moved: what the public API hands to a verb has to do
        return False


def _restored(value: Any, sent: Any) -> Any:
    """Return what the SDK made of the message's value `sent`, with the keys that it left out, at any depth."""
    from pulumi.runtime import rpc  # noqa: PLC0415 - the engine bridge must cost a program nothing

    if isinstance(value, dict) and hasattr(sent, "fields"):
        kept = {key: _restored(item, sent[key]) if key in sent else item for key, item in value.items()}
        missing = {key: item for key, item in sent.items() if key.startswith(_HIDDEN) and key not in kept}
        added = {
            key: _restored(rpc.deserialize_property(item, keep_unknowns=True), item) for key, item in missing.items()
        }
        return {**kept, **{key: item for key, item in added.items() if item is not None}}
    if isinstance(value, list) and len(value) == len(sent):
        return [_restored(item, original) for item, original in zip(value, sent, strict=True)]
    return value
