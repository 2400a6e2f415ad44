"""Whole commands, side by side: the engine's floor, a plain dynamic provider, and this package."""

from __future__ import annotations

import statistics
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from bench.commands import BenchStack, Taken, bench_stack
from bench.figures import Figure
from goldrush_pulumi.emulator import Emulator, Lifecycle, Switches

if TYPE_CHECKING:
    from collections.abc import Iterator

PARALLEL: Final = 128
"""For `--parallel`, of every command here."""

UNLIMITED: Final = 1000
"""Requests per second that no run here reaches."""


@dataclass
class Life:
    """A stack at work. `emulator` is there for every provider, though only ours speaks to it."""

    stack: BenchStack
    emulator: Emulator
    taken: dict[str, list[Taken]] = field(default_factory=dict)
    requests: int = 0
    """How many the last command sent."""

    def run(self, verb: str, called: str = "") -> Taken:
        """Run a command and keep what it took under the name `called`."""
        before = len(self.emulator.requests())
        taken = self.stack.run(verb, PARALLEL)
        self.requests = len(self.emulator.requests()) - before
        self.taken.setdefault(called or verb, []).append(taken)
        return taken

    def seconds(self, called: str) -> float:
        """The median wall time of the commands of one name."""
        return statistics.median(taken.seconds for taken in self.taken[called])

    def peak_megabytes(self) -> float:
        """The most memory that a provider process of this stack needed."""
        return max(taken.provider_megabytes or 0.0 for runs in self.taken.values() for taken in runs)


@contextmanager
def life(
    provider: str,
    count: int,
    deploy_seconds: float,
    switches: Switches | None = None,
    requests_per_second: float = UNLIMITED,
    backend: str | None = None,
) -> Iterator[Life]:
    """A stack of `count` pipelines, not up yet, on a GoldRush of its own."""
    lifecycle = Lifecycle.by_time(deploy_seconds=deploy_seconds)
    with Emulator(lifecycle=lifecycle, switches=switches) as emulator:
        config: dict[str, Any] = {
            "goldrush:baseUrl": emulator.base_url,
            "goldrush:requestsPerSecond": requests_per_second,
        }
        variables = {
            "BENCH_COUNT": str(count),
            "BENCH_DEPLOY_SECONDS": str(deploy_seconds),
            "GOLDRUSH_SERVICE_KEY": emulator.service_key,
        }
        with bench_stack(provider, variables, config, backend) as stack:
            yield Life(stack, emulator)


def deploying(count: int = 100, deploy_seconds: float = 5.0, runs: int = 3) -> Iterator[Figure]:
    """The first `up` of pipelines that each take a while to deploy."""
    found: dict[str, list[float]] = {}
    requests = 0
    for _ in range(runs):
        for provider in ("Floor", "Loaded", "Sleeping", "LoadedSleeping", "ours"):
            with life(provider, count, deploy_seconds) as run:
                found.setdefault(provider, []).append(run.run("up").seconds)
                requests = run.requests
    seconds = {provider: statistics.median(taken) for provider, taken in found.items()}
    up, each = f"up of {count}", f"each deploying {deploy_seconds:g} s"
    yield Figure(f"floor: {up} (nothing deploys)", f"{seconds['Floor']:.1f} s, median of {runs}")
    yield Figure(f"loaded floor: {up} (nothing deploys)", f"{seconds['Loaded']:.1f} s, median of {runs}")
    yield Figure(f"sleeping: {up}, {each}", f"{seconds['Sleeping']:.1f} s, median of {runs}")
    yield Figure(f"loaded sleeping: {up}, {each}", f"{seconds['LoadedSleeping']:.1f} s, median of {runs}")
    yield Figure(f"ours: {up}, {each}", f"{seconds['ours']:.1f} s, median of {runs}; {requests} requests")
    with life("Plain", count, deploy_seconds) as run:
        yield Figure(f"plain: {up}, {each}", f"{run.run('up').seconds:.1f} s, one run")
    yield from _shares(seconds, deploy_seconds)


def _shares(seconds: dict[str, float], deploy_seconds: float) -> Iterator[Figure]:
    """What is left of floor and deployment, one after the other, where the two overlap."""
    floor, loaded = seconds["Floor"] + deploy_seconds, seconds["Loaded"] + deploy_seconds
    of, of_loaded = f"as a share of floor + {deploy_seconds:g} s", f"as a share of loaded floor + {deploy_seconds:g} s"
    yield Figure(f"ours, {of}", f"{seconds['ours'] / floor:.2f}", "at most 0.9")
    yield Figure(f"sleeping, {of}", f"{seconds['Sleeping'] / floor:.2f}")
    yield Figure(f"ours, {of_loaded}", f"{seconds['ours'] / loaded:.2f}")
    yield Figure(f"loaded sleeping, {of_loaded}", f"{seconds['LoadedSleeping'] / loaded:.2f}")


def many(count: int = 1000, runs: int = 3, rate: float = 200.0) -> Iterator[Figure]:
    """A large stack in which nothing changes: `up` again, and `refresh`."""
    with ExitStack() as stack:
        lives = {
            "floor": stack.enter_context(life("Floor", count, 0.0)),
            "loaded floor": stack.enter_context(life("Loaded", count, 0.0)),
            "ours": stack.enter_context(life("ours", count, 0.0, requests_per_second=rate)),
        }
        for name, run in lives.items():
            run.run("up", "first")
            yield Figure(f"{name}: first up of {count}", f"{run.seconds('first'):.1f} s")
        for _ in range(runs):
            for run in lives.values():
                run.run("up", "unchanged")
        unchanged = {name: run.seconds("unchanged") for name, run in lives.items()}
        for name, seconds in unchanged.items():
            yield Figure(f"{name}: unchanged up", f"{seconds:.1f} s, median of {runs}")
        yield from _unchanged_shares(unchanged)
        yield from _refresh(lives["floor"], lives["ours"], count, rate)
        peak = f"{lives['ours'].peak_megabytes():.0f} MB"
        yield Figure("peak memory of our provider process", peak, "under 250 MB")


def _refresh(floor: Life, ours: Life, count: int, rate: float) -> Iterator[Figure]:
    for run in (floor, ours):
        run.run("refresh")
    aim = count * 2 / rate + 1.3 * floor.seconds("refresh")
    yield Figure("floor: refresh", f"{floor.seconds('refresh'):.1f} s")
    what = f"ours: refresh at {rate:g} requests per second"
    yield Figure(what, f"{ours.seconds('refresh'):.1f} s", f"at most {aim:.1f} s")
    yield Figure("requests of that refresh", str(ours.requests), f"at most {2 * count}")


def _unchanged_shares(seconds: dict[str, float]) -> Iterator[Figure]:
    floor, loaded, ours = seconds["floor"], seconds["loaded floor"], seconds["ours"]
    yield Figure("ours, as a share of floor's unchanged up", f"{ours / floor:.2f}", "at most 1.15")
    yield Figure("loaded floor, as a share of floor's unchanged up", f"{loaded / floor:.2f}")
    yield Figure("ours, as a share of loaded floor's unchanged up", f"{ours / loaded:.2f}")
