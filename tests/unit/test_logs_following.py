from __future__ import annotations

import itertools
import threading
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.api import (
    GoldRushClient,
    Interrupted,
    PipelineLogs,
    PipelineNotFound,
    PipelineStatus,
    RateLimited,
    ServerError,
    Unauthorized,
)
from goldrush_pulumi.logs import (
    CaughtUp,
    CursorError,
    End,
    EndReason,
    Gap,
    Line,
    LogStream,
    NewDeployment,
    NewPod,
    NothingToTail,
    Waiting,
    follow,
)
from tests.support.caller import Caller
from tests.support.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from goldrush_pulumi.emulator import Emulator

ID = "pipe_1"


def clock_with(happenings: Iterable[Callable[[], object]]) -> FakeClock:
    """A clock with one happening in each sleep, until there are no more."""
    left = iter(happenings)
    return FakeClock(at_sleep=lambda _seconds: next(left, lambda: None)())


class Server:
    """Answers by script: per look the pods with their logs and the status, or an error in the place of either."""

    def __init__(self, *looks: tuple[Any, Any]) -> None:
        self._logs = iter([logs for logs, _ in looks])
        self._statuses = iter([status for _, status in looks])

    def get_pipeline_logs(self, pipeline_id: str) -> PipelineLogs:
        answer = _require(next(self._logs))
        pods = [{"pod": pod, "logs": text} for pod, text in answer.items()]
        return PipelineLogs.model_validate({"uid": pipeline_id, "pods": pods})

    def get_pipeline_status(self, pipeline_id: str) -> PipelineStatus:
        phase, start_time = _require(next(self._statuses))
        return PipelineStatus(uid=pipeline_id, phase=phase, start_time=start_time)


