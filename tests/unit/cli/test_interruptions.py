"""Ctrl-C at different moments of a command, and other ends that are no error of the command itself."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import pytest
import typer

from goldrush_pulumi.cli import ExitCode
from goldrush_pulumi.cli import app as app_module
from goldrush_pulumi.cli import doctor as doctor_module

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldrush_pulumi.emulator import Emulator
    from tests.support.caller import Caller
    from tests.unit.cli.conftest import Ended


def press_ctrl_c(*_: object, **__: object) -> Any:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("module", "function"), [(doctor_module, "check_versions"), (app_module, "make_application")], ids=["in", "before"]
)
def test_ctrl_c_is_one_line(
    module: Any, function: str, command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in a command, or while it still loads, is one line with exit code 130 and no traceback."""
    monkeypatch.setattr(module, function, press_ctrl_c)

    assert command("doctor").fails_with(ExitCode.INTERRUPTED) == "interrupted"


def test_ctrl_c_at_a_question_deletes_nothing(
    emulator: Emulator, caller: Caller, command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever presses Ctrl-C instead of an answer keeps the pipeline."""

    def abort(*_: object, **__: object) -> None:
        raise typer.Abort

    caller.create(name="swaps")
    monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda _: True})())
    monkeypatch.setattr(typer, "confirm", abort)

    assert command("delete", "swaps").fails_with(ExitCode.INTERRUPTED) == "interrupted"
    assert len(emulator.pipelines()) == 1


def test_a_shell_gets_its_completion(command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    """The script that a shell asks for is printed, and the exit code tells the shell that it is one."""
    monkeypatch.setenv("_GOLDRUSH_PULUMI_COMPLETE", "source_bash")
    ended = command()

    assert (ended.code, ended.err) == (ExitCode.OK, "")
    assert "complete -o default" in ended.out


def test_a_package_that_no_extra_brings_is_no_advice(
    command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a package of the core is missing, the installation is broken, and no extra is named in vain."""

    def fail() -> None:
        raise ModuleNotFoundError("No module named 'rich'", name="rich")

    monkeypatch.setattr(app_module, "make_application", fail)
    with pytest.raises(ModuleNotFoundError, match="rich"):
        command("list")


def test_output_may_be_any_stream(command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that runs a command in its own process may have put any stream in place of stdout."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stdout", written)

    assert command("--version").code == ExitCode.OK
    assert written.getvalue().startswith("goldrush-pulumi ")
