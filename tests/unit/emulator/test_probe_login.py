"""Probes of a PostgreSQL that accepts, refuses or speaks no TLS, of no host at all, and probes that are not made."""

from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING, Any, cast

import pytest

from goldrush_pulumi.emulator import probe as probe_module
from goldrush_pulumi.emulator.probe import Prober, find_connection_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goldrush_pulumi.emulator.worker import Record


def message(kind: bytes, content: bytes) -> bytes:
    """A message of PostgreSQL's protocol."""
    return kind + struct.pack("!i", len(content) + 4) + content


ACCEPTED = message(b"R", struct.pack("!i", 0)) + message(b"Z", b"I")
REFUSED = message(b"E", b"SFATAL\0C28P01\0Mpassword authentication failed for user u\0\0")
WITHOUT_TEXT = message(b"E", b"SFATAL\0C28P01\0\0")
NO_TLS = b"N"
ASKS_FOR_TLS = struct.pack("!ii", 8, 80877103)


@pytest.fixture
def asked_for_tls() -> list[bool]:
    """Has an item for each connection on which TLS was asked for."""
    return []


@pytest.fixture
def answer(asked_for_tls: list[bool]) -> Iterator[Callable[[bytes], int]]:
    """Starts something that offers no TLS and then sends this answer, and returns its port."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(content: bytes) -> int:
        listener = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                if connection.recv(4096) == ASKS_FOR_TLS:
                    connection.sendall(NO_TLS)
                    connection.recv(4096)
                    asked_for_tls.append(True)
                connection.sendall(content)
                while connection.recv(4096):
                    pass

        listeners.append(listener)
        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        return int(listener.getsockname()[1])

    yield start
    for thread in threads:
        thread.join()
    for listener in listeners:
        listener.close()


@pytest.mark.parametrize(
    ("content", "query", "problem"),
    [
        (ACCEPTED, "", None),
        (REFUSED, "", "FATAL: password authentication failed for user u"),
        (b"", "?sslmode=require", "log in: Server refuses SSL"),
    ],
    ids=["accepted", "refused", "no TLS"],
)
def test_a_login_says_what_the_server_says(
    content: bytes, query: str, problem: str | None, answer: Callable[[bytes], int]
) -> None:
    """A login is tried with the user and the password, and a refusal is shown in the server's own words."""
    config = {
        "url": f"jdbc:postgresql://127.0.0.1:{answer(content)}/analytics{query}",
        "user": "u",
        "password": "hidden-word",
    }

    assert find_connection_problem("postgres", config) == problem


@pytest.mark.parametrize(("query", "asks"), [("", True), ("?sslmode=prefer", True), ("?sslmode=disable", False)])
def test_tls_is_asked_for_as_the_url_says(
    query: str,
    asks: bool,  # noqa: FBT001
    answer: Callable[[bytes], int],
    asked_for_tls: list[bool],
) -> None:
    """A server that refuses TLS is reached all the same, and `disable` does not even ask."""
    config = {"url": f"postgresql://127.0.0.1:{answer(ACCEPTED)}/a{query}", "user": "u", "password": "hidden-word"}

    assert find_connection_problem("postgres", config) is None
    assert asked_for_tls == [True] * asks


def test_a_refusal_without_words_is_a_problem_all_the_same(answer: Callable[[bytes], int]) -> None:
    """A server whose error has no message leaves its code."""
    config = {"url": f"postgresql://127.0.0.1:{answer(WITHOUT_TEXT)}/", "user": "u", "password": "hidden-word"}
    problem = find_connection_problem("postgres", config)

    assert problem is not None
    assert "28P01" in problem
    assert "hidden-word" not in problem


def test_a_host_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt host is told apart from one that refuses."""

    def connect(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "create_connection", connect)

    assert find_connection_problem("webhook", {"url": "https://hooks.example.invalid/rows"}) == (
        "host not found: hooks.example.invalid:443"
    )


def test_the_end_waits_for_no_probe_that_has_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe that still waits for a thread when the emulator ends is dropped, and reports nothing."""
    monkeypatch.setattr(probe_module, "_THREADS", 1)
    prober = Prober()
    asked: list[str] = []
    reported: list[str | None] = []
    may_end = threading.Event()

    def find(kind: str, _config: object) -> None:
        asked.append(kind)
        may_end.wait()
        prober._pool.shutdown(wait=False, cancel_futures=True)

    monkeypatch.setattr(probe_module, "find_connection_problem", find)
    for kind in ("kafka", "webhook"):
        record: Any = type("Record", (), {"config": {"destination_type": kind, "destination_config": {}}})()
        prober.begin(cast("Record", record), reported.append)
    may_end.set()
    prober.close()

    assert (asked, reported) == (["kafka"], [None])
