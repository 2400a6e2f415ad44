"""A gate between a test and the code inside a plugin: who arrives is held until the test lets go. No clocks."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS_VARIABLE = "LAB_GATE"
_PATIENCE_SECONDS = 60.0


class Visitor:
    """One held caller, seen from the test."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._reader = connection.makefile("r", encoding="utf-8")
        self.name = self.read()

    def read(self) -> str:
        """Return the next line that the caller says; "" when it has gone."""
        return self._reader.readline().rstrip("\n")

    def release(self) -> None:
        """Let the caller go on."""
        self._connection.sendall(b"go\n")

    def close(self) -> None:
        self._reader.close()
        self._connection.close()


class Gate:
    """The test's side. Everybody who passes `visit` with this gate's address in the environment is held here."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._listener.settimeout(_PATIENCE_SECONDS)
        self._visitors: list[Visitor] = []

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to find this gate."""
        return {ADDRESS_VARIABLE: f"127.0.0.1:{self._listener.getsockname()[1]}"}

    def await_visitors(self, count: int) -> list[Visitor]:
        """Return `count` new callers once all of them are held at the same moment."""
        visitors = []
        for _ in range(count):
            connection, _ = self._listener.accept()
            connection.settimeout(_PATIENCE_SECONDS)
            visitors.append(Visitor(connection))
            self._visitors.append(visitors[-1])
        return visitors

    def close(self) -> None:
        for visitor in self._visitors:
            visitor.close()
        self._listener.close()


class Visit:
    """The caller's side of a gate."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def say(self, line: str) -> None:
        """Tell the test something, at once and for certain, even when this process ends right after."""
        self._connection.sendall(f"{line}\n".encode())

    def wait(self) -> None:
        """Stay until the test lets go or has gone."""
        self._connection.recv(16)


@contextlib.contextmanager
def visit(name: str) -> Iterator[Visit]:
    """Arrive at the gate that the environment names."""
    host, _, port = os.environ[ADDRESS_VARIABLE].rpartition(":")
    with socket.create_connection((host, int(port))) as connection:
        caller = Visit(connection)
        caller.say(name)
        yield caller
