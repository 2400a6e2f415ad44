from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

from goldrush_pulumi.operations.history import Run, recorded, utc_now


def ticking() -> Run:
    ticks = count(1)
    return Run("update", "abc", now=lambda: f"t{next(ticks)}")


def test_a_record_of_a_deployment_that_went_well() -> None:
    """Each step begins where the one before it ended well; the record ends with its last step."""
    run = ticking()
    for step in ("look-up", "submit", "deploy", "deploy", "ready"):
        run.enter(step)
    run.finish("Succeeded")

    assert run.as_output() == {
        "config_version": "abc",
        "action": "update",
        "status": "Succeeded",
        "started_at": "t1",
        "finished_at": "t10",
        "steps": [
            {"name": "look-up", "status": "Succeeded", "started_at": "t2", "finished_at": "t3"},
            {"name": "submit", "status": "Succeeded", "started_at": "t4", "finished_at": "t5"},
            {"name": "deploy", "status": "Succeeded", "started_at": "t6", "finished_at": "t7"},
            {"name": "ready", "status": "Succeeded", "started_at": "t8", "finished_at": "t9"},
        ],
    }


def test_the_step_it_failed_in_fails_with_it() -> None:
    """A record tells in which step a deployment ended, and how."""
    run = ticking()
    run.enter("submit")
    run.enter("deploy")
    run.finish("TimedOut")

    assert [(step["name"], step["status"]) for step in run.as_output()["steps"]] == [
        ("submit", "Succeeded"),
        ("deploy", "TimedOut"),
    ]
    assert run.as_output()["status"] == "TimedOut"


def test_a_record_without_steps() -> None:
    """A record that never entered a step can be finished, and one that is not finished has no end."""
    run = ticking()
    assert (run.as_output()["status"], run.as_output()["finished_at"]) == ("Running", None)
    run.finish("Cancelled")
    assert run.as_output()["steps"] == []


def test_what_was_put_out_does_not_change() -> None:
    """A record that goes on does not reach back into what state already holds."""
    run = ticking()
    run.enter("deploy")
    before = run.as_output()
    run.finish("Failed")

    assert before["steps"] == [{"name": "deploy", "status": "Running", "started_at": "t2"}]


def test_five_records_are_kept_newest_first() -> None:
    """The newest record comes first, the oldest beyond five falls out, and there may be none before."""
    run = ticking()

    assert recorded(run, None) == [run.as_output()]
    assert recorded(run, [1, 2]) == [run.as_output(), 1, 2]
    assert recorded(run, [1, 2, 3, 4, 5]) == [run.as_output(), 1, 2, 3, 4]


def test_times_are_utc_to_the_millisecond() -> None:
    """Times are ISO 8601 with a Z, which every tool reads."""
    text = utc_now()
    read = datetime.fromisoformat(text)

    assert text.endswith("Z")
    assert len(text) == len("2026-01-01T00:00:00.000Z")
    assert read.tzinfo == UTC


def test_a_record_says_what_changed_and_who_did_it() -> None:
    """Names of inputs and what is known of the author stand beside the times; a create has nothing to compare with."""
    author = {"user": "alice", "ci": "GitLab CI"}
    update = Run("update", "abc", changed=("name", "triggers"), author=author).as_output()
    assert (update["changed"], update["user"], update["ci"]) == (["name", "triggers"], "alice", "GitLab CI")
    assert "changed" not in Run("create", "abc").as_output()
