"""Which failed calls are sent again, and how long to pause before.

Reads and repeatable changes (PATCH with the same body, PUT, DELETE) are repeated after 429, 5xx and lost connections.
A POST has no idempotency key, so it is repeated only when it certainly was not applied: the connection was never made,
or the answer was 429.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import TYPE_CHECKING, Final

import tenacity

from goldrush_pulumi.api.errors import (
    AmbiguousResult,
    APIError,
    ConnectionFailed,
    Interrupted,
    OutOfTime,
    RateLimited,
    ServerError,
)
from goldrush_pulumi.api.rate_limit import LONGEST_RETRY_AFTER_SECONDS
from goldrush_pulumi.api.transport import Deadline

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from goldrush_pulumi.api.transport import Call

DEFAULT_RETRY_SECONDS: Final = 60.0
"""How long after its first try a call may start another pause."""

_FIRST_PAUSE_SECONDS: Final = 0.5

_LONGEST_PAUSE_SECONDS: Final = 10.0

_jitter: Final = tenacity.wait_random_exponential(multiplier=_FIRST_PAUSE_SECONDS, max=_LONGEST_PAUSE_SECONDS)


def retrying(call: Call, *, retry_seconds: float, deadline: Deadline, cancelled: threading.Event) -> tenacity.Retrying:
    """Return the policy for one call. It ends with the last try's own error.

    No pause starts once `retry_seconds` have passed, nor one that `deadline` would cut short; a pause that has started
    (at most `LONGEST_RETRY_AFTER_SECONDS`) may end later than `retry_seconds`. Setting `cancelled` ends a pause at
    once, with `Interrupted`.
    """
    patience = Deadline(retry_seconds)
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: _is_worth_repeating(call, error)),
        wait=_pause_seconds,
        stop=lambda state: patience.passed or state.upcoming_sleep >= deadline.remaining_seconds,
        sleep=_interruptible(call, cancelled),
        reraise=True,
    )


def asked_pause_seconds(headers: Mapping[str, str]) -> float | None:
    """Return the pause that `Retry-After` asks for, in seconds from now, however long; None when it asks for none.

    A date is compared with the server's own `Date` where there is one: the clocks may differ.
    """
    value = headers.get("Retry-After", "")
    seconds = _number(value)
    if seconds is None and (read_time := _moment(value)) is not None:
        sent = _moment(headers.get("Date", ""))
        seconds = read_time - (time.time() if sent is None else sent)
    return seconds if seconds is not None and isfinite(seconds) else None


def _is_worth_repeating(call: Call, error: BaseException) -> bool:
    certainly_unapplied = isinstance(error, (RateLimited, ConnectionFailed)) and not isinstance(error, OutOfTime)
    return certainly_unapplied or (call.is_repeatable and isinstance(error, (ServerError, AmbiguousResult)))


def _pause_seconds(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after_seconds if isinstance(error, APIError) else None
    if asked is not None and 0 < asked <= LONGEST_RETRY_AFTER_SECONDS:
        return asked
    return _jitter(state)


def _interruptible(call: Call, cancelled: threading.Event) -> Callable[[float], None]:
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
