"""The life of a pipeline against both sides of what is not known about GoldRush."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.api import GoldRushClient, RateLimiter
from goldrush_pulumi.operations.context import OperationContext, OperationFailed
from goldrush_pulumi.operations.create import adopt, create
from goldrush_pulumi.operations.delete import delete
from goldrush_pulumi.operations.diff import drifted_fields
from goldrush_pulumi.operations.spec import PipelineSpec
from goldrush_pulumi.operations.update import update
from tests.support.account import context_of
from tests.support.clock import FakeClock
from tests.support.pipelines import inputs_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldrush_pulumi.emulator import Emulator

pytestmark = pytest.mark.untraced

# Every switch that changes what a PATCH, PUT, POST or DELETE does, or what is answered. Those that need time to pass
# are for tests of whole stacks.
SIDES: dict[str, dict[str, Any]] = {
    "documented": {},
    "PATCH merges": {"patch_merges_maps": True},
    "answers in clear": {"write_responses_masked": False},
    "masks more": {"masked_leaves": ("*",)},
    "keeps masked secrets": {"mask_sent_back": "kept"},
    "refuses masks": {"mask_sent_back": "refused"},
    "fills in defaults": {"returns_defaults": True},
    "answers null": {"unset_returns_null": True},
    "ignores the first pause": {"paused_at_post_honoured": False},
    "never redeploys": {"patch_redeploys": "never"},
    "through STOPPED": {"patch_redeploys": "through STOPPED"},
    "heals by resume": {"failed_heals_by": "pause and resume"},
    "deletes slowly": {"delete_through_stopping": True},
    "checkpoints stay": {"checkpoint_survives_delete": True},
    "rewinds": {"start_change_rewinds": True},
    "brief lists": {"list_items_brief": True},
}
_NAMES = sorted(SIDES.keys() - {"documented"})
_PAIRS = [(one, other) for one in _NAMES for other in _NAMES if one < other and not SIDES[one].keys() & SIDES[other]]
CASES = [(name,) for name in SIDES] + random.Random(7).sample(_PAIRS, 30)  # noqa: S311 - the same thirty each time

SWAPS, MINTS = "SELECT tx_hash FROM swaps", "SELECT tx_hash FROM mints"
WEBHOOK = {
    "url": "https://hooks.example.com/in",
    "headers": {"Authorization": "Bearer planted-header", "X-Team": "planted-team"},
    "batch_size": 1,
    "retry": {"max_attempts": 7},
}


def holds(held: Any, wanted: Any) -> bool:
    """Whether all that is wanted is there, at any depth; the server may have filled in more."""
    if isinstance(wanted, dict):
        return all(key in held and holds(held[key], item) for key, item in wanted.items())
    return bool(held == wanted)


class Life:
    """One pipeline at one emulator, deployed again and again by the same client."""

    def __init__(self, server: Emulator) -> None:
        self.server = server
        self.client = GoldRushClient(
            service_key=server.service_key,
            base_url=server.base_url,
            rate_limiter=RateLimiter(100_000),
            retry_seconds=5.0,
        )
        self.inputs: dict[str, Any] = {}
        self.pipeline_id = ""

    def context(self) -> OperationContext:
        return context_of(self.client, FakeClock())

    def begin(self, **changes: Any) -> None:
        self.inputs = inputs_of(destination_type="webhook", destination_config=WEBHOOK, **changes)
        self.pipeline_id = create(self.context(), PipelineSpec(self.inputs)).pipeline_id
        self.check()

    def turn(self, **changes: Any) -> None:
        """Update to the inputs with `changes`; None removes an input."""
        new = {name: value for name, value in {**self.inputs, **changes}.items() if value is not None}
        update(self.context(), self.pipeline_id, self.inputs, PipelineSpec(new))
        self.inputs = new
        self.check()

    @property
    def held(self) -> dict[str, Any]:
        """The one pipeline there is, in clear."""
        (pipeline,) = self.server.pipelines()
        return pipeline

    def check(self) -> None:
        """The server has what is wanted, is in the desired phase, and shows no drift."""
        held = self.held
        assert held["phase"] == ("PAUSED" if self.inputs.get("status") == "paused" else "RUNNING")
        assert (held["transforms"] or {}) == self.inputs.get("transforms", {})
        assert (held["description"] or "") == self.inputs.get("description", "")
        config = self.inputs["destination_config"]
        assert holds(held["destination_config"], config)
        assert held["destination_config"].get("headers", {}) == config.get("headers", {})
        assert drifted_fields(self.inputs, self.client.get_pipeline(self.pipeline_id)) == ()


@pytest.fixture(params=CASES, ids=" + ".join)
def life(request: pytest.FixtureRequest, emulator: Emulator) -> Iterator[Life]:
    for name in request.param:
        emulator.switch(**SIDES[name])
    life = Life(emulator)
    yield life
    life.client.close()


def test_a_whole_life(life: Life) -> None:
    """Created paused, resumed, changed, cleared, rotated, redeployed, failed, healed, adopted, deleted."""
    life.begin(status="paused", description="first", transforms={"swaps": SWAPS, "mints": MINTS})
    life.turn(status="running")
    life.turn(description="second", transforms={"swaps": SWAPS})
    life.turn(description=None, transforms=None)
    life.turn(destination_config={**WEBHOOK, "headers": {"Authorization": "Bearer planted-other"}, "batch_size": 5})
    life.turn(destination_config={key: WEBHOOK[key] for key in ("url", "headers")})
    deployments = life.held["deployments"]
    life.turn(triggers={"run": 1})
    assert life.held["deployments"] > deployments
    life.turn(status="paused", description="third")

    life.turn(status="running")
    life.server.fail(life.pipeline_id, ["ERROR worker died"])
    life.turn()
    life.server.edit(life.pipeline_id, description="", transforms={"swaps": SWAPS})
    assert drifted_fields(life.inputs, life.client.get_pipeline(life.pipeline_id)) == ("description", "transforms")
    adopt(life.context(), PipelineSpec(life.inputs), life.pipeline_id)
    life.check()

    delete(life.context(), life.pipeline_id, {})
    assert life.server.pipelines() == []


def test_a_deployment_that_fails_is_kept_and_goes_on(life: Life) -> None:
    """A pipeline that fails at its first start is kept with its reason, and the next update heals that very one."""
    life.server.script(outcome="FAILED", logs=["FATAL: password authentication failed"])
    life.inputs = inputs_of(destination_type="webhook", destination_config=WEBHOOK)
    with pytest.raises(OperationFailed) as failed:
        create(life.context(), PipelineSpec(life.inputs))
    life.pipeline_id = failed.value.progress.pipeline_id

    assert "(auth_failed)" in failed.value.reason
    life.turn()

    assert [call.method for call in life.server.requests() if call.method == "POST"] == ["POST"]
