"""The exit codes of the command line. Scripts rely on them: a value is never given another meaning."""

from __future__ import annotations

import os
import traceback
from enum import IntEnum

from goldrush_pulumi.api import errors
from goldrush_pulumi.logs import CursorError
from goldrush_pulumi.settings import SettingsError


class ExitCode(IntEnum):
    """What the end of a command means."""

    OK = 0
    """It did what it was asked."""
    FAILED = 1
    """It failed for a reason that has no code of its own."""
    USAGE = 2
    """A command, option or value is not known or missing."""
    NOT_FOUND = 3
    """There is no such pipeline, resource or file."""
    AMBIGUOUS = 4
    """Several pipelines have that name; use an id."""
    NO_ACCESS = 5
    """The ServiceKey or the endpoint is missing, malformed or refused."""
    UNREACHABLE = 6
    """GoldRush did not answer."""
    SERVICE_ERROR = 7
    """GoldRush refused the call, limits its rate, or answered strangely."""
    NO_STACK = 8
    """The stack cannot be read, or the Pulumi CLI is missing."""
    PROBLEMS = 9
    """`validate` or `doctor` found something that is wrong."""
    UNHEALTHY = 10
    """The pipeline failed, or its destination is not healthy."""
    TIMED_OUT = 11
    """The pipeline did not get there in time."""
    REFUSED = 12
    """Not done without `--yes` or `--force`, or because it makes no sense now."""
    MISSING_PACKAGE = 13
    """An extra of the package is not installed."""
    INTERRUPTED = 130
    """Ctrl-C."""


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
    """A command cannot go on. The text is one line for the user: "verb noun name: reason, what to do"."""

    def __init__(self, text: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(text)
        self.code = code


def explain(error: BaseException) -> CommandFailed:
    """The failure that tells the user of `error`.

    An error that nobody foresaw is told by its type alone: its text may hold anything.
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
    return CommandFailed(f"internal error: {type(error).__name__}; {DEBUG_VARIABLE}=1 shows where, please report it")
