"""The plugin beside the dynamic form: the same pipelines from YAML and from Python, one run after the other."""

from __future__ import annotations

import os
import statistics
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from bench.figures import Figure
from bench.lives import Life, life
from tools.environment import SAVE_LATE

if TYPE_CHECKING:
    from collections.abc import Iterator

_FORMS: Final = {"yaml": "YAML by the plugin", "ours": "Python, dynamic"}


def plugin(count: int = 1000, runs: int = 3) -> Iterator[Figure]:
    """Many unchanged pipelines, and pipelines that deploy, by both forms."""
    yield Figure("load of the machine before it began", f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    yield from _unchanged(count, runs)
    yield from _deploying(100, 5.0, runs)


def _unchanged(count: int, runs: int) -> Iterator[Figure]:
    with ExitStack() as stack:
        lives = {form: stack.enter_context(life(form, count, 0.0)) for form in _FORMS}
        for run in lives.values():
            _come_up_late(run, count)
        for _ in range(runs):
            for run in lives.values():
                run.run("up", "unchanged")
        for form, run in lives.items():
            name = _FORMS[form]
            yield Figure(f"{name}: unchanged up of {count}", f"{run.seconds('unchanged'):.1f} s, median of {runs}")
        share = lives["yaml"].seconds("unchanged") / lives["ours"].seconds("unchanged")
        yield Figure("YAML, as a share of the dynamic form's unchanged up", f"{share:.2f}", "at most 0.6")
        for form, run in lives.items():
            peak = f"{run.peak_megabytes():.0f} MB"
            yield Figure(f"{_FORMS[form]}: peak memory of the provider, {count} pipelines", peak, "under 250 MB")
            size = f"{run.stack.state_bytes / count:,.0f} bytes"
            yield Figure(f"{_FORMS[form]}: state of each pipeline", size)


def _come_up_late(run: Life, count: int) -> None:
    """Bring a stack up that saves its state at the end; the owner of its pipelines has to be in state before."""
    run.stack.declare(1)
    run.run("up", "first")
    run.stack.declare(count)
    run.stack.set(SAVE_LATE)
    run.run("up", "first")


def _deploying(count: int, deploy_seconds: float, runs: int) -> Iterator[Figure]:
    taken: dict[str, list[float]] = {form: [] for form in _FORMS}
    for _ in range(runs):
        for form in _FORMS:
            with life(form, count, deploy_seconds) as run:
                taken[form].append(run.run("up").seconds)
    for form, seconds in taken.items():
        what = f"{_FORMS[form]}: up of {count}, each deploying {deploy_seconds:g} s"
        yield Figure(what, f"{statistics.median(seconds):.1f} s, median of {runs}")
