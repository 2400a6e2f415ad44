from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, ClassVar

import httpx
import pytest

from goldrush_pulumi.api import (
    AmbiguousResult,
    APIError,
    ConfigurationError,
    ConnectionFailed,
    Interrupted,
    InterruptedChange,
    OutOfTime,
    RateLimited,
    RateLimiter,
    ServerError,
    UnexpectedResponse,
)
from goldrush_pulumi.api.retries import asked_pause_seconds
from tests.unit.api.doubles import (
    CHANGES,
    EVERY_CALL,
    READS,
    REPEATABLE,
    Pauses,
    Server,
    client_of,
    failure,
    success,
)

if TYPE_CHECKING:
    from tests.support.clock import FakeClock

NEVER_SENT = [
    httpx.ConnectError("[Errno 111] Connection refused"),
    httpx.ConnectTimeout("timed out"),
    httpx.PoolTimeout("no connection free"),
    httpx.ProxyError("407 Proxy Authentication Required"),
]
RESPONSE_LOST = [
    httpx.ReadTimeout("timed out"),
    httpx.WriteTimeout("timed out"),
    httpx.ReadError("[Errno 104] Connection reset by peer"),
    httpx.WriteError("[Errno 32] Broken pipe"),
    httpx.RemoteProtocolError("Server disconnected without sending a response."),
    httpx.DecodingError("Error -3 while decompressing data"),
]
PASSING = [failure(429), failure(500), failure(502), failure(503), failure(504), httpx.Response(502, text="<h1>")]
FINAL = [failure(400), failure(401), failure(403), failure(404), failure(422), httpx.Response(302), success([])]

FINE = success({"id": "pipe_1"})


def kinds(exceptions: list[Exception]) -> list[str]:
    return [type(exception).__name__ for exception in exceptions]


@pytest.mark.parametrize("response", PASSING)
@pytest.mark.parametrize("name", REPEATABLE)
def test_passing_responses(name: str, response: httpx.Response, pauses: Pauses) -> None:
    """A call that can be repeated is, with the same request, until it gets a response."""
    server = Server([response, response, FINE])
    EVERY_CALL[name](client_of(server, cancelled=pauses))
    assert len(server.requests) == 3
    assert len(set(server.lines)) == 1
    assert [server.bodies[0]] * 3 == server.bodies
    assert len(pauses.seconds) == 2


@pytest.mark.parametrize("fault", [*NEVER_SENT, *RESPONSE_LOST], ids=kinds([*NEVER_SENT, *RESPONSE_LOST]))
@pytest.mark.parametrize("name", REPEATABLE)
def test_passing_faults(name: str, fault: Exception, pauses: Pauses) -> None:
    """A call that can be repeated outlives every fault of the connection."""
    server = Server([fault, fault, FINE])
    EVERY_CALL[name](client_of(server, cancelled=pauses))
    assert len(server.requests) == 3


@pytest.mark.parametrize("response", FINAL)
@pytest.mark.parametrize("name", ["get", "update", "set status"])
def test_final_responses(name: str, response: httpx.Response, pauses: Pauses) -> None:
    """What another try cannot change is reported at once."""
    server = Server([response])
    with pytest.raises(APIError):
        EVERY_CALL[name](client_of(server, cancelled=pauses))
    assert (1, []) == (len(server.requests), pauses.seconds)


@pytest.mark.parametrize("fault", [*NEVER_SENT, failure(429)])
def test_create_that_was_not_applied(fault: Any, pauses: Pauses) -> None:
    """A POST is sent again when it certainly was not applied."""
    server = Server([fault, fault, success({"id": "pipe_1"}, 201)])
    assert client_of(server, cancelled=pauses).create_pipeline({"name": "swaps"}).id == "pipe_1"
    assert len(server.requests) == 3


