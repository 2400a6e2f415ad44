"""The whole life of a pipeline on each side of everything that is not known about GoldRush, and on sides at random."""

from __future__ import annotations

import copy
import random
import re
from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.emulator import Emulator, Lifecycle, Switches
from tests.plugin.model_engine import PORT, ModelEngine, Time
from tests.plugin.pipelines import PLANTED, program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.plugin.wire import Properties

SIDES: dict[str, dict[str, Any]] = {
    "PATCH merges": {"patch_merges_maps": True},
    "answers in clear": {"write_responses_masked": False},
    "all masked": {"masked_leaves": ("*",)},
    "few masked": {"masked_leaves": ("password",)},
    "mask kept": {"mask_sent_back": "kept"},
    "mask refused": {"mask_sent_back": "refused"},
    "defaults shown": {"returns_defaults": True},
    "unset is null": {"unset_returns_null": True},
    "unknown fields ignored": {"unknown_fields": "ignore"},
    "kafka checked at once": {"kafka_rejects_at_post": True},
    "SQL checked at once": {"bad_sql_rejected_at_post": True},
    "first pause ignored": {"paused_at_post_honoured": False},
    "long descriptions cut": {"description_limit": 70},
    "long descriptions refused": {"description_limit": 70, "description_overflow": "refuse"},
    "short descriptions cut": {"description_limit": 30},
    "PATCH redeploys later": {"patch_redeploys": "later", "redeploy_delay_seconds": 3.0},
    "PATCH redeploys through STOPPED": {"patch_redeploys": "through STOPPED"},
    "PATCH never redeploys": {"patch_redeploys": "never"},
    "resume heals": {"failed_heals_by": "pause and resume"},
    "time heals": {"failed_heals_by": "itself"},
    "ended means paused": {"bounded_end_status": "paused"},
    "deletes slowly": {"delete_through_stopping": True},
    "checkpoints stay": {"checkpoint_survives_delete": True},
    "start rewinds": {"start_change_rewinds": True},
    "foreign is 403": {"foreign_status": 403},
    "brief lists": {"list_items_brief": True},
    "oldest first": {"list_order": "oldest first"},
    "no order": {"list_order": "by id"},
    "lists lag": {"list_lag_seconds": 15.0},
    "tiny pages": {"page_size_limit": 1},
    "small plan": {"requests_per_second": 4.0},
    "small plan, no Retry-After": {"requests_per_second": 4.0, "retry_after_on_429": False},
}
_PAIRS = [(one, other) for one in SIDES for other in SIDES if one < other and not SIDES[one].keys() & SIDES[other]]
CASES = [("documented",), *((name,) for name in SIDES), *random.Random(4).sample(_PAIRS, 32)]  # noqa: S311 - the same each time

SWAPS, MINTS = "SELECT tx_hash FROM swaps", "SELECT tx_hash FROM mints WHERE amount > 0"
ABI = [{"type": "event", "name": "Swap", "inputs": [{"name": "to", "type": "address", "indexed": True}]}]
WEBHOOK = {
    "url": f"https://hooks.example.com/in?token={PLANTED}0",
    "headers": {"Authorization": f"Bearer {PLANTED}1", "X-Team": f"{PLANTED}2"},
    "retry": {"max_attempts": 7},
}
_MARK = re.compile(r"\s?\[pulumi:[0-9a-f]{32}/[0-9a-f]{10}\]$")
LOGS = "base.mainnet.ref.block.logs"
FIRST = {
    "topic": LOGS,
    "destination_config": WEBHOOK,
    "description": "Swaps on Base",
    "transforms": {"swaps": SWAPS, "mints": MINTS},
    "execution_start_from": "100",
}
CHANGES: dict[str, Any] = {
    "name": "renamed",
    "description": "Swaps and mints",
    "destination_config": {**WEBHOOK, "retry": {"max_attempts": 2}},
    "transforms": {"swaps": f"{SWAPS} WHERE block_height > 5", "mints": MINTS},
    "execution_start_from": "200",
    "abi_file": ABI,
    "abi_contract_addresses": ["0x" + "ab" * 20],
    "abi_unmatched": "raw",
}
CLEARED = ("description", "execution_start_from", "abi_unmatched", "abi_contract_addresses", "abi_file")


def declared(**changes: Any) -> Properties:
    return program("webhook", **copy.deepcopy({**FIRST, **changes}))


class Life:
    """One pipeline of one stack, led by the model engine; every turn ends with all that must hold."""

    def __init__(self, server: Emulator, time: Time) -> None:
        self.server = server
        self.engine = ModelEngine(server, time)
        self.wanted = declared()

    @property
    def id(self) -> str:
        return self.engine.records["swaps"].id

    @property
    def held(self) -> dict[str, Any]:
        """The one pipeline there is, in clear."""
        (pipeline,) = self.server.pipelines()
        return pipeline

    def turn(self, **changes: Any) -> None:
        """Go on to a program with `changes`; None takes an input out."""
        self.wanted = {key: item for key, item in {**self.wanted, **changes}.items() if item is not None}
        assert self.engine.up({"swaps": self.wanted}) is None, self.engine.said[-1]
        self.check()

    def check(self) -> None:
        """Server, state and program agree, and nothing is left to do: neither at once nor after a refresh."""
        self.check_server()
        for look in (lambda: None, self.engine.refresh):
            assert look() is None
            self.server.clear_requests()
            assert self.engine.up({"swaps": self.wanted}) is None, self.engine.said[-1]
            assert [request.kind for request in self.server.requests() if request.method != "GET"] == []
        assert self.engine.records["swaps"].errors == ()

    def check_server(self) -> None:
        held, wanted = self.held, self.wanted
        assert held["id"] == self.id
        assert held["phase"] == ("PAUSED" if wanted.get("status") == "paused" else "RUNNING")
        assert (held["status"], held["name"]) == (wanted.get("status", "running"), wanted.get("name", "swaps"))
        assert (held["transforms"] or {}) == wanted.get("transforms", {})
        assert (
            _MARK.sub("", held["description"] or "")
            == wanted.get("description", "")[: self.server.switches.description_limit]
        )
        assert (held["execution_start_from"] or "") == wanted.get("execution_start_from", "")
        assert (held["abi_file"] or []) == wanted.get("abi_file", [])
        assert (held["abi_contract_addresses"] or []) == wanted.get("abi_contract_addresses", [])
        assert (held["abi_unmatched"] or "") == wanted.get("abi_unmatched", "")
        config = wanted["destination_config"]
        assert _holds(held["destination_config"], config)
        assert held["destination_config"].get("headers", {}) == config.get("headers", {})


