"""Anything may go wrong at any moment, in any order; afterwards one more `up` ends with everything exactly once.

Hypothesis plays user, network and fate. `GOLDRUSH_MODEL_STEPS` makes it play for that many steps instead of a few.
"""

from __future__ import annotations

import copy
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from goldrush_pulumi.emulator import Emulator, Lifecycle, Switches
from goldrush_pulumi.emulator.faults import HTML_BODY
from tests.plugin.model_engine import PORT, Fuse, ModelEngine, Time
from tests.plugin.pipelines import PLANTED, program

STEPS_VARIABLE = "GOLDRUSH_MODEL_STEPS"
# Read before any test begins: each of them takes such variables out of its environment.
_STEPS = int(os.environ.get(STEPS_VARIABLE, "0"))
_STEPS_EACH = 40
_NAMES = ("swaps", "mints", "burns")
_NOISE = ("Traceback", "internal error", 'File "', PLANTED)

SWITCHES = st.fixed_dictionaries(
    {},
    optional={
        "patch_merges_maps": st.booleans(),
        "write_responses_masked": st.booleans(),
        "returns_defaults": st.booleans(),
        "unset_returns_null": st.booleans(),
        "patch_redeploys": st.sampled_from(["at once", "later", "through STOPPED", "never"]),
        "failed_heals_by": st.sampled_from(["patch", "pause and resume", "itself"]),
        "paused_at_post_honoured": st.booleans(),
        "delete_through_stopping": st.booleans(),
        "list_items_brief": st.booleans(),
        "list_order": st.sampled_from(["newest first", "oldest first", "by id"]),
        "page_size_limit": st.integers(1, 3),
        "list_lag_seconds": st.sampled_from([2.0, 25.0]),
        "requests_per_second": st.sampled_from([4.0, 50.0]),
    },
)
PROGRAMS = st.fixed_dictionaries(
    {},
    optional={
        name: st.fixed_dictionaries(
            {},
            optional={
                "description": st.sampled_from(["Swaps", "Swaps on Base"]),
                "status": st.sampled_from(["running", "paused"]),
                "topic": st.sampled_from(["base.mainnet.ref.block.swap.v3", "eth.mainnet.ref.block.swap.v3"]),
                "transforms": st.sampled_from([{"swaps": "SELECT tx_hash FROM swaps"}, {}]),
                "triggers": st.fixed_dictionaries({"run": st.integers(0, 2)}),
            },
        )
        for name in _NAMES
    },
)
LOSSES: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"drop": "before"},
        {"drop": "after"},
        {"status": 500},
        {"status": 503, "commit": True},
        {"status": 429},
        {"status": 429, "retry_after": 2},
        {"status": 502, "body": HTML_BODY},
        {"status": 200, "body": HTML_BODY, "commit": True},
        {"status": 401},
        {"status": 403},
        {"status": 404},
        {"change": "ignored"},
        {"change": "later", "later_seconds": 3.0},
    ]
)


