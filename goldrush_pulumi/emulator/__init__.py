"""A local GoldRush: the Pipeline API in one process, for tests, examples and the demo.

It shares no code with the rest of the package and works on plain dicts, so that a wrong field name in the client
meets a server that does not know it.
"""

from __future__ import annotations

from goldrush_pulumi.emulator.accounts import Account
from goldrush_pulumi.emulator.lifecycle import Lifecycle, Phase
from goldrush_pulumi.emulator.middleware import RecordedRequest
from goldrush_pulumi.emulator.server import Emulator, EmulatorError
from goldrush_pulumi.emulator.switches import Switches

__all__ = ["Account", "Emulator", "EmulatorError", "Lifecycle", "Phase", "RecordedRequest", "Switches"]