def _holds(held: Any, wanted: Any) -> bool:
    """Whether all that is wanted is there, at any depth; the server may show more of its own."""
    if isinstance(wanted, dict):
        return all(key in held and _holds(held[key], item) for key, item in wanted.items())
    return bool(held == wanted)


@pytest.fixture(params=CASES, ids=" + ".join)
def life(request: pytest.FixtureRequest) -> Iterator[Life]:
    values: dict[str, Any] = {}
    for name in request.param:
        values |= SIDES.get(name, {})
    time = Time()
    server = Emulator(port=PORT, lifecycle=Lifecycle.by_time(2.0, 1.0, 4.0), switches=Switches(**values), clock=time)
    yield Life(server, time)
    server.close()


def test_a_whole_life(life: Life) -> None:
    """Create, change and clear each field, pause, drift, fail, adopt, lose, replace, delete: always as declared."""
    life.turn(status="paused")
    life.turn(status="running")
    for name, value in CHANGES.items():
        life.turn(**{name: value})
    for name in CLEARED:
        life.turn(**{name: None})
    life.turn(transforms={"mints": MINTS})
    life.turn(transforms=None)
    life.turn(destination_config={**WEBHOOK, "headers": {"Authorization": f"Bearer {PLANTED}3"}})
    life.turn(destination_config={"url": f"https://hooks.example.com/in?token={PLANTED}4"})
    life.turn(status="paused", description="Paused and changed at once")
    life.turn(status="running", triggers={"rerun": 1})
    _drift(life)
    _fail(life)
    _adopt(life)
    _replace(life)
    assert life.engine.destroy() is None
    assert life.server.pipelines() == []


def _drift(life: Life) -> None:
    """What somebody changed by hand is seen by a refresh and set right by the next up."""
    life.server.edit(life.id, description="by hand", transforms={"swaps": SWAPS}, status="paused")
    assert life.engine.refresh() is None
    assert life.engine.records["swaps"].inputs["status"] == "paused"
    life.turn()


def _fail(life: Life) -> None:
    """A pipeline that failed is told by a refresh, and comes back with the next up."""
    life.server.fail(life.id, ["ERROR Sink lost"], "connection refused")
    assert life.engine.refresh() is None
    healed = life.server.switches.failed_heals_by == "itself"
    assert healed or "is FAILED" in life.engine.records["swaps"].errors[0]
    life.turn()


def _adopt(life: Life) -> None:
    """A pipeline that state has lost is found by its mark, or taken over by its id; never made again."""
    pipeline_id = life.id
    life.engine.records.clear()
    life.server.clear_requests()
    life.turn(adopt_id=pipeline_id, description="Adopted")
    life.wanted.pop("adopt_id")
    life.engine.records.clear()
    error = life.engine.up({"swaps": life.wanted})
    if error is not None:
        # Where the mark found no room, the user is told how to go on.
        assert f'adopt_id="{pipeline_id}"' in error
        assert life.server.switches.description_limit is not None
        life.turn(adopt_id=pipeline_id)
        life.wanted.pop("adopt_id")
    life.turn()
    assert life.id == pipeline_id
    assert "POST" not in {request.method for request in life.server.requests()}


def _replace(life: Life) -> None:
    """Another topic makes another pipeline; the old one goes first and is not taken for an orphan."""
    old = life.id
    life.turn(topic="eth.mainnet.ref.block.logs")
    assert life.id != old


def test_a_bounded_pipeline_ends_once(life: Life) -> None:
    """A pipeline with a last block comes up, ends, and is then neither drift nor run again."""
    wanted = declared(execution_mode="bounded", execution_stop_from="300")
    assert life.engine.up({"swaps": wanted}) is None, life.engine.said
    life.engine.time.seconds += 60
    assert life.held["phase"] == "STOPPED"
    deployments = life.held["deployments"]
    for _ in range(2):
        assert life.engine.refresh() is None
        assert life.engine.up({"swaps": wanted}) is None
        assert life.engine.records["swaps"].errors == ()
    assert life.held["deployments"] == deployments
    assert life.engine.destroy() is None
    assert life.server.pipelines() == []


def test_what_will_not_go_is_told(life: Life) -> None:
    """Where neither a whole map nor a null removes a transform, the error says so, and putting it back ends it."""
    life.server.switch(patch_merges_maps=True, null_removes_key=False)
    life.turn()
    error = life.engine.up({"swaps": declared(transforms={"mints": MINTS})})
    assert error is not None
    assert "GoldRush keeps what was removed from transforms" in error
    life.turn()
