"""The life of a pipeline, led through the dynamic provider and through the plugin.

Each scene says what must come of it by either; then GoldRush must have been asked the same, and users told the same.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.emulator import Emulator
from goldrush_pulumi.emulator.faults import HTML_BODY
from goldrush_pulumi.plugin.destination import api_properties
from goldrush_pulumi.schema.pipeline import ECHOED, INPUTS
from tests.plugin import pipelines, resource_plugin
from tests.plugin.bookkeeper import Resource, as_sent
from tests.plugin.front_ends import FRONT_ENDS, FrontEnd, Stage
from tests.plugin.pipelines import CONFIGS, MASK, PLANTED
from tests.plugin.wire import VerbError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.plugin.wire import Properties

OTHER_OWNER = "f" * 32
LOGS = [f"ERROR Sink open failed: password {PLANTED}1 rejected", "ERROR in batch_size"]


LOST: dict[str, dict[str, Any]] = {
    "502": {"status": 502, "commit": True},
    "empty body": {"status": 200, "body": "", "commit": True},
    "foreign body": {"status": 200, "body": HTML_BODY, "commit": True},
    "connection dropped": {"drop": "after"},
}
"""Ways in which a request is carried out and its response gets lost."""


def lead(scene: Callable[[Stage], None], home: Path, kind: str = "postgres") -> None:
    """Lead both front-ends through a scene, and compare what came of it."""
    stages = []
    for front_end in FRONT_ENDS:
        with Emulator() as emulator:
            stage = Stage(front_end, emulator, home / front_end.name, kind)
            scene(stage)
            stages.append(stage)
    dynamic, plugin = stages
    assert plugin.told == dynamic.told
    assert plugin.changes() == dynamic.changes()


@pytest.mark.parametrize("kind", CONFIGS)
def test_the_life_of_a_pipeline(tmp_path: Path, kind: str) -> None:
    """For each destination: previewed, created, unchanged, changed, drifted and restored, replaced, destroyed."""

    def scene(stage: Stage) -> None:
        emulator = stage.emulator
        emulator.switch(returns_defaults=True, masked_leaves=("*",))
        with stage.process():
            pipeline = stage.resource()
            declared: Properties = {"triggers": {"build": 7}, "execution_start_from": 44745000}
            assert stage.preview(pipeline, **declared) == "create"
            assert stage.up(pipeline, **declared) == "create"
            assert stage.clear(pipeline)["phase"] == "RUNNING"
            assert stage.clear(pipeline)["destination_config"] == CONFIGS[kind]
            held = emulator.pipelines()[0]["destination_config"]
            assert {**held, "type": kind, **CONFIGS[kind]} == held
            recorded = pipeline.inputs, pipeline.outputs
            given = api_properties(as_sent(pipeline.inputs))
            assert {name: stage.clear(pipeline)[name] for name in ECHOED if name in given} == {
                name: given[name] for name in ECHOED if name in given
            }
            stage.refresh(pipeline)
            assert (pipeline.inputs, pipeline.outputs) == recorded
            assert stage.up(pipeline, **declared) == "same"
            assert stage.preview(pipeline, **declared) == "same"
            declared |= {"name": "renamed", "description": "changed"}
            assert stage.preview(pipeline, **declared) == "update"
            assert stage.up(pipeline, **declared) == "update"
            assert stage.up(pipeline, **declared) == "same"
            emulator.edit(pipeline.id, description="by hand")
            stage.refresh(pipeline)
            assert stage.clear(pipeline)["description"] == "by hand"
            assert stage.up(pipeline, **declared) == "update"
            (held,) = emulator.pipelines()
            assert (held["name"], held["description"].partition(" [")[0]) == ("renamed", "changed")
            assert stage.preview(pipeline, **declared, project="other") == "replace"
            assert stage.up(pipeline, **declared, project="other") == "replace"
            assert stage.destroy(pipeline) == "done"
        assert emulator.pipelines() == []
        assert stage.methods == ["POST", "PATCH", "PATCH", "DELETE", "POST", "DELETE"]
        assert MASK not in str(stage.changes())

    lead(scene, tmp_path, kind)


ABI = [{"type": "event", "name": "Sync", "inputs": [{"name": "reserve", "type": "uint256", "indexed": False}]}]
CHANGES: dict[str, tuple[Any, str]] = {
    "project": ("other", "replace"),
    "topic": ("base.mainnet.ref.block.transfer.v3", "replace"),
    "destination_config": ({**CONFIGS["postgres"], "password": f"{PLANTED}rotated", "batch_size": 9}, "update"),
    "execution_mode": ("bounded", "replace"),
    "name": ("renamed", "update"),
    "description": ("changed", "update"),
    "transforms": ({"swaps": "SELECT tx_hash FROM swaps"}, "update"),
    "execution_start_from": (5, "update"),
    "execution_stop_from": (10**9, "update"),
    "abi_file": (ABI, "update"),
    "abi_contract_addresses": (["0x" + "ab" * 20], "update"),
    "abi_unmatched": ("raw", "update"),
    "status": ("paused", "update"),
    "triggers": ({"build": 1}, "update"),
    "wait_for": ("healthy", "same"),
    "adopt_id": ("pipe_other", "same"),
}
"""Another value of each input, and the step that it takes."""


def test_each_input_is_changed_and_changed_back(tmp_path: Path) -> None:
    """Every input of a pipeline is given and taken away again; nothing is left to do in between."""
    assert set(CHANGES) == set(INPUTS) - {"destination_type"}
    base: Properties = {
        "topic": "base.mainnet.ref.block.log.v3",
        "execution_start_from": "1",
        "execution_stop_from": "900000000",
    }

    def scene(stage: Stage) -> None:
        with stage.process():
            pipeline = stage.resource()
            stage.up(pipeline, **base)
            for name, (value, step) in CHANGES.items():
                for declared in ({**base, name: value}, base):
                    assert stage.up(pipeline, **declared) == step, name
                    assert stage.up(pipeline, **declared) == "same", name

    lead(scene, tmp_path)


def test_another_type_of_destination_replaces(tmp_path: Path) -> None:
    """A pipeline that is to write elsewhere is deleted first, for the name of its consumer group stays the same."""

    def scene(stage: Stage) -> None:
        with stage.process():
            pipeline = stage.resource()
            stage.up(pipeline)
        stage.kind = "webhook"
        with stage.process(pipeline):
            assert stage.up(pipeline) == "replace"
        assert stage.methods == ["POST", "DELETE", "POST"]

    lead(scene, tmp_path)


def test_wrong_inputs_are_refused(tmp_path: Path) -> None:
    """All problems at once, in the same words but for the names of properties."""

    def scene(stage: Stage) -> None:
        with stage.process():
            stage.refuse(execution_mode="never", destination_config={"password": PLANTED, "sslmode": "off"})
            stage.refuse(topic="", transforms={"swaps": "DELETE FROM swaps"}, execution_start_from=-1)
        assert PLANTED not in str(stage.told)
        assert stage.emulator.requests() == []

    lead(scene, tmp_path)


@pytest.mark.traced
def test_a_failure_is_recorded_and_resumed(tmp_path: Path) -> None:
    """FAILED ends the create; id and reason are kept through a refresh, and an equal `up` brings it to life."""

    def scene(stage: Stage) -> None:
        emulator = stage.emulator
        with stage.process():
            pipeline = stage.resource()
            logs = [json.dumps(CONFIGS["postgres"]), *LOGS]
            emulator.script(outcome="FAILED", logs=logs, health_error=f"refused: {PLANTED}1", until="patched")
            said = stage.up(pipeline)
            assert said.startswith("pipeline swaps (ID) is FAILED after N s")
            assert "password [secret] rejected" in said
            assert said.endswith("or look closer with `goldrush-pulumi logs swaps --stack dev --follow`")
            # What a worker wrote is shown as it wrote it.
            assert "ERROR in batch_size" in "".join(pipeline.errors)
            assert pipeline.id == emulator.pipelines()[0]["id"]
            assert "is FAILED" in stage.refresh(pipeline)
            assert stage.up(pipeline) == "update"
            assert [run["action"] for run in pipeline.clear["runs"]] == ["await", "create"]
            assert stage.up(pipeline) == "same"
            emulator.script(outcome="FAILED", until="patched")
            before = pipeline.inputs
            rotated = {**CONFIGS["postgres"], "password": f"{PLANTED}rotated"}
            changed: Properties = {"description": "changed", "destination_config": rotated}
            assert "is FAILED" in stage.up(pipeline, **changed)
            # Outputs tell what was sent, and inputs stay: the next `up` updates again.
            assert stage.clear(pipeline)["description"] == "changed"
            assert stage.clear(pipeline)["destination_config"] == rotated
            assert pipeline.inputs == before
            assert stage.up(pipeline, **changed) == "update"
            assert stage.up(pipeline, **changed) == "same"
            emulator.script(outcome="FAILED", until="never")
            assert "is FAILED" in stage.up(pipeline, triggers={"build": 2})
            assert stage.destroy(pipeline) == "done"
        assert stage.methods[:4] == ["POST", "PATCH", "PATCH", "PATCH"]
        assert emulator.pipelines() == []

    lead(scene, tmp_path)


@pytest.mark.traced
def test_what_others_do_is_found_and_undone(tmp_path: Path) -> None:
    """A pause by hand is drift, a crash is told by every refresh, and what was deleted elsewhere is created again."""

    def scene(stage: Stage) -> None:
        emulator = stage.emulator
        with stage.process():
            pipeline = stage.resource()
            stage.up(pipeline)
            emulator.edit(pipeline.id, status="paused")
            stage.refresh(pipeline)
            assert stage.clear(pipeline)["status"] == "paused"
            assert stage.up(pipeline) == "update"
            emulator.fail(pipeline.id, logs=LOGS)
            inputs = pipeline.inputs
            assert "password [secret] rejected" in stage.refresh(pipeline)
            assert (pipeline.inputs, pipeline.clear["phase"]) == (inputs, "FAILED")
            assert stage.up(pipeline) == "update"
            emulator.remove(pipeline.id)
            assert "was deleted elsewhere; run `pulumi refresh`" in stage.up(pipeline, description="changed")
            assert stage.refresh(pipeline) == "gone"
            assert stage.up(pipeline, description="changed") == "create"

    lead(scene, tmp_path)


def test_what_goldrush_refuses_changes_nothing(tmp_path: Path) -> None:
    """A POST or a PATCH that is not taken is one clear line without a secret; corrected, it goes through."""

    def scene(stage: Stage) -> None:
        body = {"error": True, "error_message": f"no: {PLANTED}1", "data": None}
        with stage.process():
            pipeline = stage.resource()
            stage.emulator.fault("POST", status=422, body=body)
            assert "[secret]" in stage.up(pipeline)
            assert pipeline.id == ""
            assert stage.up(pipeline) == "create"
            stage.emulator.fault("PATCH", status=422, body=body)
            assert "[secret]" in stage.up(pipeline, description="changed")
            assert stage.up(pipeline) == "same"

    lead(scene, tmp_path)


def test_ctrl_c(tmp_path: Path) -> None:
    """A create, an update and a delete that are cut off by Ctrl-C are kept, told and finished by the next command."""

    def scene(stage: Stage) -> None:
        emulator = stage.emulator
        emulator.script(outcome="HANG")
        with stage.process():
            pipeline = stage.resource()
            change = stage.begin(pipeline)
            stage.plugin.cancel()
            assert "was cancelled" in stage.end(change)
            assert pipeline.id == emulator.pipelines()[0]["id"]
            assert stage.clear(pipeline)["runs"][0]["status"] == "Cancelled"
        emulator.set_phase(pipeline.id, "RUNNING")
        with stage.process(pipeline):
            assert stage.up(pipeline) == "update"
            assert stage.methods == ["POST"]
            emulator.script(outcome="HANG")
            change = stage.begin(pipeline, description="changed")
            stage.plugin.cancel()
            assert "was cancelled" in stage.end(change)
        emulator.set_phase(pipeline.id, "RUNNING")
        emulator.fault("DELETE", status=204, times=None)
        with stage.process(pipeline):
            assert stage.up(pipeline, description="changed") == "update"
            assert stage.up(pipeline, description="changed") == "same"
            pending = stage.begin_destroy(pipeline)
            stage.plugin.cancel()
            assert stage.end(pending).startswith("delete pipeline swaps: cancelled, ID is RUNNING")
        emulator.clear_faults()
        with stage.process(pipeline):
            assert stage.destroy(pipeline) == "done"
        assert emulator.pipelines() == []
        assert stage.methods.count("POST") == 1

    lead(scene, tmp_path)


def test_time_is_up(tmp_path: Path) -> None:
    """`customTimeouts` end a create, an update and a delete; each is told, and goes on with the next command."""

    def scene(stage: Stage) -> None:
        emulator = stage.emulator
        emulator.script(outcome="HANG")
        with stage.process():
            pipeline = stage.resource()
            assert "is still DEPLOYING after N s (ready 0 of 1): time is up, raise " in stage.up(
                pipeline, timeout_seconds=3.0
            )
            assert stage.clear(pipeline)["runs"][0]["status"] == "TimedOut"
            emulator.set_phase(pipeline.id, "RUNNING")
            assert stage.up(pipeline) == "update"
            assert stage.methods == ["POST"]
            emulator.script(outcome="HANG")
            assert "time is up" in stage.up(pipeline, timeout_seconds=3.0, description="changed")
            emulator.set_phase(pipeline.id, "RUNNING")
            assert stage.up(pipeline, description="changed") == "update"
            assert stage.up(pipeline, description="changed") == "same"
            emulator.fault("DELETE", status=204, times=None)
            said = stage.destroy(pipeline, timeout_seconds=3.0)
            assert said == "delete pipeline swaps: time is up, ID is RUNNING; run the command again to go on"
            emulator.clear_faults()
            assert stage.destroy(pipeline) == "done"
        assert emulator.pipelines() == []

    lead(scene, tmp_path)


def test_kill_9(tmp_path: Path) -> None:
    """A process that dies in a create, an update or a delete leaves nothing that the next command does not finish."""

    def scene(stage: Stage) -> None:
        emulator = stage.emulator
        emulator.script(outcome="HANG", until="patched")
        with stage.process():
            pipeline = stage.resource()
            stage.begin(pipeline)
            stage.kill()
        (left,) = emulator.pipelines()
        with stage.process(pipeline):
            assert stage.up(pipeline) == "create"
            assert pipeline.id == left["id"]
        emulator.script(outcome="HANG", until="patched")
        with stage.process(pipeline):
            stage.begin(pipeline, description="changed")
            stage.kill()
        with stage.process(pipeline):
            assert stage.up(pipeline, description="changed") == "update"
            assert stage.up(pipeline, description="changed") == "same"
        emulator.fault("DELETE", status=204, times=None)
        with stage.process(pipeline):
            stage.begin_destroy(pipeline)
            stage.kill()
        emulator.clear_faults()
        with stage.process(pipeline):
            assert stage.destroy(pipeline) == "done"
        assert emulator.pipelines() == []
        assert "ID was created by an earlier run that was cut off; it is taken over" in stage.told
        assert stage.methods.count("POST") == 1

    lead(scene, tmp_path)


def test_a_pipeline_of_another_stack_is_adopted(tmp_path: Path) -> None:
    """It is refused, then taken over where the settings allow it; the old stack learns of it and deletes nothing."""

    def scene(stage: Stage) -> None:
        emulator = stage.emulator
        with stage.process(owner=OTHER_OWNER):
            theirs = stage.resource()
            stage.up(theirs)
        wanted: Properties = {"adopt_id": theirs.id, "name": "swaps", "description": "taken over"}
        with stage.process():
            ours = stage.resource("ours")
            assert "goldrush:adoptForeign" in stage.up(ours, **wanted)
        with stage.process(adoptForeign="true"):
            ours = stage.resource("ours")
            assert stage.up(ours, **wanted) == "create"
            assert ours.id == theirs.id
            assert stage.up(ours, **wanted) == "same"
        with stage.process(theirs, owner=OTHER_OWNER):
            stage.refresh(theirs)
            assert "carries the ownership tag of another Pulumi stack" in stage.up(theirs, description="back")
            assert "carries the ownership tag of another Pulumi stack" in stage.destroy(theirs)
        with stage.process(ours):
            # The id names what was taken over, and later commands do without it.
            assert stage.up(ours, name="swaps", description="taken over") == "same"
            assert stage.destroy(ours) == "done"
        assert emulator.pipelines() == []
        assert stage.methods.count("POST") == 1

    lead(scene, tmp_path)


@pytest.mark.traced
def test_a_pipeline_that_no_program_made_is_taken_in(tmp_path: Path) -> None:
    """By `pulumi import` or by `adopt_id`: one change sends credentials and tag, and nothing is made a second time."""

    def scene(stage: Stage) -> None:
        with stage.process(owner=OTHER_OWNER):
            made = stage.resource("made")
            stage.up(made, execution_start_from=1)
        # As in the Platform UI, where nobody writes a tag.
        stage.emulator.edit(made.id, description="mine")
        stage.emulator.clear_requests()
        stage.told.clear()
        declared: Properties = {"name": "made", "description": "mine", "execution_start_from": 1}
        with stage.process():
            ours = stage.resource("ours")
            stage.take_in(ours, made.id, **declared)
            assert stage.up(ours, **declared) == "same"
            assert stage.up(ours, **{**declared, "description": "changed"}) == "update"
        with stage.process(ours):
            assert stage.destroy(ours) == "done"
        assert stage.methods == ["PATCH", "PATCH", "DELETE"]

    lead(scene, tmp_path)


@pytest.mark.parametrize("how", LOST)
def test_responses_that_get_lost(tmp_path: Path, how: str) -> None:
    """A create whose response is lost is found by its tag; a change that may have been applied is sent back."""

    def scene(stage: Stage) -> None:
        emulator = stage.emulator
        with stage.process(retrySeconds="1"):
            pipeline = stage.resource()
            emulator.fault("POST", **LOST[how])
            assert stage.up(pipeline) == "create"
            emulator.fault("PATCH", times=None, **LOST[how])
            rotated = {**CONFIGS["postgres"], "password": f"{PLANTED}rotated"}
            said = stage.up(pipeline, destination_config=rotated)
            assert "not known whether GoldRush applied" in said
            assert "run `pulumi up` again" in said
            emulator.clear_faults()
            # The program is reverted: only what GoldRush holds differs.
            assert stage.up(pipeline) == "update"
            assert stage.up(pipeline) == "same"
        assert emulator.pipelines()[0]["destination_config"]["password"] == f"{PLANTED}1"
        assert stage.methods.count("POST") == 1

    lead(scene, tmp_path)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (404, "so it may well exist; nothing was changed"),
        (401, "the ServiceKey is missing, wrong or revoked (401)"),
        (503, "GoldRush failed (503)"),
    ],
)
def test_an_outage_loses_nothing(tmp_path: Path, status: int, reason: str) -> None:
    """Whatever GoldRush answers to every request, state stays as it was, and everything goes on afterwards."""

    def scene(stage: Stage) -> None:
        emulator = stage.emulator
        with stage.process(retrySeconds="1"):
            pipeline = stage.resource()
            stage.up(pipeline)
            held = pipeline.id, pipeline.inputs, pipeline.outputs
            emulator.outage(status)
            for said in (stage.refresh(pipeline), stage.destroy(pipeline), stage.up(pipeline, description="changed")):
                assert reason in said
            emulator.clear_faults()
            assert (pipeline.id, pipeline.inputs, pipeline.outputs) == held
            assert stage.refresh(pipeline) == "found"
            assert stage.up(pipeline) == "same"
        assert stage.methods == ["POST"]

    lead(scene, tmp_path)


def test_a_key_that_is_revoked_while_a_create_waits(tmp_path: Path) -> None:
    """The pipeline is recorded, and the next command that has a key goes on with it."""

    def scene(stage: Stage) -> None:
        with stage.process():
            pipeline = stage.resource()
            stage.emulator.fault("GET", "*/status/", status=401, times=None)
            assert "could not be followed" in stage.up(pipeline)
            assert pipeline.id == stage.emulator.pipelines()[0]["id"]
            stage.emulator.clear_faults()
            assert stage.up(pipeline) == "update"
        assert stage.methods == ["POST"]

    lead(scene, tmp_path)


def test_health_is_waited_for_where_it_is_asked_for(tmp_path: Path) -> None:
    """With `wait_for` at `healthy`, a destination that cannot be reached fails an up that else would succeed."""

    def scene(stage: Stage) -> None:
        emulator = stage.emulator
        with stage.process():
            pipeline = stage.resource()
            emulator.script(outcome="RUNNING", health_error=f"refused: {PLANTED}1")
            assert "refused: [secret]" in stage.up(pipeline, timeout_seconds=3.0, wait_for="healthy")
            assert stage.up(pipeline, wait_for="running") == "update"

    lead(scene, tmp_path)


def test_an_id_that_does_not_exist_is_not_adopted(tmp_path: Path) -> None:
    """Nothing is created in its place, and the message says what is looked for."""

    def scene(stage: Stage) -> None:
        with stage.process():
            pipeline = stage.resource()
            said = stage.up(pipeline, adopt_id="pipe_nobody")
            assert said.startswith(
                "adopt pipeline swaps: ID does not exist or is hidden from this ServiceKey; correct "
            )
            assert pipeline.id == ""
        assert stage.methods == []

    lead(scene, tmp_path)


@pytest.mark.parametrize("front_end", FRONT_ENDS, ids=lambda front_end: front_end.name)
def test_records_tell_what_changed_and_who_did_it(front_end: FrontEnd, emulator: Emulator) -> None:
    """An update names its inputs and the CI job, without values; another job later changes nothing of the outputs."""
    job = f"https://bot:{PLANTED}@ci.example.com/job/7?token={PLANTED}"
    first = {"PULUMI_CI_SYSTEM": "night build", "PULUMI_CI_BUILD_URL": job, "PULUMI_CI_PULL_REQUEST_SHA": "0" * 40}
    program = pipelines.program
    owner = resource_plugin.OWNER
    with front_end.start(emulator, owner, env=first) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(front_end.declare(program("postgres", execution_start_from=5), owner))
        pipeline.up(front_end.declare(program("postgres", execution_start_from=6, description="a new text"), owner))
        update, create = pipeline.clear["runs"]
    assert update["changed"] == ["description", "execution_start_from"]
    assert "changed" not in create
    by = {"ci": "night build", "job": "https://ci.example.com/job/7", "commit": "0" * 40}
    assert by.items() <= update.items()
    assert by.items() <= create.items()
    assert not any(text in str((update, create)) for text in (PLANTED, "a new text"))
    with front_end.start(emulator, owner, env={"PULUMI_CI_SYSTEM": "another"}) as plugin:
        later = Resource(plugin, id=pipeline.id, inputs=pipeline.inputs, outputs=pipeline.outputs)
        later.refresh()
        assert later.outputs == pipeline.outputs
        declared = program("postgres", execution_start_from=6, description="a new text")
        assert later.up(front_end.declare(declared, owner)) == "same"


def test_a_refusal_names_the_stack_of_a_tag(emulator: Emulator, tmp_path: Path) -> None:
    """A stack that the plugin deployed on this machine is named to a Python program, here one of the same name."""
    dynamic, packaged = FRONT_ENDS
    declared, machine = pipelines.program("webhook"), {"PULUMI_HOME": str(tmp_path)}
    with packaged.start(emulator, resource_plugin.OWNER, env=machine) as plugin:
        stack = Resource(plugin)
        stack.up(packaged.declare(declared, resource_plugin.OWNER))
    with dynamic.start(emulator, OTHER_OWNER, env=machine) as plugin:
        other = Resource(plugin, "other")
        with pytest.raises(VerbError, match=r"another Pulumi stack \(lab/dev too, as far as this machine knows\), "):
            other.up(dynamic.declare({**declared, "adopt_id": stack.id}, OTHER_OWNER))
