"""What travels between engine and provider, in plain terms: properties, replies, and the errors inside trailers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2, status_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping

PROVIDER = "__provider"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

Properties = dict[str, Any]


@dataclass(frozen=True)
class RawResponse:
    """What a verb answered; what the verb does not have stays empty. Properties come without `__provider`."""

    id: str = ""
    properties: Properties = field(default_factory=dict)
    inputs: Properties = field(default_factory=dict)
    failures: tuple[tuple[str, str], ...] = ()
    changes: str = ""
    replaces: tuple[str, ...] = ()
    delete_before_replace: bool = False
    raw: Any = None


@dataclass(frozen=True)
class Partial:
    """The detail of a reply that says: it exists, but is not as declared."""

    id: str
    properties: Properties
    reasons: tuple[str, ...]
    inputs: Properties | None
    has_provider: bool


class VerbError(Exception):
    """A verb that failed. `text` is what the user would read: the trailer's message, else the gRPC details."""

    def __init__(self, error: grpc.Call) -> None:
        trailer = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
        self.code: grpc.StatusCode = error.code()
        self.details = error.details() or ""
        self.status = None if trailer is None else status_pb2.Status.FromString(trailer)
        self.text = self.details if self.status is None else self.status.message
        self.partial = decode_partial(self.status)
        super().__init__(self.text)


class Pending:
    """A verb on its way."""

    def __init__(self, call: Any) -> None:
        self._call = call

    @property
    def done(self) -> bool:
        """Whether the answer has come."""
        return bool(self._call.done())

    def result(self) -> RawResponse:
        """Wait for the answer. Raises VerbError."""
        try:
            return _decode_reply(self._call.result())
        except grpc.RpcError as error:
            raise VerbError(error) from None


def urn(name: str, resource_type: str = "pulumi-python:dynamic/goldrush:Pipeline") -> str:
    """Return the URN of a resource of stack `dev`, project `lab`, below a component."""
    return f"urn:pulumi:dev::lab::lab:index:Parent${resource_type}::{name}"


def encode(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return properties as they travel: numbers become floats, secrets and unknowns are what they look like."""
    struct = struct_pb2.Struct()
    json_format.ParseDict(dict(properties), struct)
    return struct


def decode(struct: struct_pb2.Struct) -> Properties:
    """Return properties as they travelled, raw secret dicts included, without `__provider`."""
    properties: Properties = json_format.MessageToDict(struct)
    properties.pop(PROVIDER, None)
    return properties


def _decode_reply(message: Any) -> RawResponse:
    changes = getattr(message, "changes", None)
    return RawResponse(
        id=getattr(message, "id", ""),
        properties=decode(message.properties) if hasattr(message, "properties") else {},
        inputs=decode(message.inputs) if hasattr(message, "inputs") else {},
        failures=tuple((failure.property, failure.reason) for failure in getattr(message, "failures", ())),
        changes="" if changes is None else provider_pb2.DiffResponse.DiffChanges.Name(changes),
        replaces=tuple(getattr(message, "replaces", ())),
        delete_before_replace=getattr(message, "deleteBeforeReplace", False),
        raw=message,
    )


def decode_partial(status: Any) -> Partial | None:
    """Return the detail of a status; None where it has none."""
    detail = provider_pb2.ErrorResourceInitFailed()
    if status is None or not status.details or not status.details[0].Unpack(detail):
        return None
    return Partial(
        id=detail.id,
        properties=decode(detail.properties),
        reasons=tuple(detail.reasons),
        inputs=decode(detail.inputs) if detail.HasField("inputs") else None,
        has_provider=PROVIDER in detail.properties and (not detail.HasField("inputs") or PROVIDER in detail.inputs),
    )
