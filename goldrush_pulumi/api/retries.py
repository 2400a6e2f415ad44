"""Which failed calls are sent again, how long to pause before, and what is known when the tries end.

Reads and repeatable changes (PATCH with the same body, PUT, DELETE) are repeated after 429, 5xx and lost connections.
A POST has no idempotency key, so it is repeated only when it certainly was not applied: the connection was never made,
or the response was 429. No request is sent sooner than `Retry-After` asks.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import TYPE_CHECKING, Final

import tenacity

from goldrush_pulumi.api.call import Deadline
from goldrush_pulumi.api.errors import (
    AmbiguousResult,
    APIError,
    ConnectionFailed,
    Interrupted,
    InterruptedChange,
    OutOfTime,
    PipelineNotFound,
    RateLimited,
    ServerError,
)

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from goldrush_pulumi.api.call import ApiCall
    from goldrush_pulumi.api.errors import GoldRushError

DEFAULT_RETRY_SECONDS: Final = 60.0
"""How long after its first try a call may start another pause, and the longest pause that it makes."""

_FIRST_PAUSE_SECONDS: Final = 0.5

_LONGEST_PAUSE_SECONDS: Final = 10.0

_FIRST_SERVER_ERROR: Final = 500

_jitter: Final = tenacity.wait_random_exponential(multiplier=_FIRST_PAUSE_SECONDS, max=_LONGEST_PAUSE_SECONDS)


@dataclass
class Tries:
    """What the tries of one call have led to. `status` is that of the last response, None without one."""

    call: ApiCall
    count: int = 0
    status: int | None = None
    may_be_applied: bool = False

    def conclude(self, error: GoldRushError) -> GoldRushError:
        """Return the error that the call ends with, given the `error` of its last try.

        When an earlier try of a change got no usable response, the last one cannot say that nothing was changed. A
        pipeline that does not exist is another matter: whoever deletes it has what they want.
        """
        if not self.may_be_applied or isinstance(error, (AmbiguousResult, PipelineNotFound)):
            return error
        if isinstance(error, Interrupted):
            text = str(error).removeprefix(f"{self.call.action}: ")
            return self.call.ambiguous(f"{text}, after a try without a usable response", kind=InterruptedChange)
        text = error.reason if isinstance(error, APIError) else str(error)
        reason = f"a try got no usable response, and the last one failed: {text}"
        if not isinstance(error, APIError):
            return self.call.ambiguous(reason)
        return self.call.ambiguous(
            reason,
            status=error.status,
            code=error.code,
            server_message=error.server_message,
            retry_after_seconds=error.retry_after_seconds,
        )


def retrying(
    call: ApiCall, *, retry_seconds: float, deadline: Deadline, cancelled: threading.Event
) -> tenacity.Retrying:
    """Return the retry policy for one call. It ends with the last try's own error.

    No pause starts once `retry_seconds` have passed, none is longer than that, and none goes beyond `deadline`. Setting
    `cancelled` ends a pause at once, with `Interrupted`.
    """
    patience = Deadline(retry_seconds)

    def is_over(state: tenacity.RetryCallState) -> bool:
        pause = state.upcoming_sleep
        return patience.passed or pause > retry_seconds or pause >= deadline.remaining_seconds

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: _is_worth_repeating(call, error)),
        wait=_pause_seconds,
        stop=is_over,
        sleep=_interruptible(call, cancelled),
        reraise=True,
    )


def asked_pause_seconds(headers: Mapping[str, str]) -> float | None:
    """Return the pause that `Retry-After` asks for, in seconds from now, however long; None when it asks for none.

    A date is compared with the server's own `Date` where there is one: the clocks may differ.
    """
    value = headers.get("Retry-After", "")
    seconds = _number(value)
    if seconds is None and (moment := _moment(value)) is not None:
        sent = _moment(headers.get("Date", ""))
        seconds = moment - (time.time() if sent is None else sent)
    return seconds if seconds is not None and isfinite(seconds) else None


def _is_worth_repeating(call: ApiCall, error: BaseException) -> bool:
    if isinstance(error, (OutOfTime, InterruptedChange)):
        return False
    if isinstance(error, (RateLimited, ConnectionFailed)):
        return True
    if isinstance(error, AmbiguousResult):
        # What GoldRush carried out and confirmed in an unknown form would be confirmed so again.
        is_passing = error.status is None or error.status >= _FIRST_SERVER_ERROR
        return call.is_repeatable and is_passing
    return isinstance(error, ServerError)


def _pause_seconds(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after_seconds if isinstance(error, APIError) else None
    return asked if asked is not None and asked > 0 else _jitter(state)


def _interruptible(call: ApiCall, cancelled: threading.Event) -> Callable[[float], None]:
    def sleep(seconds: float) -> None:
        if cancelled.wait(seconds):
            raise Interrupted(f"{call.action}: cancelled while waiting to try again")

    return sleep


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _moment(value: str) -> float | None:
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None
