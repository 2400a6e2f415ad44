"""How an error of a verb becomes a reply: clear words, and a partial result where the pipeline exists."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import grpc
from pulumi.runtime.proto import provider_pb2, status_pb2

from goldrush_pulumi.engine.replies import describe_bug, shorten
from goldrush_pulumi.operations.errors import InitFailed, UserError
from goldrush_pulumi.plugin.host import current_urn
from goldrush_pulumi.plugin.names import in_program_words
from goldrush_pulumi.plugin.values import write
from goldrush_pulumi.schema.wire import OWNER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from goldrush_pulumi.plugin.values import Path

_Result = TypeVar("_Result")

_TRAILER: Final = "grpc-status-details-bin"

_UNKNOWN_STATUS: Final = 2
"""With any other code the engine's gRPC library rejects the trailer as contradicting the status."""


@dataclass(frozen=True)
class Failure:
    """A reply that is an error. `partial` is the engine's own message for a resource that exists all the same."""

    text: str
    partial: Any = None

    def send(self, context: grpc.ServicerContext) -> None:
        """End the call with this failure."""
        if self.partial is not None:
            status = status_pb2.Status(code=_UNKNOWN_STATUS, message=self.text)
            status.details.add().Pack(self.partial, type_url_prefix="type.googleapis.com")
            context.set_trailing_metadata(((_TRAILER, status.SerializeToString()),))
        context.abort(grpc.StatusCode.UNKNOWN, self.text)


class CallError(Exception):
    """A call ends with `failure`, which says everything that the engine and the user may know of it."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


def answered(method: Callable[[Any, Any, grpc.ServicerContext], _Result]) -> Callable[..., _Result]:
    """Make a call end in clear words whatever goes wrong in it: gRPC alone would send the text of the exception.

    The lines that the call logs name its resource.
    """

    @functools.wraps(method)
    def serve(servicer: Any, request: Any, context: grpc.ServicerContext) -> _Result:
        token = current_urn.set(getattr(request, "urn", ""))
        try:
            return method(servicer, request, context)
        except CallError as error:
            failure = error.failure
        except BaseException as error:  # noqa: BLE001 - a call that is not answered would hang the engine
            failure = failure_of(error, f"answer {method.__name__}", None, (), None)
        finally:
            current_urn.reset(token)
        failure.send(context)
        raise AssertionError("a failed call has ended")

    return serve


def failure_of(
    error: BaseException, subject: str, destination_type: object, marks: Iterable[Path], owner: str | None
) -> Failure:
    """Return the reply for `error`.

    Args:
        error: What a verb raised.
        subject: What was being done, for errors that nobody raised on purpose.
        destination_type: The type of the destination, which is part of the paths that programs see.
        marks: The paths of the values that the program marked as secret.
        owner: The owner that the pipeline is recorded with.
    """
    if isinstance(error, InitFailed):
        reasons = [_with_first_line_translated(reason, destination_type) for reason in error.reasons]
        return Failure("\n".join(reasons), _partial_result(error, reasons, tuple(marks), owner))
    if isinstance(error, UserError):
        return Failure(in_program_words(str(error), destination_type))
    return Failure(describe_bug(subject, error, __name__))


def with_owner(properties: Mapping[str, Any], owner: str | None) -> dict[str, Any]:
    """Return properties with the owner that the pipeline is recorded with."""
    return dict(properties) if owner is None else {**properties, OWNER: owner}


def _with_first_line_translated(reason: str, destination_type: object) -> str:
    """Translate what we say of a failure, and leave the log lines below it as they were printed."""
    first, separator, rest = reason.partition("\n")
    return in_program_words(first, destination_type) + separator + rest


def _partial_result(error: InitFailed, reasons: list[str], marks: tuple[Path, ...], owner: str | None) -> Any:
    detail = provider_pb2.ErrorResourceInitFailed(id=error.id, reasons=reasons)
    detail.properties.CopyFrom(write(with_owner(error.outputs, owner), marks))
    if error.inputs is not None:
        detail.inputs.CopyFrom(write(with_owner(error.inputs, owner), marks))
    shorten(detail)
    return detail
