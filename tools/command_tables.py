"""Make the tables of the command line's documentation from the commands themselves."""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING, Any

import typer

from goldrush_pulumi.cli import ExitCode
from goldrush_pulumi.cli.app import COMMANDS, make_application
from goldrush_pulumi.cli.check import KINDS
from goldrush_pulumi.cli.exposition import GAUGES, STATE_SETS, Totals, own_families

if TYPE_CHECKING:
    from collections.abc import Iterator

Row = tuple[str, ...]


def command_rows() -> Iterator[Row]:
    """Yield each command and what it does."""
    for name in COMMANDS:
        # The table is on the page that has a section for each command.
        yield f"[`{name}`](#{name})", _commands()[name].help.partition("\n\n")[0]


def option_rows(command: str) -> Iterator[Row]:
    """Yield each argument and option of a command: how it is written, its default, and what it is for."""
    for parameter in _commands()[command].params:
        yield _spelling(parameter), _default(parameter), parameter.help


def finding_rows() -> Iterator[Row]:
    """Yield each kind of finding of `check`, its severity and its meaning."""
    for kind, (severity, meaning) in KINDS.items():
        yield f"`{kind}`", severity, meaning


def metric_rows() -> Iterator[Row]:
    """Yield each metric that `exporter` serves, as queries name it, and what it says."""
    for state_set in STATE_SETS:
        states = ", ".join(f"`{state}`" for state in state_set.states)
        yield f"`{state_set.name}`", f"{state_set.description} A state set of {states}."
    for gauge in GAUGES:
        yield f"`{gauge.name}{'_total' if gauge.is_counter else ''}`", gauge.description
    totals = Totals("", is_up=True, last_success=None, rounds=0, round_seconds=0, outcomes={})
    for family in own_families(totals):
        if family.name.startswith("goldrush"):
            suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
            yield f"`{family.name}{suffix}`", family.documentation


def exit_code_rows() -> Iterator[Row]:
    """Yield each exit code, its name and its meaning."""
    texts = _meanings()
    for code in ExitCode:
        yield f"`{code.value}`", f"`{code.name}`", texts[code.name]


def _commands() -> dict[str, Any]:
    group: Any = typer.main.get_command(make_application())
    commands: dict[str, Any] = group.commands
    return commands


def _spelling(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = parameter.metavar or parameter.name.upper()
        return f"`{name}`" if parameter.required else f"`[{name}{'...' if parameter.nargs == -1 else ''}]`"
    takes_value = not parameter.is_flag
    metavar = f" {parameter.metavar or _metavar(parameter)}" if takes_value else ""
    spellings = [*parameter.opts, *parameter.secondary_opts]
    return ", ".join(
        f"`{spelling}{metavar}`" for spelling in sorted(spellings, key=lambda text: not text.startswith("--"))
    )


def _metavar(parameter: Any) -> str:
    return str(parameter.name).upper()


def _default(parameter: Any) -> str:
    value = parameter.default
    if parameter.required:
        return "required"
    if value in (None, False, [], ()):
        return "none"
    return f"`{parameter.opts[0]}`" if value is True else f"`{value}`"


def _meanings() -> dict[str, str]:
    """Return the docstring below each member of the enum."""
    (definition,) = ast.parse(inspect.getsource(ExitCode)).body
    assert isinstance(definition, ast.ClassDef)  # noqa: S101 - the source of a class
    names = [
        part.targets[0].id
        for part in definition.body
        if isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Name)
    ]
    texts = [
        part.value.value
        for part in definition.body[1:]
        if isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)
    ]
    return {name: str(text) for name, text in zip(names, texts, strict=True)}
