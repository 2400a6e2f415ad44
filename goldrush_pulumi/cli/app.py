"""The commands of `goldrush-pulumi`, and how one is run."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from typing import Annotated, Any, Final

import typer

from goldrush_pulumi.cli.check import check_pipelines
from goldrush_pulumi.cli.diagnose import diagnose_pipelines
from goldrush_pulumi.cli.doctor import examine
from goldrush_pulumi.cli.emulator import run_emulator
from goldrush_pulumi.cli.errors import CommandFailed, ExitCode, explain
from goldrush_pulumi.cli.export import export_pipelines
from goldrush_pulumi.cli.list import get_pipeline, list_pipelines
from goldrush_pulumi.cli.logs import show_logs
from goldrush_pulumi.cli.output import allow_any_terminal, note, print_line, safe
from goldrush_pulumi.cli.pause import delete_pipeline, pause_pipelines, restart_pipelines, resume_pipelines
from goldrush_pulumi.cli.runs import show_runs
from goldrush_pulumi.cli.status import show_health, show_metrics, show_status
from goldrush_pulumi.cli.validate import validate
from goldrush_pulumi.cli.wait import wait_for_pipelines
from goldrush_pulumi.cli.watch import watch

COMMANDS: Final[dict[str, Callable[..., None]]] = {
    "list": list_pipelines,
    "get": get_pipeline,
    "status": show_status,
    "logs": show_logs,
    "metrics": show_metrics,
    "health": show_health,
    "runs": show_runs,
    "watch": watch,
    "check": check_pipelines,
    "diagnose": diagnose_pipelines,
    "wait": wait_for_pipelines,
    "pause": pause_pipelines,
    "resume": resume_pipelines,
    "restart": restart_pipelines,
    "delete": delete_pipeline,
    "export": export_pipelines,
    "validate": validate,
    "doctor": examine,
    "emulator": run_emulator,
}
"""Every command by its name, in the order of `--help`."""

NAME: Final = "goldrush-pulumi"

_ShowVersion = Annotated[bool, typer.Option("--version", help="Show the version and exit.")]


def make_application() -> typer.Typer:
    """Return the application with all its commands."""
    application = typer.Typer(
        name=NAME,
        help="Operate and observe GoldRush pipelines.",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    application.callback(invoke_without_command=True)(_begin)
    for name, command in COMMANDS.items():
        application.command(name)(command)
    return application


def run(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code. Every error is one line on stderr."""
    allow_any_terminal()
    try:
        code = make_application()(args=arguments, prog_name=NAME, standalone_mode=False)
    except SystemExit as end:
        return int(end.code or 0)
    except ModuleNotFoundError:
        raise
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - a user reads one line, never a traceback
        return _fail(_usage_failure(error) or explain(error))
    if code == ExitCode.INTERRUPTED:
        return _fail(CommandFailed("interrupted", ExitCode.INTERRUPTED))
    return int(code or 0)


def _begin(context: typer.Context, version: _ShowVersion = False) -> None:
    if version:
        print_line(f"{NAME} {metadata.version(NAME)}")
    elif context.invoked_subcommand is None:
        print_line(context.get_help())


def _fail(failure: CommandFailed) -> int:
    if str(failure):
        note(f"error: {failure}")
    return failure.code


def _usage_failure(error: BaseException) -> CommandFailed | None:
    """Return the failure behind an error of the option parser, None for any other error."""
    if isinstance(error, typer.Abort):
        return CommandFailed("interrupted", ExitCode.INTERRUPTED)
    explanation: Any = getattr(error, "format_message", None)
    if explanation is None:
        return None
    context = getattr(error, "ctx", None)
    command = getattr(context, "command_path", NAME)
    text = safe(" ".join(str(explanation()).split())).rstrip(".")
    return CommandFailed(f"{text}; see {command} --help", ExitCode.USAGE)
