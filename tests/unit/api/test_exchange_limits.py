"""Responses that never end, never come or are too large, over real connections."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from goldrush_pulumi.api import (
    AmbiguousResult,
    ConnectionFailed,
    GoldRushClient,
    Interrupted,
    InterruptedChange,
    OutOfTime,
    RateLimiter,
    UnexpectedResponse,
)
from goldrush_pulumi.api import transport as exchanges
from goldrush_pulumi.api.transport import LARGEST_RESPONSE_BYTES
from tests.unit.api.doubles import CHANGES, EVERY_CALL, KEY, Server, client_of, success

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n"
FINE = success({"id": "pipe_1"}).content
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(FINE), FINE)


@contextlib.contextmanager
def server_that(respond: Callable[[socket.socket, threading.Event], None]) -> Iterator[GoldRushClient]:
    """A server on loopback that handles each connection by `respond`, until the test ends; yields a client of it."""
    ended = threading.Event()

    def handle(peer: socket.socket) -> None:
        with contextlib.suppress(OSError), peer:
            while peer.recv(65536):
                respond(peer, ended)

    def serve(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=handle, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        client = client_at(server.getsockname()[1])
        try:
            yield client
        finally:
            ended.set()
            client.close()
            server.shutdown(socket.SHUT_RDWR)
            thread.join(30)


def client_at(port: int, **options: Any) -> GoldRushClient:
    return GoldRushClient(
        service_key=KEY,
        base_url=f"http://127.0.0.1:{port}/",
        rate_limiter=RateLimiter(1_000_000),
        **{"retry_seconds": 0, **options},
    )


def drip(start: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Send `start` and then one byte after the other, for ever."""

    def respond(peer: socket.socket, ended: threading.Event) -> None:
        peer.sendall(start)
        while not ended.wait(0.02):
            peer.sendall(b"x")

    return respond


def say_nothing(_: socket.socket, ended: threading.Event) -> None:
    ended.wait()


ENDLESS = {"no headers": say_nothing, "headers": drip(b"HTTP/1.1 200 OK\r\nX-Slow: "), "a body": drip(HEAD + b"\r\n")}


