"""The threads that serve the engine: the host starts four, and a verb that waits holds one all the while."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .channel import warn_once

if TYPE_CHECKING:
    from types import FrameType

_RESERVE = 4


def enlarge_pool(size: int) -> None:
    """Let the host serve `size` verbs at the same moment; never makes the pool smaller. Never raises.

    A few threads come on top, so that `Cancel` is answered while all of those verbs wait. Threads start on demand: a
    size above the CLI's `--parallel` costs nothing, one below it makes Ctrl-C wait its turn. Must run on one of the
    pool's own threads, as everything called by the host does.
    """
    try:
        _grow(_find_executor(), size + _RESERVE)
    except Exception:  # noqa: BLE001 - a slower deployment is better than none
        warn_once(
            "this version of the Pulumi SDK or of Python does not let more than four resources be deployed at the same "
            "moment; deployments work but take longer"
        )


def _grow(executor: Any, size: int) -> None:
    executor._max_workers = max(executor._max_workers, size)  # noqa: SLF001 - there is no public way
    # Threads start when work is handed in: what was handed in before (a destroy begins with all its deletes at once)
    # would otherwise go on waiting for the first four.
    with executor._shutdown_lock:  # noqa: SLF001
        for _ in range(executor._work_queue.qsize()):  # noqa: SLF001
            executor._adjust_thread_count()  # noqa: SLF001


def _find_executor() -> Any:
    """Return the thread pool whose worker is running us."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the host keeps the pool to itself
    while frame is not None:
        if frame.f_code.co_name == "_worker" and "executor_reference" in frame.f_locals:
            return frame.f_locals["executor_reference"]()
        frame = frame.f_back
    message = "not on a thread of a pool"
    raise LookupError(message)
