"""The server and the rounds of `exporter`, without a process of its own."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest

from goldrush_pulumi.api import ConnectionFailed
from goldrush_pulumi.cli import ExitCode
from goldrush_pulumi.cli import exporter as exporter_module
from goldrush_pulumi.cli.exporter import MetricsServer, Poller, _end_on_sigterm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from goldrush_pulumi.cli.exposition import Exposition
    from goldrush_pulumi.cli.monitor import Monitor
    from tests.support.caller import Caller
    from tests.unit.cli.conftest import Ended


class Text:
    """An exposition whose text is always the same."""

    def scrape(self, accept: str) -> tuple[bytes, str]:
        del accept
        return b"up 1\n", "text/plain"

    def refresh(self) -> None:
        """Do nothing: there is nothing to render."""


@pytest.fixture
def url() -> Iterator[str]:
    """Where a running server serves its metrics."""
    server = MetricsServer("127.0.0.1", 0, cast("Exposition", Text()))
    with server:
        yield server.url


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/other", 404), ("/metrics/swaps", 404)])
def test_other_paths_say_where_the_metrics_are(path: str, status: int, url: str) -> None:
    """A person who opens the address finds the way, and a wrong path of a scrape is an error."""
    response = httpx.get(f"{url.removesuffix('/metrics')}{path}", trust_env=False)

    assert (response.status_code, response.text) == (status, "metrics are at /metrics\n")


@pytest.mark.parametrize(("accepted", "sent"), [("gzip", "gzip"), ("identity", None)])
def test_metrics_are_compressed_only_for_those_who_ask(accepted: str, sent: str | None, url: str) -> None:
    """A scrape that accepts no compression gets plain text."""
    response = httpx.get(f"{url}?from=test", headers={"Accept-Encoding": accepted}, trust_env=False)

    assert (response.text, response.headers.get("Content-Encoding")) == ("up 1\n", sent)
    assert response.headers["Vary"] == "Accept, Accept-Encoding"


@pytest.mark.parametrize(
    ("host", "is_warned_of"),
    [("127.0.0.1", False), ("::1", False), ("localhost", False), ("0.0.0.0", True), ("metrics.example.com", True)],
)
def test_who_can_read_the_metrics_is_said(
    host: str, caller: Caller, command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch, *, is_warned_of: bool
) -> None:
    """An address that others may reach, by number or by name, is announced with what they can read there."""

    class Server(MetricsServer):
        def __init__(self, host: str, port: int, exposition: Exposition) -> None:
            del host
            super().__init__("127.0.0.1", port, exposition)

    caller.create(name="swaps")
    monkeypatch.setattr(exporter_module, "MetricsServer", Server)
    monkeypatch.setattr(exporter_module, "_end_on_sigterm", lambda _poller: None)
    ended = command("exporter", "--host", host, "--port", "0", "--rounds", "1")

    assert ended.code == ExitCode.OK
    assert (f"whoever reaches {host} can read them: names, projects" in ended.err) is is_warned_of


class Interrupted:
    """A monitor whose round ends because the exporter is stopped in its middle."""

    trouble = None

    def __init__(self) -> None:
        self.context: Any = type("Context", (), {"stack": None, "cancelled": threading.Event()})()
        self.stop: Callable[[], None] = lambda: None
        self.rounds = 0

    def poll(self) -> None:
        self.rounds += 1
        self.stop()
        raise ConnectionFailed("list pipelines", "cancelled")


@pytest.fixture
def interrupted(tmp_path: Path) -> tuple[Poller, Interrupted]:
    monitor = Interrupted()
    poller = Poller(cast("Monitor", monitor), tmp_path)
    monitor.stop = poller.stop
    return poller, monitor


def test_a_round_that_is_stopped_is_no_outage(
    interrupted: tuple[Poller, Interrupted], capsys: pytest.CaptureFixture[str]
) -> None:
    """Requests that end because the exporter ends are no trouble of GoldRush, and no further round begins."""
    poller, monitor = interrupted

    poller.run(0.0, None)
    poller.run(0.0, None)

    assert (monitor.rounds, monitor.trouble) == (1, None)
    assert capsys.readouterr().err == ""


def test_sigterm_belongs_to_the_program_around_it(interrupted: tuple[Poller, Interrupted]) -> None:
    """On the main thread SIGTERM ends the exporter; a program that runs it on another one keeps its own handler."""
    poller, monitor = interrupted
    before = signal.getsignal(signal.SIGTERM)
    try:
        thread = threading.Thread(target=_end_on_sigterm, args=(poller,))
        thread.start()
        thread.join()
        assert signal.getsignal(signal.SIGTERM) is before
        _end_on_sigterm(poller)
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)

    assert monitor.context.cancelled.is_set()
