"""`python -m bench`: measure, and write `bench/results.md`."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from bench.abi import large_abi
from bench.backends import backends
from bench.beginnings import beginnings
from bench.exporting import checking, exporting
from bench.figures import RESULTS, Figure, record
from bench.lives import deploying, many
from bench.plugin import plugin
from bench.processes import processes
from bench.requests import requests
from bench.waiting import limits, noticing
from tools.environment import command_path
from tools.terminal import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


def machine() -> Iterator[Figure]:
    """What the figures were taken on."""
    cli = subprocess.run(
        ["pulumi", "version"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": command_path()},
    ).stdout.strip()
    yield Figure("processors", str(os.cpu_count()))
    yield Figure("system", f"{platform.system()} {platform.machine()}")
    yield Figure("Python", platform.python_version())
    yield Figure("Pulumi CLI and SDK", f"{cli}, {version('pulumi')}")


SECTIONS: Final[dict[str, tuple[str, Callable[[], Iterable[Figure]]]]] = {
    "machine": ("Machine", machine),
    "processes": ("Single processes, CPU time", processes),
    "requests": ("Requests of each verb, for one pipeline", requests),
    "deploying": ("Pipelines that deploy", deploying),
    "many": ("Many pipelines, nothing to do", many),
    "plugin": ("The plugin beside the dynamic form", plugin),
    "beginnings": ("The way to the first POST", beginnings),
    "abi": ("A large ABI", large_abi),
    "noticing": ("Waiting", noticing),
    "backends": ("Where the state is", backends),
    "limits": ("Behind a limit of requests", limits),
    "exporting": ("Exporter", exporting),
    "checking": ("Check", checking),
}


def _told(figures: Iterable[Figure]) -> Iterator[Figure]:
    """Show each figure as it comes."""
    for item in figures:
        say(f"{item.what} | {item.figure} | {item.aim}")
        yield item


def main() -> None:
    """Measure all sections, or the chosen ones, and write the results."""
    parser = argparse.ArgumentParser(description="Measure against the engine's floor and a plain provider.")
    parser.add_argument("--only", action="append", choices=SECTIONS, help="measure this section; may be repeated")
    for name in parser.parse_args().only or SECTIONS:
        title, measure = SECTIONS[name]
        record(title, list(_told(measure())))
    say(f"written to {RESULTS.name}")


if __name__ == "__main__":
    main()
