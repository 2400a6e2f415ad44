"""The engine's absence: a killed CLI leaves its provider processes running, and they must not go on changing things."""

from __future__ import annotations

import os
import threading
import time

from .cancellation import cancelled
from .channel import engine_address, engine_is_gone
from .failures import EngineGone
from .request import current_call, wait_until_idle

_INTERVAL_SECONDS = 2.0
_GRACE_SECONDS = 5.0


def require_engine() -> None:
    """Make sure that somebody will record what is changed next; called right before every such request.

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


def start_watching() -> None:
    """Start the thread that ends this process after the engine is gone; without an engine there is nothing to watch."""
    if engine_address() is not None:
        threading.Thread(target=_watch, name="goldrush-engine-watcher", daemon=True).start()


def _watch() -> None:
    while not engine_is_gone():
        time.sleep(_INTERVAL_SECONDS)
    cancelled.set()
    wait_until_idle(_GRACE_SECONDS)
    # Nobody can receive a reply any more, and threads that do not listen would keep an ordinary exit waiting.
    os._exit(1)
