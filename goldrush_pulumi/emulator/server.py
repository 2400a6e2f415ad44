"""The emulator as a running server: uvicorn in a thread, on a loopback address."""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from goldrush_pulumi.emulator.accounts import Account, KeyRing, default_accounts
from goldrush_pulumi.emulator.routes import BASE_PATH, PipelineApi
from goldrush_pulumi.emulator.storage import Archive, ArchiveError
from goldrush_pulumi.emulator.control import control_application
from goldrush_pulumi.emulator.admin import Controls
from goldrush_pulumi.emulator.faults import FaultBook
from goldrush_pulumi.emulator.middleware import CONTROL_PATH, Gateway
from goldrush_pulumi.emulator.lifecycle import Lifecycle
from goldrush_pulumi.emulator.prober import Prober, ProberError
from goldrush_pulumi.emulator.recording import Recorder
from goldrush_pulumi.emulator.store import Store
from goldrush_pulumi.emulator.switches import SwitchBoard, Switches

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from starlette.types import ASGIApp, Receive, Scope, Send
    from typing_extensions import Self

_ACCOUNTS_NOTE = "accounts"
_BACKLOG = 2048
# Longer than clients keep idle connections, as gateways do: a POST on one that is being closed loses its answer.
_KEEP_ALIVE_SECONDS = 75


class EmulatorError(Exception):
    """The emulator cannot start; the text is one clear line."""