class AnythingMayHappen(RuleBasedStateMachine):
    taken: ClassVar[Counter[str]] = Counter()
    """How often what happened, in all runs of this process."""

    @initialize(switches=SWITCHES)
    def begin(self, switches: dict[str, Any]) -> None:
        self.time = Time()
        lifecycle = Lifecycle.by_time(2.0, 1.0, 4.0)
        self.server = Emulator(port=PORT, lifecycle=lifecycle, switches=Switches(**switches), clock=self.time)
        self.notes = tempfile.TemporaryDirectory()
        self.engine = ModelEngine(self.server, self.time, notes=Path(self.notes.name))
        self.program: dict[str, Any] = {}
        self.deleted_by_hand = 0

    def teardown(self) -> None:
        if hasattr(self, "server"):
            self.converge()
            self.server.close()
            self.notes.cleanup()

    # --- What the user does -------------------------------------------------------------------------------------------

    def everything_is_recorded(self) -> bool:
        """Whether nothing was left behind. What was has to be found by the program that left it."""
        recorded = {record.id for record in self.engine.records.values()}
        return {pipeline["id"] for pipeline in self.server.pipelines()} <= recorded

    @precondition(everything_is_recorded)
    @rule(wanted=PROGRAMS)
    def edit_the_program(self, wanted: dict[str, Any]) -> None:
        self.program = {name: program("postgres", **copy.deepcopy(changes)) for name, changes in wanted.items()}

    @precondition(everything_is_recorded)
    @rule(wanted=PROGRAMS)
    def edit_and_up(self, wanted: dict[str, Any]) -> None:
        self.edit_the_program(wanted)
        self.up()

    @rule()
    def up(self) -> None:
        ended = self.engine.up(self.program)
        self.taken["up killed" if ended == "killed" else "up failed" if ended else "up"] += 1

    @rule()
    def refresh(self) -> None:
        self.engine.refresh()

    @rule()
    def destroy(self) -> None:
        self.engine.destroy()

    @rule(seconds=st.sampled_from([1.0, 10.0, 120.0]))
    def wait(self, seconds: float) -> None:
        self.time.seconds += seconds

    @rule(choice=st.integers(0, 10), how=st.sampled_from(["pause", "describe", "fail", "delete"]))
    def meddle(self, choice: int, how: str) -> None:
        pipelines = self.server.pipelines()
        if not pipelines:
            return
        chosen = pipelines[choice % len(pipelines)]
        pipeline_id = chosen["id"]
        if how == "pause":
            self.server.edit(pipeline_id, status="paused")
        elif how == "describe":
            self.server.edit(pipeline_id, transforms={"swaps": "SELECT block_height FROM swaps"})
        elif how == "fail" and chosen["status"] == "running":
            # A pipeline that is paused, or is being, has no worker that matters.
            self.server.fail(pipeline_id, [f"ERROR password {PLANTED}1 was refused"], f"no {PLANTED}1")
        elif how == "delete":
            self.server.remove(pipeline_id)

    # --- What fate does -----------------------------------------------------------------------------------------------

    @rule(requests=st.integers(1, 25), carried_out=st.booleans())
    def kill_the_next_process(self, requests: int, carried_out: bool) -> None:  # noqa: FBT001 - hypothesis names it
        self.engine.fuse = Fuse(requests, carried_out)

    @rule(wanted=PROGRAMS, requests=st.integers(1, 12), carried_out=st.booleans())
    @precondition(everything_is_recorded)
    def edit_and_be_killed(self, wanted: dict[str, Any], requests: int, carried_out: bool) -> None:  # noqa: FBT001
        self.edit_the_program(wanted)
        self.kill_the_next_process(requests, carried_out)
        self.up()

    @rule(waits=st.integers(1, 6))
    def interrupt_the_next_process(self, waits: int) -> None:
        self.engine.interrupt_after = waits

    @rule(
        loss=LOSSES,
        method=st.sampled_from(["*", "GET", "POST", "PATCH", "PUT", "DELETE"]),
        skip=st.integers(0, 6),
        times=st.integers(1, 4),
    )
    def lose_answers(self, loss: dict[str, Any], method: str, skip: int, times: int) -> None:
        self.server.fault(method, skip=skip, times=times, **loss)

    @rule(verb=st.sampled_from(["up", "refresh", "destroy"]))
    def go_through_an_outage(self, verb: str) -> None:
        """GoldRush returns 404 to everything: no pipeline leaves the state."""
        recorded = {name: record.id for name, record in self.engine.records.items()}
        self.server.clear_faults()
        self.server.outage(404)
        if verb == "up":
            self.engine.up(self.program)
        else:
            getattr(self.engine, verb)()
        self.server.clear_faults()
        assert {name: record.id for name, record in self.engine.records.items()} == recorded

    @precondition(lambda self: self.program)
    @rule()
    def come_to_rest(self) -> None:
        self.converge()

    # --- What must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def nothing_unspeakable_was_said(self) -> None:
        if not hasattr(self, "engine"):
            return
        self.taken["step"] += 1
        for text in self.engine.said:
            assert not [noise for noise in _NOISE if noise in text], text
        for name, record in self.engine.records.items():
            assert not [reason for reason in record.errors if PLANTED in reason], name

    def converge(self) -> None:
        """With the trouble over, at most two `up --refresh` bring everything in place, and nothing is left to do."""
        self.taken["convergence"] += 1
        self.server.clear_faults()
        self.engine.fuse = self.engine.interrupt_after = None
        # Two: a pipeline whose deletion was cut off may be there at the first look and go while it is waited for.
        errors = [self.engine.refresh() or self.engine.up(self.program) for _ in range(2)]
        assert errors[-1] is None, errors
        recorded = sorted(record.id for record in self.engine.records.values())
        assert recorded == sorted(pipeline["id"] for pipeline in self.server.pipelines())
        assert self.engine.records.keys() == self.program.keys()
        for pipeline in self.server.pipelines():
            wanted = self.program[pipeline["name"]]
            assert pipeline["phase"] == ("PAUSED" if wanted.get("status") == "paused" else "RUNNING")
        self.server.clear_requests()
        assert self.engine.up(self.program) is None
        assert {request.method for request in self.server.requests()} <= {"GET"}


@pytest.mark.timeout(120 + _STEPS)
def test_nothing_is_lost_and_nothing_twice() -> None:
    """After any sequence of changes, faults, kills and meddling, each declared pipeline is there once, as declared."""
    play = settings(
        max_examples=max((_STEPS or 4000) // _STEPS_EACH, 1),
        stateful_step_count=_STEPS_EACH,
        deadline=None,
        database=None,
        derandomize=not _STEPS,
        print_blob=True,
        # A failure is told with all of its steps: making them fewer would take minutes.
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(AnythingMayHappen, settings=play)
    taken = AnythingMayHappen.taken
    # The figures of a long run: `pytest -s` shows them.
    sys.stdout.write(f"\n{dict(taken)}\n")
    assert taken["up"] > 0
    assert taken["up killed"] > 0
    assert taken["up failed"] > 0
