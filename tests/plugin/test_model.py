"""Anything may go wrong at any moment, in any order; afterwards one more `up` ends with everything exactly once.

Hypothesis plays user, network and fate, over two stacks that share one account. `GOLDRUSH_MODEL_STEPS` makes it play
for that many steps instead of a few.
"""

from __future__ import annotations

import copy
import os
import re
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
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
from goldrush_pulumi.operations.journal import CreateJournal
from tests.plugin.model_engine import PORT, Fuse, ModelEngine, PluginEngine, Time
from tests.plugin.pipelines import PLANTED, program

STEPS_VARIABLE = "GOLDRUSH_MODEL_STEPS"
# Read before any test begins: each of them takes such variables out of its environment.
_STEPS = int(os.environ.get(STEPS_VARIABLE, "0"))
_STEPS_EACH = 40
_NAMES = ("swaps", "mints", "burns")
_PROJECTS = ("analytics", "billing")
"""One for each stack; a pipeline that is moved takes its own along, and a program may declare in the other's."""
_ADVICE = "set goldrush:onExisting to create"
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
                "project": st.sampled_from(_PROJECTS),
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
        {"status": 200, "body": "", "commit": True},
        {"status": 502, "commit": True},
        {"drip_seconds": 1.0},
        {"drip_seconds": 1.0, "commit": True},
        {"status": 401},
        {"status": 403},
        {"status": 404},
        {"change": "ignored"},
        {"change": "later", "later_seconds": 3.0},
    ]
)


@dataclass
class Stack:
    """A stack, its program, and the former names of what was renamed in it."""

    engine: ModelEngine
    project: str
    program: dict[str, Any] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    @property
    def ids(self) -> set[str]:
        """The pipelines in state."""
        return {record.id for record in self.engine.records.values()}

    def declare(self, wanted: dict[str, Any]) -> None:
        """Write another program."""
        own = {"project": self.project}
        self.program = {
            name: program("postgres", **copy.deepcopy({**own, **changes})) for name, changes in wanted.items()
        }
        self.aliases = {}

    def run(self, verb: str) -> str | None:
        """Run a command; return the error that ended it."""
        if verb != "up":
            return str(ended) if (ended := getattr(self.engine, verb)()) else None
        return self.engine.up(self.program, self.aliases)

    def require_as_declared(self, held: dict[str, dict[str, Any]]) -> None:
        """Require that state holds what is declared, and the server likewise."""
        assert self.engine.records.keys() == self.program.keys()
        for name, wanted in self.program.items():
            actual = held[self.engine.records[name].id]
            assert actual["phase"] == ("PAUSED" if wanted.get("status") == "paused" else "RUNNING")
            assert (actual["name"], actual["project"]) == (name, wanted["project"])
            assert (actual["topic"], actual["transforms"] or {}) == (wanted["topic"], wanted.get("transforms", {}))
            assert (actual["description"] or "").partition("[pulumi:")[0].strip() == wanted.get("description", "")


