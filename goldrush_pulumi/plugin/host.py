"""The process of the plugin: its way back to the engine, its signals, and its end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.engine.log import forward_debug_log, refuses
from goldrush_pulumi.operations.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG_TIMEOUT_SECONDS: Final = 2.0

_WATCH_INTERVAL_SECONDS: Final = 2.0

_ENGINE_GONE: Final = b"\0"
"""What wakes the main thread when the engine is gone; a signal wakes it with its own number."""


current_urn: ContextVar[str] = ContextVar("goldrush_pulumi_urn", default="")
"""The resource that the running call is about; empty where it is about none."""


class Host:
    """Shared by all threads of a plugin process.

    Attributes:
        cancelled: Set when the user presses Ctrl-C or the engine is gone; every wait listens to it.
        while_engine_lives: Called every two seconds for as long as the engine listens, on a thread of its own.
    """

    def __init__(self, engine_address: str | None) -> None:
        self.cancelled = threading.Event()
        self.while_engine_lives: Callable[[], None] = lambda: None
        self._address = engine_address
        self._stub: Any = None
        self._lock = threading.Lock()
        self._said: set[tuple[str, str]] = set()
        forward_debug_log(lambda text: self.log("DEBUG", text, current_urn.get()))

    def attach(self, engine_address: str) -> None:
        """Use another engine from now on, as a plugin that was started by hand is told to."""
        with self._lock:
            self._address, self._stub = engine_address, None

    def log(self, severity: str, text: str, urn: str, *, ephemeral: bool = False) -> None:
        """Show a line on the row of the resource `urn`. Never raises: a log line must not fail a deployment."""
        with contextlib.suppress(Exception):
            stub = self._engine()
            if stub is None:
                return
            from pulumi.runtime.proto import engine_pb2  # noqa: PLC0415 - loaded when needed

            line = engine_pb2.LogRequest(
                severity=engine_pb2.LogSeverity.Value(severity), message=text, urn=urn, ephemeral=ephemeral
            )
            stub.Log(line, timeout=_LOG_TIMEOUT_SECONDS)

    def warn_once(self, text: str, urn: str) -> None:
        """Show a warning of a resource one time only in this process."""
        with self._lock:
            is_new = (urn, text) not in self._said
            self._said.add((urn, text))
        if is_new:
            self.log("WARNING", text, urn)

    def require_engine(self) -> None:
        """Return only while somebody will record what is changed next.

        Raises:
            UserError: the engine no longer listens; nothing more may be changed on its behalf.
        """
        if not self._engine_is_gone():
            return
        self.cancelled.set()
        raise UserError(
            "the Pulumi engine is gone, so nothing more was sent; run `pulumi cancel`, then `pulumi up` again"
        )

    def wait_for_end(self) -> bool:
        """Wait for a signal, or until the engine is gone; every wait of a verb ends at the same moment.

        Return whether it was a signal: the engine sends one when it has every reply.

        A shell or a CI job may have started this process with SIGINT ignored, so both signals get handlers here. The
        handlers do nothing: setting an event in one can block for ever, so the signal wakes a socket instead.
        """
        woken, waker = socket.socketpair()
        waker.settimeout(0.0)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(waker.fileno())
        threading.Thread(target=self._watch, args=(waker,), name="goldrush-engine-watcher", daemon=True).start()
        reason = woken.recv(1)
        self.cancelled.set()
        return reason != _ENGINE_GONE

    def _watch(self, waker: socket.socket) -> None:
        while not self._engine_is_gone():
            with contextlib.suppress(Exception):
                # Whatever goes wrong in there, the engine has to be watched.
                self.while_engine_lives()
            time.sleep(_WATCH_INTERVAL_SECONDS)
        waker.send(_ENGINE_GONE)

    def _engine_is_gone(self) -> bool:
        """Return whether the engine's socket refuses connections; anything less certain counts as alive."""
        address = self._address
        return address is not None and refuses(address) and refuses(address)

    def _engine(self) -> Any:
        with self._lock:
            if self._stub is None and self._address is not None:
                import grpc  # noqa: PLC0415 - loaded when needed
                from pulumi.runtime.proto import engine_pb2_grpc  # noqa: PLC0415 - loaded when needed

                # A proxy of the user's environment has no business between two processes of one machine.
                channel = grpc.insecure_channel(self._address, options=(("grpc.enable_http_proxy", 0),))
                self._stub = engine_pb2_grpc.EngineStub(channel)
            return self._stub


def leave(code: int) -> None:
    """End the process at once: threads that do not listen would keep an ordinary exit waiting."""
    os._exit(code)
