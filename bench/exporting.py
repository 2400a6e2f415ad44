"""What the exporter and `check` cost with many pipelines: memory, requests, and the time of a scrape or a pass."""

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
from tests.support.caller import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator

_RATE: Final = 10.0
"""Half of the default rate limit, which is the exporter's share unless it is told otherwise."""

_MOST_MILLISECONDS: Final = 100.0

_SCRAPES_IN_A_ROW: Final = 20

_ACCEPT: Final = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def exporting(count: int = 500, seconds: float = 600.0, interval_seconds: float = 15.0) -> Iterator[Figure]:
    """Scrape an exporter of many pipelines as Prometheus does, from when it has observed each of them once."""
    with _emulator() as account, Caller(account["GOLDRUSH_BASE_URL"], account["GOLDRUSH_SERVICE_KEY"]) as caller:
        for number in range(count):
            caller.create(name=f"pipeline-{number}")
        with _exporter(account) as (process, url), httpx.Client(trust_env=False, timeout=60.0) as client:
            while client.get(url).text.count("\ngoldrush_pipeline_as_desired{") < count:
                time.sleep(1.0)
            requests, started = _requests(client, url), time.monotonic()
            memory, times = [_megabytes(process)], []
            while time.monotonic() - started < seconds:
                times.append(_scrape_milliseconds(client, url))
                time.sleep(interval_seconds)
                memory.append(_megabytes(process))
            rate = (_requests(client, url) - requests) / (time.monotonic() - started)
            used = _processor_milliseconds(process)
            for _ in range(_SCRAPES_IN_A_ROW):
                _scrape_milliseconds(client, url)
            used = (_processor_milliseconds(process) - used) / _SCRAPES_IN_A_ROW
    what = f"exporter, {count} pipelines, {seconds / 60:g} minutes"
    sizes = ", ".join(f"{memory[index]:.0f} MB" for index in (0, len(memory) // 2, -1))
    yield Figure(f"{what}: memory at the start, in the middle and at the end", sizes, "the same")
    yield Figure(f"{what}: requests to GoldRush", f"{rate:.1f} a second", f"at most {_RATE:g} a second")
    late = sum(time > _MOST_MILLISECONDS for time in times)
    figure = (
        f"{statistics.median(times):.0f} ms at the median, {max(times):.0f} ms at most, {late} of {len(times)} late"
    )
    yield Figure(f"{what}: processor time of a scrape", f"{used:.0f} ms", "")
    yield Figure(f"{what}: a scrape", figure, f"under {_MOST_MILLISECONDS:g} ms")


def checking(count: int = 200) -> Iterator[Figure]:
    """One pass of `check` over an account, from start to exit, at the default rate limit."""
    with _emulator() as account, Caller(account["GOLDRUSH_BASE_URL"], account["GOLDRUSH_SERVICE_KEY"]) as caller:
        for number in range(count):
            caller.create(name=f"pipeline-{number}")
        requests = f"{account['GOLDRUSH_BASE_URL'].partition('/platform')[0]}/_emulator/requests/"
        with httpx.Client(trust_env=False, timeout=60.0) as client:
            client.delete(requests)
            command = [sys.executable, "-m", "goldrush_pulumi.cli", "check"]
            started = time.monotonic()
            subprocess.run(command, check=True, capture_output=True, env={**os.environ, **account})
            seconds = time.monotonic() - started
            sent = len(client.get(requests).json())
    what = f"check, {count} pipelines"
    yield Figure(f"{what}: requests", f"{sent}", f"at most {3 * count + 10}")
    yield Figure(f"{what}: time", f"{seconds:.1f} s, {sent / seconds:.1f} requests a second", "at most 20 a second")


@contextlib.contextmanager
def _emulator() -> Iterator[dict[str, str]]:
    """Run a local GoldRush in a process of its own, and give the variables that lead to it."""
    command = [sys.executable, "-m", "goldrush_pulumi.emulator", "--port=0", "--deploy-seconds=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline().strip() for _ in range(4)] if process.stdout else []
        try:
            yield dict(line.removeprefix("export ").split("=", 1) for line in lines if line.startswith("export "))
        finally:
            process.terminate()


@contextlib.contextmanager
def _exporter(account: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "goldrush_pulumi.cli", "exporter", "--port=0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **account}) as process:
        first_line = process.stderr.readline() if process.stderr else ""
        try:
            yield process, first_line.rpartition(" ")[2].strip()
        finally:
            process.terminate()


def _scrape_milliseconds(client: httpx.Client, url: str) -> float:
    """The time until the whole response of one scrape is here, as it was sent."""
    started = time.monotonic()
    with client.stream("GET", url, headers={"Accept": _ACCEPT, "Accept-Encoding": "gzip"}) as response:
        for _ in response.raise_for_status().iter_raw():
            pass
    return (time.monotonic() - started) * 1000


def _requests(client: httpx.Client, url: str) -> float:
    """How many requests the exporter has sent, by its own count."""
    return sum(map(float, re.findall(r"(?m)^goldrush_exporter_requests_total\{.*\} (\S+)$", client.get(url).text)))


def _megabytes(process: subprocess.Popen[str]) -> float:
    """The resident size of a process."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text("utf-8"))
    return int(found[1]) / 1024 if found else 0.0


def _processor_milliseconds(process: subprocess.Popen[str]) -> float:
    """The processor time that a process has used so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") * 1000