class AnythingMayHappen(RuleBasedStateMachine):
    engine_class: ClassVar[type[ModelEngine]] = ModelEngine
    taken: ClassVar[Counter[str]] = Counter()
    """How often what happened, in all runs of this process."""

    @initialize(switches=SWITCHES, on_existing=st.sampled_from(["fail", "create"]))
    def begin(self, switches: dict[str, Any], on_existing: str) -> None:
        self.time, self.on_existing = Time(), on_existing
        lifecycle = Lifecycle.by_time(2.0, 1.0, 4.0)
        self.server = Emulator(port=PORT, lifecycle=lifecycle, switches=Switches(**switches), clock=self.time)
        self.notes = tempfile.TemporaryDirectory()
        self.stacks = [
            Stack(self.engine_class(self.server, self.time, letter * 32, notes=Path(self.notes.name)), project)
            for letter, project in zip("ab", _PROJECTS, strict=True)
        ]
        self.follow_advice(on_existing)
        self.stack, self.other = self.stacks

    def teardown(self) -> None:
        if hasattr(self, "server"):
            self.converge()
            self.server.close()
            self.notes.cleanup()

    # --- What the user does -------------------------------------------------------------------------------------------

    @property
    def engine(self) -> ModelEngine:
        return self.stack.engine

    def everything_is_recorded(self) -> bool:
        """Whether nothing was left behind. What was has to be found by the program that left it."""
        return {pipeline["id"] for pipeline in self.server.pipelines()} <= self.recorded()

    def recorded(self) -> set[str]:
        return {name for stack in self.stacks for name in stack.ids}

    def run(self, verb: str) -> str | None:
        """Run a command on the stack: it sends no change of what the other one has recorded."""
        theirs = self.other.ids
        self.server.clear_requests()
        ended = self.stack.run(verb)
        changed = [request for request in self.server.requests() if request.method != "GET"]
        hijacked = [request for request in changed if request.pipeline_id in theirs]
        assert not hijacked, [(request.kind, request.pipeline_id) for request in hijacked]
        return ended

    @rule()
    def turn_to_the_other_stack(self) -> None:
        self.stack, self.other = self.other, self.stack

    @precondition(everything_is_recorded)
    @rule(wanted=PROGRAMS)
    def edit_the_program(self, wanted: dict[str, Any]) -> None:
        self.stack.declare(wanted)

    @precondition(everything_is_recorded)
    @rule(wanted=PROGRAMS)
    def edit_and_up(self, wanted: dict[str, Any]) -> None:
        self.edit_the_program(wanted)
        self.up()

    @rule(choice=st.integers(0, 10))
    def rename_by_alias(self, choice: int) -> None:
        """Another name for a recorded resource; the program says what it was called before."""
        stack = self.stack
        names = [name for name in stack.program if name in self.engine.records]
        free = [name for name in (*_NAMES, "trades") if name not in {*stack.program, *self.engine.records}]
        if names and free:
            old, new = names[choice % len(names)], free[choice % len(free)]
            stack.program = {new if name == old else name: item for name, item in stack.program.items()}
            stack.aliases[new] = old
            self.taken["renamed"] += 1

    @rule(choice=st.integers(0, 10))
    def rename_and_up(self, choice: int) -> None:
        self.rename_by_alias(choice)
        self.up()

    @rule(choice=st.integers(0, 10))
    def move_to_the_other_stack(self, choice: int) -> None:
        self.move(choice)

    @precondition(everything_is_recorded)
    @rule(choice=st.integers(0, 10))
    def move_and_declare_again(self, choice: int) -> None:
        """The stack that gave a pipeline away declares just the same once more."""
        before = dict(self.stack.program)
        moved = self.move(choice)
        if moved in before:
            self.stack.program[moved] = copy.deepcopy(before[moved])
        self.up()

    def move(self, choice: int) -> str | None:
        """`pulumi state move` hands a record and its declaration over; return its name, None where there is none."""
        ours, theirs = self.stack, self.other
        taken = {*theirs.program, *theirs.engine.records, *theirs.aliases.values(), *ours.aliases.values()}
        # Nobody can tell a pipeline that was moved before any later verb saw it from the orphan of a killed run.
        journal, records = CreateJournal(Path(self.notes.name)), self.engine.records
        names = [name for name in records if name not in taken and journal.has_recorded(records[name].id)]
        if not names:
            return None
        moved = names[choice % len(names)]
        theirs.engine.records[moved] = self.engine.records.pop(moved)
        if moved in ours.program:
            theirs.program[moved] = ours.program.pop(moved)
        self.taken["moved"] += 1
        return moved

    @rule()
    def up(self) -> None:
        ended = self.run("up")
        self.taken["up killed" if ended == "killed" else "up failed" if ended else "up"] += 1

    @rule()
    def refresh(self) -> None:
        self.run("refresh")

    @rule()
    def destroy(self) -> None:
        self.run("destroy")

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
        recorded = self.stack.ids
        self.server.clear_faults()
        self.server.outage(404)
        self.run(verb)
        self.server.clear_faults()
        assert self.stack.ids == recorded
        self.taken["outage"] += 1

    @precondition(lambda self: self.stack.program)
    @rule()
    def come_to_rest(self) -> None:
        self.converge()

    # --- What must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def nothing_unspeakable_was_said(self) -> None:
        if not hasattr(self, "stacks"):
            return
        self.taken["step"] += 1
        for stack in self.stacks:
            for text in stack.engine.said:
                assert not [noise for noise in _NOISE if noise in text], text
            for name, record in stack.engine.records.items():
                assert not [reason for reason in record.errors if PLANTED in reason], name

    def converge(self) -> None:
        """With the trouble over, at most two `up --refresh` bring everything in place, and nothing is left to do."""
        self.taken["convergence"] += 1
        self.server.clear_faults()
        # A change that the server has put off, such as a deletion that nobody waits for any more, is made now.
        self.time.pass_by(5.0)
        for _ in self.stacks:
            self.engine.fuse = self.engine.interrupt_after = None
            self.settle()
            self.turn_to_the_other_stack()
        held = {pipeline["id"]: pipeline for pipeline in self.server.pipelines()}
        assert sorted(record.id for stack in self.stacks for record in stack.engine.records.values()) == sorted(held)
        for _ in self.stacks:
            self.stack.require_as_declared(held)
            self.server.clear_requests()
            assert self.stack.run("up") is None
            assert {request.method for request in self.server.requests()} <= {"GET"}
            self.turn_to_the_other_stack()
        self.follow_advice(self.on_existing)

    def follow_advice(self, on_existing: str) -> None:
        for stack in self.stacks:
            stack.engine.settings["onExisting"] = on_existing

    def settle(self) -> None:
        """Bring one stack in place, as a user does who reads what is said."""
        # Two: a pipeline whose deletion was cut off may be there at the first look and go while it is waited for.
        errors = [self.run("refresh") or self.run("up") for _ in range(2)]
        if errors[-1] is not None and _ADVICE in errors[-1]:
            # What has that name or that tag is in a state, or the other stack has yet to find it: no orphan is refused.
            named = set(re.findall(r"pipe_[0-9a-z-]+", errors[-1])) - self.recorded()
            tags = [item["description"] for item in self.server.pipelines() if item["id"] in named]
            assert not [tag for tag in tags if f"[pulumi:{self.engine.owner}/" in tag], errors[-1]
            self.follow_advice("create")
            self.taken["advised"] += 1
            errors.append(self.run("up"))
        assert errors[-1] is None, errors


class AnythingMayHappenToThePlugin(AnythingMayHappen):
    engine_class = PluginEngine


@pytest.mark.timeout(120 + _STEPS)
@pytest.mark.parametrize("machine", [AnythingMayHappen, AnythingMayHappenToThePlugin], ids=["dynamic", "plugin"])
def test_nothing_is_lost_twice_or_hijacked(machine: type[AnythingMayHappen]) -> None:
    """After any changes, faults, kills and meddling, each declared pipeline is there once, and of its own stack."""
    play = settings(
        max_examples=max((_STEPS or 1600) // _STEPS_EACH, 1),
        stateful_step_count=_STEPS_EACH,
        deadline=None,
        database=None,
        derandomize=not _STEPS,
        print_blob=True,
        # A failure is told with all of its steps: making them fewer would take minutes.
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    machine.taken = Counter()
    run_state_machine_as_test(machine, settings=play)
    # The figures of a long run: `pytest -s` shows them.
    sys.stdout.write(f"\n{dict(machine.taken)}\n")
    assert all(machine.taken[name] for name in ("up", "up killed", "up failed", "moved", "renamed", "outage"))
