"""`exporter`: serve the state of all pipelines to Prometheus. An outage of GoldRush does not end it."""

from __future__ import annotations

import gzip
import signal
import socket
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from goldrush_pulumi.api import GoldRushError
from goldrush_pulumi.cli.context import open_context, quiet_interrupt
from goldrush_pulumi.cli.errors import CommandFailed, is_fatal
from goldrush_pulumi.cli.monitor import Monitor
from goldrush_pulumi.cli.options import HERE, Folder, NameGlob, ProjectGlob, Rounds, StackName, TopicGlob
from goldrush_pulumi.cli.output import note, safe
from goldrush_pulumi.cli.stacks import load_stack
from goldrush_pulumi.cli.targets import Filters

if TYPE_CHECKING:
    from goldrush_pulumi.cli.exposition import Exposition, Totals

DEFAULT_PORT: Final = 9178

_PATH: Final = "/metrics"

_SECONDS_BETWEEN_ROUNDS: Final = 15.0

_SECONDS_BETWEEN_STACK_READS: Final = 300.0

_SECONDS_BETWEEN_REFRESHES: Final = 1.0

_FASTEST_COMPRESSION: Final = 1

Host = Annotated[
    str, typer.Option("--host", help="Address to listen on; there is no password, so keep it private.", metavar="HOST")
]

Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 picks a free one.", metavar="PORT")]

Pause = Annotated[
    float, typer.Option("--interval", min=0.5, help="Seconds between two rounds of requests.", metavar="SECONDS")
]

RateShare = Annotated[
    float,
    typer.Option("--rate-share", min=0.01, max=1.0, help="Part of the account's rate limit to use.", metavar="SHARE"),
]


def run_exporter(
    *,
    project: ProjectGlob = None,
    topic: TopicGlob = None,
    name: NameGlob = None,
    host: Host = "127.0.0.1",
    port: Port = DEFAULT_PORT,
    interval: Pause = _SECONDS_BETWEEN_ROUNDS,
    rate_share: RateShare = 0.5,
    rounds: Rounds = None,
    stack: StackName = None,
    folder: Folder = HERE,
) -> None:
    """Serve metrics of all pipelines to Prometheus until Ctrl-C or SIGTERM, on loopback unless --host says otherwise.

    With --stack, metrics carry the names of stack and resource, and count what differs from the stack's state. The
    state is read again every five minutes.
    """
    from goldrush_pulumi.cli.exposition import Exposition  # noqa: PLC0415 - its package is an extra

    filters = Filters(project, topic, name)
    # Retries would hold a round back; the next round is the retry.
    with open_context(stack, folder, retry_seconds=0.0, rate_share=rate_share) as context, quiet_interrupt():
        poller = Poller(Monitor(context, filters), folder)
        exposition = Exposition(poller.monitor.rows, poller.totals, poller.shown)
        server = MetricsServer(host, port, exposition)
        with server:
            note(f"serving metrics at {server.url}")
            if not _is_loopback(host):
                note(f"whoever reaches {safe(host)} can read them: names, projects and topics of all pipelines")
            _end_on_sigterm(poller)
            poller.run(interval, rounds)


