"""What can go wrong between this package and GoldRush.

::

    GoldRushError
    |-- ConfigurationError        no usable key, base URL, proxy or certificate: nothing was sent
    |-- Interrupted               cancelled; a change was certainly not applied
    |   `-- InterruptedChange     cancelled; a change may have been applied (also an AmbiguousResult)
    `-- APIError                  status, code, method, path, server_message
        |-- Unauthorized          401
        |-- Forbidden             403
        |-- PipelineNotFound      404, from GoldRush itself
        |-- InvalidRequest        400, 422, or refused before it was sent
        |-- RateLimited           429, or held back because GoldRush asked for a pause
        |-- ServerError           5xx in response to a read
        |-- UnexpectedResponse    not JSON, a redirect, too large, or an unknown shape
        |-- ConnectionFailed      no response to a read, or a change that was certainly not applied
        |   `-- OutOfTime         the time of the call was over
        `-- AmbiguousResult       a change was sent without a usable response: it may have been applied

Other 4xx responses are plain `APIError`. No error holds a request body, a header or the ServiceKey. A server message
may repeat what was sent, so call `redacted` before you show an error.
"""
# ruff: noqa: N818 - each name says what happened; a suffix would add nothing.

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

LONGEST_SHOWN_TEXT = 300


def shown_line(text: str) -> str:
    """Return the first line of `text` that is not blank, without control characters and cut to a readable length."""
    lines = (_printable(line) for line in text.splitlines())
    line = next((line for line in lines if line), "")
    return line if len(line) <= LONGEST_SHOWN_TEXT else line[: LONGEST_SHOWN_TEXT - 1] + "…"


def _printable(line: str) -> str:
    return "".join(character if character.isprintable() else " " for character in line).strip()


class GoldRushError(Exception):
    """Base of all errors about GoldRush; `str(error)` is one line for the user."""

    def redacted(self, redact: Callable[[str], str]) -> Self:
        """Return this error with `redact` applied to the server's words; our own words hold no secret."""
        del redact
        return self


class ConfigurationError(GoldRushError):
    """The key, the base URL or the machine's proxy or certificate settings cannot be used; nothing was sent."""


class Interrupted(GoldRushError):
    """The call was cancelled before its request, between two tries, or while a read waited for its response.

    A change that ends so was certainly not applied, unless the error is an `InterruptedChange`.
    """


class APIError(GoldRushError):
    """GoldRush refused a call, gave an unusable response, or did not respond.

    Attributes:
        action: what was tried, as "verb noun name".
        reason: why it failed, in our words.
        advice: what to do, or "".
        status: HTTP status of the response, None when there was none.
        code: the envelope's `error_code`; its values are undocumented, so do not depend on it.
        method: HTTP method of the request.
        path: path of its URL, without host and query.
        server_message: the server's own words, raw and whole; the text of the error shows their first line.
        retry_after_seconds: the pause that the server asked for, however long; None when it asked for none.
    """

    def __init__(
        self,
        action: str,
        reason: str,
        *,
        advice: str = "",
        status: int | None = None,
        code: str | None = None,
        method: str = "",
        path: str = "",
        server_message: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        # Only positional texts are args: copy and pickle rebuild an exception from them.
        super().__init__(action, reason)
        self.advice = advice
        self.status = status
        self.code = code
        self.method = method
        self.path = path
        self.server_message = server_message
        self.retry_after_seconds = retry_after_seconds

    @property
    def action(self) -> str:
        """What was tried, as "verb noun name"."""
        return str(self.args[0])

    @property
    def reason(self) -> str:
        """Why it failed, in our words."""
        return str(self.args[1])

    def __str__(self) -> str:
        quoted = shown_line(self.server_message or "").rstrip(".")
        problem = f"{self.action}: {self.reason}" + (f": {quoted}" if quoted else "")
        separator = "; " if quoted else ", "
        return problem + (separator + self.advice if self.advice else "")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def redacted(self, redact: Callable[[str], str]) -> Self:
        """Return an error of the same type with `redact` applied to the server's words; this one stays as it is.

        The words are redacted before they are cut for display, since a cut could leave half a secret. The advice is
        ours and stays: a user called "goldrush" would turn `goldrush:baseUrl` into a name that nobody can set.
        """
        clean = copy.copy(self)
        clean.args = (self.action, redact(self.reason))
        clean.code = None if self.code is None else redact(self.code)
        clean.server_message = None if self.server_message is None else redact(self.server_message)
        return clean


class Unauthorized(APIError):
    """401: the ServiceKey is missing, wrong or revoked."""


class Forbidden(APIError):
    """403: the credential is not a ServiceKey, or this key has no access to the pipeline."""


class PipelineNotFound(APIError):
    """404 in GoldRush's own envelope: the pipeline is gone, or this key cannot see it."""


class InvalidRequest(APIError):
    """400 or 422: GoldRush refused what was sent. Without a status: refused here, before it was sent."""


class RateLimited(APIError):
    """429 after all retries, or not sent because a pause that GoldRush asked for lasts longer than the call may take.

    `retry_after_seconds` is the pause.
    """


class ServerError(APIError):
    """5xx in response to a read, after all retries."""


class UnexpectedResponse(APIError):
    """A response that is not GoldRush's: not JSON, a redirect, larger than 16 MB, or of an unknown shape."""


class ConnectionFailed(APIError):
    """GoldRush was not reached, or a read got no response. A change that ends so was certainly not applied."""


class OutOfTime(ConnectionFailed):
    """The time of the call was over before its request was sent or, for a read, before its response was complete."""


class AmbiguousResult(APIError):
    """A change was sent, and no response says what became of it: it may have been applied."""

    @property
    def cause(self) -> str:
        """Why it is not known, in our words."""
        return self.reason.removeprefix("not known whether it was applied: ")


class InterruptedChange(AmbiguousResult, Interrupted):
    """Cancelled after a change was sent: it may have been applied."""