@pytest.mark.parametrize("respond", ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("name", ["list", "get"])
def test_endless_response_to_a_read(respond: Any, name: str) -> None:
    """A read ends with its operation, however the response is held back."""
    with server_that(respond) as client, pytest.raises(OutOfTime, match="did not respond in time"):
        EVERY_CALL[name](client.within(until(1.0)))


@pytest.fixture(autouse=True)
def short_last_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("goldrush_pulumi.api.client.LAST_READ_SECONDS", 0.1)


def until(seconds: float) -> Callable[[], float]:
    """The time that is left to an operation that starts now."""
    ends_at = time.monotonic() + seconds
    return lambda: ends_at - time.monotonic()


@pytest.mark.parametrize("respond", ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("name", CHANGES)
def test_endless_response_to_a_change(respond: Any, name: str) -> None:
    """A change ends with its operation too, and says that it may have been applied."""
    with server_that(respond) as client, pytest.raises(AmbiguousResult, match="did not respond in time"):
        EVERY_CALL[name](client.within(until(1.0)))


@pytest.mark.parametrize("respond", ENDLESS.values(), ids=ENDLESS)
def test_response_after_a_limit_of_its_own(respond: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an operation a request ends at a limit of its own, as a lost response."""
    monkeypatch.setattr("goldrush_pulumi.api.network.LONGEST_EXCHANGE_SECONDS", 1.0)
    with server_that(respond) as client, pytest.raises(ConnectionFailed) as caught:
        client.get_pipeline("pipe_1")
    assert type(caught.value) is ConnectionFailed


def cancelling(
    cancelled: threading.Event, respond: Callable[[socket.socket, threading.Event], None]
) -> Callable[[socket.socket, threading.Event], None]:
    """Cancel the run when the request has arrived, then go on as `respond`."""

    def handle(peer: socket.socket, ended: threading.Event) -> None:
        cancelled.set()
        respond(peer, ended)

    return handle


@pytest.mark.parametrize("respond", ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("name", EVERY_CALL)
def test_cancelled_while_waiting(respond: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelling ends every wait for a response; a change then says that it may have been applied."""
    monkeypatch.setattr(exchanges, "CHANGE_GRACE_SECONDS", 0.2)
    cancelled = threading.Event()
    with server_that(cancelling(cancelled, respond)) as near:
        client = client_at(port_of(near), cancelled=cancelled)
        with pytest.raises(Interrupted, match="cancelled before 127") as caught:
            EVERY_CALL[name](client)
    assert type(caught.value) is (InterruptedChange if name in CHANGES else Interrupted)


def port_of(client: GoldRushClient) -> int:
    return int(repr(client).rpartition(":")[2].rstrip("/)"))


def respond_late(peer: socket.socket, ended: threading.Event) -> None:
    ended.wait(0.7)
    peer.sendall(WHOLE)


@pytest.mark.parametrize("name", CHANGES)
def test_late_response_after_cancelling(name: str) -> None:
    """A change that is under way is given a few seconds: its response says what became of it."""
    cancelled = threading.Event()
    with server_that(cancelling(cancelled, respond_late)) as near:
        EVERY_CALL[name](client_at(port_of(near), cancelled=cancelled))
    assert cancelled.is_set()


def test_slow_but_complete_response() -> None:
    """A response that takes longer than one step of waiting arrives whole, on a connection that is used again."""
    with server_that(respond_late) as client:
        assert client.get_pipeline("pipe_1").id == "pipe_1"
        assert client.get_pipeline("pipe_1").id == "pipe_1"


# --- Size and encoding ------------------------------------------------------------------------------------------------


def bomb(size: int) -> bytes:
    """Spaces, packed to a thousandth of their size."""
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    piece = b" " * 1_000_000
    return b"".join(packer.compress(piece) for _ in range(size // len(piece))) + packer.flush()


def packed(content: bytes) -> httpx.Response:
    return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Pieces(content))


class Pieces(httpx.SyncByteStream):
    """A body as it comes from the network, piece by piece and still packed."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._content), 1000):
            yield self._content[start : start + 1000]


def test_bomb() -> None:
    """A small response that unpacks to more than half a gigabyte is refused before it fills the memory."""
    content = bomb(600_000_000)
    assert len(content) < 700_000
    client = client_of(Server([lambda _: packed(content)]), retry_seconds=0)
    tracemalloc.start()
    try:
        with pytest.raises(UnexpectedResponse, match="get pipeline pipe_1: response is larger than 16 MB"):
            client.get_pipeline("pipe_1")
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 4 * LARGEST_RESPONSE_BYTES


@pytest.mark.parametrize("is_packed", [True, False])
@pytest.mark.parametrize(("excess", "is_refused"), [(0, False), (1, True)])
def test_largest_response(is_packed: bool, excess: int, is_refused: bool) -> None:  # noqa: FBT001 - a table's columns
    """A response of just 16 MB is read, and one byte more is refused."""
    content = FINE + b" " * (LARGEST_RESPONSE_BYTES - len(FINE) + excess)
    response = packed(gzip.compress(content)) if is_packed else httpx.Response(200, stream=Pieces(content))
    client = client_of(Server([lambda _: response]), retry_seconds=0)
    with pytest.raises(UnexpectedResponse) if is_refused else contextlib.nullcontext():
        client.get_pipeline("pipe_1")


@pytest.mark.parametrize("name", CHANGES)
def test_large_response_to_a_change(name: str) -> None:
    """A change with a response that is too large may have been applied, and is not sent again."""
    content = bomb(20_000_000)
    server = Server([lambda _: packed(content)])
    with pytest.raises(AmbiguousResult, match="response is larger than 16 MB") as caught:
        EVERY_CALL[name](client_of(server))
    assert (1, 200) == (len(server.requests), caught.value.status)


def test_packed_response() -> None:
    """A packed response is asked for and read."""
    server = Server([lambda _: packed(gzip.compress(FINE))])
    assert client_of(server).get_pipeline("pipe_1").id == "pipe_1"
    assert server.requests[0].headers["Accept-Encoding"] == "gzip"


DAMAGED = {
    "cut off": packed(gzip.compress(FINE)[:-9]),
    "garbage": packed(b"not gzip at all"),
    "another encoding": httpx.Response(200, headers={"Content-Encoding": "br"}, stream=Pieces(b"\x8b")),
}


@pytest.mark.parametrize("response", DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize("name", EVERY_CALL)
def test_damaged_response(response: httpx.Response, name: str) -> None:
    """A response that cannot be unpacked is a lost one."""
    with pytest.raises((ConnectionFailed, AmbiguousResult)):
        EVERY_CALL[name](client_of(Server([lambda _: response]), retry_seconds=0))