class Emulator(Controls):
    """A local GoldRush. As a context manager it serves from enter to exit.

    Args:
        port: Port to listen on; 0 takes a free one.
        lifecycle: What moves pipelines through their phases; instant unless given.
        switches: Answers to the open questions; their defaults unless given.
        accounts: Accounts and keys; "main" and "other" with random keys unless given.
        service_key: The key of the first account, in the place of its random one.
        state_file: SQLite file in which pipelines and keys survive a restart; in memory unless given.
        host: A loopback address.
        clock: Seconds since the epoch, for tests that move time themselves.
        probe: Whether destinations are tried by real connections, and a pipeline fails whose destination refuses.
        other_service_key: The key of the second account, in the place of its random one.

    Raises:
        EmulatorError: The address is not a loopback address, the state file cannot be used, or what probes needs is
            missing.
    """

    def __init__(
        self,
        port: int = 0,
        lifecycle: Lifecycle | None = None,
        switches: Switches | None = None,
        accounts: Sequence[Account] | None = None,
        service_key: str | None = None,
        state_file: str | os.PathLike[str] | None = None,
        host: str = "127.0.0.1",
        clock: Callable[[], float] = time.time,
        *,
        probe: bool = False,
        other_service_key: str | None = None,
    ) -> None:
        _require_loopback(host)
        self._address = (host, port)
        self._archive = _open_archive(state_file)
        self._keys = KeyRing(_known_accounts(self._archive, accounts, (service_key, other_service_key)))
        self._prober = _make_prober() if probe else None
        board, recorder, faults = SwitchBoard(switches), Recorder(), FaultBook()
        store = Store(self._keys, board, lifecycle or Lifecycle.instant(), clock, self._archive, self._prober)
        super().__init__(store, board, recorder, faults)
        api = PipelineApi(store, self._keys, board, clock)
        self._gateway = Gateway(api, control_application(self), store, recorder, faults, board, clock)
        self._server: _Server | None = None

    @property
    def accounts(self) -> list[Account]:
        """All accounts; the first is the default."""
        return self._keys.accounts

    @property
    def service_key(self) -> str:
        """The first key of the default account."""
        return self.accounts[0].service_key

    @property
    def api_key(self) -> str:
        """A plain API key: known, and answered with 403."""
        return self._keys.api_key

    @property
    def port(self) -> int:
        """The port it listens on; before the start the one it was given."""
        return self._address[1]

    @property
    def base_url(self) -> str:
        """The address of the Pipeline API, with its trailing slash."""
        return f"{self._origin}{BASE_PATH}"

    @property
    def control_url(self) -> str:
        """The address of the control API, with its trailing slash."""
        return f"{self._origin}{CONTROL_PATH}"

    def add_key(self, account_name: str = "main") -> str:
        """Make one more ServiceKey of an account and return it."""
        return self._keys.add(account_name)

    def revoke_key(self, key: str) -> None:
        """Make a key invalid: 401 from the next request on."""
        self._keys.revoke(key)

    def start(self) -> None:
        """Listen and serve in a thread of its own; returns once requests are answered.

        Raises:
            EmulatorError: The port is taken or may not be used.
        """
        listener = _listen(*self._address)
        self._address = (self._address[0], listener.getsockname()[1])
        self._server = _Server(self._gateway, listener)
        self._server.start()

    def stop(self) -> None:
        """Cut all connections and stop listening; the pipelines stay, and ``start`` listens on the same port again."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def close(self) -> None:
        """Stop for good and let go of the state file."""
        self.stop()
        if self._prober is not None:
            self._prober.close()
        if self._archive is not None:
            self._archive.close()

    def __enter__(self) -> Self:
        """Start serving."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving."""
        self.close()

    @property
    def _origin(self) -> str:
        host, port = self._address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """Uvicorn in a thread that ends at once when told to, whatever its connections are doing."""

    def __init__(self, application: ASGIApp, listener: socket.socket) -> None:
        config = uvicorn.Config(
            application,
            http=_Protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        )
        super().__init__(config)
        self._listener = listener
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self.run, args=([listener],), name="goldrush-emulator", daemon=True)

    def start(self) -> None:
        """Run in a thread; return when requests are answered."""
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    async def main_loop(self) -> None:
        """Serve until told to stop; the tick keeps the `Date` header right."""
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        stopped = asyncio.ensure_future(self._stopping.wait())
        while not stopped.done():
            await self.on_tick(0)
            self._ready.set()
            await asyncio.wait({stopped}, timeout=1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Cut every connection: a held-back answer must not hold up the end."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for task in list(self.server_state.tasks):
            task.cancel()


class _Protocol(H11Protocol):
    """Hands the transport to the application, so that a fault can break the connection."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        served = self.app

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            scope["extensions"] = {**scope.get("extensions", {}), "goldrush.transport": self.transport}
            await served(scope, receive, send)

        self.app = application


def _require_loopback(host: str) -> None:
    try:
        safe = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        safe = False
    if not safe:
        message = f"serve emulator on {host}: it has no protection of its own, use a loopback address such as 127.0.0.1"
        raise EmulatorError(message)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named TCP in so many words, asyncio turns Nagle's algorithm off; else each answer is 40 ms late.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        message = f"serve emulator on {host}:{port}: {reason}, choose another port (0 takes a free one)"
        raise EmulatorError(message) from None
    return listener


def _open_archive(state_file: str | os.PathLike[str] | None) -> Archive | None:
    try:
        return None if state_file is None else Archive(Path(state_file))
    except ArchiveError as error:
        raise EmulatorError(str(error)) from None


def _make_prober() -> Prober:
    try:
        return Prober()
    except ProberError as error:
        raise EmulatorError(str(error)) from None


def _known_accounts(
    archive: Archive | None, given: Sequence[Account] | None, service_keys: tuple[str | None, ...]
) -> list[Account]:
    noted = [Account(**values) for values in (archive and archive.note(_ACCOUNTS_NOTE)) or []]
    accounts = list(given or noted or default_accounts())
    groups = {account.group_id for account in accounts}
    accounts += [account for account in noted if account.group_id not in groups]
    for number, key in enumerate(service_keys):
        if key is not None:
            accounts[number] = dataclasses.replace(accounts[number], service_key=key)
    if archive is not None:
        archive.write_note(_ACCOUNTS_NOTE, [dataclasses.asdict(account) for account in accounts])
    return accounts
