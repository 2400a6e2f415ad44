"""Probes of destinations: a TCP connection, and for PostgreSQL a login, as a worker would try them."""

from __future__ import annotations

import copy
import functools
import importlib.util
import re
import socket
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from goldrush_pulumi.emulator.worker import Record

_TIMEOUT_SECONDS: Final = 3.0
_THREADS: Final = 16
_DEFAULT_PORTS: Final = {"postgres": 5432, "clickhouse": 8123, "kafka": 9092, "http": 80}
_HTTPS: Final = 443

HostAndPort = tuple[str, int]


class ProberError(Exception):
    """Destinations cannot be probed; the text is one clear line."""


class Prober:
    """Probes destinations in threads of its own, so that no request waits for another one's connection.

    Raises:
        ProberError: The library that logs in to PostgreSQL is missing.
    """

    def __init__(self) -> None:
        if importlib.util.find_spec("pg8000") is None:
            raise ProberError("probe destinations: pg8000 is missing, install goldrush-pulumi[emulator]")
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="goldrush-probe")

    def begin(self, record: Record, done: Callable[[str | None], None]) -> None:
        """Start to probe the destination of a pipeline; call `done` from another thread with the problem, or None.

        A probe that is cancelled by ``close`` calls nothing; with a state file, the next start tries again.
        """

        def finish(future: Future[str | None]) -> None:
            if not future.cancelled():
                error = future.exception()
                done(future.result() if error is None else f"the probe failed: {type(error).__name__}")

        self._submit(record).add_done_callback(finish)

    def find_problem(self, record: Record) -> tuple[str | None, int]:
        """Probe the destination of a pipeline now; return the problem, or None, and how many milliseconds it took."""
        began = time.monotonic()
        problem = self._submit(record).result()
        return problem, round((time.monotonic() - began) * 1000)

    def close(self) -> None:
        """Wait for the running probes and cancel the others."""
        self._pool.shutdown(cancel_futures=True)

    def _submit(self, record: Record) -> Future[str | None]:
        config: dict[str, Any] = copy.deepcopy(record.config["destination_config"])
        return self._pool.submit(find_connection_problem, record.config["destination_type"], config)


def find_connection_problem(destination_type: str, config: Mapping[str, Any]) -> str | None:
    """Return why a destination cannot be used, in the words of the server that refused, or None.

    One of several addresses has to accept the connection. Nothing is written to the destination.
    """
    try:
        addresses = list(addresses_of(destination_type, config))
    except ValueError:
        return f"{destination_type}: the address cannot be read"
    use = functools.partial(_log_in, config) if destination_type == "postgres" else _accept
    return _first_success(addresses, lambda address: _connect(address, use))


def addresses_of(destination_type: str, config: Mapping[str, Any]) -> Iterable[HostAndPort]:
    """Return the hosts and ports of a destination.

    Raises:
        ValueError: A URL or a port cannot be read.
    """
    if destination_type == "kafka":
        return [_address(broker, _DEFAULT_PORTS["kafka"]) for broker in str(config["bootstrap_servers"]).split(",")]
    if destination_type == "object_storage":
        return _of_url(str(config.get("endpoint") or _public_endpoint(config)), "object_storage")
    return _of_url(str(config.get("queue_url") or config["url"]), destination_type)


def _public_endpoint(config: Mapping[str, Any]) -> str:
    if config.get("provider") == "gcs":
        return "https://storage.googleapis.com"
    return f"https://s3.{config.get('region', 'us-east-1')}.amazonaws.com"


def _of_url(url: str, destination_type: str) -> list[HostAndPort]:
    parts = urlsplit(url.removeprefix("jdbc:"))
    default = _DEFAULT_PORTS.get(destination_type) or _DEFAULT_PORTS.get(parts.scheme, _HTTPS)
    return [_address(host, default) for host in parts.netloc.rpartition("@")[2].split(",")]


def _address(text: str, default_port: int) -> HostAndPort:
    found = re.fullmatch(r"(?:\[(?P<ipv6>[^\[\]]+)\]|(?P<host>[^\[\]:]+))(?::(?P<port>\d+))?", text.strip())
    if found is None:
        raise ValueError(text)
    return found["ipv6"] or found["host"], int(found["port"] or default_port)


def _first_success(addresses: list[HostAndPort], attempt: Callable[[HostAndPort], str | None]) -> str | None:
    problems = []
    for address in addresses:
        problem = attempt(address)
        if problem is None:
            return None
        problems.append(problem)
    return "; ".join(problems) or "no address is given"


def _connect(address: HostAndPort, use: Callable[[socket.socket], str | None]) -> str | None:
    try:
        with socket.create_connection(address, _TIMEOUT_SECONDS) as connection:
            return use(connection)
    except OSError as error:
        return _reason(error, address)


def _accept(_connection: socket.socket) -> None:
    """Do nothing: an open connection is enough."""


def _reason(error: OSError, address: HostAndPort) -> str:
    name = f"{address[0]}:{address[1]}"
    if isinstance(error, socket.gaierror):
        return f"host not found: {name}"
    if isinstance(error, TimeoutError):
        return f"connection timed out: {name}"
    return f"{(error.strerror or 'connection failed').lower()}: {name}"


def _log_in(config: Mapping[str, Any], connection: socket.socket) -> str | None:
    import pg8000.native  # noqa: PLC0415 - only a probing emulator needs it

    parts = urlsplit(str(config["url"]).removeprefix("jdbc:"))
    mode = parse_qs(parts.query).get("sslmode", ["prefer"])[0]
    try:
        pg8000.native.Connection(
            user=config["user"],
            password=config["password"],
            database=unquote(parts.path.lstrip("/")) or config["user"],
            sock=connection,
            # None takes TLS where the server offers it; False does not ask for it.
            ssl_context={"disable": False, "allow": None, "prefer": None}.get(mode, True),
        ).close()
    except pg8000.native.DatabaseError as error:
        return _server_reason(error)
    except pg8000.native.InterfaceError as error:
        return f"log in: {error}"
    return None


def _server_reason(error: Exception) -> str:
    """Return severity and message of a server's error, such as `FATAL: password authentication failed`."""
    fields = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    return f"{fields.get('S', 'ERROR')}: {fields['M']}" if "M" in fields else str(error)
