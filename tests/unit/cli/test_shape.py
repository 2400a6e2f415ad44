from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import typer

from goldrush_pulumi.cli import ExitCode, main
from goldrush_pulumi.cli.app import COMMANDS, make_application
from goldrush_pulumi.emulator.__main__ import _parser

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.caller import Caller
    from tests.unit.cli.conftest import Ended

APPLICATION: Any = typer.main.get_command(make_application())
NOT_DATA = {"emulator", "exporter"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name: str) -> None:
    """Whatever a user can type is explained."""
    found = APPLICATION.commands[name]
    assert found.help
    assert found.help[0].isupper()
    unexplained = [parameter.name for parameter in found.params if not getattr(parameter, "help", None)]
    assert unexplained == []


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - NOT_DATA))
def test_every_command_that_shows_data_has_json(name: str) -> None:
    """Scripts need no parser for tables."""
    assert any("--json" in parameter.opts for parameter in APPLICATION.commands[name].params)


@pytest.mark.untraced
@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_shown_for_every_command(name: str, command: Callable[..., Ended]) -> None:
    """`--help` and `-h` end with 0 and show the options."""
    ended = command(name, "--help")
    assert ended.code == ExitCode.OK
    assert f"goldrush-pulumi {name}" in ended.out
    assert command(name, "-h").out == ended.out


def test_exit_codes_never_change() -> None:
    """Scripts of users compare these numbers."""
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0,
        "FAILED": 1,
        "USAGE": 2,
        "NOT_FOUND": 3,
        "AMBIGUOUS": 4,
        "NO_ACCESS": 5,
        "UNREACHABLE": 6,
        "SERVICE_ERROR": 7,
        "NO_STACK": 8,
        "PROBLEMS": 9,
        "UNHEALTHY": 10,
        "TIMED_OUT": 11,
        "REFUSED": 12,
        "MISSING_PACKAGE": 13,
        "INTERRUPTED": 130,
    }


def test_alone_it_shows_help(command: Callable[..., Ended]) -> None:
    """Without a command the commands are listed."""
    ended = command()
    assert ended.code == ExitCode.OK
    assert all(name in ended.out for name in COMMANDS)


def test_version(command: Callable[..., Ended]) -> None:
    """`--version` names the package and its version."""
    assert command("--version").out.startswith("goldrush-pulumi 0.")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["get"], "Missing argument 'NAME'; see goldrush-pulumi get --help"),
        (["list", "--color"], "No such option: --color"),
        (["logs", "x", "--tail", "many"], "Invalid value for '--tail'"),
        (["logs", "x", "--tail", "-1"], "Invalid value for '--tail'"),
    ],
)
def test_wrong_usage_is_one_line(arguments: list[str], text: str, command: Callable[..., Ended]) -> None:
    """An unknown command, option or value says so and where help is."""
    assert text in command(*arguments).fails_with(ExitCode.USAGE)


def test_emulator_has_the_options_of_its_module() -> None:
    """`goldrush-pulumi emulator` and `python -m goldrush_pulumi.emulator` take the same options and defaults."""
    module = {
        action.option_strings[0]: action.default or None for action in _parser()._actions if action.dest != "help"
    }
    ours = {parameter.opts[0]: parameter.default or None for parameter in APPLICATION.commands["emulator"].params}
    assert ours == module


def test_the_emulator_without_its_extra_is_one_line() -> None:
    """The line says what to install."""
    program = (
        "import sys; sys.modules['uvicorn'] = None\nfrom goldrush_pulumi.cli import main; sys.exit(main(['emulator']))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert ended.returncode == ExitCode.MISSING_PACKAGE
    advice = "run pip install 'goldrush-pulumi[emulator]'\n"
    assert ended.stderr == f"error: start emulator: the package uvicorn is not installed, {advice}"


def test_heavy_packages_wait_until_they_are_needed() -> None:
    """Reading help loads neither Pulumi nor the emulator's server nor the SQL parser."""
    program = (
        "import sys; from goldrush_pulumi.cli import main; main(['list', '--help']);"
        "print([name for name in ('pulumi', 'starlette', 'uvicorn', 'sqlglot', 'eth_abi') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"


def test_the_module_is_the_command() -> None:
    """`python -m goldrush_pulumi.cli` works where no script is on PATH."""
    ended = subprocess.run(
        [sys.executable, "-m", "goldrush_pulumi.cli", "nonsense"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == ExitCode.USAGE
    assert "Traceback" not in ended.stderr


def test_an_unforeseen_error_is_one_line_without_its_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An internal error shows its type; its text, which may hold anything, stays out even while debugging."""

    def broken(*_: object) -> None:
        raise RuntimeError("planted secret")

    monkeypatch.setattr("goldrush_pulumi.cli.list.open_context", broken)
    assert main(["list"]) == ExitCode.FAILED
    first = capsys.readouterr().err
    monkeypatch.setenv("GOLDRUSH_PULUMI_DEBUG", "1")
    assert main(["list"]) == ExitCode.FAILED
    second = capsys.readouterr().err

    assert first.startswith("error: internal error: RuntimeError;")
    assert first.count("\n") == 1
    assert "in broken" in second
    assert "planted" not in first + second


def completions(words: str) -> list[str]:
    """What a shell would offer at the end of the words."""
    environment = {**os.environ, "_GOLDRUSH_PULUMI_COMPLETE": "complete_bash", "COMP_WORDS": words}
    environment["COMP_CWORD"] = str(len(words.split(" ")) - 1)
    program = "from goldrush_pulumi.cli.app import make_application; make_application()(prog_name='goldrush-pulumi')"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment
    )
    assert ended.stderr == ""
    return ended.stdout.split()


def test_completion_knows_names(caller: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands, stacks by their files, and pipelines of the account are completed; without a key nothing is."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Pulumi.dev.yaml").touch()
    (tmp_path / "Pulumi.yaml").touch()
    caller.create(name="base-swaps")
    caller.create(name="mints")

    assert completions("goldrush-pulumi diag") == ["diagnose"]
    assert completions("goldrush-pulumi get base") == ["base-swaps"]
    assert completions("goldrush-pulumi pause mints b") == ["base-swaps"]
    assert completions("goldrush-pulumi list --stack d") == ["dev"]
    monkeypatch.delenv("GOLDRUSH_SERVICE_KEY")
    assert completions("goldrush-pulumi get base") == []
