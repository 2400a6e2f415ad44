"""CPU time of single processes: import of the package, start of the plugin, check and diff of one pipeline."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from bench.figures import Figure
from tools.environment import ROOT, with_bytecode

if TYPE_CHECKING:
    from collections.abc import Iterator

_RUNS: Final = 9

_IMPORT: Final = """
import resource, sys
for module in sys.argv[1:]:
    __import__(module)
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime)
"""

_CHECK: Final = """
import sys, time
import goldrush_pulumi.provider as provider

UNCHANGED = sys.argv[1] == "unchanged"


def sql(number):
    columns = [f"  block_height + {number} AS column_{n}" for n in range(8)]
    return "SELECT\\n" + ",\\n".join(columns) + "\\nFROM swaps"


verbs = provider.make_provider()
check, diff = type(verbs).check.__wrapped__, type(verbs).diff.__wrapped__
given = {
    "project": "bench",
    "name": "pipeline",
    "topic": "base.mainnet.ref.block.swap.v3",
    "destination_type": "postgres",
    "destination_config": {"type": "postgres", "url": "postgresql://db:5432/a", "user": "u", "password": "p" * 12},
    "transforms": {"swaps": sql(0)},
}
recorded = provider.engine.unwrap_secrets(check(verbs, {}, dict(given)).inputs)
spent = []
for number in range(1, 1001):
    wanted = dict(given) if UNCHANGED else {**given, "transforms": {"swaps": sql(number)}}
    started = time.process_time()
    news = provider.engine.unwrap_secrets(check(verbs, recorded, wanted).inputs)
    answer = diff(verbs, "pipe_1", recorded, news)
    spent.append(time.process_time() - started)
    assert (answer.changes is False) is UNCHANGED
print(sorted(spent)[len(spent) // 2])
"""


def processes() -> Iterator[Figure]:
    """What the package adds to every program and every provider process, and what one pipeline costs each `up`."""
    bare, package = _import_seconds("pulumi"), _import_seconds("goldrush_pulumi.pipeline")
    yield Figure("import pulumi", f"{bare:.3f} s")
    yield Figure("import goldrush_pulumi, above import pulumi", f"{package - bare:.3f} s", "at most 0.15 s")
    host = ("pulumi.dynamic", "dill", "grpc")
    above = _import_seconds(*host, "goldrush_pulumi.provider") - _import_seconds(*host)
    yield Figure("start of the provider, above the SDK's own", f"{above:.3f} s", "at most 0.25 s")
    for which, aim in (("unchanged", "under 1 ms"), ("changed", "")):
        what = f"check and diff of one {which} pipeline with ten lines of SQL"
        yield Figure(what, f"{_median(_CHECK, which) * 1000:.2f} ms", aim)


def _import_seconds(*modules: str) -> float:
    """CPU seconds of an interpreter that imports `modules`, at the median."""
    return _median(_IMPORT, *modules)


def _median(code: str, *arguments: str) -> float:
    command = [sys.executable, "-c", code, *arguments]
    return statistics.median(float(_output(command)) for _ in range(_RUNS))


def _output(command: list[str]) -> str:
    return subprocess.run(command, cwd=ROOT, env=with_bytecode(), check=True, capture_output=True, text=True).stdout