class Poller:
    """Observes all pipelines, round after round, and counts what that takes."""

    def __init__(self, monitor: Monitor, folder: Path) -> None:
        self.monitor = monitor
        self._folder = folder
        # Read once: an upgrade of the package in place must not break the scrapes of what still runs.
        self._version = metadata.version("goldrush-pulumi")
        self._round_seconds = 0.0
        self._stopping = threading.Event()
        self._stack_read_at = time.monotonic()

    def run(self, interval_seconds: float, rounds: int | None) -> None:
        """Poll until it is stopped, or until some rounds are over.

        Raises:
            GoldRushError: GoldRush refused the key.
            CommandFailed: No pipeline matches the filters.
        """
        done = 0
        while not self._stopping.is_set():
            self._read_stack()
            self._poll()
            done += 1
            if done == rounds or self._stopping.wait(interval_seconds):
                return

    def stop(self) -> None:
        """End `run` soon, from another thread or a signal handler."""
        self._stopping.set()
        self.monitor.context.cancelled.set()

    def totals(self) -> Totals:
        """Return what the exporter reports about itself."""
        from goldrush_pulumi.cli.exposition import Totals  # noqa: PLC0415 - its package is an extra

        monitor = self.monitor
        return Totals(
            version=self._version,
            is_up=monitor.last_success is not None and monitor.trouble is None,
            last_success=monitor.last_success,
            rounds=monitor.rounds,
            round_seconds=self._round_seconds,
            outcomes=monitor.context.client.outcomes,
        )

    def shown(self, text: object) -> str:
        """Return a text without secrets, on one line."""
        return self.monitor.context.shown(text)

    def _poll(self) -> None:
        """Do one round. Trouble is logged when it begins and when it ends."""
        monitor, before, started = self.monitor, self.monitor.trouble, time.monotonic()
        try:
            monitor.poll()
        except GoldRushError as error:
            if self._stopping.is_set():
                return
            if is_fatal(error):
                raise
            monitor.trouble = monitor.context.shown(error)
        self._round_seconds = time.monotonic() - started
        if monitor.trouble and not before:
            note(monitor.context.shown(f"no response: {monitor.trouble}"))
        elif before and not monitor.trouble:
            note("GoldRush responds again")

    def _read_stack(self) -> None:
        """Read the state of the stack again when it is old; keep the old one while that fails."""
        stack = self.monitor.context.stack
        if stack is None or time.monotonic() - self._stack_read_at < _SECONDS_BETWEEN_STACK_READS:
            return
        self._stack_read_at = time.monotonic()
        try:
            self.monitor.use_stack(load_stack(stack.name, self._folder))
        except CommandFailed as error:
            note(f"{error}; the state from before is used")


class MetricsServer:
    """Serves the text of an exposition at `/metrics`, and renders it while nobody scrapes.

    Raises:
        CommandFailed: The address cannot be used.
    """

    def __init__(self, host: str, port: int, exposition: Exposition) -> None:
        self._exposition = exposition
        self._ending = threading.Event()
        try:
            self._server = _server_class(host)((host, port), _handler_class(exposition))
        except (OSError, OverflowError) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            raise CommandFailed(
                f"serve metrics on {safe(host)}:{port}: {reason}, choose another --host or --port"
            ) from None
        shown_host = f"[{host}]" if ":" in host else host
        self.url = f"http://{safe(shown_host)}:{self._server.server_address[1]}{_PATH}"
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._serve, self._refresh)]

    def __enter__(self) -> None:
        """Start serving."""
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        """Stop serving."""
        self._ending.set()
        self._server.shutdown()
        self._server.server_close()

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.1)

    def _refresh(self) -> None:
        while not self._ending.wait(_SECONDS_BETWEEN_REFRESHES):
            self._exposition.refresh()


def _server_class(host: str) -> type[ThreadingHTTPServer]:
    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        daemon_threads = True

    return Server


def _handler_class(exposition: Exposition) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 30.0
        """Seconds after which a connection that sends nothing is closed."""

        def do_GET(self) -> None:
            """Respond with the metrics."""
            path = self.path.partition("?")[0]
            if path != _PATH:
                status = HTTPStatus.OK if path == "/" else HTTPStatus.NOT_FOUND
                self._respond(status, "text/plain; charset=utf-8", f"metrics are at {_PATH}\n".encode(), {})
                return
            body, media_type = exposition.scrape(self.headers.get("Accept", ""))
            headers = {"Vary": "Accept, Accept-Encoding"}
            if "gzip" in self.headers.get("Accept-Encoding", ""):
                body, headers["Content-Encoding"] = gzip.compress(body, _FASTEST_COMPRESSION), "gzip"
            self._respond(HTTPStatus.OK, media_type, body, headers)

        def log_message(self, *_: object) -> None:
            """Log nothing: each scrape would be a line."""

        def _respond(self, status: HTTPStatus, media_type: str, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for key, value in {"Content-Type": media_type, "Content-Length": str(len(body)), **headers}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _end_on_sigterm(poller: Poller) -> None:
    """End quietly on SIGTERM, which the first process of a container would otherwise ignore."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: poller.stop())