@pytest.mark.parametrize("fault", [*RESPONSE_LOST, failure(500), failure(503), httpx.Response(502, text="<h1>")])
def test_create_that_may_have_been_applied(fault: Any, pauses: Pauses) -> None:
    """A POST whose response is lost or 5xx is never sent again."""
    server = Server([fault, success({"id": "pipe_1"}, 201)])
    with pytest.raises(AmbiguousResult, match="create pipeline: not known whether it was applied"):
        client_of(server, cancelled=pauses).create_pipeline({"name": "swaps"})
    assert (1, []) == (len(server.requests), pauses.seconds)


@pytest.mark.parametrize("fault", RESPONSE_LOST, ids=kinds(list(RESPONSE_LOST)))
def test_create_lost_after_a_repeat(fault: Exception, pauses: Pauses) -> None:
    """That earlier tries certainly failed makes a later lost response no less ambiguous."""
    server = Server([failure(429), NEVER_SENT[0], fault])
    with pytest.raises(AmbiguousResult):
        client_of(server, cancelled=pauses).create_pipeline({})
    assert len(server.requests) == 3


@pytest.mark.parametrize("name", EVERY_CALL)
@pytest.mark.parametrize("fault", NEVER_SENT, ids=kinds(list(NEVER_SENT)))
def test_unreachable(name: str, fault: Exception, pauses: Pauses) -> None:
    """Who is never reached is named, with what to check; a POST is then certainly not applied."""
    with pytest.raises(ConnectionFailed) as caught:
        EVERY_CALL[name](client_of(Server([fault]), cancelled=pauses))
    assert f"goldrush.test cannot be reached ({fault}), check the network and goldrush:baseUrl" in str(caught.value)
    assert caught.value.status is None


@pytest.mark.parametrize("name", READS)
def test_read_without_response(name: str, pauses: Pauses) -> None:
    """A read that never got its response changed nothing, so it just failed."""
    with pytest.raises(ConnectionFailed, match="did not respond"):
        EVERY_CALL[name](client_of(Server([RESPONSE_LOST[0]]), cancelled=pauses))


@pytest.mark.parametrize("name", CHANGES)
def test_change_without_response(name: str, pauses: Pauses) -> None:
    """A change that never got its response may have been applied, and says so."""
    with pytest.raises(AmbiguousResult, match=r"not known whether it was applied: goldrush\.test did not respond"):
        EVERY_CALL[name](client_of(Server([RESPONSE_LOST[0]]), cancelled=pauses))


@pytest.mark.parametrize(("response", "kind"), [(failure(429), RateLimited), (failure(503), ServerError)])
def test_patience_ends(response: httpx.Response, kind: type[APIError], pauses: Pauses, clock: FakeClock) -> None:
    """Tries end when the patience is used up, with the last response's own error."""
    server = Server([response])
    started = clock.seconds
    with pytest.raises(kind):
        client_of(server, cancelled=pauses, retry_seconds=60).get_pipeline("pipe_1")
    assert 60 <= clock.seconds - started <= 70
    assert len(server.requests) == len(pauses.seconds) + 1


def test_jitter_is_full(pauses: Pauses) -> None:
    """A pause is drawn from the whole interval up to a bound that doubles to ten seconds."""
    with pytest.raises(ServerError):
        client_of(Server([failure(503)]), cancelled=pauses, retry_seconds=2000).get_pipeline("pipe_1")
    bounds = [min(10.0, 0.5 * 2**number) for number in range(len(pauses.seconds))]
    assert all(0 <= pause <= bound for pause, bound in zip(pauses.seconds, bounds, strict=True))
    assert min(pauses.seconds) < 1
    assert max(pauses.seconds) > 9
    assert len(set(pauses.seconds)) == len(pauses.seconds)


def test_delete_repeated_into_404(pauses: Pauses) -> None:
    """A delete whose first response was lost finds nothing: the caller decides what that means."""
    server = Server([RESPONSE_LOST[2], failure(404)])
    with pytest.raises(APIError) as caught:
        client_of(server, cancelled=pauses).delete_pipeline("pipe_1")
    assert type(caught.value).__name__ == "PipelineNotFound"


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("value", ["7", "0.5", "60"])
def test_retry_after_is_obeyed(status: int, value: str, pauses: Pauses) -> None:
    """The pause that the server asks for is the pause that is made."""
    server = Server([failure(status, Retry_After=value), FINE])
    client_of(server, cancelled=pauses).get_pipeline("pipe_1")
    assert [float(value)] == pauses.seconds


