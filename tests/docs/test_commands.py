from __future__ import annotations

import functools
import importlib.util
import itertools
import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Final

import pytest
import typer

from goldrush_pulumi.cli.app import make_application
from tests.docs.documents import ROOT, Block, blocks, documents, inline_codes, languages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from goldrush_pulumi.emulator import Emulator

BLOCKS = [*blocks("sh"), *blocks("")]
LOCAL_GOLDRUSH = "http://127.0.0.1:8710"
CLI: Any = typer.main.get_command(make_application())
GROUPS = {"config", "package", "plugin", "stack", "state"}
"""Commands of Pulumi that have commands of their own."""
_VARIABLE = re.compile(r"[A-Z_]+=")
"""A variable that is set for one command."""


def commands_in(text: str) -> Iterator[list[str]]:
    """The words of each command in a shell script; one that ends inside quotes goes on in the next line."""
    pending = ""
    for line in text.splitlines():
        pending += line + "\n"
        try:
            words = shlex.split(pending, comments=True)
        except ValueError:
            continue
        pending = ""
        yield from split_at_ands(words)
    assert not pending, f"a quote is not closed in:\n{text}"


def split_at_ands(words: list[str]) -> Iterator[list[str]]:
    command: list[str] = []
    for word in [*words, "&&"]:
        if word != "&&":
            command.append(word)
        elif command:
            yield command
            command = []


def require_make(arguments: list[str], folder: Path) -> None:
    if arguments[0] == "-C":
        assert (folder / arguments[1]).resolve() == ROOT, arguments[1]
        arguments = arguments[2:]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
    for word in arguments:
        name, is_variable, _value = word.partition("=")
        assert (f"$({name})" in makefile or f"{name} ?=" in makefile) if is_variable else name in targets, word


def require_pulumi(arguments: list[str], _: Path) -> None:
    command = [word for word in arguments if not word.startswith("-")][: 2 if arguments[:1][0] in GROUPS else 1]
    known = pulumi_help(tuple(command))
    # An unknown word makes the CLI explain what stands before it.
    usage = re.search(r"^Usage:\n\s+pulumi ((?:[\w-]+ ?)+)", known, re.MULTILINE)
    aliases = re.search(r"^Aliases:\n\s+(.+)$", known, re.MULTILINE)
    names = {*(usage[1].split()[len(command) - 1 :] if usage else ()), *(aliases[1].split(", ") if aliases else ())}
    assert command[-1] in names, f"Pulumi has no command {' '.join(command)}"
    for word in arguments:
        option = word.partition("=")[0]
        assert not option.startswith("--") or re.search(rf"{re.escape(option)}\b", known), f"{command} has no {option}"


@functools.cache
def pulumi_help(command: tuple[str, ...]) -> str:
    if shutil.which("pulumi") is None:
        pytest.skip("the Pulumi CLI is not on PATH; `make docs` puts it there")
    ended = subprocess.run(["pulumi", *command, "--help"], capture_output=True, text=True, check=True)
    return ended.stdout


def require_python(arguments: list[str], folder: Path) -> None:
    if arguments[0] == "-m":
        assert importlib.util.find_spec(arguments[1]), arguments[1]
    else:
        assert (folder / arguments[0]).is_file(), arguments[0]


def require_goldrush_pulumi(arguments: list[str], _: Path) -> None:
    command = CLI if arguments[0].startswith("-") else CLI.commands[arguments[0]]
    known = {spelling for parameter in command.params for spelling in (*parameter.opts, *parameter.secondary_opts)}
    options = {word.partition("=")[0] for word in arguments if word.startswith("-")}
    assert options <= known | {"--help"}, f"{arguments[0]} has no {options - known}"


def require_folder(arguments: list[str], _: Path) -> None:
    assert (ROOT / arguments[0]).is_dir(), arguments[0]


def accept(_arguments: list[str], _: Path) -> None:
    """For commands of the shell, and those that another test runs."""


PROGRAMS: Final[dict[str, Callable[[list[str], Path], None]]] = {
    "make": require_make,
    "goldrush-pulumi": require_goldrush_pulumi,
    "pulumi": require_pulumi,
    "python": require_python,
    "python3": require_python,
    "cd": require_folder,
    "curl": accept,
    "export": accept,
    ".": accept,
    "git": accept,
    "install": accept,
    "systemctl": accept,
    "podman": accept,
    "promtool": accept,
    "amtool": accept,
    "/opt/goldrush-exporter/bin/pip": accept,
    "go": accept,
    "npm": accept,
    "cp": accept,
    "mkdir": accept,
}


def test_no_block_goes_unchecked() -> None:
    """Every fenced block is of a language that a test looks at, or plain text."""
    assert languages() <= {"python", "yaml", "sh", "ts", "go", "text", ""}


@pytest.mark.parametrize("block", [*blocks("ts"), *blocks("go")], ids=str)
def test_programs_are_those_of_the_examples(block: Block) -> None:
    """A block in TypeScript or Go stands word for word in an example, which the tests run."""
    programs = (ROOT / "examples").glob({"ts": "*/index.ts", "go": "*/main.go"}[block.language])
    assert any(block.text in program.read_text("utf-8") for program in programs)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_commands_exist(block: Block) -> None:
    """Every command in a shell block exists, with its options."""
    for words in commands_in(block.text):
        program, *arguments = itertools.dropwhile(_VARIABLE.match, words)
        assert program in PROGRAMS, f"{block}: nobody checks {program}"
        PROGRAMS[program](arguments, block.path.parent)


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_in_sentences_exist(path: Path) -> None:
    """So does every command that running text names."""
    for code in inline_codes(path):
        if code.split(" ")[0] in {"make", "pulumi", "python", "goldrush-pulumi"} and " " in code:
            program, *arguments = shlex.split(code)
            PROGRAMS[program](arguments, path.parent)


def test_requests_to_the_local_goldrush_work(emulator: Emulator) -> None:
    """Every curl command succeeds when a local GoldRush runs."""
    origin = emulator.base_url.split("/platform")[0]
    in_text = [code for path in documents() for code in inline_codes(path) if code.startswith("curl ")]
    scripts = [*(block.text for block in BLOCKS), *in_text]
    curls = [command for script in scripts for command in commands_in(script) if command[0] == "curl"]

    assert len(curls) > 2
    for command in curls:
        words = [word.replace(LOCAL_GOLDRUSH, origin) for word in command]
        assert any(origin in word for word in words), command
        subprocess.run([*words, "--fail", "--silent"], check=True, capture_output=True)
