"""How soon a running pipeline is noticed, how many requests the waiting takes, and how limits of requests are kept."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from typing import TYPE_CHECKING

from bench.figures import Figure
from bench.lives import Life, life
from goldrush_pulumi.emulator import Switches

if TYPE_CHECKING:
    from collections.abc import Iterator


def noticing(count: int = 20, deployments: tuple[float, ...] = (5.0, 30.0, 100.0)) -> Iterator[Figure]:
    """The time from RUNNING on the server to the look that saw it, which `create` answers at once."""
    for deploy_seconds in deployments:
        with life("ours", count, deploy_seconds) as run:
            run.run("up")
            delays, looks = _delays(run, deploy_seconds), _looks(run)
        what = f"{count} pipelines, each deploying {deploy_seconds:g} s"
        figure = f"{statistics.median(delays):.2f} s at the median, {max(delays):.2f} s at most"
        yield Figure(f"{what}: RUNNING to noticed", figure, f"median at most {max(1.0, deploy_seconds / 10):g} s")
        figure = f"{statistics.median(looks):g} at the median, {max(looks)} at most"
        yield Figure(
            f"{what}: requests for the status of each", figure, f"about {10 * math.log(deploy_seconds) + 10:.0f}"
        )


def limits() -> Iterator[Figure]:
    """Pipelines that come up behind a small and a large plan, with its limit known and unknown."""
    for count, limit in ((50, 4.0), (500, 50.0)):
        for known in (True, False):
            switches = Switches(requests_per_second=limit)
            with life("ours", count, 1.0, switches, limit if known else limit * 10) as run:
                seconds = run.run("up").seconds
                answers = Counter(request.status for request in run.emulator.requests())
                running = sum(pipeline["phase"] == "RUNNING" for pipeline in run.emulator.pipelines())
            told = "configured" if known else f"unknown, {limit * 10:g} configured"
            yield Figure(
                f"{count} pipelines behind {limit:g} requests per second ({told})",
                f"{running} RUNNING, {answers[429]} answers of 429 among {answers.total()}, {seconds:.0f} s",
                f"{count} RUNNING, fewer than 5 answers of 429" if known else f"{count} RUNNING",
            )


def _delays(run: Life, deploy_seconds: float) -> list[float]:
    """For each pipeline: the arrival of the last look at its status, after the moment when it began to run."""
    requests = run.emulator.requests()
    created = {request.pipeline_id: request.at for request in requests if request.method == "POST"}
    looked = {request.pipeline_id: request.at for request in requests if request.path.endswith("/status/")}
    return [looked[pipeline_id] - at - deploy_seconds for pipeline_id, at in created.items()]


def _looks(run: Life) -> list[int]:
    requests = run.emulator.requests()
    return list(Counter(request.pipeline_id for request in requests if request.path.endswith("/status/")).values())
