"""What the place of the state costs: files, which are written whole at each step, and a PostgreSQL of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.figures import Figure
from bench.lives import life
from tools.environment import SAVE_LATE
from tools.postgres import PostgresError, postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

_PASSWORD: Final = "only-for-this-run"  # noqa: S105 - of a database that lives as long as the benchmark


def backends(counts: tuple[int, ...] = (100, 300), largest: int = 1000) -> Iterator[Figure]:
    """First up, unchanged up, refresh and destroy of our pipelines: where the state is, how many there are."""
    try:
        with postgres(_PASSWORD) as server:
            for count in counts:
                for late in (False, True):
                    yield _life("files", None, count, late=late)
                    yield _life("PostgreSQL", server.url_of(_PASSWORD), count, late=late)
            yield _life("files", None, largest, late=True)
    except PostgresError as error:
        yield Figure("PostgreSQL", str(error))


def _life(name: str, backend: str | None, count: int, *, late: bool) -> Figure:
    with life("ours", count, 0.0, backend=backend) as run:
        if late:
            # The owner of a stack has to be in state before (see `goldrush_pulumi.owner`).
            run.stack.set({"BENCH_COUNT": "1"})
            run.run("up")
            run.stack.set({"BENCH_COUNT": str(count), **SAVE_LATE})
        taken = [f"{run.run(verb).seconds:.1f} s" for verb in ("up", "up", "refresh", "destroy")]
    when = ", saved at the end" if late else ""
    return Figure(f"state in {name}{when}, {count} pipelines: up, unchanged up, refresh, destroy", ", ".join(taken))
