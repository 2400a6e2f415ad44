"""CPU and memory of whole processes: import of the package, start of the plugin, check and diff of one pipeline."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import Final

from tools.environment import ROOT

_RUNS: Final = 7

_IMPORT: Final = "import resource, {modules}\nprint(resource.getrusage(resource.RUSAGE_SELF).ru_utime)"

_CHECK: Final = """
import time
from goldrush_pulumi.provider import make_provider
import goldrush_pulumi.provider as provider

verbs = make_provider()
check, diff = type(verbs).check.__wrapped__, type(verbs).diff.__wrapped__
given = {
    "project": "bench",
    "name": "pipeline",
    "topic": "base.mainnet.ref.block.swap.v3",
    "destination_type": "postgres",
    "destination_config": {"type": "postgres", "url": "postgresql://db:5432/a", "user": "u", "password": "p" * 12},
    "transforms": {"swaps": "SELECT\\n" + ",\\n".join(f"  column_{n}" for n in range(8)) + "\\nFROM swaps"},
}
recorded = provider.engine.unwrap_secrets(check(verbs, {}, dict(given)).inputs)
spent = []
for _ in range(2000):
    started = time.process_time()
    news = provider.engine.unwrap_secrets(check(verbs, recorded, dict(given)).inputs)
    answer = diff(verbs, "pipe_1", recorded, news)
    spent.append(time.process_time() - started)
assert answer.changes is False
print(sorted(spent)[len(spent) // 2])
"""


def import_seconds(modules: str) -> float:
    """User CPU seconds of an interpreter that imports `modules`, at the median."""
    return _median(_IMPORT.format(modules=modules))


def check_and_diff_seconds() -> float:
    """CPU seconds of check and diff of one unchanged pipeline with ten lines of SQL, at the median."""
    return _median(_CHECK)


def _median(code: str) -> float:
    found = (
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for _ in range(_RUNS)
    )
    return statistics.median(float(text) for text in found)
