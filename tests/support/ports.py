"""Ports at which nobody listens."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def hold(port: int = 0) -> socket.socket:
    """Take a port and refuse all who connect to it, for as long as the socket is open.

    A port that is only closed may be another test's a moment later: tests start several servers a second.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", port))
    return held


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port of this machine at which nobody listens, and nobody will."""
    with hold() as held:
        yield held.getsockname()[1]
