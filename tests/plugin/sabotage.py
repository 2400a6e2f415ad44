"""Takes away, inside a provider process, what a later SDK might: each word names one internal that has moved."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.engine import host as pool
from goldrush_pulumi.engine import request

if TYPE_CHECKING:
    from collections.abc import Callable


def apply(words: str) -> None:
    """Take away what each of the comma-separated `words` names."""
    for word in filter(None, words.split(",")):
        _ACTS[word]()


def _hide_frames() -> None:
    request._find_message_and_context = lambda: (None, None)


def _hide_pool() -> None:
    def find_nothing() -> Any:
        message = "moved"
        raise LookupError(message)

    pool._find_executor = find_nothing


def _hide_servicer() -> None:
    del sys.modules["__main__"].DynamicResourceProviderServicer


def _hide_status_message() -> None:
    from pulumi.runtime.proto import status_pb2  # noqa: PLC0415 - only the sabotaged process needs it

    del status_pb2.Status


def _hide_engine_stub() -> None:
    from pulumi.runtime.proto import engine_pb2_grpc  # noqa: PLC0415 - only the sabotaged process needs it

    del engine_pb2_grpc.EngineStub


_ACTS: dict[str, Callable[[], None]] = {
    "frames": _hide_frames,
    "pool": _hide_pool,
    "servicer": _hide_servicer,
    "status message": _hide_status_message,
    "engine stub": _hide_engine_stub,
}
