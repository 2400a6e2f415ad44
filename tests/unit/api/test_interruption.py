from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi.api import ConnectionFailed, Interrupted, RateLimiter
from tests.unit.api.doubles import CHANGES, EVERY_CALL, READS, Pauses, Server, client_of, failure, success

if TYPE_CHECKING:
    import httpx

    from tests.support.clock import FakeClock

FINE = success({"id": "pipe_1"})


@pytest.mark.parametrize("name", EVERY_CALL)
def test_cancelled_before(name: str) -> None:
    """Nothing starts once the run is cancelled."""
    server, cancelled = Server([FINE]), threading.Event()
    cancelled.set()
    with pytest.raises(Interrupted, match="cancelled before it was sent"):
        EVERY_CALL[name](client_of(server, cancelled=cancelled))
    assert server.requests == []


def cancelling_server(cancelled: threading.Event) -> Server:
    """A server that is still writing its response when the run is cancelled."""

    def respond(_: httpx.Request) -> httpx.Response:
        cancelled.set()
        return FINE

    return Server([respond])


@pytest.mark.parametrize("name", CHANGES)
def test_change_cancelled_in_flight(name: str) -> None:
    """A change that is under way may end, and its response counts."""
    cancelled = threading.Event()
    server = cancelling_server(cancelled)
    EVERY_CALL[name](client_of(server, cancelled=cancelled))
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", READS)
def test_read_cancelled_in_flight(name: str) -> None:
    """A read that is under way is given up: nobody needs what it brings."""
    cancelled = threading.Event()
    with pytest.raises(Interrupted, match=r"cancelled before goldrush\.test responded"):
        EVERY_CALL[name](client_of(cancelling_server(cancelled), cancelled=cancelled))


@pytest.mark.parametrize("name", EVERY_CALL)
@pytest.mark.parametrize("pause", [1, 3])
def test_cancelled_in_a_pause(name: str, pause: int, clock: FakeClock) -> None:
    """A pause ends at once when the run is cancelled, and no further try is made."""
    server = Server([failure(429)])
    pauses = Pauses(clock, cancelled_in_pause=pause)
    with pytest.raises(Interrupted, match="cancelled while waiting to try again"):
        EVERY_CALL[name](client_of(server, cancelled=pauses))
    assert len(server.requests) == pause


def test_a_real_pause_is_woken() -> None:
    """Another thread's cancelling wakes a call from a pause of a minute."""
    cancelled, asked, caught = threading.Event(), threading.Event(), list[BaseException]()

    def response(_: httpx.Request) -> httpx.Response:
        asked.set()
        return failure(429, Retry_After="60")

    def ask() -> None:
        try:
            client_of(Server([response]), cancelled=cancelled).get_pipeline("pipe_1")
        except Interrupted as error:
            caught.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    assert asked.wait(30)
    cancelled.set()
    thread.join(30)
    assert [Interrupted] == [type(error) for error in caught]


def test_cancelled_while_waiting_for_a_turn(clock: FakeClock) -> None:
    """A call that waits for its turn is not sent when the run is cancelled, and says which call it was."""
    server, pauses = Server([FINE]), Pauses(clock, cancelled_in_pause=1)
    client = client_of(server, cancelled=pauses, rate_limiter=RateLimiter(0.5, cancelled=pauses, now=clock))
    client.get_pipeline("pipe_1")
    with pytest.raises(Interrupted, match="delete pipeline pipe_1: cancelled before it was sent"):
        client.delete_pipeline("pipe_1")
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", CHANGES)
def test_look_before_every_change(name: str, pauses: Pauses) -> None:
    """What must be checked before a change is checked before each of its tries."""
    looks: list[int] = []
    server = Server([failure(429), failure(429), FINE])
    EVERY_CALL[name](client_of(server, cancelled=pauses, before_change=lambda: looks.append(len(server.requests))))
    assert [0, 1, 2] == looks


@pytest.mark.parametrize("name", READS)
def test_no_look_before_reads(name: str) -> None:
    """A read changes nothing, so nothing is checked before it."""

    def refuse() -> None:
        raise AssertionError("asked before a read")

    server = Server([FINE])
    EVERY_CALL[name](client_of(server, before_change=refuse))
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("kind", [RuntimeError, Interrupted, ConnectionFailed])
def test_look_that_refuses(name: str, kind: type[Exception], pauses: Pauses) -> None:
    """What the check raises keeps the change from being sent."""
    refusal = kind("engine", "gone")

    def refuse() -> None:
        pauses.set()
        raise refusal

    server = Server([FINE])
    with pytest.raises((kind, Interrupted)):
        EVERY_CALL[name](client_of(server, cancelled=pauses, before_change=refuse))
    assert server.requests == []


@pytest.mark.parametrize("name", CHANGES)
def test_look_that_cancels(name: str) -> None:
    """A check that finds the run to be over, and only says so, keeps the change from being sent too."""
    server, cancelled = Server([FINE]), threading.Event()
    with pytest.raises(Interrupted):
        EVERY_CALL[name](client_of(server, cancelled=cancelled, before_change=cancelled.set))
    assert server.requests == []