@pytest.mark.parametrize("value", ["0", "-5", "nan", "inf", "soon", "", "Wed, 99 Foo 2026"])
def test_retry_after_is_not_obeyed(value: str, pauses: Pauses) -> None:
    """A pause of nothing or of nonsense is replaced by our own."""
    server = Server([failure(429, Retry_After=value), FINE])
    client_of(server, cancelled=pauses).get_pipeline("pipe_1")
    assert 0 <= pauses.seconds[0] <= 0.5


@pytest.mark.parametrize("name", EVERY_CALL)
def test_retry_after_beyond_the_patience(name: str, pauses: Pauses) -> None:
    """Nothing is sent sooner than the server asks: a pause that is too long ends the call, and the error names it."""
    server = Server([failure(429, Retry_After="300")])
    with pytest.raises(RateLimited, match="GoldRush asks to wait 300 s") as caught:
        EVERY_CALL[name](client_of(server, cancelled=pauses, retry_seconds=60))
    assert (1, [], 300) == (len(server.requests), pauses.seconds, caught.value.retry_after_seconds)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_within_a_longer_patience(status: int, pauses: Pauses) -> None:
    """A user who raises the patience gets the long pause that the server asks for."""
    server = Server([failure(status, Retry_After="300"), FINE])
    client_of(server, cancelled=pauses, retry_seconds=600).get_pipeline("pipe_1")
    assert [300] == pauses.seconds


def test_pause_holds_back_other_calls(pauses: Pauses, clock: FakeClock) -> None:
    """A call that starts within a pause which is too long for it is not sent, and the error names the pause."""
    server = Server([failure(429, Retry_After="300"), FINE])
    limiter = RateLimiter(1000, cancelled=pauses, now=clock)
    client = client_of(server, cancelled=pauses, rate_limiter=limiter, retry_seconds=60)
    with pytest.raises(RateLimited):
        client.get_pipeline("pipe_1")
    clock.seconds += 100
    for name in EVERY_CALL:
        with pytest.raises(RateLimited, match="not sent, because GoldRush asked for a pause that lasts another 200 s"):
            EVERY_CALL[name](client)
    assert len(server.requests) == 1
    clock.seconds += 200
    client.get_pipeline("pipe_1")
    assert len(server.requests) == 2


def test_retry_after_as_a_date() -> None:
    """A date is told as seconds on the server's own clock, and on ours where it sends no date of its own."""
    sent = datetime(2026, 4, 29, 12, 0, tzinfo=UTC)
    asked = format_datetime(sent + timedelta(seconds=20), usegmt=True)
    assert asked_pause_seconds(httpx.Headers({"Retry-After": asked, "Date": format_datetime(sent, usegmt=True)})) == 20
    ahead = format_datetime(datetime.fromtimestamp(time.time() + 3600, tz=UTC), usegmt=True)
    asked_seconds = asked_pause_seconds(httpx.Headers({"Retry-After": ahead}))
    assert asked_seconds is not None
    assert 0 < asked_seconds <= 3600


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_no_time_at_all(seconds: float, pauses: Pauses) -> None:
    """A call whose time is over before it starts is not sent."""
    server = Server([FINE])
    with pytest.raises(OutOfTime, match="not sent, because there was no time left"):
        client_of(server, cancelled=pauses).get_pipeline_logs("pipe_1", timeout_seconds=seconds)
    assert server.requests == []


@pytest.mark.parametrize("response", [failure(503), failure(429, Retry_After="4"), RESPONSE_LOST[0]])
def test_timeout_bounds_the_tries(response: Any, pauses: Pauses, clock: FakeClock) -> None:
    """No pause of a bounded call goes beyond its timeout, not even one that the server asks for."""
    started = clock.seconds
    with pytest.raises(APIError):
        client_of(Server([response]), cancelled=pauses).get_destination_health("pipe_1", timeout_seconds=10)
    assert clock.seconds - started <= 10