def _require(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer


def error_of(kind: type[Any], **facts: Any) -> Any:
    return kind("get logs", "no", **facts)


RUNNING, STOPPED = ("RUNNING", "t1"), ("STOPPED", "t1")
GONE = (error_of(PipelineNotFound, status=404), RUNNING)


def events_of(*looks: tuple[Any, Any], clock: FakeClock | None = None, **options: Any) -> list[Any]:
    return list(LogStream(Server(*looks), ID, clock=clock or FakeClock(), **options))


def test_what_is_there_comes_first_then_what_is_new() -> None:
    """Catch-up lines, the mark that they are over, new lines, and the reason of the end."""
    assert events_of(({"p": "a\nb\n"}, RUNNING), ({"p": "b\nc\n"}, RUNNING), GONE) == [
        Line("p", "a"),
        Line("p", "b"),
        CaughtUp(),
        Line("p", "c"),
        End(EndReason.DELETED),
    ]


def test_tail_limits_what_is_there_and_not_what_is_new() -> None:
    """`tail` counts the lines of each pod to begin with; the earlier ones never come."""
    first = {"p": "a\nb\nc\n", "q": "x\ny\n"}
    second = {"p": "a\nb\nc\nd\n", "q": "x\ny\n"}

    assert events_of((first, RUNNING), (second, RUNNING), GONE, tail=1) == [
        Line("p", "c"),
        Line("q", "y"),
        CaughtUp(),
        Line("p", "d"),
        End(EndReason.DELETED),
    ]
    assert events_of((first, RUNNING), GONE, tail=0) == [CaughtUp(), End(EndReason.DELETED)]


@pytest.mark.parametrize(
    ("phase", "reason"),
    [("PAUSED", EndReason.PAUSED), ("STOPPED", EndReason.STOPPED), ("FAILED", EndReason.FAILED)],
)
def test_an_end_counts_when_it_is_seen_twice(phase: str, reason: EndReason) -> None:
    """The last lines come late, so one more look is taken before the end, and its last line needs no newline."""
    ending = (phase, "t1")

    assert events_of(({"p": "a\n"}, RUNNING), ({"p": "a\n"}, ending), ({"p": "a\nlast words"}, ending)) == [
        Line("p", "a"),
        CaughtUp(),
        Line("p", "last words"),
        End(reason),
    ]


def test_a_redeployment_that_passes_through_stopped_is_followed() -> None:
    """A phase that ends streams does not when it passes, and what follows is marked as new."""
    assert events_of(
        ({"p": "a\n"}, RUNNING),
        ({"p": "a\nb\n"}, STOPPED),
        ({"q": "c\n"}, ("RUNNING", "t2")),
        ({"q": "c\n"}, ("STOPPED", "t2")),
        ({"q": "c\n"}, ("STOPPED", "t2")),
    ) == [
        Line("p", "a"),
        CaughtUp(),
        Line("p", "b"),
        NewDeployment("t2"),
        NewPod("q"),
        Line("q", "c"),
        End(EndReason.STOPPED),
    ]


def test_the_old_pod_finishes_before_the_new_deployment_is_marked() -> None:
    """In one answer, lines of pods that are known come before the marks of what is new."""
    assert events_of(
        ({"p": "a\n"}, RUNNING), ({"q": "x\n", "p": "a\nb\n"}, ("RUNNING", "t2")), ({"q": "x\n"}, RUNNING), GONE
    )[2:5] == [Line("p", "b"), NewDeployment("t2"), NewPod("q")]


def test_a_pod_that_is_missing_once_is_not_new() -> None:
    """A pod that one answer leaves out goes on where it was."""
    assert events_of(({"p": "a\n"}, RUNNING), ({}, RUNNING), ({"p": "a\nb\n"}, RUNNING), GONE) == [
        Line("p", "a"),
        CaughtUp(),
        Line("p", "b"),
        End(EndReason.DELETED),
    ]


def test_a_runtime_error_is_no_log_line() -> None:
    """What the runtime says in the place of logs is said once, apart from the lines, and loses no place."""
    error = "unable to upgrade connection: container not found"

    assert events_of(
        ({"p": "a\n"}, RUNNING), ({"p": error}, RUNNING), ({"p": error}, RUNNING), ({"p": "a\nb\n"}, RUNNING), GONE
    ) == [Line("p", "a"), CaughtUp(), NothingToTail("p", error), Line("p", "b"), End(EndReason.DELETED)]


def test_a_container_that_restarts_in_its_pod_is_marked() -> None:
    """A log that begins again under the same name may have lost its last lines."""
    assert events_of(({"p": "a\nb\n"}, RUNNING), ({"p": "start\n"}, RUNNING), GONE)[3:5] == [
        Gap("p"),
        Line("p", "start"),
    ]


def test_trouble_is_met_with_longer_and_longer_pauses() -> None:
    """429 and 5xx wait 5, 5, 15, 30, 60 and 60 s; the server's own pause wins; a success starts over."""
    failed = [(error_of(ServerError, status=503), None)] * 6
    asked = (error_of(RateLimited, status=429, retry_after_seconds=7.0), None)
    looks = [(logs, None) for logs, _ in [*failed, asked]]
    server = Server(*looks, ({"p": "a\n"}, None), (error_of(ServerError, status=500), None), (GONE[0], None))
    server._statuses = iter([RUNNING])
    clock = FakeClock()

    events = list(LogStream(server, ID, clock=clock))

    assert clock.sleeps == [5, 5, 15, 30, 60, 60, 7, 2, 5]
    assert [event for event in events if not isinstance(event, Waiting)] == [
        Line("p", "a"),
        CaughtUp(),
        End(EndReason.DELETED),
    ]


def test_patience_has_an_end() -> None:
    """A service that stays silent for ten minutes ends the stream with its error."""
    clock = FakeClock()
    with pytest.raises(ServerError):
        events_of(*[(error_of(ServerError, status=503), None)] * 50, clock=clock)
    assert 600 <= clock.seconds <= 700


@pytest.mark.parametrize("seconds", [301.0, 600.0])
def test_long_pause_is_made(seconds: float) -> None:
    """A stream never polls sooner than the server asks, even when it asks for many minutes."""
    clock = FakeClock()
    limited = error_of(RateLimited, status=429, retry_after_seconds=seconds)
    events_of(({"p": "a\n"}, limited), (GONE[0], RUNNING), clock=clock)
    assert clock.sleeps[0] == seconds


def test_pause_beyond_the_patience_ends_the_stream() -> None:
    """A pause that the stream would not survive ends it at once, with the error that names it."""
    clock = FakeClock()
    with pytest.raises(RateLimited):
        events_of((error_of(RateLimited, status=429, retry_after_seconds=601.0), None), clock=clock)
    assert clock.sleeps == []


def test_a_pipeline_that_never_was_is_an_error_and_no_end() -> None:
    """404 on the first look raises, as does a refusal at any time."""
    with pytest.raises(PipelineNotFound):
        events_of(GONE)
    with pytest.raises(Unauthorized):
        events_of(({"p": "a\n"}, RUNNING), (error_of(Unauthorized, status=401), None))


def test_cancelling_ends_the_stream_wherever_it_waits() -> None:
    """Set while it sleeps, or while a request waits, `cancelled` brings the end with its reason."""
    assert events_of(({"p": "a\n"}, RUNNING), clock=clock_with([lambda: True]))[-1] == End(EndReason.CANCELLED)
    assert events_of((Interrupted("cancelled"), None)) == [End(EndReason.CANCELLED)]
    cancelled = threading.Event()
    cancelled.set()
    assert events_of(({"p": "a\n"}, RUNNING), cancelled=cancelled)[-1] == End(EndReason.CANCELLED)


def test_once_takes_one_look() -> None:
    """`once` yields what is there, an unfinished line too, and no end."""
    assert events_of(({"p": "a\nb"}, RUNNING), once=True) == [Line("p", "a"), Line("p", "b"), CaughtUp()]


def test_a_cursor_goes_on_in_another_stream() -> None:
    """Left behind any event, the cursor leads to exactly the events that were still to come."""
    looks = [({"p": "a\nb\n", "q": "x\n"}, RUNNING), ({"p": "a\nb\nc\n", "q": "x\ny\n"}, ("RUNNING", "t2")), GONE]
    whole = events_of(*looks)
    marks = {CaughtUp(), NewPod("q")}
    for stop in range(1, 6):
        stream = LogStream(Server(*looks), ID, clock=FakeClock())
        before = list(itertools.islice(stream, stop))
        after = events_of(*looks[min(stop // 4, 1) :], cursor=stream.cursor)
        assert [e for e in before + after if e not in marks] == [e for e in whole if e not in marks]


def test_a_cursor_holds_no_text_and_needs_no_quotes() -> None:
    """A cursor is short, safe for a shell, and tells nothing of the lines."""
    stream = LogStream(Server(({"p~,'x": "planted secret\n" * 100}, RUNNING)), ID, once=True)
    list(stream)

    assert len(stream.cursor) < 300
    assert "planted" not in stream.cursor
    assert set(stream.cursor) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789~,%-_.:+")


@pytest.mark.parametrize(
    ("cursor", "reason"),
    [
        ("", "cut off or not a cursor"),
        ("2~pipe_1~", "cut off or not a cursor"),
        ("1~pipe_1", "cut off or not a cursor"),
        ("1~pipe_2~t", "belongs to pipeline pipe_2"),
        ("1~pipe_1~t~p,1", "damaged"),
        ("1~pipe_1~t~p,1,,****", "damaged"),
        ("1~pipe_1~t~p,9,,AAAAAAA", "damaged"),
        ("1~pipe_1~t~p,many,,AAAAAAA", "damaged"),
    ],
)
def test_a_cursor_that_cannot_be_used_is_refused(cursor: str, reason: str) -> None:
    """A cursor that is cut, foreign or damaged is an error with a way out, never a silent beginning."""
    with pytest.raises(CursorError, match=reason):
        follow(Server(), ID, cursor=cursor)


@pytest.mark.untraced
def test_memory_stays_flat() -> None:
    """At four hundred lines a look, hour after hour, what is remembered does not grow."""

    def looks() -> Iterator[tuple[Any, Any]]:
        for number in range(200):
            yield {f"p{number // 3}": "\n".join(f"{number} {line}" for line in range(400))}, RUNNING

    server = Server()
    server._logs, server._statuses = (logs for logs, _ in looks()), itertools.repeat(RUNNING)
    stream = LogStream(server, ID, clock=FakeClock())
    sizes = []
    tracemalloc.start()
    for count, event in enumerate(stream):
        if isinstance(event, NewPod) and count > 40_000:
            sizes.append(tracemalloc.get_traced_memory()[0])
        if count > 75_000:
            break
    tracemalloc.stop()

    assert len(stream._place.pods) <= 65
    assert len(sizes) > 10
    assert max(sizes[-5:]) < 2 * min(sizes[:5])


def test_the_emulator_is_followed_through_a_redeployment(emulator: Emulator) -> None:
    """With the real client: catch-up, new lines, a new deployment, and the failure that ends it."""
    with Caller(emulator.base_url, emulator.service_key) as caller:
        pipeline_id = caller.create()["id"]
        caller.phase(pipeline_id)
    client = GoldRushClient(service_key=emulator.service_key, base_url=emulator.base_url, retry_seconds=0)
    happenings: list[Callable[[], object]] = [
        lambda: emulator.write_logs(pipeline_id, ["INFO batch 1"]) and None,
        lambda: emulator.edit(pipeline_id, description="new", redeploy=True) and None,
        lambda: emulator.fail(pipeline_id, logs=["ERROR password rejected"]) and None,
    ]

    events = list(LogStream(client, pipeline_id, clock=clock_with(happenings)))
    client.close()

    texts = [event.text for event in events if isinstance(event, Line)]
    assert texts.count("INFO batch 1") == 1
    assert texts[-1] == "ERROR password rejected"
    kinds = [type(event) for event in events if not isinstance(event, Line)]
    assert kinds == [CaughtUp, NewDeployment, NewPod, End]
    assert events[-1] == End(EndReason.FAILED)
