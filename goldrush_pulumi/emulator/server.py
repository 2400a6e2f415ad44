"""The emulator as a running server: uvicorn in a thread, on a loopback address."""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from goldrush_pulumi.emulator.accounts import Account, KeyRing, default_accounts
from goldrush_pulumi.emulator.admin import Admin, admin_application
from goldrush_pulumi.emulator.faults import Faults
from goldrush_pulumi.emulator.lifecycle import Lifecycle
from goldrush_pulumi.emulator.middleware import ADMIN_PATH, Middleware, Recorder
from goldrush_pulumi.emulator.probe import Prober, ProberError
from goldrush_pulumi.emulator.routes import BASE_PATH, PipelineApi
from goldrush_pulumi.emulator.storage import Storage, StorageError
from goldrush_pulumi.emulator.store import Store
from goldrush_pulumi.emulator.switches import ActiveSwitches, Switches

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from starlette.types import ASGIApp, Receive, Scope, Send

_ACCOUNTS_NOTE = "accounts"
_BACKLOG = 2048
# Longer than clients keep idle connections, as gateways do: a POST on one that is being closed loses its response.
_KEEP_ALIVE_SECONDS = 75


class EmulatorError(Exception):
    """The emulator cannot start; the text is one clear line."""


class Emulator(Admin):
    """A local GoldRush. As a context manager it serves from enter to exit.

    Args:
        port: Port to listen on; 0 takes a free one.
        lifecycle: What moves pipelines through their phases; instant by default.
        switches: Answers to the open questions about GoldRush.
        accounts: Accounts and keys; by default "main" and "other" with random keys.
        service_key: The key of the first account, in place of its random one.
        state_file: SQLite file in which pipelines and keys survive a restart; by default they are kept in memory.
        host: A loopback address.
        clock: Seconds since the epoch, for tests that control time.
        probe: Whether to connect to destinations for real; a pipeline then fails if its destination refuses.
        other_service_key: The key of the second account, in place of its random one.

    Raises:
        EmulatorError: The address is not a loopback address, the state file cannot be used, or a library that probes
            need is missing.
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
        self._storage = _open_storage(state_file)
        keys = KeyRing(_known_accounts(self._storage, accounts, (service_key, other_service_key)))
        self._prober = _make_prober() if probe else None
        active, recorder, faults = ActiveSwitches(switches), Recorder(), Faults()
        store = Store(keys, active, lifecycle or Lifecycle.instant(), clock, self._storage, self._prober)
        super().__init__(store, keys, active, recorder, faults)
        api = PipelineApi(store, keys, active, clock)
        self.application = Middleware(api, admin_application(self), store, recorder, faults, active, clock)
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
        """A plain API key: it is known, and the API returns 403 for it."""
        return self._keys.api_key

    @property
    def port(self) -> int:
        """The port that it listens on; before the start the one that was given."""
        return self._address[1]

    @property
    def base_url(self) -> str:
        """The address of the Pipeline API, with its trailing slash."""
        return f"{self._origin}{BASE_PATH}"

    @property
    def admin_url(self) -> str:
        """The address of the admin API, with its trailing slash."""
        return f"{self._origin}{ADMIN_PATH}"

    def add_key(self, account_name: str = "main") -> str:
        """Create one more ServiceKey of an account and return it."""
        return self._keys.add(account_name)

    def revoke_key(self, key: str) -> None:
        """Make a key invalid: the next request with it gets 401."""
        self._keys.revoke(key)

    def start(self) -> None:
        """Listen and serve in a thread; return once it accepts requests.

        Raises:
            EmulatorError: The port is in use or may not be used.
        """
        listener = _listen(*self._address)
        self._address = (self._address[0], listener.getsockname()[1])
        self._server = _Server(self.application, listener)
        self._server.start()

    def stop(self) -> None:
        """Break all connections and stop listening; the pipelines stay, and ``start`` uses the same port again."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def close(self) -> None:
        """Stop and close the state file."""
        self.stop()
        if self._prober is not None:
            self._prober.close()
        if self._storage is not None:
            self._storage.close()

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
    """Uvicorn in a thread that ends at once on ``stop``, whatever its connections are doing."""

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
        """Run in a thread; return once it accepts requests."""
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    async def main_loop(self) -> None:
        """Serve until ``stop``; the tick keeps the `Date` header right."""
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        stopped = asyncio.ensure_future(self._stopping.wait())
        while not stopped.done():
            await self.on_tick(0)
            self._ready.set()
            await asyncio.wait({stopped}, timeout=1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Break every connection, so that a held-back response does not delay the end."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for task in list(self.server_state.tasks):
            task.cancel()


class _Protocol(H11Protocol):
    """Passes the transport to the application, so that a fault can break the connection."""

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
        raise EmulatorError(
            f"serve emulator on {host}: it must not be reachable by others, use a loopback address such as 127.0.0.1"
        )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only with the protocol named does asyncio turn Nagle's algorithm off, which delays each response by 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise EmulatorError(
            f"serve emulator on {host}:{port}: {reason}, choose another port (0 takes a free one)"
        ) from None
    return listener


def _open_storage(state_file: str | os.PathLike[str] | None) -> Storage | None:
    try:
        return None if state_file is None else Storage(Path(state_file))
    except StorageError as error:
        raise EmulatorError(str(error)) from None


def _make_prober() -> Prober:
    try:
        return Prober()
    except ProberError as error:
        raise EmulatorError(str(error)) from None


def _known_accounts(
    storage: Storage | None, given: Sequence[Account] | None, service_keys: tuple[str | None, ...]
) -> list[Account]:
    noted = [Account(**values) for values in (storage and storage.note(_ACCOUNTS_NOTE)) or []]
    accounts = list(given or noted or default_accounts())
    groups = {account.group_id for account in accounts}
    accounts += [account for account in noted if account.group_id not in groups]
    for number, key in enumerate(service_keys):
        if key is not None:
            accounts[number] = dataclasses.replace(accounts[number], service_key=key)
    if storage is not None:
        storage.write_note(_ACCOUNTS_NOTE, [dataclasses.asdict(account) for account in accounts])
    return accounts