def test_timeout_bounds_the_turn(pauses: Pauses, clock: FakeClock) -> None:
    """A bounded call that cannot have its turn in time is not sent, and takes nobody's place."""
    server = Server([FINE])
    rate_limiter = RateLimiter(0.01, cancelled=pauses, now=clock)
    client = client_of(server, cancelled=pauses, rate_limiter=rate_limiter)
    client.get_pipeline("pipe_1")
    with pytest.raises(OutOfTime, match="no time left"):
        client.get_pipeline_status("pipe_1", timeout_seconds=10)
    assert len(server.requests) == 1
    assert sum(pauses.seconds) == 0


def test_response_that_drips(pauses: Pauses, clock: FakeClock) -> None:
    """A response that comes too slowly to end in time is given up, however alive it looks."""
    server = Server([lambda _: httpx.Response(200, stream=Drip(clock))])
    with pytest.raises(OutOfTime, match=r"goldrush\.test did not respond in time"):
        client_of(server, cancelled=pauses).get_pipeline_status("pipe_1", timeout_seconds=10)
    assert len(server.requests) == 1


def test_response_that_drips_without_a_timeout(pauses: Pauses, clock: FakeClock) -> None:
    """Without a timeout of the caller, each request still ends after two minutes."""
    server = Server([lambda _: httpx.Response(200, stream=Drip(clock))])
    started = clock.seconds
    with pytest.raises(ConnectionFailed, match="did not respond in time"):
        client_of(server, cancelled=pauses, retry_seconds=0).get_pipeline_status("pipe_1")
    assert 120 <= clock.seconds - started < 125


