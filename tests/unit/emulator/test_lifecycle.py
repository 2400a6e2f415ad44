from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.emulator import Lifecycle, Switches

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldrush_pulumi.emulator.lifecycle import Until
    from tests.unit.emulator.conftest import Lab


def test_by_time_a_pipeline_comes_up_after_its_seconds(start: Callable[..., Lab]) -> None:
    """DEPLOYING with none ready until the deploy time is over, then RUNNING with all ready."""
    lab = start(lifecycle=Lifecycle.by_time(deploy_seconds=5))
    pipeline = lab.api.create()
    fresh = lab.api.data("GET", f"{pipeline['id']}/status/")
    assert (pipeline["status"], fresh["status"], fresh["ready"], fresh["replicas"]) == ("running", "DEPLOYING", 0, 1)
    lab.clock.advance(4.9)
    assert lab.api.phase(pipeline["id"]) == "DEPLOYING"
    lab.clock.advance(0.2)
    live = lab.api.data("GET", f"{pipeline['id']}/status/")
    assert (live["status"], live["ready"], live["start_time"]) == ("RUNNING", 1, fresh["start_time"])


def test_by_time_pause_goes_through_stopping(start: Callable[..., Lab]) -> None:
    """A pause shows STOPPING for the stop time, then PAUSED; a resume deploys again."""
    lab = start(lifecycle=Lifecycle.by_time(deploy_seconds=5, stop_seconds=2))
    pipeline = lab.api.create()
    lab.clock.advance(6)
    lab.api.data("PUT", f"{pipeline['id']}/", {"status": "paused"})
    assert lab.api.phase(pipeline["id"]) == "STOPPING"
    lab.clock.advance(2)
    assert lab.api.phase(pipeline["id"]) == "PAUSED"
    lab.api.data("PUT", f"{pipeline['id']}/", {"status": "running"})
    assert lab.api.phase(pipeline["id"]) == "DEPLOYING"
    lab.clock.advance(5)
    assert lab.api.phase(pipeline["id"]) == "RUNNING"


def test_resume_while_stopping_deploys_and_stays_up(start: Callable[..., Lab]) -> None:
    """A resume during STOPPING wins: the pause that was under way never arrives."""
    lab = start(lifecycle=Lifecycle.by_time(deploy_seconds=5, stop_seconds=2))
    pipeline = lab.api.create()
    lab.api.data("PUT", f"{pipeline['id']}/", {"status": "paused"})
    lab.api.data("PUT", f"{pipeline['id']}/", {"status": "running"})
    lab.clock.advance(3)
    assert lab.api.phase(pipeline["id"]) == "DEPLOYING"
    lab.clock.advance(100)
    assert lab.api.phase(pipeline["id"]) == "RUNNING"


def test_by_reads_each_passing_phase_is_seen_that_often(start: Callable[..., Lab]) -> None:
    """Two reads see DEPLOYING, two see STOPPING; an object read does not count."""
    lab = start(lifecycle=Lifecycle.by_reads(2))
    pipeline = lab.api.create()
    lab.api.data("GET", f"{pipeline['id']}/")
    assert lab.api.phases(pipeline["id"], 4) == ["DEPLOYING", "DEPLOYING", "RUNNING", "RUNNING"]
    lab.api.data("PUT", f"{pipeline['id']}/", {"status": "paused"})
    assert lab.api.phases(pipeline["id"], 3) == ["STOPPING", "STOPPING", "PAUSED"]


def test_by_reads_needs_at_least_one_read() -> None:
    """A phase that no read could see is refused."""
    with pytest.raises(ValueError, match="reads: 0 is too few"):
        Lifecycle.by_reads(0)


def test_manual_nothing_moves_alone(start: Callable[..., Lab]) -> None:
    """Neither time nor reads move a pipeline; set_phase does, with any ready and replicas."""
    lab = start(lifecycle=Lifecycle.manual())
    pipeline = lab.api.create()
    lab.clock.advance(10_000)
    assert set(lab.api.phases(pipeline["id"], 5)) == {"DEPLOYING"}
    lab.emulator.set_phase(pipeline["id"], "RUNNING", ready=1, replicas=2)
    status = lab.api.data("GET", f"{pipeline['id']}/status/")
    assert (status["status"], status["ready"], status["replicas"]) == ("RUNNING", 1, 2)
    assert len(lab.api.data("GET", f"{pipeline['id']}/logs/")["pods"]) == 2


