"""Putting the bridge into the host process, once, from a provider's `configure`."""

from __future__ import annotations

import threading

from .cancellation import hook_cancel
from .channel import engine_address, warn_once
from .pool import enlarge_pool
from .watcher import start_watching

_lock = threading.Lock()
_installed = False


def install(pool_size: int) -> None:
    """Enlarge the pool, listen to Ctrl-C and watch the engine. Idempotent, does no I/O that blocks, never raises.

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
    _listen_to_cancel()
    start_watching()


def _listen_to_cancel() -> None:
    try:
        hook_cancel()
    except Exception:  # noqa: BLE001 - Ctrl-C then waits for what is running, as it does for every dynamic provider
        warn_once(
            "this version of the Pulumi SDK does not let Ctrl-C end a wait early; it takes effect when the deployments "
            "that are running have ended"
        )
