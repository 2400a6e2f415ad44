"""What the place of the state costs: files, which are written whole at each step, and a PostgreSQL of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.figures import Figure
from bench.lives import life
from tools.postgres import PostgresError, postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

_PASSWORD: Final = "only-for-this-run"  # noqa: S105 - of a database that lives as long as the benchmark


def backends(counts: tuple[int, ...] = (100, 300)) -> Iterator[Figure]:
    """First up, unchanged up and refresh of our pipelines, by where the state is and how many there are."""
    try:
        with postgres(_PASSWORD) as server:
            for count in counts:
                yield from _life("files", None, count)
                yield from _life("PostgreSQL", server.url_of(_PASSWORD), count)
    except PostgresError as error:
        yield Figure("PostgreSQL", str(error))


def _life(name: str, backend: str | None, count: int) -> Iterator[Figure]:
    with life("ours", count, 0.0, backend=backend) as run:
        taken = [f"{run.run(verb).seconds:.1f} s" for verb in ("up", "up", "refresh", "destroy")]
    yield Figure(f"state in {name}, {count} pipelines: up, unchanged up, refresh, destroy", ", ".join(taken))
