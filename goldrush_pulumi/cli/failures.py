"""How commands fail: one line on stderr and an exit code, never a traceback."""

from __future__ import annotations

import os
import traceback

from goldrush_pulumi.api import errors
from goldrush_pulumi.cli.exit_codes import ExitCode
from goldrush_pulumi.logs import CursorError
from goldrush_pulumi.settings import SettingsError

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