def test_manual_deploying_is_a_new_deployment(start: Callable[..., Lab]) -> None:
    """Setting the phase DEPLOYING changes the start time."""
    lab = start(lifecycle=Lifecycle.manual())
    pipeline = lab.api.create()
    before = lab.emulator.set_phase(pipeline["id"], "STOPPED")
    after = lab.emulator.set_phase(pipeline["id"], "DEPLOYING")
    assert (after["deployments"], after["start_time"] > before["start_time"]) == (2, True)


def test_a_phase_that_does_not_exist_is_refused(lab: Lab) -> None:
    """A misspelt phase is an error that lists the right ones."""
    with pytest.raises(ValueError, match="phase: 'RUNING' is unknown, use one of DEPLOYING, RUNNING"):
        lab.emulator.set_phase(lab.api.create()["id"], "RUNING")


def test_a_bounded_pipeline_ends(start: Callable[..., Lab]) -> None:
    """A bounded pipeline runs for its time and stays STOPPED afterwards; its status is still running."""
    lab = start(lifecycle=Lifecycle.by_time(deploy_seconds=1, bounded_seconds=4))
    pipeline = lab.api.create(execution_mode="bounded", execution_stop_from="44745002")
    lab.clock.advance(1)
    assert lab.api.phase(pipeline["id"]) == "RUNNING"
    lab.clock.advance(4)
    assert lab.api.phase(pipeline["id"]) == "STOPPED"
    assert lab.api.data("GET", f"{pipeline['id']}/")["status"] == "running"
    assert lab.api.data("GET", f"{pipeline['id']}/metrics/")["last_block_height"] == 44745002


def test_instant_shows_the_goal_on_the_first_read(lab: Lab) -> None:
    """Without waiting, the first status read shows the last phase."""
    assert lab.api.phase(lab.api.create()["id"]) == "RUNNING"
    assert lab.api.phase(lab.api.create(execution_mode="bounded")["id"]) == "STOPPED"
    assert lab.api.phase(lab.api.create(status="paused")["id"]) == "PAUSED"


def test_start_times_differ_even_in_the_same_instant(lab: Lab) -> None:
    """Deployments of one and the same moment still have strictly growing start times."""
    pipelines = [lab.api.create() for _ in range(20)]
    lab.api.data("PATCH", f"{pipelines[0]['id']}/", {"description": "again"})
    times = [lab.full(item["id"])["start_time"] for item in (*pipelines[1:], pipelines[0])]
    assert times == sorted(set(times))


def test_a_paused_pipeline_has_never_started(lab: Lab) -> None:
    """A pipeline created paused has no start time, no pods and no deployment."""
    pipeline = lab.api.create(status="paused")
    status = lab.api.data("GET", f"{pipeline['id']}/status/")
    assert (status["start_time"], status["ready"], lab.full(pipeline["id"])["deployments"]) == (None, 0, 0)
    assert lab.api.data("GET", f"{pipeline['id']}/logs/")["pods"] == []


def test_peak_deploying_counts_what_deploys_together(start: Callable[..., Lab]) -> None:
    """The peak is the most pipelines DEPLOYING at one moment, not the number of all deployments."""
    lab = start(lifecycle=Lifecycle.by_time(deploy_seconds=5))
    for _ in range(3):
        lab.api.create()
        lab.clock.advance(2)
    lab.clock.advance(10)
    lab.api.create()
    assert lab.emulator.peak_deploying == 3
    gone = lab.api.create()
    lab.emulator.remove(gone["id"])
    assert lab.emulator.peak_deploying == 3


def test_logs_have_nothing_to_tail_while_deploying(start: Callable[..., Lab]) -> None:
    """While the pod is scheduled, its log is a runtime error with the envelope still free of errors."""
    lab = start(lifecycle=Lifecycle.by_reads(1))
    pipeline = lab.api.create()
    [pod] = lab.api.data("GET", f"{pipeline['id']}/logs/")["pods"]
    assert "unable to upgrade connection: container not found" in pod["logs"]
    lab.api.phases(pipeline["id"], 2)
    [pod] = lab.api.data("GET", f"{pipeline['id']}/logs/")["pods"]
    assert "Consuming base.mainnet.ref.block.swap.v3 from block 44745000" in pod["logs"].splitlines()[-1]


