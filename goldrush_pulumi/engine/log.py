"""The way back to the engine: status lines, warnings, the debug log, and whether the engine still listens."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.engine.request import current_request

if TYPE_CHECKING:
    from collections.abc import Callable

DEBUG_VARIABLE = "GOLDRUSH_PULUMI_DEBUG"
"""Environment variable that shows tracebacks of internal errors and the log of requests."""

_LOG_TIMEOUT_SECONDS = 2.0

_PROBE_TIMEOUT_SECONDS = 1.0

_said: set[tuple[str, str]] = set()


@functools.cache
def engine_address() -> str | None:
    """Return the engine's `host:port`, the last argument of a plugin process; None in any other process."""
    if len(sys.argv) < 2 or not _is_plugin_process():  # noqa: PLR2004 - the program's name and one argument
        return None
    host, _, port = sys.argv[-1].rpartition(":")
    return sys.argv[-1] if host and port.isdecimal() else None


def status(text: str) -> None:
    """Show `text` on the resource's row while its verb runs; the line vanishes at the end. Never raises.

    Where the CLI is not interactive every call prints a line, so callers say only what is new.
    """
    _log(text, "INFO", ephemeral=True)


def warn(text: str) -> None:
    """Show `text` as a warning of the resource, or of the stack outside a verb. Never raises."""
    _log(text, "WARNING", ephemeral=False)


def warn_once(text: str, *, about: str = "") -> None:
    """Show a warning once in this process: once for each resource that `about` names, or once for the process."""
    if (about, text) not in _said:
        _said.add((about, text))
        warn(text)


def debug(text: str) -> None:
    """Show `text` where `pulumi up --debug` shows what providers do. Never raises."""
    _log(text, "DEBUG", ephemeral=False)


def forward_debug_log(show: Callable[[str], None]) -> None:
    """Hand this package's DEBUG log to `show`, which sends a line to the engine, if the user asks for it.

    Each line costs a call to the engine, so this needs `GOLDRUSH_PULUMI_DEBUG=1`.
    """
    if os.environ.get(DEBUG_VARIABLE) == "1":
        logger = logging.getLogger("goldrush_pulumi")
        logger.setLevel(logging.DEBUG)
        logger.addHandler(_ShownLines(show))


class _ShownLines(logging.Handler):
    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__()
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        self._show(record.getMessage())


def engine_is_gone() -> bool:
    """Return whether the engine's socket refuses connections; anything less certain counts as alive."""
    address = engine_address()
    return address is not None and refuses(address) and refuses(address)


def _is_plugin_process() -> bool:
    specification = getattr(sys.modules.get("__main__"), "__spec__", None)
    return getattr(specification, "name", None) == "pulumi.dynamic.__main__"


def _log(text: str, severity: str, *, ephemeral: bool) -> None:
    # Nothing that goes wrong here may fail a deployment.
    with contextlib.suppress(Exception):
        stub = _stub()
        if stub is None:
            return
        from pulumi.runtime.proto import engine_pb2  # noqa: PLC0415 - the engine bridge must cost a program nothing

        line = engine_pb2.LogRequest(
            severity=engine_pb2.LogSeverity.Value(severity),
            message=text,
            urn=current_request().urn,
            ephemeral=ephemeral,
        )
        stub.Log(line, timeout=_LOG_TIMEOUT_SECONDS)


@functools.cache
def _stub() -> Any:
    address = engine_address()
    if address is None:
        return None
    import grpc  # noqa: PLC0415 - the engine bridge must cost a program nothing
    from pulumi.runtime.proto import engine_pb2_grpc  # noqa: PLC0415

    # Two processes of one machine need no proxy, whatever the user's environment says.
    return engine_pb2_grpc.EngineStub(grpc.insecure_channel(address, options=(("grpc.enable_http_proxy", 0),)))


def refuses(address: str) -> bool:
    """Return whether nobody listens at `address`, a `host:port`; anything less certain counts as somebody."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_PROBE_TIMEOUT_SECONDS) as connection:
            # Connecting to a free port of one's own machine can, by chance, reach oneself.
            return bool(connection.getsockname() == connection.getpeername())
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
