"""Check the ABIs of npm packages: `python -m bench.npm_abis @openzeppelin/contracts ...`.

Every package is fetched by `npm pack` and unpacked into a folder that is removed again; nothing of it is run. Each
distinct ABI in its JSON files is judged as an input, once for events and once for functions, and counted.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from bench.figures import RESULTS, Figure, record
from goldrush_pulumi.validation.inputs import find_problems
from goldrush_pulumi.validation.rules import CODES
from tools.terminal import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldrush_pulumi.validation import Problem

_TOPICS: Final = ("base.mainnet.ref.block.logs", "base.mainnet.ref.block.transactions")

_KINDS: Final = frozenset({"event", "function", "constructor", "error", "receive", "fallback"})

_GREATEST_FILE_BYTES: Final = 50_000_000

_SLOW_SECONDS: Final = 0.5

_PATIENCE_SECONDS: Final = 300


@dataclass
class Counts:
    """What was found in all packages."""

    tried: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    warned: Counter[str] = field(default_factory=Counter)
    slow: list[str] = field(default_factory=list)

    def figures(self) -> Iterator[Figure]:
        """The counts, each beside what it should be."""
        yield Figure("distinct ABIs, each for logs and for transactions", str(len(self.tried)), "at least 3000")
        yield Figure("refused", str(len(self.refused)), "0")
        yield Figure(f"slower than {_SLOW_SECONDS:g} s of CPU", str(len(self.slow)), "0")
        for code, number in sorted(self.warned.items()):
            yield Figure(f"warnings {code}: {CODES[code].title}", str(number))


def abis_in(folder: Path) -> Iterator[tuple[Path, list[Any]]]:
    """Yield every ABI in the JSON files of a folder: an array, or the `abi` of a compiler's or deployment's object."""
    for file in sorted(folder.rglob("*.json")):
        if file.is_symlink() or file.stat().st_size > _GREATEST_FILE_BYTES:
            continue
        try:
            value = json.loads(file.read_text("utf-8-sig"))
        except (OSError, ValueError, RecursionError):
            continue
        for abi in _arrays(value, depth=0):
            if abi and all(_is_entry(item) for item in abi):
                yield file, abi


_GREATEST_DEPTH: Final = 4


def _arrays(value: Any, *, depth: int) -> Iterator[list[Any]]:
    if isinstance(value, list) and depth == 0:
        yield value
    if not isinstance(value, dict) or depth > _GREATEST_DEPTH:
        return
    abi = value.get("abi")
    if isinstance(abi, list):
        yield abi
    else:
        for item in value.values():
            yield from _arrays(item, depth=depth + 1)


def _is_entry(item: Any) -> bool:
    return isinstance(item, dict) and item.get("type") in _KINDS


def judge(abi: list[Any], topic: str) -> list[Problem]:
    """Return what is wrong with an ABI for a topic."""
    destination = {"type": "webhook", "url": "https://in.example.com/rows"}
    inputs = {"project": "p", "topic": topic, "destination_config": destination, "abi_file": abi}
    return find_problems(inputs, lambda _: False)


def count(name: str, abi: list[Any], counts: Counts) -> None:
    """Judge an ABI that was not seen before, and count the answer."""
    identity = hashlib.sha256(json.dumps(abi, sort_keys=True).encode()).hexdigest()
    if identity in counts.tried:
        return
    counts.tried.add(identity)
    for topic in _TOPICS:
        started = time.process_time()
        problems = judge(abi, topic)
        taken = time.process_time() - started
        where = f"{name}, {topic.rpartition('.')[2]}"
        if taken > _SLOW_SECONDS:
            counts.slow.append(f"{where}: {taken:.1f} s of CPU for {len(abi)} entries")
        counts.warned.update(problem.rule.code for problem in problems if not problem.is_error)
        counts.refused += [f"{where}: {problem}" for problem in problems if problem.is_error]


def unpack(package: str, folder: Path) -> None:
    """Fetch a package and unpack it into a folder.

    Raises:
        subprocess.CalledProcessError: npm cannot fetch it.
        tarfile.TarError: It is not a package.
    """
    command = ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", str(folder), "--", package]
    subprocess.run(command, check=True, capture_output=True, cwd=folder, timeout=_PATIENCE_SECONDS)
    for archive in folder.glob("*.tgz"):
        with tarfile.open(archive) as content:
            # The filter keeps every path inside the folder.
            content.extractall(folder, filter="data")


def main(arguments: list[str] | None = None) -> int:
    """Check packages; the exit code is 1 when an ABI is refused or slow, or a package cannot be fetched."""
    parser = argparse.ArgumentParser(prog="python -m bench.npm_abis", description="Check the ABIs of npm packages.")
    parser.add_argument("packages", nargs="+", help="names of packages, as npm takes them", metavar="PACKAGE")
    parser.add_argument("--record", action="store_true", help=f"write the counts into {RESULTS.name}")
    given = parser.parse_args(arguments)
    counts, missing = Counts(), 0
    for package in given.packages:
        before = len(counts.tried)
        with TemporaryDirectory(prefix="goldrush-abis-") as name:
            folder = Path(name)
            try:
                unpack(package, folder)
            except (subprocess.SubprocessError, tarfile.TarError, OSError):
                missing += 1
                say(f"{package}: cannot be fetched")
                continue
            for file, abi in abis_in(folder):
                count(f"{package}: {file.relative_to(folder)}", abi, counts)
        say(f"{package}: {len(counts.tried) - before} new ABIs")
    for line in (*counts.refused, *counts.slow):
        say(line)
    for figure in counts.figures():
        say(f"{figure.what} | {figure.figure} | {figure.aim}")
    if given.record:
        record("ABIs of npm packages", counts.figures())
    return 1 if counts.refused or counts.slow or missing else 0


if __name__ == "__main__":
    sys.exit(main())
