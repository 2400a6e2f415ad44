"""Asking for tails until there is a reason to stop: pauses, trouble, pods that come and go, and the end."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from goldrush_pulumi.api.errors import ConnectionFailed, Interrupted, PipelineNotFound, RateLimited, ServerError
from goldrush_pulumi.logs.cursor import Place
from goldrush_pulumi.logs.events import CaughtUp, End, EndReason, Event, NewDeployment, NewPod, Waiting
from goldrush_pulumi.logs.tails import PodLog
from goldrush_pulumi.operations.wait import Clock, EventClock
from goldrush_pulumi.schema.phases import ENDS_OF_LOGS

if TYPE_CHECKING:
    from goldrush_pulumi.api import APIError, PipelineLogs, PipelineStatus, PodLogs

POLL_SECONDS: Final = 2.0
"""The pause between two looks."""

PATIENCE_SECONDS: Final = 600.0
"""How long GoldRush may stay silent before its error ends the stream."""

RETRY_SECONDS: Final = (5.0, 5.0, 15.0, 30.0, 60.0)
"""The pauses after calls that failed one after the other, unless the server asks for another; the last one stays."""

_LONGEST_ASKED_PAUSE_SECONDS: Final = 300.0

_MOST_PODS: Final = 64

_ENDS: Final[dict[str, EndReason]] = {phase: EndReason(phase.lower()) for phase in ENDS_OF_LOGS}

T = TypeVar("T")


class LogClient(Protocol):
    """The two calls that following needs. A client that repeats failed calls itself only makes the pauses longer."""

    def get_pipeline_logs(self, pipeline_id: str, /) -> PipelineLogs:
        """Return the tail of each pod's log."""

    def get_pipeline_status(self, pipeline_id: str, /) -> PipelineStatus:
        """Return the phase and the start of the deployment."""


def follow(
    client: LogClient,
    pipeline_id: str,
    *,
    cursor: str | None = None,
    tail: int | None = None,
    clock: Clock | None = None,
    cancelled: threading.Event | None = None,
) -> LogStream:
    """Follow a pipeline's logs: first the lines that are there, then those that come.

    No line is yielded twice, and where lines may be missing a marker says so. Lines that repeat so exactly that a whole
    tail looks as before cannot be told from silence. Memory is bounded, however long it goes on.

    Args:
        client: Asks GoldRush; its `retry_seconds` should be 0, for pauses are made here.
        pipeline_id: The pipeline.
        cursor: `LogStream.cursor` of an earlier stream, to go on exactly where that one was left.
        tail: How many lines to begin with, of each pod; all that there are unless given.
        clock: For tests that bring their own time.
        cancelled: Ends the stream soon after it is set.

    Raises:
        CursorError: The cursor cannot be used.
        PipelineNotFound: There is no such pipeline, on the first look.
        APIError: GoldRush refuses the calls, or has not answered for ten minutes.
    """
    return LogStream(client, pipeline_id, cursor=cursor, tail=tail, clock=clock, cancelled=cancelled)


class LogStream(Iterator[Event]):
    """The events of one pipeline's logs. `cursor` tells at any time how far it has been read.

    With `once` it ends after the lines that are there, without an `End`.
    """

    def __init__(
        self,
        client: LogClient,
        pipeline_id: str,
        *,
        cursor: str | None = None,
        tail: int | None = None,
        clock: Clock | None = None,
        cancelled: threading.Event | None = None,
        once: bool = False,
    ) -> None:
        self._client = client
        self._place = Place(pipeline_id) if cursor is None else Place.from_text(cursor, pipeline_id)
        self._is_fresh = cursor is None
        self._tail = tail
        self._cancelled = cancelled or threading.Event()
        self._clock = clock or EventClock(self._cancelled)
        self._once = once
        self._events = self._run()

    @property
    def cursor(self) -> str:
        """A text from which another stream goes on right behind the last event taken from this one."""
        return self._place.as_text()

    def __iter__(self) -> LogStream:
        """The stream itself."""
        return self

    def __next__(self) -> Event:
        """The next event; waits for it."""
        return next(self._events)

    def _run(self) -> Generator[Event, None, None]:
        try:
            yield from self._rounds()
        except (Interrupted, _Cancelled):
            yield End(EndReason.CANCELLED)

    def _rounds(self) -> Generator[Event, None, None]:
        ending: PipelineStatus | None = None
        for number in itertools.count():
            try:
                logs = yield from self._ask(self._client.get_pipeline_logs)
                status = yield from self._ask(self._client.get_pipeline_status)
            except PipelineNotFound:
                if number == 0:
                    raise
                yield End(EndReason.DELETED)
                return
            # A redeployment may pass through STOPPED, and the last lines come late: an end counts when seen twice.
            is_over = ending is not None and (ending.phase, ending.start_time) == (status.phase, status.start_time)
            yield from self._read(logs, status, final=is_over or self._once)
            if number == 0:
                yield CaughtUp()
            if is_over:
                yield End(_ENDS[status.phase])
            if is_over or self._once:
                return
            ending = status if status.phase in _ENDS else None
            self._sleep(POLL_SECONDS)

    def _read(self, logs: PipelineLogs, status: PipelineStatus, *, final: bool) -> Iterator[Event]:
        """The new lines: those of pods that are known come first, for a new deployment brings pods of its own."""
        pods = self._place.pods
        for pod in [pod for pod in logs.pods if pod.pod in pods]:
            yield from self._lines(pod, final=final)
        yield from self._note_deployment(status)
        for pod in [pod for pod in logs.pods if pod.pod not in pods]:
            pods[pod.pod] = PodLog(pod.pod)
            if not self._is_fresh:
                yield NewPod(pod.pod)
            yield from self._lines(pod, final=final)
        self._is_fresh = False
        self._forget_pods({pod.pod for pod in logs.pods})

    def _lines(self, pod: PodLogs, *, final: bool) -> Iterator[Event]:
        at_most = self._tail if self._is_fresh else None
        return self._place.pods[pod.pod].read(pod.logs, final=final, at_most=at_most)

    def _note_deployment(self, status: PipelineStatus) -> Iterator[Event]:
        known, start_time = self._place.start_time, status.start_time
        if start_time is None or start_time == known:
            return
        self._place.start_time = start_time
        if known is not None:
            yield NewDeployment(start_time)

    def _forget_pods(self, present: set[str]) -> None:
        """Keep the pods that are there, and the newest of the others: one may be missing from a single answer."""
        pods = self._place.pods
        gone = [name for name in pods if name not in present]
        for name in gone[: max(len(pods) - _MOST_PODS, 0)]:
            del pods[name]

    def _ask(self, question: Callable[[str], T]) -> Generator[Event, None, T]:
        silent_since = self._clock.now()
        pauses = itertools.chain(RETRY_SECONDS, itertools.repeat(RETRY_SECONDS[-1]))
        while True:
            try:
                return question(self._place.pipeline_id)
            except (RateLimited, ServerError, ConnectionFailed) as error:
                if self._clock.now() - silent_since >= PATIENCE_SECONDS:
                    raise
                pause = _pause_seconds(error, next(pauses))
                yield Waiting(str(error), pause)
            self._sleep(pause)

    def _sleep(self, seconds: float) -> None:
        if self._clock.sleep(seconds) or self._cancelled.is_set():
            raise _Cancelled


def _pause_seconds(error: APIError, planned_seconds: float) -> float:
    asked = error.retry_after_seconds or 0.0
    return asked if 0 < asked <= _LONGEST_ASKED_PAUSE_SECONDS else planned_seconds


class _Cancelled(Exception):  # noqa: N818 - never leaves the module
    pass
