"""`python -m bench`: measure, and write `bench/results.md`."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.processes import check_and_diff_seconds, import_seconds
from bench.stacks import stack
from goldrush_pulumi.emulator import Emulator, Lifecycle
from tools.environment import command_path
from tools.terminal import say

if TYPE_CHECKING:
    from collections.abc import Iterator

RESULTS: Final = Path(__file__).with_name("results.md")
PARALLEL: Final = "128"
PROVIDERS: Final = ("Floor", "Plain", "ours")
Row = tuple[str, str]


def lives(count: int, deploy_seconds: float, *, plain: bool) -> Iterator[Row]:
    """Up, unchanged up, refresh and destroy of `count` pipelines that each take `deploy_seconds` to deploy."""
    for provider in PROVIDERS:
        if provider == "Plain" and not plain:
            continue
        yield from _life(provider, count, deploy_seconds)


def _life(provider: str, count: int, deploy_seconds: float) -> Iterator[Row]:
    variables = {"BENCH_COUNT": str(count), "BENCH_DEPLOY_SECONDS": str(deploy_seconds)}
    with Emulator(lifecycle=Lifecycle.by_time(deploy_seconds=deploy_seconds)) as emulator:
        variables["GOLDRUSH_SERVICE_KEY"] = emulator.service_key
        with stack(provider, variables) as bench:
            bench.config({"goldrush:baseUrl": emulator.base_url, "goldrush:requestsPerSecond": "1000"})
            verbs = {
                "up": ("up", "--yes", "--skip-preview", "--parallel", PARALLEL),
                "unchanged up": ("up", "--yes", "--skip-preview", "--parallel", PARALLEL),
                "refresh": ("refresh", "--yes", "--skip-preview", "--parallel", PARALLEL),
                "destroy": ("destroy", "--yes", "--skip-preview", "--parallel", PARALLEL),
            }
            for verb, arguments in verbs.items():
                before = len(emulator.requests())
                seconds = bench.timed(*arguments)
                requests = len(emulator.requests()) - before
                sent = f", {requests} requests" if provider == "ours" else ""
                row = (f"{provider}: {verb} of {count}, deploying {deploy_seconds:g} s", f"{seconds:.1f} s{sent}")
                say(" | ".join(row))
                yield row


def processes() -> Iterator[Row]:
    """CPU figures of single processes."""
    bare = import_seconds("pulumi")
    package = import_seconds("goldrush_pulumi.pipeline")
    yield "import pulumi", f"{bare:.3f} s CPU"
    yield "import goldrush_pulumi, above import pulumi", f"{package - bare:.3f} s CPU"
    host = import_seconds("pulumi.dynamic, dill, grpc")
    plugin = import_seconds("pulumi.dynamic, dill, grpc, goldrush_pulumi.provider")
    yield "start of the provider, above the SDK's own", f"{plugin - host:.3f} s CPU"
    yield "check and diff of an unchanged pipeline", f"{check_and_diff_seconds() * 1000:.3f} ms CPU"


def machine() -> Iterator[Row]:
    """What the figures were taken on."""
    cli = subprocess.run(
        ["pulumi", "version"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": command_path()},
    ).stdout.strip()
    yield "processors", str(os.cpu_count())
    yield "system", f"{platform.system()} {platform.machine()}"
    yield "Python", platform.python_version()
    yield "Pulumi CLI and SDK", f"{cli}, {version('pulumi')}"


def table(title: str, rows: list[Row]) -> str:
    """A Markdown table."""
    lines = [
        f"## {title}",
        "",
        "| What | Figure |",
        "| --- | --- |",
        *(f"| {what} | {figure} |" for what, figure in rows),
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure everything and write the results."""
    parser = argparse.ArgumentParser(description="Measure against the engine's floor and a plain provider.")
    parser.add_argument("--count", type=int, default=100, help="pipelines that deploy (default 100)")
    parser.add_argument("--deploy-seconds", type=float, default=5.0, help="how long each deploys (default 5)")
    parser.add_argument("--many", type=int, default=500, help="pipelines that are up at once (default 500)")
    options = parser.parse_args()
    sections = [
        table("Machine", list(machine())),
        table("Processes", list(processes())),
        table("Pipelines that deploy", list(lives(options.count, options.deploy_seconds, plain=True))),
        table("Many pipelines, up at once", list(lives(options.many, 0.0, plain=False))),
    ]
    title = "# Benchmark results\n\n`make bench` wrote this file. Wall times of whole commands, one run each."
    RESULTS.write_text("\n\n".join([title, *sections]) + "\n", "utf-8")
    say(f"written to {RESULTS.name}")


if __name__ == "__main__":
    main()
