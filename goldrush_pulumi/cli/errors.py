"""The exit codes of the command line, and how an error becomes one line with a code."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from goldrush_pulumi.api import errors
from goldrush_pulumi.logs import CursorError
from goldrush_pulumi.settings import SettingsError


class ExitCode(IntEnum):
    """What the exit code of a command means. Scripts rely on it: a value never gets another meaning."""

    OK = 0
    """The command did what it was asked."""
    FAILED = 1
    """The command failed for a reason that has no code of its own."""
    USAGE = 2
    """A command, option or value is unknown or missing."""
    NOT_FOUND = 3
    """No pipeline, resource or file has that name, or no pipeline matches the filter."""
    AMBIGUOUS = 4
    """Several pipelines have that name; use an id."""
    NO_ACCESS = 5
    """The ServiceKey or the endpoint is missing, malformed or refused."""
    UNREACHABLE = 6
    """GoldRush did not respond."""
    SERVICE_ERROR = 7
    """GoldRush refused the call, limited its rate, or returned an unexpected response."""
    NO_STACK = 8
    """The stack cannot be read, or the Pulumi CLI is missing."""
    PROBLEMS = 9
    """`validate` or `doctor` found something that is wrong."""
    UNHEALTHY = 10
    """A pipeline failed, its destination is unhealthy, or `check` found something."""
    TIMED_OUT = 11
    """A pipeline did not reach the phase in time."""
    REFUSED = 12
    """The command needs `--yes` or `--force`, or makes no sense for this pipeline now."""
    MISSING_PACKAGE = 13
    """The extra `emulator` is not installed."""
    INTERRUPTED = 130
    """Ctrl-C."""


_MILDEST_FIRST: Final = (
    ExitCode.OK,
    ExitCode.REFUSED,
    ExitCode.AMBIGUOUS,
    ExitCode.NOT_FOUND,
    ExitCode.TIMED_OUT,
    ExitCode.UNHEALTHY,
    ExitCode.FAILED,
    ExitCode.SERVICE_ERROR,
    ExitCode.UNREACHABLE,
    ExitCode.NO_ACCESS,
    ExitCode.INTERRUPTED,
)

DEBUG_VARIABLE = "GOLDRUSH_PULUMI_DEBUG"

_CODES: tuple[tuple[type[Exception], ExitCode], ...] = (
    (errors.Unauthorized, ExitCode.NO_ACCESS),
    (errors.Forbidden, ExitCode.NO_ACCESS),
    (errors.ConfigurationError, ExitCode.NO_ACCESS),
    (errors.PipelineNotFound, ExitCode.NOT_FOUND),
    (errors.ConnectionFailed, ExitCode.UNREACHABLE),
    (errors.Interrupted, ExitCode.INTERRUPTED),
    (errors.APIError, ExitCode.SERVICE_ERROR),
    (SettingsError, ExitCode.NO_ACCESS),
    (CursorError, ExitCode.USAGE),
)


class CommandFailed(Exception):  # noqa: N818 - the name says what happened
    """A command cannot go on.

    The text is one line for the user: "verb noun name: reason, what to do". An empty text ends the command silently.
    """

    def __init__(self, text: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(text)
        self.code = code


def is_fatal(error: BaseException) -> bool:
    """Return whether an error ends the whole command: another request would meet the same refusal."""
    return isinstance(error, (errors.Unauthorized, errors.Forbidden, errors.ConfigurationError, errors.Interrupted))


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the most serious of some exit codes; OK if there are none."""
    return max(codes, key=lambda code: _MILDEST_FIRST.index(code) if code in _MILDEST_FIRST else 0, default=ExitCode.OK)


def explain(error: BaseException) -> CommandFailed:
    """Return the failure to show for `error`.

    An unexpected error is reported by its type alone, because its text may contain anything.
    """
    if isinstance(error, CommandFailed):
        return error
    if isinstance(error, KeyboardInterrupt):
        return CommandFailed("interrupted", ExitCode.INTERRUPTED)
    for kind, code in _CODES:
        if isinstance(error, kind):
            return CommandFailed("; ".join(str(error).splitlines()), code)
    if os.environ.get(DEBUG_VARIABLE) == "1":
        frames = traceback.extract_tb(error.__traceback__)
        places = "\n".join(f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)
        return CommandFailed(f"internal error: {type(error).__name__}\n{places}")
    return CommandFailed(
        f"internal error: {type(error).__name__}; set {DEBUG_VARIABLE}=1 to see where, and please report it"
    )
