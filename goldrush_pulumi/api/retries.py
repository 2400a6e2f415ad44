"""Which failed requests are sent again, and how long to pause before.

Reads and repeatable changes (PATCH with the same body, PUT, DELETE) are repeated after 429, 5xx and lost connections.
A POST has no idempotency key, so it is repeated only when it certainly was not applied: the connection was never made,
or the answer was 429.
"""

from __future__ import annotations

import email.utils
import time
from typing import TYPE_CHECKING, Any, Final

import tenacity

from goldrush_pulumi.api.errors import (
    APIError,
    ConnectionFailed,
    Interrupted,
    RateLimited,
    ServerError,
    UnexpectedAnswer,
)

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

DEFAULT_RETRY_SECONDS: Final = 60.0
"""How long one call goes on trying, all pauses and requests together."""

LONGEST_RETRY_AFTER_SECONDS: Final = 60.0
"""A `Retry-After` longer than this is not obeyed."""

_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 10.0


class LostAnswer(Exception):  # noqa: N818 - the name says what happened
    """The request was sent and its answer lost. Internal: every caller gets an `APIError` instead."""

    def __init__(self, error: APIError) -> None:
        super().__init__()
        self.error = error


def retry_after_seconds(value: str | None) -> float | None:
    """The pause that a `Retry-After` header asks for, in seconds or as a date; None when it is not to be obeyed."""
    if not value:
        return None
    seconds = _number(value)
    if seconds is None:
        seconds = _seconds_until(value)
    return seconds if seconds is not None and 0 < seconds <= LONGEST_RETRY_AFTER_SECONDS else None


def retrying(action: str, *, is_create: bool, total_seconds: float, cancelled: threading.Event) -> tenacity.Retrying:
    """The policy for one call. Its sleep ends at once when `cancelled` is set, with `Interrupted`."""
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(_is_safe_for_create if is_create else _is_passing),
        wait=_pause,
        stop=tenacity.stop_before_delay(total_seconds),
        sleep=_interruptible(action, cancelled),
        reraise=True,
    )


def _is_safe_for_create(error: BaseException) -> bool:
    return isinstance(error, (RateLimited, ConnectionFailed))


def _is_passing(error: BaseException) -> bool:
    # A gateway's page in place of JSON passes like a 5xx does; a redirect or an unknown shape does not.
    return isinstance(error, (RateLimited, ServerError, ConnectionFailed, LostAnswer)) or (
        isinstance(error, UnexpectedAnswer) and error.passing
    )


_backoff: Final = tenacity.wait_random_exponential(multiplier=_FIRST_PAUSE_SECONDS, max=_LONGEST_PAUSE_SECONDS)


def _pause(state: tenacity.RetryCallState) -> float:
    outcome = state.outcome
    error = outcome.exception() if outcome is not None else None
    asked = getattr(error, "retry_after_seconds", None)
    return float(asked) if asked is not None else _backoff(state)


def _interruptible(action: str, cancelled: threading.Event) -> Callable[[float], None]:
    def sleep(seconds: float) -> None:
        if cancelled.wait(seconds):
            raise Interrupted(f"{action}: cancelled while waiting to try again")

    return sleep


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _seconds_until(value: str) -> float | None:
    try:
        moment: Any = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return float(moment.timestamp() - time.time())
