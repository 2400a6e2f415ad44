from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, ClassVar

import httpx
import pytest

from goldrush_pulumi.api import (
    AmbiguousResult,
    APIError,
    ConfigurationError,
    ConnectionFailed,
    OutOfTime,
    Pacer,
    RateLimited,
    ServerError,
    UnexpectedAnswer,
)
from goldrush_pulumi.api.retries import asked_pause_seconds
from tests.unit.api.doubles import (
    CHANGES,
    EVERY_CALL,
    READS,
    REPEATABLE,
    Clock,
    Pauses,
    Server,
    client_of,
    failure,
    success,
)

NEVER_SENT = [
    httpx.ConnectError("[Errno 111] Connection refused"),
    httpx.ConnectTimeout("timed out"),
    httpx.PoolTimeout("no connection free"),
    httpx.ProxyError("407 Proxy Authentication Required"),
]
ANSWER_LOST = [
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


@pytest.mark.parametrize("answer", PASSING)
@pytest.mark.parametrize("name", REPEATABLE)
def test_passing_answers(name: str, answer: httpx.Response, pauses: Pauses) -> None:
    """A call that can be repeated is, with the same request, until it is answered."""
    server = Server([answer, answer, FINE])
    EVERY_CALL[name](client_of(server, cancelled=pauses))
    assert len(server.requests) == 3
    assert len(set(server.lines)) == 1
    assert [server.bodies[0]] * 3 == server.bodies
    assert len(pauses.seconds) == 2


@pytest.mark.parametrize("fault", [*NEVER_SENT, *ANSWER_LOST], ids=kinds([*NEVER_SENT, *ANSWER_LOST]))
@pytest.mark.parametrize("name", REPEATABLE)
def test_passing_faults(name: str, fault: Exception, pauses: Pauses) -> None:
    """A call that can be repeated outlives every fault of the connection."""
    server = Server([fault, fault, FINE])
    EVERY_CALL[name](client_of(server, cancelled=pauses))
    assert len(server.requests) == 3


@pytest.mark.parametrize("answer", FINAL)
@pytest.mark.parametrize("name", ["get", "update", "set status"])
def test_final_answers(name: str, answer: httpx.Response, pauses: Pauses) -> None:
    """What another try cannot change is reported at once."""
    server = Server([answer])
    with pytest.raises(APIError):
        EVERY_CALL[name](client_of(server, cancelled=pauses))
    assert (1, []) == (len(server.requests), pauses.seconds)


@pytest.mark.parametrize("fault", [*NEVER_SENT, failure(429)])
def test_create_that_was_not_applied(fault: Any, pauses: Pauses) -> None:
    """A POST is sent again when it certainly was not applied."""
    server = Server([fault, fault, success({"id": "pipe_1"}, 201)])
    assert client_of(server, cancelled=pauses).create_pipeline({"name": "swaps"}).id == "pipe_1"
    assert len(server.requests) == 3


@pytest.mark.parametrize("fault", [*ANSWER_LOST, failure(500), failure(503), httpx.Response(502, text="<h1>")])
def test_create_that_may_have_been_applied(fault: Any, pauses: Pauses) -> None:
    """A POST whose answer is lost or 5xx is never sent again."""
    server = Server([fault, success({"id": "pipe_1"}, 201)])
    with pytest.raises(AmbiguousResult, match="create pipeline: not known whether it was applied"):
        client_of(server, cancelled=pauses).create_pipeline({"name": "swaps"})
    assert (1, []) == (len(server.requests), pauses.seconds)


@pytest.mark.parametrize("fault", ANSWER_LOST, ids=kinds(list(ANSWER_LOST)))
def test_create_lost_after_a_repeat(fault: Exception, pauses: Pauses) -> None:
    """That earlier tries certainly failed makes a later lost answer no less ambiguous."""
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
def test_read_without_answer(name: str, pauses: Pauses) -> None:
    """A read that never got its answer changed nothing, so it just failed."""
    with pytest.raises(ConnectionFailed, match="did not answer"):
        EVERY_CALL[name](client_of(Server([ANSWER_LOST[0]]), cancelled=pauses))


@pytest.mark.parametrize("name", CHANGES)
def test_change_without_answer(name: str, pauses: Pauses) -> None:
    """A change that never got its answer may have been applied, and says so."""
    with pytest.raises(AmbiguousResult, match=r"not known whether it was applied: goldrush\.test did not answer"):
        EVERY_CALL[name](client_of(Server([ANSWER_LOST[0]]), cancelled=pauses))


@pytest.mark.parametrize(("answer", "kind"), [(failure(429), RateLimited), (failure(503), ServerError)])
def test_patience_ends(answer: httpx.Response, kind: type[APIError], pauses: Pauses, clock: Clock) -> None:
    """Tries end when the patience is used up, with the last answer's own error."""
    server = Server([answer])
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
    """A delete whose first answer was lost finds nothing: the caller decides what that means."""
    server = Server([ANSWER_LOST[2], failure(404)])
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


@pytest.mark.parametrize("value", ["0", "-5", "60.001", "86400", "nan", "inf", "soon", "", "Wed, 99 Foo 2026"])
def test_retry_after_is_not_obeyed(value: str, pauses: Pauses) -> None:
    """A pause of nothing, of more than a minute or of nonsense is replaced by our own."""
    server = Server([failure(429, Retry_After=value), FINE])
    client_of(server, cancelled=pauses).get_pipeline("pipe_1")
    assert 0 <= pauses.seconds[0] <= 0.5


def test_retry_after_is_told(pauses: Pauses) -> None:
    """The error says how long the server wants to be left alone, also when that is too long to wait."""
    with pytest.raises(RateLimited) as caught:
        client_of(Server([failure(429, Retry_After="3600")]), cancelled=pauses).get_pipeline("pipe_1")
    assert caught.value.retry_after_seconds == 3600


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


@pytest.mark.parametrize("answer", [failure(503), failure(429, Retry_After="4"), ANSWER_LOST[0]])
def test_timeout_bounds_the_tries(answer: Any, pauses: Pauses, clock: Clock) -> None:
    """No pause of a bounded call goes beyond its timeout, the server's wishes included."""
    started = clock.seconds
    with pytest.raises(APIError):
        client_of(Server([answer]), cancelled=pauses).get_destination_health("pipe_1", timeout_seconds=10)
    assert clock.seconds - started <= 10


def test_timeout_bounds_the_turn(pauses: Pauses, clock: Clock) -> None:
    """A bounded call that cannot have its turn in time is not sent, and takes nobody's place."""
    server = Server([FINE])
    pacer = Pacer(0.01, cancelled=pauses, now=clock)
    client = client_of(server, cancelled=pauses, pacer=pacer)
    client.get_pipeline("pipe_1")
    with pytest.raises(OutOfTime, match="no time left"):
        client.get_pipeline_status("pipe_1", timeout_seconds=10)
    assert len(server.requests) == 1
    assert sum(pauses.seconds) == 0


def test_timeout_bounds_each_phase(pauses: Pauses, clock: Clock) -> None:
    """Each phase of a bounded request gets what the earlier ones left."""
    left: list[float] = []

    def slow(request: httpx.Request) -> httpx.Response:
        for phase in ("pool", "connect", "write", "read"):
            left.append(request.extensions["timeout"].get(phase))
            clock.seconds += 2
        return FINE

    client_of(Server([slow]), cancelled=pauses).get_pipeline_status("pipe_1", timeout_seconds=9)
    assert [9, 7, 5, 3] == left


def test_answer_that_drips(pauses: Pauses, clock: Clock) -> None:
    """An answer that comes too slowly to end in time is given up, however alive it looks."""

    class Drip(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            while True:
                clock.seconds += 1
                yield b" "

    server = Server([lambda _: httpx.Response(200, stream=Drip())])
    with pytest.raises(ConnectionFailed, match="the answer did not end in time"):
        client_of(server, cancelled=pauses).get_pipeline_status("pipe_1", timeout_seconds=10)


def test_unbounded_phases() -> None:
    """Without a timeout of the caller each phase has its own bound."""
    server = Server([FINE])
    client_of(server).get_pipeline("pipe_1")
    expected = {"connect": 10.0, "read": 30.0, "write": 30.0, "pool": 60.0}
    assert expected == server.requests[0].extensions["timeout"]


def test_429_slows_the_pacer(pauses: Pauses) -> None:
    """Every 429 tells the pacer to slow down, and for how long if it says so; nothing else does."""

    class Counting(Pacer):
        asked: ClassVar[list[float | None]] = []

        def slow_down(self, retry_after_seconds: float | None = None) -> None:
            self.asked.append(retry_after_seconds)

    pacer = Counting(1000)
    server = Server([failure(429), failure(503), ANSWER_LOST[0], failure(429, Retry_After="3"), FINE])
    client_of(server, cancelled=pauses, pacer=pacer).get_pipeline("pipe_1")
    assert pacer.asked == [None, 3]


def test_unknown_shape_is_final(pauses: Pauses) -> None:
    """A shape that is not known does not become known by asking again."""
    server = Server([httpx.Response(200, text="<h1>")])
    with pytest.raises(UnexpectedAnswer):
        client_of(server, cancelled=pauses).get_pipeline("pipe_1")
    assert len(server.requests) == 1


def test_untrusted_certificate(pauses: Pauses) -> None:
    """A certificate that is not trusted is no passing fault: it is said at once, with what to set."""
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
