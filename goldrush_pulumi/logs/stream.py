"""The log stream of a pipeline: it polls tails, survives outages, follows pods that come and go, and ends."""

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
    from goldrush_pulumi.api import PipelineLogs, PipelineStatus, PodLogs

POLL_SECONDS: Final = 2.0
"""The pause between two polls."""

PATIENCE_SECONDS: Final = 600.0
"""How long GoldRush may fail before its error ends the stream, and the longest pause that it may ask for."""

RETRY_SECONDS: Final = (5.0, 5.0, 15.0, 30.0, 60.0)
"""The pauses after consecutive failures, unless the server asks for another; the last one stays."""

_MOST_PODS: Final = 64

_ENDS: Final[dict[str, EndReason]] = {phase: EndReason(phase.lower()) for phase in ENDS_OF_LOGS}

T = TypeVar("T")


class LogClient(Protocol):
    """The two calls that a stream needs. A client that repeats failed calls itself only makes the pauses longer."""

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
    """Follow a pipeline's logs: first the lines that exist, then new ones.

    No line is yielded twice, and a marker stands wherever lines may be missing. When lines repeat so exactly that a
    whole tail looks as before, they cannot be distinguished from silence. Memory is bounded, however long it runs.

    Args:
        client: The client to poll with; its `retry_seconds` should be 0, because the stream makes the pauses.
        pipeline_id: The pipeline.
        cursor: `LogStream.cursor` of an earlier stream, to continue exactly where that one stopped.
        tail: How many lines of each pod to start with; all of them by default.
        clock: The clock of tests that bring their own time.
        cancelled: Ends the stream soon after it is set.

    Raises:
        CursorError: The cursor cannot be used.
        PipelineNotFound: The pipeline does not exist at the first poll.
        APIError: GoldRush refuses the calls, has failed for ten minutes, or asks for a longer pause than that.
    """
    return LogStream(client, pipeline_id, cursor=cursor, tail=tail, clock=clock, cancelled=cancelled)


class LogStream(Iterator[Event]):
    """The events of one pipeline's logs. `cursor` is the position after the last event.

    With `once` it ends after the lines that exist now, without an `End`.
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
        """A string with which another stream continues right after the last event of this one."""
        return self._place.as_text()

    def __iter__(self) -> LogStream:
        """Return the stream itself."""
        return self

    def __next__(self) -> Event:
        """Wait for the next event and return it."""
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
                logs = yield from self._request(self._client.get_pipeline_logs)
                status = yield from self._request(self._client.get_pipeline_status)
            except PipelineNotFound:
                if number == 0:
                    raise
                yield End(EndReason.DELETED)
                return
            # A redeployment may pass through STOPPED, and the last lines come late: an end must be seen twice.
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
        """Yield the new lines, those of known pods first, since a new deployment brings new pods."""
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
        """Keep the present pods and the newest of the others: a pod may be missing from a single response."""
        pods = self._place.pods
        gone = [name for name in pods if name not in present]
        for name in gone[: max(len(pods) - _MOST_PODS, 0)]:
            del pods[name]

    def _request(self, call: Callable[[str], T]) -> Generator[Event, None, T]:
        failing_since = self._clock.now()
        pauses = itertools.chain(RETRY_SECONDS, itertools.repeat(RETRY_SECONDS[-1]))
        while True:
            try:
                return call(self._place.pipeline_id)
            except (RateLimited, ServerError, ConnectionFailed) as error:
                pause = error.retry_after_seconds or 0.0
                if pause <= 0:
                    pause = next(pauses)
                if self._clock.now() - failing_since >= PATIENCE_SECONDS or pause > PATIENCE_SECONDS:
                    raise
                yield Waiting(str(error), pause)
            self._sleep(pause)

    def _sleep(self, seconds: float) -> None:
        if self._clock.sleep(seconds) or self._cancelled.is_set():
            raise _Cancelled


class _Cancelled(Exception):  # noqa: N818 - never leaves the module
    pass
