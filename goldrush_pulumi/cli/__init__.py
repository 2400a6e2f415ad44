"""`goldrush-pulumi`: operate and observe pipelines from a terminal.

The commands are thin: what they do is done by the client, the log follower and the parts of the provider.
"""

from __future__ import annotations

import sys

from goldrush_pulumi.cli.errors import ExitCode

__all__ = ["ExitCode", "main"]

_EXTRAS = {"typer": "cli", "rich": "cli", "starlette": "emulator", "uvicorn": "emulator"}


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; without `arguments`, those of the process."""
    try:
        from goldrush_pulumi.cli.app import run  # noqa: PLC0415 - its packages are extras

        return run(arguments)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRAS:
            raise
        advice = f"run pip install 'goldrush-pulumi[{_EXTRAS[package]}]'"
        sys.stderr.write(f"error: start goldrush-pulumi: the package {package} is not installed, {advice}\n")
        return ExitCode.MISSING_PACKAGE
