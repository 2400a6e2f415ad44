"""A local GoldRush: the Pipeline API in one process, for tests, examples and the demo.

It shares no code with the rest of the package and works on plain dicts, so that a wrong field name in the client
meets a server that does not know it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goldrush_pulumi.emulator.accounts import Account
    from goldrush_pulumi.emulator.lifecycle import Lifecycle, Phase
    from goldrush_pulumi.emulator.middleware import RecordedRequest
    from goldrush_pulumi.emulator.server import Emulator, EmulatorError
    from goldrush_pulumi.emulator.switches import Switches

__all__ = ["Account", "Emulator", "EmulatorError", "Lifecycle", "Phase", "RecordedRequest", "Switches"]

_MODULES = {
    "Account": "accounts",
    "Emulator": "server",
    "EmulatorError": "server",
    "Lifecycle": "lifecycle",
    "Phase": "lifecycle",
    "RecordedRequest": "middleware",
    "Switches": "switches",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is used: without the extra, `python -m` can then say in one line what is missing."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
