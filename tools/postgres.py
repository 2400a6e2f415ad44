"""A real PostgreSQL on loopback, from the packages of the system, with one database and one user."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pg8000.native

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_SECONDS: Final = 120.0
USER: Final = "goldrush"
DATABASE: Final = "analytics"
_ADMIN: Final = {"user": "postgres", "password": "postgres", "host": "127.0.0.1"}


class PostgresError(Exception):
    """There is no PostgreSQL here, or it does not start; the text says what to do."""


@dataclass
class Server:
    """A running PostgreSQL; `stop` ends it early."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        """The URL of the database, without credentials."""
        return f"postgresql://127.0.0.1:{self.port}/{DATABASE}"

    def url_of(self, password: str) -> str:
        """The URL of the database for its user, as the Pulumi CLI takes it for a state backend."""
        return f"postgres://{USER}:{password}@127.0.0.1:{self.port}/{DATABASE}?sslmode=disable"

    def change_password(self, password: str) -> None:
        """Give the user another password."""
        connection = pg8000.native.Connection(port=self.port, **_ADMIN)
        connection.run(f"ALTER ROLE {USER} PASSWORD {pg8000.native.literal(password)}")
        connection.close()

    def stop(self) -> None:
        """Cut all connections and end."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=PATIENCE_SECONDS)


def binaries() -> Path | None:
    """Where `initdb` and `postgres` are, None on a machine without them."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in found if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


@contextlib.contextmanager
def postgres(password: str) -> Iterator[Server]:
    """Run a server whose user has this password.

    Raises:
        PostgresError: There is none, or it does not start.
    """
    folder = binaries()
    if folder is None:
        raise PostgresError(
            "run PostgreSQL: no initdb and postgres under /usr/lib/postgresql or on PATH; install Debian's `postgresql`"
        )
    # PostgreSQL refuses to run as root, and its user must reach the data.
    with tempfile.TemporaryDirectory(prefix="goldrush-postgres-") as place:
        account = _unprivileged(Path(place))
        (Path(place) / "password").write_text(_ADMIN["password"], "utf-8")
        data = Path(place) / "data"
        initialise = ["--auth=scram-sha-256", "--username=postgres", f"--pwfile={place}/password", "--locale=C"]
        command = [str(folder / "initdb"), "--no-sync", "--encoding=UTF8", *initialise, f"--pgdata={data}"]
        subprocess.run(command, check=True, capture_output=True, cwd=place, **account)
        server = _start(folder, data, account)
        try:
            _prepare(server, password)
            yield server
        finally:
            if server.process.poll() is None:
                server.stop()


def _unprivileged(place: Path) -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    shutil.chown(place, "nobody")
    return {"user": "nobody"}


def _start(folder: Path, data: Path, account: dict[str, Any]) -> Server:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings = ["listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories=", "fsync=off"]
    command = [str(folder / "postgres"), "-D", str(data), *(word for item in settings for word in ("-c", item))]
    with (data.parent / "log").open("wb") as log:
        return Server(subprocess.Popen(command, stdout=log, stderr=log, cwd=data.parent, **account), port)


def _prepare(server: Server, password: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            connection = pg8000.native.Connection(port=server.port, **_ADMIN)
            break
        except (pg8000.native.InterfaceError, pg8000.native.DatabaseError):
            if server.process.poll() is not None or time.monotonic() >= end:
                raise PostgresError("run PostgreSQL: it does not answer; check that the package is whole") from None
            time.sleep(0.05)
    connection.run(f"CREATE ROLE {USER} LOGIN PASSWORD {pg8000.native.literal(password)}")
    connection.run(f"CREATE DATABASE {DATABASE} OWNER {USER}")
    connection.close()
