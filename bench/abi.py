"""The whole way of a large ABI: reading, checking, registering, sending, and changing one entry of it."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from bench.figures import Figure
from bench.lives import life

if TYPE_CHECKING:
    from collections.abc import Iterator

_PARAMETERS: Final = 5


def events(count: int) -> list[dict[str, Any]]:
    """An ABI of `count` events; 9,000 of them are 5 MB of JSON."""
    return [
        {
            "type": "event",
            "name": f"SomethingHappened{number}",
            "anonymous": False,
            "inputs": [
                {"indexed": place == 0, "internalType": "uint256", "name": f"parameterNumber{place}", "type": "uint256"}
                for place in range(_PARAMETERS)
            ],
        }
        for number in range(count)
    ]


def large_abi(count: int = 9000) -> Iterator[Figure]:
    """One pipeline with an ABI of several megabytes."""
    with TemporaryDirectory(prefix="goldrush-bench-abi-") as folder:
        file = Path(folder, "abi.json")
        file.write_text(json.dumps(events(count)), "utf-8")
        what = f"ABI of {count} events, {file.stat().st_size / 1e6:.1f} MB"
        with life("abi", 1, 0.0) as run:
            run.stack.set({"BENCH_ABI": str(file)})
            yield Figure(f"{what}: preview", f"{run.run('preview').seconds:.1f} s", "at most 5 s")
            yield Figure(f"{what}: up", f"{run.run('up').seconds:.1f} s", "at most 8 s")
            yield Figure(f"{what}: unchanged up", f"{run.run('up').seconds:.1f} s")
            file.write_text(json.dumps(events(count - 1)), "utf-8")
            yield Figure(f"{what}: up with one entry less", f"{run.run('up').seconds:.1f} s", "at most 10 s")
