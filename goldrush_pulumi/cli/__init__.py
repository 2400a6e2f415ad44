"""`goldrush-pulumi`: operate and observe pipelines from a terminal.

The commands are thin: the API client, the log stream and the operations of the provider do the work.
"""

from __future__ import annotations

import sys

from goldrush_pulumi.cli.errors import ExitCode

__all__ = ["ExitCode", "main"]

_EMULATOR_PACKAGES = {"starlette", "uvicorn", "pg8000"}


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; `arguments` default to those of the process."""
    from goldrush_pulumi.cli.app import run  # noqa: PLC0415 - typer is loaded only to run a command

    try:
        return run(arguments)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EMULATOR_PACKAGES:
            raise
        text = f"start emulator: the package {package} is not installed, run pip install 'goldrush-pulumi[emulator]'"
        sys.stderr.write(f"error: {text}\n")
        return ExitCode.MISSING_PACKAGE
