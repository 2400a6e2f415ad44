"""The engine's side of the plugin protocol as far as a provider talks back: a server that records log lines."""

from __future__ import annotations

import threading
from concurrent import futures
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from tests.support.ports import hold

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

PATIENCE_SECONDS = 60.0
"""How long anything here waits before it calls the other side stuck; no test depends on its value."""


@dataclass(frozen=True)
class Line:
    """One `Engine.Log` call; `severity` is DEBUG, INFO, WARNING or ERROR."""

    severity: str
    text: str
    urn: str
    ephemeral: bool


class FakeEngine(engine_pb2_grpc.EngineServicer):
    """A live engine address; `stop` closes it as a killed CLI does."""

    def __init__(self) -> None:
        self._held: socket.socket | None = None
        self._changed = threading.Condition()
        self._lines: list[Line] = []
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
        engine_pb2_grpc.add_EngineServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def Log(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - gRPC's signature
        line = Line(engine_pb2.LogSeverity.Name(request.severity), request.message, request.urn, request.ephemeral)
        with self._changed:
            self._lines.append(line)
            self._changed.notify_all()
        return empty_pb2.Empty()

    @property
    def lines(self) -> list[Line]:
        """Every line so far, oldest first."""
        with self._changed:
            return list(self._lines)

    def wait_for(self, wanted: Callable[[list[Line]], bool]) -> list[Line]:
        """Return the lines as soon as `wanted` holds for them."""
        with self._changed:
            assert self._changed.wait_for(lambda: wanted(self._lines), PATIENCE_SECONDS), self._lines
            return list(self._lines)

    def stop(self) -> None:
        """Refuse everybody at the address and close every connection to it."""
        self._server.stop(grace=None).wait()
        self._held = hold(int(self.address.rpartition(":")[2]))

    def close(self) -> None:
        """End it, stopped or not, and give its port back."""
        self._server.stop(grace=None).wait()
        if self._held is not None:
            self._held.close()
