"""Ctrl-C: the engine's `Cancel`, which the host of dynamic providers answers without telling them."""

from __future__ import annotations

import sys
import threading
from types import FunctionType
from typing import Any

cancelled = threading.Event()
"""Set when the user pressed Ctrl-C or the engine is gone; everything that waits listens to it."""

_answers: list[FunctionType] = []


def hook_cancel() -> None:
    """Make the host's `Cancel` set `cancelled` before it answers. Raises when the host has no such handler.

    The handler is registered with the gRPC server before any provider is loaded, so replacing the method would change
    nothing: its code is replaced instead, in the function object that the server already holds.
    """
    handler = _innermost(sys.modules["__main__"].DynamicResourceProviderServicer.Cancel)
    if handler.__code__ is _cancel.__code__:
        return
    _answers.append(
        FunctionType(handler.__code__, handler.__globals__, handler.__name__, handler.__defaults__, handler.__closure__)
    )
    handler.__code__ = _cancel.__code__


def answer_cancel(servicer: Any, request: Any, context: Any) -> Any:
    """Set `cancelled`, then answer as the host itself would."""
    cancelled.set()
    return _answers[-1](servicer, request, context)


def _cancel(self: Any, request: Any, context: Any) -> Any:
    # Runs with the host's globals: everything it needs is imported here.
    from goldrush_pulumi.engine.cancellation import answer_cancel  # noqa: PLC0415

    return answer_cancel(self, request, context)


def _innermost(function: Any) -> FunctionType:
    """Return the function inside decorators: a decorated one has free variables, which replaced code cannot have."""
    for cell in function.__closure__ or ():
        if isinstance(cell.cell_contents, FunctionType):
            return _innermost(cell.cell_contents)
    if not isinstance(function, FunctionType):
        message = "Cancel is not a plain function"
        raise TypeError(message)
    return function
