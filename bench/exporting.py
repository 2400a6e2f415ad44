"""What ten minutes of the exporter cost with many pipelines: memory, requests, and the time of a scrape."""

from __future__ import annotations

import contextlib
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from bench.figures import Figure
from goldrush_pulumi.emulator import Emulator
from tests.caller import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator

_RATE: Final = 10.0
"""Half of the default rate limit, which is the exporter's share unless it is told otherwise."""

_ACCEPT: Final = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def exporting(count: int = 500, seconds: float = 600.0, interval_seconds: float = 15.0) -> Iterator[Figure]:
    """Scrape an exporter of many pipelines as Prometheus does, from when it has observed each of them once."""
    with Emulator() as emulator, Caller(emulator.base_url, emulator.service_key) as caller:
        for number in range(count):
            caller.create(name=f"pipeline-{number}")
        with _exporter(emulator) as (process, url), httpx.Client(trust_env=False, timeout=60.0) as client:
            while _scrape(client, url).count("\ngoldrush_pipeline_as_desired{") < count:
                time.sleep(1.0)
            emulator.clear_requests()
            started = time.monotonic()
            memory, times = [_megabytes(process)], []
            while time.monotonic() - started < seconds:
                scraped = time.monotonic()
                _scrape(client, url)
                times.append((time.monotonic() - scraped) * 1000)
                time.sleep(interval_seconds)
                memory.append(_megabytes(process))
            rate = len(emulator.requests()) / (time.monotonic() - started)
    what = f"exporter, {count} pipelines, {seconds / 60:g} minutes"
    yield Figure(f"{what}: memory at the start and at the end", f"{memory[0]:.0f} MB, {memory[-1]:.0f} MB", "the same")
    yield Figure(f"{what}: requests to GoldRush", f"{rate:.1f} a second", f"at most {_RATE:g} a second")
    figure = f"{statistics.median(times):.0f} ms at the median, {max(times):.0f} ms at most, {len(times)} scrapes"
    yield Figure(f"{what}: a scrape", figure, "under 100 ms")


@contextlib.contextmanager
def _exporter(emulator: Emulator) -> Iterator[tuple[subprocess.Popen[str], str]]:
    account = {"GOLDRUSH_SERVICE_KEY": emulator.service_key, "GOLDRUSH_BASE_URL": emulator.base_url}
    command = [sys.executable, "-m", "goldrush_pulumi.cli", "exporter", "--port=0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **account}) as process:
        first_line = process.stderr.readline() if process.stderr else ""
        try:
            yield process, first_line.rpartition(" ")[2].strip()
        finally:
            process.terminate()


def _scrape(client: httpx.Client, url: str) -> str:
    return client.get(url, headers={"Accept": _ACCEPT}).raise_for_status().text


def _megabytes(process: subprocess.Popen[str]) -> float:
    """The resident size of a process."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text("utf-8"))
    return int(found[1]) / 1024 if found else 0.0
