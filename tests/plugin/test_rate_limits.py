"""Many pipelines behind a small plan, on a real provider process: everything comes up, and 429 stays rare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi.emulator import Emulator, Lifecycle, Switches
from tests.plugin.bookkeeper import as_sent
from tests.plugin.pipelines import program, start

if TYPE_CHECKING:
    from collections.abc import Iterator

MANY = 50
LIMIT = 20.0


@pytest.fixture(params=[True, False], ids=["says when", "does not say when"])
def small_plan(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """A GoldRush that takes few requests a second, and says or does not say when to come again."""
    switches = Switches(requests_per_second=LIMIT, retry_after_on_429=request.param)
    with Emulator(switches=switches, lifecycle=Lifecycle.by_time(deploy_seconds=1.0)) as running:
        yield running


def bring_up(emulator: Emulator, requests_per_second: str) -> None:
    """Create many pipelines at once, all of which must come up."""
    with start(emulator, requestsPerSecond=requests_per_second) as plugin:
        names = [f"p{number}" for number in range(MANY)]
        checked = {name: as_sent(plugin.check(name, program("webhook")).inputs) for name in names}
        pending = [plugin.create_async(name, inputs) for name, inputs in checked.items()]
        phases = {call.result().properties["phase"] for call in pending}
    assert phases == {"RUNNING"}
    assert len(emulator.pipelines()) == MANY


def test_a_limit_that_is_configured_is_kept(small_plan: Emulator) -> None:
    """With the limit in the settings the server hardly ever says no; what creates goes out before what only looks."""
    bring_up(small_plan, str(LIMIT))

    requests = small_plan.requests()
    last_post = max(index for index, request in enumerate(requests) if request.method == "POST")
    assert sum(request.status == 429 for request in requests) < 5
    # In the order of asking there would be about as many looks as creates; a few slip in while creates still arrive.
    assert sum(request.path.endswith("/status/") for request in requests[:last_post]) < MANY / 2


def test_a_limit_that_nobody_knows_is_met_and_kept(small_plan: Emulator) -> None:
    """Without it all pipelines come up too, though the first requests are too many."""
    bring_up(small_plan, "500")
