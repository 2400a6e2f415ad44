"""Responses that never end or come much too late, on a real provider process: no verb outlives its time or Ctrl-C."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.schema.wire import OWNER
from tests.plugin.bookkeeper import Resource, as_sent
from tests.plugin.pipelines import program, start
from tests.plugin.wire import VerbError

if TYPE_CHECKING:
    from goldrush_pulumi.emulator import Emulator

ENDLESS: dict[str, dict[str, Any]] = {"dripping": {"drip_seconds": 0.2}, "held back": {"delay_seconds": 100_000}}


@pytest.mark.parametrize("fault", ENDLESS.values(), ids=ENDLESS)
def test_wait_ends_with_its_time(emulator: Emulator, fault: dict[str, Any]) -> None:
    """A create ends when its time is over, however the statuses are held back, and the pipeline is recorded."""
    emulator.fault("GET", "*/status/", times=None, **fault)
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        with pytest.raises(VerbError, match="time is up, raise custom_timeouts"):
            pipeline.up(program("webhook"), timeout_seconds=2)
        (held,) = emulator.pipelines()
        assert pipeline.id == held["id"]
        assert pipeline.clear["runs"][0]["status"] == "TimedOut"


def test_change_that_was_not_applied_ends_with_the_time_of_its_verb(emulator: Emulator) -> None:
    """An update that GoldRush holds back ends when its time is over, and says that nothing was applied."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program("webhook"))
        emulator.fault("PATCH", times=None, **ENDLESS["held back"])
        with pytest.raises(VerbError, match="did not respond in time"):
            pipeline.up(program("webhook", description="changed"), timeout_seconds=2)


def test_change_with_an_endless_response_is_looked_for(emulator: Emulator) -> None:
    """An update that was applied, and whose response never ends, succeeds: the pipeline shows it. It is sent once."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program("webhook"))
        emulator.fault("PATCH", times=None, **ENDLESS["dripping"])
        pipeline.up(program("webhook", description="changed"), timeout_seconds=2)
        (held,) = emulator.pipelines()
        assert held["description"].startswith("changed")
        assert pipeline.up(program("webhook", description="changed")) == "same"
    assert [request.method for request in emulator.requests()].count("PATCH") == 1


@pytest.mark.parametrize("fault", ENDLESS.values(), ids=ENDLESS)
def test_create_without_a_response_is_found(emulator: Emulator, fault: dict[str, Any]) -> None:
    """A create with a response that never ends is looked for when its time is over: nothing is made twice."""
    emulator.fault("POST", commit=True, **fault)
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program("webhook", **{OWNER: "0" * 32}), timeout_seconds=2)
        assert [held["id"] for held in emulator.pipelines()] == [pipeline.id]


@pytest.mark.parametrize("fault", ENDLESS.values(), ids=ENDLESS)
def test_cancel_ends_a_wait_for_a_response(emulator: Emulator, fault: dict[str, Any]) -> None:
    """Ctrl-C ends a create in the middle of a response, and the pipeline is recorded."""
    slow = emulator.fault("GET", "*/status/", times=None, **fault)
    with start(emulator) as plugin:
        inputs = as_sent(plugin.check("swaps", program("webhook")).inputs)
        pending = plugin.create_async("swaps", inputs)
        while not slow.hits:
            assert not pending.done
        plugin.cancel()
        with pytest.raises(VerbError, match="when the update was cancelled"):
            pending.result()


def test_long_pause_is_named(emulator: Emulator) -> None:
    """A pause that GoldRush asks for and that is too long ends the create with its length, after one request."""
    emulator.fault("POST", status=429, retry_after=300, times=None)
    with start(emulator) as plugin:
        with pytest.raises(VerbError, match="GoldRush asks to wait 300 s"):
            Resource(plugin).up(program("webhook"))
        # Another verb of the same run does not try sooner either.
        with pytest.raises(VerbError, match=r"GoldRush asked for a pause that lasts another \d+ s"):
            Resource(plugin, "other").up(program("webhook", name="other"))
    assert [request.method for request in emulator.requests()].count("POST") == 1