def test_a_new_deployment_has_new_pods(lab: Lab) -> None:
    """A redeploy changes the name of the pod and empties its log."""
    pipeline = lab.api.create()
    lab.emulator.write_logs(pipeline["id"], ["INFO of the first deployment"])
    [before] = lab.api.data("GET", f"{pipeline['id']}/logs/")["pods"]
    lab.api.data("PATCH", f"{pipeline['id']}/", {"description": "changed"})
    [after] = lab.api.data("GET", f"{pipeline['id']}/logs/")["pods"]
    assert before["pod"] != after["pod"]
    assert ("first deployment" in before["logs"], "first deployment" in after["logs"]) == (True, False)


def test_metrics_grow_while_running(start: Callable[..., Lab]) -> None:
    """Height and records grow with the time RUNNING; a pause keeps the height and a restart counts from zero."""
    lab = start(lifecycle=Lifecycle.by_time(deploy_seconds=0, stop_seconds=0))
    pipeline = lab.api.create()
    lab.clock.advance(30)
    running = lab.api.data("GET", f"{pipeline['id']}/metrics/")
    assert (running["last_block_height"], running["records_consumed"]) == (44745030, 3600)
    lab.api.data("PUT", f"{pipeline['id']}/", {"status": "paused"})
    lab.clock.advance(30)
    paused = lab.api.data("GET", f"{pipeline['id']}/metrics/")
    assert (paused["last_block_height"], paused["records_per_second"]) == (44745030, 0)


def test_crash_stays_failed_until_it_is_patched(lab: Lab) -> None:
    """A crashed worker shows FAILED with its last lines and the health error; a PATCH heals it."""
    pipeline = lab.api.create()
    lab.emulator.fail(pipeline["id"], logs=["ERROR Sink open failed"], health_error="connection refused")
    assert lab.api.phases(pipeline["id"], 3) == ["FAILED"] * 3
    [pod] = lab.api.data("GET", f"{pipeline['id']}/logs/")["pods"]
    assert pod["logs"].splitlines()[-1] == "ERROR Sink open failed"
    health = lab.api.data("GET", f"{pipeline['id']}/destination-health/")
    assert (health["healthy"], health["last_error"]) == (False, "connection refused")
    lab.api.data("PATCH", f"{pipeline['id']}/", {"description": "again"})
    assert lab.api.phase(pipeline["id"]) == "RUNNING"
    assert lab.api.data("GET", f"{pipeline['id']}/destination-health/")["healthy"] is True


@pytest.mark.parametrize(
    ("until", "after_patch", "after_resume"),
    [
        ("patched", "RUNNING", "RUNNING"),
        ("resumed", "FAILED", "RUNNING"),
        ("never", "FAILED", "FAILED"),
        (None, "RUNNING", "RUNNING"),
    ],
)
def test_script_fails_until_its_end(lab: Lab, until: Until | None, after_patch: str, after_resume: str) -> None:
    """A scripted failure applies to every deployment of matching names until it ends, and to no other name."""
    lab.emulator.script(name="bad*", outcome="FAILED", logs=["ERROR no"], health_error="refused", until=until)
    good, bad = lab.api.create(name="good one"), lab.api.create(name="bad one")
    path = f"{bad['id']}/"
    assert (lab.api.phase(good["id"]), lab.api.phase(bad["id"])) == ("RUNNING", "FAILED")
    lab.api.data("PATCH", path, {"description": "second try"})
    assert lab.api.phase(bad["id"]) == after_patch
    lab.api.data("PUT", path, {"status": "paused"})
    lab.api.data("PUT", path, {"status": "running"})
    assert lab.api.phase(bad["id"]) == after_resume


def test_script_applies_to_an_update_of_a_healthy_pipeline(lab: Lab) -> None:
    """A script that is added later makes the next deployment fail, even if a PATCH would end it."""
    pipeline = lab.api.create()
    lab.emulator.script(outcome="FAILED", until="patched")
    lab.api.data("PATCH", f"{pipeline['id']}/", {"description": "breaks"})
    assert lab.api.phase(pipeline["id"]) == "FAILED"
    lab.api.data("PATCH", f"{pipeline['id']}/", {"description": "heals"})
    assert lab.api.phase(pipeline["id"]) == "RUNNING"


