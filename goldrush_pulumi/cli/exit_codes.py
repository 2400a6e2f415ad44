"""The exit codes of the command line. Scripts rely on them: a value is never given another meaning."""

from __future__ import annotations

from enum import IntEnum


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
