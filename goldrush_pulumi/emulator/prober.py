"""Probes beside the serving: a connection takes its time, and nobody else waits for it."""

from __future__ import annotations

import copy
import importlib.util
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.emulator.probe import find_connection_problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldrush_pulumi.emulator.record import Record

_THREADS: Final = 16


class ProberError(Exception):
    """Destinations cannot be probed; the text is one clear line."""


class Prober:
    """Tries destinations in threads of its own.

    Raises:
        ProberError: the library that logs in to PostgreSQL is missing.
    """

    def __init__(self) -> None:
        if importlib.util.find_spec("pg8000") is None:
            raise ProberError("probe destinations: pg8000 is missing, install goldrush-pulumi[emulator]")
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="goldrush-probe")

    def begin(self, record: Record, done: Callable[[str | None], None]) -> None:
        """Start to probe the destination of a pipeline; `done` gets the problem, or None, in another thread.

        A probe that is dropped says nothing: with a state file, the next start tries again.
        """

        def finish(future: Future[str | None]) -> None:
            if not future.cancelled():
                done(_outcome(future))

        self._submit(record).add_done_callback(finish)

    def find_problem(self, record: Record) -> str | None:
        """Probe the destination of a pipeline now and wait for the end."""
        return self._submit(record).result()

    def close(self) -> None:
        """Wait for the probes under way; those that wait their turn are dropped."""
        self._pool.shutdown(cancel_futures=True)

    def _submit(self, record: Record) -> Future[str | None]:
        config: dict[str, Any] = copy.deepcopy(record.config["destination_config"])
        return self._pool.submit(find_connection_problem, record.config["destination_type"], config)


def _outcome(future: Future[str | None]) -> str | None:
    error = future.exception()
    return future.result() if error is None else f"the probe failed: {type(error).__name__}"