class Drip(httpx.SyncByteStream):
    """A body that comes byte by byte and never ends; each byte takes a second."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock

    def __iter__(self) -> Any:
        while True:
            self._clock.seconds += 1
            yield b" "


# --- The time of an operation -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHANGES)
def test_no_change_after_the_time_of_its_operation(name: str, pauses: Pauses) -> None:
    """A change is not sent when its operation has no time left."""
    server = Server([FINE])
    with pytest.raises(OutOfTime, match="no time left"):
        EVERY_CALL[name](client_of(server, cancelled=pauses).within(lambda: 0.0))
    assert server.requests == []


@pytest.mark.parametrize("name", READS)
def test_last_read_after_the_time_of_its_operation(name: str, pauses: Pauses) -> None:
    """A read is sent even then, so that a wait can look once more."""
    server = Server([FINE])
    EVERY_CALL[name](client_of(server, cancelled=pauses).within(lambda: 0.0))
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", EVERY_CALL)
def test_time_of_an_operation_bounds_the_tries(name: str, pauses: Pauses, clock: FakeClock) -> None:
    """A call ends with its operation, and the next one gets what is left."""
    started = clock.seconds
    client = client_of(Server([failure(429)]), cancelled=pauses).within(lambda: started + 10 - clock.seconds)
    with pytest.raises(RateLimited):
        EVERY_CALL[name](client)
    assert clock.seconds - started <= 10


def test_timeout_of_a_call_wins(pauses: Pauses) -> None:
    """A call with a timeout of its own, such as a diagnosis makes, may outlive its operation."""
    server = Server([failure(503, Retry_After="9"), FINE])
    view = client_of(server, cancelled=pauses).within(lambda: 0.0)
    view.get_pipeline_logs("pipe_1", timeout_seconds=10)
    assert len(server.requests) == 2


# --- Changes that may have been applied -------------------------------------------------------------------------------

LATER: list[tuple[Any, str]] = [
    (failure(429), "too many requests"),
    (failure(401), "the ServiceKey is missing"),
    (failure(403), "forbidden"),
    (failure(422), "rejected by GoldRush"),
    (httpx.Response(404, text="<h1>"), "no Pipeline API at this URL"),
    (httpx.ConnectError("refused"), "cannot be reached"),
    (httpx.Response(302, headers={"Location": "/"}), "redirected"),
    (failure(502), "GoldRush failed"),
]


@pytest.mark.parametrize("first", [failure(502), *RESPONSE_LOST], ids=["502", *kinds(list(RESPONSE_LOST))])
@pytest.mark.parametrize(("later", "words"), LATER)
@pytest.mark.parametrize("name", ["update", "set status", "delete"])
def test_doubt_stays(first: Any, later: Any, words: str, name: str, pauses: Pauses) -> None:
    """Once a try of a change may have been applied, no later failure of it can say that nothing was changed."""
    with pytest.raises(AmbiguousResult, match=words):
        EVERY_CALL[name](client_of(Server([first, later]), cancelled=pauses))


@pytest.mark.parametrize("name", ["update", "set status", "delete"])
@pytest.mark.parametrize("first", [failure(502), RESPONSE_LOST[0]])
def test_doubt_after_an_interruption(first: Any, name: str, clock: FakeClock) -> None:
    """Ctrl-C between two tries of a change that may have been applied says so."""
    pauses = Pauses(clock, cancelled_in_pause=1)
    with pytest.raises(InterruptedChange, match="not known whether it was applied: cancelled while waiting") as caught:
        EVERY_CALL[name](client_of(Server([first]), cancelled=pauses))
    assert isinstance(caught.value, Interrupted)
    assert isinstance(caught.value, AmbiguousResult)


@pytest.mark.parametrize("name", CHANGES)
def test_no_doubt_after_certain_failures(name: str, clock: FakeClock) -> None:
    """Ctrl-C after tries that certainly changed nothing is a plain interruption."""
    pauses = Pauses(clock, cancelled_in_pause=2)
    with pytest.raises(Interrupted) as caught:
        EVERY_CALL[name](client_of(Server([failure(429), NEVER_SENT[0]]), cancelled=pauses))
    assert type(caught.value) is Interrupted


def test_doubt_ends_with_a_success(pauses: Pauses) -> None:
    """A change that is confirmed in the end was applied, whatever became of its first try."""
    assert client_of(Server([failure(502), FINE]), cancelled=pauses).update_pipeline("pipe_1", {}).id == "pipe_1"


def test_429_slows_the_rate_limiter(pauses: Pauses) -> None:
    """Every 429 makes the rate limiter slow down, and for how long if it says so; nothing else does."""

    class Counting(RateLimiter):
        asked: ClassVar[list[float | None]] = []

        def slow_down(self, retry_after_seconds: float | None = None) -> None:
            self.asked.append(retry_after_seconds)

    rate_limiter = Counting(1000)
    server = Server([failure(429), failure(503), RESPONSE_LOST[0], failure(429, Retry_After="3"), FINE])
    client_of(server, cancelled=pauses, rate_limiter=rate_limiter).get_pipeline("pipe_1")
    assert rate_limiter.asked == [None, 3]


def test_unknown_shape_is_final(pauses: Pauses) -> None:
    """A response of an unknown shape is not asked for again."""
    server = Server([httpx.Response(200, text="<h1>")])
    with pytest.raises(UnexpectedResponse):
        client_of(server, cancelled=pauses).get_pipeline("pipe_1")
    assert len(server.requests) == 1


def test_untrusted_certificate(pauses: Pauses) -> None:
    """An untrusted certificate is reported at once, with what to set."""
    import ssl  # noqa: PLC0415 - only here

    def refuse(_: httpx.Request) -> httpx.Response:
        try:
            raise ssl.SSLCertVerificationError("unable to get local issuer certificate")
        except ssl.SSLError as error:
            raise httpx.ConnectError(str(error)) from error

    server = Server([refuse])
    with pytest.raises(ConfigurationError, match=r"certificate of goldrush\.test is not trusted .* SSL_CERT_FILE"):
        client_of(server, cancelled=pauses).create_pipeline({})
    assert len(server.requests) == 1