def test_script_that_hangs_stays_deploying(lab: Lab) -> None:
    """HANG never leaves DEPLOYING; without the script the next deployment succeeds."""
    lab.emulator.script(outcome="HANG", until="never")
    pipeline = lab.api.create()
    lab.clock.advance(10_000)
    assert lab.api.phases(pipeline["id"], 3) == ["DEPLOYING"] * 3
    lab.emulator.clear_scripts()
    lab.api.data("PATCH", f"{pipeline['id']}/", {"description": "again"})
    assert lab.api.phase(pipeline["id"]) == "RUNNING"


def test_script_that_flaps_ends_up_running(start: Callable[..., Lab]) -> None:
    """FLAP is RUNNING, then FAILED for a while, then RUNNING for good, within one deployment."""
    lab = start(lifecycle=Lifecycle.by_reads(1))
    lab.emulator.script(outcome="FLAP")
    pipeline = lab.api.create()
    assert lab.api.phases(pipeline["id"], 5) == ["DEPLOYING", "RUNNING", "FAILED", "RUNNING", "RUNNING"]
    assert lab.full(pipeline["id"])["deployments"] == 1


def test_script_may_heal_by_time(start: Callable[..., Lab]) -> None:
    """A failure "healed by time" is back after the heal time, in the same deployment."""
    lab = start(lifecycle=Lifecycle.by_time(deploy_seconds=1, heal_seconds=8))
    lab.emulator.script(outcome="FAILED", until="healed by time", health_error="refused")
    pipeline = lab.api.create()
    lab.clock.advance(1)
    assert lab.api.phase(pipeline["id"]) == "FAILED"
    lab.clock.advance(8)
    assert lab.api.phase(pipeline["id"]) == "RUNNING"
    assert lab.full(pipeline["id"])["health_error"] is None


def test_script_may_have_fewer_ready_replicas_and_a_bad_destination(lab: Lab) -> None:
    """A RUNNING outcome can have fewer ready replicas than desired, and an unhealthy destination."""
    lab.emulator.script(outcome="RUNNING", replicas=3, ready=2, health_error="table is read only", logs=["WARN slow"])
    pipeline = lab.api.create()
    status = lab.api.data("GET", f"{pipeline['id']}/status/")
    assert (status["status"], status["ready"], status["replicas"]) == ("RUNNING", 2, 3)
    assert lab.api.data("GET", f"{pipeline['id']}/destination-health/")["last_error"] == "table is read only"
    lab.emulator.set_health(pipeline["id"])
    assert lab.api.data("GET", f"{pipeline['id']}/destination-health/")["healthy"] is True


@pytest.mark.parametrize("wrong", [{"outcome": "EXPLODE"}, {"until": "tomorrow"}])
def test_a_wrong_script_is_refused(lab: Lab, wrong: dict[str, Any]) -> None:
    """Unknown outcomes and ends are errors that list the right ones."""
    with pytest.raises(ValueError, match="is unknown, use one of"):
        lab.emulator.script(**wrong)


def test_pausing_what_has_ended_keeps_it_stopped(lab: Lab) -> None:
    """An ended bounded pipeline accepts the status paused and has nothing to stop."""
    pipeline = lab.api.create(execution_mode="bounded")
    lab.api.data("PUT", f"{pipeline['id']}/", {"status": "paused"})
    assert lab.api.phase(pipeline["id"]) == "STOPPED"


def test_a_patch_of_a_paused_pipeline_deploys_nothing(lab: Lab) -> None:
    """A changed configuration waits for the resume."""
    pipeline = lab.api.create(status="paused")
    lab.api.data("PATCH", f"{pipeline['id']}/", {"description": "changed"})
    assert (lab.api.phase(pipeline["id"]), lab.full(pipeline["id"])["deployments"]) == ("PAUSED", 0)


def test_manual_end_of_a_bounded_pipeline(start: Callable[..., Lab]) -> None:
    """Setting STOPPED, if it is the next phase anyway, counts as the end of a bounded pipeline."""
    lab = start(lifecycle=Lifecycle.manual(), switches=Switches(bounded_end_status="paused"))
    pipeline = lab.api.create(execution_mode="bounded")
    lab.emulator.set_phase(pipeline["id"], "RUNNING")
    lab.emulator.set_phase(pipeline["id"], "STOPPED")
    assert lab.api.data("GET", f"{pipeline['id']}/")["status"] == "paused"
