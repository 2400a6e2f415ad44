"""What can go wrong between this package and GoldRush.

::

    GoldRushError
    |-- ConfigurationError      no usable key, base URL, proxy or certificate: nothing was sent
    |-- Interrupted             cancelled before a request, or between two tries of it
    `-- APIError                status, code, method, path, server_message
        |-- Unauthorized        401
        |-- Forbidden           403
        |-- PipelineNotFound    404, said by GoldRush itself
        |-- InvalidRequest      400, 422, or refused before it was sent
        |-- RateLimited         429
        |-- ServerError         5xx
        |-- UnexpectedResponse    not JSON, a redirect, or a shape that is not known
        |-- ConnectionFailed    no answer; a POST was certainly not applied
        |   `-- OutOfTime       a bounded call was not sent, its time was over
        `-- AmbiguousResult     a change was sent and its answer lost: applied or not is not known

Other 4xx answers are plain `APIError`. No error holds a request body, a header or the ServiceKey. A server message
may echo what was sent, so whoever shows an error calls `redacted` first.
"""
# ruff: noqa: N818 - the names say what happened; a suffix on each would say nothing more.

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

LONGEST_SHOWN_TEXT = 300


def shown_line(text: str) -> str:
    """Return the first line of `text` that says something, without control characters and cut to a readable length."""
    lines = (_printable(line) for line in text.splitlines())
    line = next((line for line in lines if line), "")
    return line if len(line) <= LONGEST_SHOWN_TEXT else line[: LONGEST_SHOWN_TEXT - 1] + "…"


def _printable(line: str) -> str:
    return "".join(character if character.isprintable() else " " for character in line).strip()


class GoldRushError(Exception):
    """Root of everything this package raises about GoldRush; `str(error)` is one line for the user."""

    @property
    def message(self) -> str:
        """The line for the user: "verb noun name: reason, what to do"."""
        return str(self)

    def redacted(self, redact: Callable[[str], str]) -> Self:
        """Return this error with what a server said gone through `redact`; our own words hold no secret."""
        del redact
        return self


class ConfigurationError(GoldRushError):
    """The key, the base URL or the machine's proxy or certificate settings cannot be used; nothing was sent."""


class Interrupted(GoldRushError):
    """The call was cancelled before its request, or while it waited to try again.

    A POST that ends so was not applied. A repeatable change may have been, when an earlier try of it lost its answer.
    """


class APIError(GoldRushError):
    """A call that GoldRush refused, answered strangely or did not answer.

    Attributes:
        action: what was tried, as "verb noun name".
        reason: why it failed, in our words.
        advice: what to do, or "".
        status: HTTP status of the answer, None when there was none.
        code: the envelope's `error_code`; its values are undocumented, so nothing may depend on it.
        method: HTTP method of the request.
        path: path of its URL, without host and query.
        server_message: the server's own words, raw and whole; `message` shows their first line.
        retry_after_seconds: the pause the server asked for, however long; None when it asked for none.
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
        """Return an error of the same type whose server's words went through `redact`; this one stays as it is.

        They are redacted whole, before they are cut for display: a cut could leave half a secret. Our own words are
        left alone: a user called "goldrush" would turn `goldrush:baseUrl` into something that nobody can set.
        """
        clean = copy.copy(self)
        clean.args = (self.action, redact(self.reason))
        clean.code = None if self.code is None else redact(self.code)
        clean.server_message = None if self.server_message is None else redact(self.server_message)
        return clean


class Unauthorized(APIError):
    """401: the ServiceKey is missing, wrong or revoked."""


class Forbidden(APIError):
    """403: the credential is no ServiceKey, or this key has no access to the pipeline."""


class PipelineNotFound(APIError):
    """404 in GoldRush's own envelope: the pipeline is gone, or this key cannot see it."""


class InvalidRequest(APIError):
    """400 or 422: GoldRush refused what was sent. Without a status: refused here, before it was sent."""


class RateLimited(APIError):
    """429, still after the retries; `retry_after_seconds` is what the server asked for last."""


class ServerError(APIError):
    """5xx on a call that can be repeated, still after the retries."""


class UnexpectedResponse(APIError):
    """An answer that is not GoldRush's: not JSON, a redirect, or an unknown shape."""


class ConnectionFailed(APIError):
    """GoldRush was not reached, or a read got no answer. A POST that ends so was certainly not applied."""


class OutOfTime(ConnectionFailed):
    """The time that the caller gave was over before the request could be sent."""


class AmbiguousResult(APIError):
    """A change was sent and its answer lost, broken or 5xx: it is not known whether it was applied."""
