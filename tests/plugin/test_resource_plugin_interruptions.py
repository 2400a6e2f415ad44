from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi.emulator import Emulator, Lifecycle
from tests.plugin.resource_plugin import program, start
from tests.plugin.wire import VerbError

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.traced


@pytest.fixture
def by_hand() -> Iterator[Emulator]:
    """A GoldRush on which nothing moves by itself."""
    with Emulator(lifecycle=Lifecycle.manual()) as running:
        yield running


def test_cancel_is_answered_while_many_creates_wait(by_hand: Emulator) -> None:
    """More verbs wait than `--parallel` starts at once, and Cancel still takes effect."""
    with start(by_hand) as plugin:
        names = [f"p{number}" for number in range(64)]
        pending = [plugin.create_async(name, plugin.check(name, program("webhook")).inputs) for name in names]
        plugin.engine.wait_for(lambda lines: len({line.urn for line in lines if line.ephemeral}) == len(names))
        plugin.cancel()
        failures = 0
        for call in pending:
            with pytest.raises(VerbError) as caught:
                call.result()
            failures += caught.value.partial is not None
    assert failures == len(names) == len(by_hand.pipelines())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_records_what_waits_and_ends_the_process(by_hand: Emulator, number: signal.Signals) -> None:
    """Both signals act as Ctrl-C does: what is deploying is recorded, and the process leaves with code 0."""
    with start(by_hand) as plugin:
        pending = plugin.create_async("swaps", plugin.check("swaps", program()).inputs)
        plugin.engine.wait_for(lambda lines: any(line.ephemeral for line in lines))
        plugin.process.send_signal(number)
        with pytest.raises(VerbError) as caught:
            pending.result()
        assert caught.value.partial is not None
        assert plugin.wait_for_exit() == 0


def test_the_process_ends_with_its_engine(by_hand: Emulator) -> None:
    """A killed CLI leaves no plugin behind, and nothing more is sent on its behalf."""
    with start(by_hand) as plugin:
        plugin.create_async("swaps", plugin.check("swaps", program()).inputs)
        plugin.engine.wait_for(lambda lines: any(line.ephemeral for line in lines))
        plugin.engine.stop()
        assert plugin.wait_for_exit() == 0
