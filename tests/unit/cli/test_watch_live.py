from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi.cli import ExitCode
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from goldrush_pulumi.emulator import Emulator
    from tests.support.caller import Caller


def test_a_terminal_shows_a_live_table(emulator: Emulator, caller: Caller) -> None:
    """The table fills while responses come in, and stays when the rounds are over."""
    caller.create(name="good")
    emulator.fail(caller.create(name="bad")["id"])
    terminal = Terminal("watch", "--rounds", "1")
    errors = terminal.end()

    assert (terminal.process.returncode, errors) == (ExitCode.OK, "")
    assert "2 pipelines, 1 RUNNING, 1 FAILED, round 1" in terminal.seen


@pytest.mark.untraced
def test_what_needs_a_look_is_never_out_of_sight(emulator: Emulator, caller: Caller) -> None:
    """With more pipelines than lines, failed ones come first, and the caption says how many are hidden."""
    emulator.fail(caller.create(name="broken")["id"])
    for number in range(12):
        caller.create(name=f"p{number}")
    terminal = Terminal("watch", "--rounds", "1", lines=12)
    terminal.end()

    drawn = terminal.seen.rpartition("name ")[2]
    assert drawn.index("broken") < drawn.index("p11")
    assert "13 pipelines, 12 RUNNING, 1 FAILED, round 1, 5 not shown" in drawn


def test_ctrl_c_ends_a_live_table(emulator: Emulator, caller: Caller) -> None:
    """Ctrl-C ends the view without a word although responses are held back, and restores the terminal."""
    for number in range(20):
        caller.create(name=f"p{number}")
    terminal = Terminal("watch")
    terminal.read_until("round 1")
    emulator.fault(path="*/status/", delay_seconds=2.0, times=None)
    terminal.process.send_signal(signal.SIGINT)
    errors = terminal.end()

    assert terminal.process.returncode == ExitCode.INTERRUPTED
    assert errors == ""
    # The cursor is shown again.
    assert terminal.seen.rindex("\x1b[?25h") > terminal.seen.rindex("\x1b[?25l")


@pytest.mark.untraced
def test_a_key_that_is_revoked_ends_a_live_table(emulator: Emulator, caller: Caller) -> None:
    """An error that no further poll can heal ends the command with one line."""
    caller.create(name="swaps")
    terminal = Terminal("watch", "--interval", "0.5")
    terminal.read_until("round 1")
    emulator.revoke_key(emulator.service_key)
    errors = terminal.end()

    assert terminal.process.returncode == ExitCode.NO_ACCESS
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
