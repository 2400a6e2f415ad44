"""What README and getting-started tell a newcomer to type, typed in an empty folder, one block after the other."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from goldrush_pulumi.emulator import Emulator
from tests.docs.documents import ROOT, Block, fences
from tests.e2e.cli import Cli
from tests.e2e.leaks import files_below, find_leaks
from tests.support.caller import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

README: Final = ROOT / "README.md"

GETTING_STARTED: Final = ROOT / "docs" / "getting-started.md"

ADOPTED: Final = "pipe_0123456789abcdef0123456789a"

FILE: Final = re.compile(r"# (at the end of )?((?:Pulumi\.)?[\w.]+\.(?:py|yaml))")
"""The first line of a block that is a file, or goes below a file."""

KEY: Final = "goldrush-dev-key"

SECRET: Final = "plntTyped001X7q9Zk"


KEEP_WHAT_PULUMI_WROTE: Final = """
import pathlib, sys, yaml
path, new = pathlib.Path(sys.argv[1]), yaml.safe_load(sys.stdin)
old = yaml.safe_load(path.read_text()) if path.exists() else {}
kept = {key: value for key, value in old.pop("config", {}).items() if key.startswith("goldrush:")}
path.write_text(yaml.safe_dump({**old, "config": {**kept, **new["config"]}}))
"""
"""Edits a file of a stack: the salt and the secrets in it stay."""


def typed(block: Block) -> Iterator[str]:
    """The lines of a shell block, with what a user types at a prompt; the package is that of the tests."""
    for line in block.text.splitlines():
        if line.startswith("python3 -m venv"):
            yield f"ln -s '{sys.prefix}' .venv && . .venv/bin/activate"
        elif re.fullmatch(r"pulumi config set --secret (--path )?\S+", line):
            yield f"{line} <<< {KEY if 'serviceKey' in line else SECRET}"
        elif line.startswith("pulumi login --local"):
            # The CLI takes the home of the account and not that of the shell.
            yield 'pulumi login "file://$HOME"'
        elif line == "pulumi up":
            yield "pulumi up --yes --skip-preview"
        elif "pip install" not in line:
            yield line


def written(block: Block) -> Iterator[str]:
    """The commands that write the file that a block is, or add to it."""
    found = FILE.match(block.text)
    assert found, f"{block} names no file"
    name = found[2]
    if name == "Pulumi.dev.yaml":
        yield f"python -c '{KEEP_WHAT_PULUMI_WROTE}' {name} <<'END_OF_FILE'\n{block.text}END_OF_FILE"
    else:
        yield f"cat {'>>' if found[1] else '>'} {name} <<'END_OF_FILE'\n{block.text}END_OF_FILE"


def script(blocks: Sequence[Block]) -> str:
    """One shell script of all that is typed and written."""
    lines = ["set -e"]
    for block in blocks:
        if block.language == "sh":
            lines += typed(block)
        elif block.language in {"python", "yaml"}:
            lines += written(block)
    return "\n".join(lines)


def between(document: Path, first: str, last: str) -> list[Block]:
    """The blocks of a document from one heading up to another, or to its end."""
    lines = document.read_text("utf-8").splitlines()
    begin, end = lines.index(first), lines.index(last) if last else len(lines)
    return [block for block in fences(document) if begin < block.line - 1 < end]


@dataclass
class Newcomer:
    """Somebody with a home, the Pulumi CLI, and a GoldRush, who does what the documents say."""

    home: Path
    emulator: Emulator

    def type(self, commands: str, place: str) -> str:
        """Type commands in an empty folder; no state, passphrase or key is set beforehand."""
        folder = self.home / place
        folder.mkdir()
        cli = Cli(self.home / "pulumi", self.home / "unused", {"HOME": str(self.home)})
        unset = "unset PULUMI_BACKEND_URL PULUMI_CONFIG_PASSPHRASE"
        return cli.run_program(("bash", "-c", f"{unset}\n{commands}"), folder=folder).text

    def phases(self) -> dict[str, str]:
        return {item["name"]: item["phase"] for item in self.emulator.pipelines()}

    def check(self) -> None:
        """What was typed at a prompt is nowhere in clear."""
        assert find_leaks({SECRET}, files_below(self.home)) == []


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    with Emulator(service_key=KEY) as emulator:
        made = Newcomer(tmp_path, emulator)
        yield made
        made.check()


def test_getting_started_in_python(newcomer: Newcomer) -> None:
    """A first program, a test of it, and a pipeline that is taken over: all work as they are typed."""
    emulator = newcomer.emulator
    with Caller(emulator.base_url, emulator.service_key) as caller:
        existing = caller.create(name="base-swaps", project="analytics")["id"]
    blocks = between(GETTING_STARTED, "## A program of your own", "## Without Python")
    tested = between(GETTING_STARTED, "## Test a program", "")
    commands = script([*blocks[:1], *blocks[2:], *tested])
    printed = newcomer.type(commands.replace(":8710/", f":{emulator.port}/").replace(ADOPTED, existing), "first")

    assert newcomer.phases() == {"eth-transfers": "RUNNING", "base-swaps": "RUNNING"}
    assert "1 pipeline checked: 0 findings" in printed
    assert "OK" in printed.splitlines()


def test_getting_started_without_python(newcomer: Newcomer) -> None:
    """A project of stack config, first with a destination in an entry, then with one that is shared."""
    venv = between(GETTING_STARTED, "## A program of your own", "## Take over an existing pipeline")[:1]
    commands = script([*venv, *between(GETTING_STARTED, "## Without Python", "## Test a program")])
    commands = f'export PULUMI_CONFIG_PASSPHRASE=chosen\npulumi login "file://$HOME"\n{commands}'
    newcomer.type(commands.replace(":8710/", f":{newcomer.emulator.port}/"), "feeds")

    assert newcomer.phases() == {"base-swaps": "RUNNING", "base-transfers": "RUNNING"}
    assert {item["destination_config"]["password"] for item in newcomer.emulator.pipelines()} == {SECRET}


def test_readme(newcomer: Newcomer) -> None:
    """The first stack of the README, from a machine on which Pulumi was never used."""
    commands = script(between(README, "## Your first real stack", "## What makes it different"))
    chosen = f"export PULUMI_CONFIG_PASSPHRASE=chosen GOLDRUSH_BASE_URL={newcomer.emulator.base_url}"
    newcomer.type(f"{chosen}\n{commands}", "analytics")

    assert newcomer.phases() == {"base-swaps": "RUNNING"}
