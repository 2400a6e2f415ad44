"""The process that hosts the provider: its thread pool, Ctrl-C, and its end.

`install` runs once, from a provider's `configure`. It enlarges the pool, makes Ctrl-C set `cancelled`, and starts the
thread that ends the process after the engine is gone.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.engine.log import debug, engine_address, engine_is_gone, forward_debug_log, warn_once
from goldrush_pulumi.engine.replies import EngineGone
from goldrush_pulumi.engine.request import current_call, wait_until_idle

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_SPARE_THREADS: Final = 4

_WATCH_SECONDS: Final = 2.0

_EXIT_GRACE_SECONDS: Final = 5.0

cancelled = threading.Event()
"""Set when the user pressed Ctrl-C or the engine is gone; everything that waits listens to it."""

_lock = threading.Lock()

_installed = False

_original_cancels: list[FunctionType] = []


def install(pool_size: int, while_engine_lives: Callable[[], None] = lambda: None) -> None:
    """Enlarge the pool, listen to Ctrl-C and watch the engine. Idempotent, does no I/O that blocks, never raises.

    `while_engine_lives` is called every two seconds for as long as the engine listens, on a thread of its own.

    Outside a plugin process (unit tests, a program) it does nothing.
    """
    global _installed  # noqa: PLW0603 - one bridge per process
    if engine_address() is None:
        return
    enlarge_pool(pool_size)
    with _lock:
        if _installed:
            return
        _installed = True
    forward_debug_log(debug)
    try:
        hook_cancel()
    except Exception:  # noqa: BLE001 - Ctrl-C then waits for what is running, as it does for every dynamic provider
        warn_once(
            "this version of the Pulumi SDK does not let Ctrl-C end a wait early; it takes effect when the deployments "
            "that are running have ended"
        )
    threading.Thread(target=_watch, args=(while_engine_lives,), name="goldrush-engine-watcher", daemon=True).start()


def enlarge_pool(size: int) -> None:
    """Let the host serve `size` verbs at the same moment; never makes the pool smaller. Never raises.

    A few spare threads answer `Cancel` while all of those verbs wait. Threads start on demand: a size above the CLI's
    `--parallel` costs nothing, one below it makes Ctrl-C wait its turn. Must run on one of the pool's own threads, as
    everything called by the host does.
    """
    try:
        _grow(_find_executor(), size + _SPARE_THREADS)
    except Exception:  # noqa: BLE001 - a slower deployment is better than none
        warn_once(
            "this version of the Pulumi SDK or of Python does not let more than four resources be deployed at the same "
            "moment; deployments work but take longer"
        )


def _grow(executor: Any, size: int) -> None:
    executor._max_workers = max(executor._max_workers, size)  # noqa: SLF001 - there is no public way
    # A thread starts when work is handed in. Work that was handed in before (a destroy begins with all its deletes at
    # once) would otherwise go on waiting for the first four threads.
    with executor._shutdown_lock:  # noqa: SLF001
        # Before Python 3.12, a thread that ends a verb and takes one that waits still counts as idle.
        while executor._idle_semaphore.acquire(blocking=False):  # noqa: SLF001
            pass
        for _ in range(executor._work_queue.qsize()):  # noqa: SLF001
            executor._adjust_thread_count()  # noqa: SLF001


def _find_executor() -> Any:
    """Return the thread pool that is running this thread."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the host keeps the pool to itself
    while frame is not None:
        if frame.f_code.co_name == "_worker" and "executor_reference" in frame.f_locals:
            return frame.f_locals["executor_reference"]()
        frame = frame.f_back
    message = "not on a thread of a pool"
    raise LookupError(message)


def hook_cancel() -> None:
    """Make the host's `Cancel` set `cancelled` before it replies. Raises when the host has no such handler.

    The handler is registered with the gRPC server before any provider is loaded, so replacing the method would change
    nothing: its code is replaced instead, in the function object that the server already holds.
    """
    handler = _innermost(sys.modules["__main__"].DynamicResourceProviderServicer.Cancel)
    if handler.__code__ is _cancel.__code__:
        return
    _original_cancels.append(
        FunctionType(handler.__code__, handler.__globals__, handler.__name__, handler.__defaults__, handler.__closure__)
    )
    handler.__code__ = _cancel.__code__


def handle_cancel(servicer: Any, request: Any, context: Any) -> Any:
    """Set `cancelled`, then reply as the host itself would."""
    cancelled.set()
    return _original_cancels[-1](servicer, request, context)


def _cancel(self: Any, request: Any, context: Any) -> Any:
    # Runs with the host's globals: everything it needs is imported here.
    from goldrush_pulumi.engine.host import handle_cancel  # noqa: PLC0415

    return handle_cancel(self, request, context)


def _innermost(function: Any) -> FunctionType:
    """Return the function inside decorators: a decorated one has free variables, which replaced code cannot have."""
    for cell in function.__closure__ or ():
        if isinstance(cell.cell_contents, FunctionType):
            return _innermost(cell.cell_contents)
    if not isinstance(function, FunctionType):
        message = "Cancel is not a plain function"
        raise TypeError(message)
    return function


def require_engine() -> None:
    """Make sure that an engine will record the next change; called right before every request that changes something.

    Costs one connection over loopback. Raises EngineGone, and sets `cancelled`, when the engine no longer listens.
    """
    if not engine_is_gone():
        return
    cancelled.set()
    message = (
        f"{current_call() or 'change resource'}: the Pulumi engine is gone, so nothing more was sent; "
        "run `pulumi cancel`, then `pulumi up` again"
    )
    raise EngineGone(message)


def _watch(while_engine_lives: Callable[[], None]) -> None:
    """End this process after the engine is gone."""
    while not engine_is_gone():
        with contextlib.suppress(Exception):
            # Whatever goes wrong in there, the engine has to be watched.
            while_engine_lives()
        time.sleep(_WATCH_SECONDS)
    cancelled.set()
    wait_until_idle(_EXIT_GRACE_SECONDS)
    # The engine cannot receive a reply any more, and threads that do not listen would hold up an ordinary exit.
    os._exit(1)
