from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi.emulator import Emulator
from goldrush_pulumi.emulator.lifecycle import Lifecycle
from tests.plugin.bookkeeper import Resource, as_sent, searched
from tests.plugin.fake_engine import PATIENCE_SECONDS
from tests.plugin.pipelines import CONFIGS, program, start
from tests.plugin.wire import VerbError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.plugin.fake_engine import Line
    from tests.plugin.harness import Plugin
    from tests.plugin.wire import Pending

CHANGING = {"POST", "PATCH", "PUT", "DELETE"}


@pytest.fixture
def held() -> Iterator[Emulator]:
    """An emulator in which every pipeline stays DEPLOYING until the test moves it."""
    with Emulator(lifecycle=Lifecycle.manual()) as running:
        yield running


def wait_for(condition: Callable[[], bool]) -> None:
    """Return as soon as `condition` holds."""
    pause, rounds = threading.Event(), int(PATIENCE_SECONDS / 0.05)
    assert any(condition() or pause.wait(0.05) for _ in range(rounds)), "it did not happen"


def send_creates(plugin: Plugin, count: int) -> dict[str, Pending]:
    """Check and create `count` pipelines of all destinations without waiting for any."""
    types = list(CONFIGS)
    pending = {}
    for number in range(count):
        name = f"pipeline-{number}"
        checked = searched(plugin.check(name, program(types[number % len(types)]))).inputs
        pending[name] = plugin.create_async(name, as_sent(checked))
    return pending


def has_status_line(lines: list[Line], name: str) -> bool:
    """Whether a status line was shown on the row of the resource `name`."""
    return any(line.urn.endswith(f"::{name}") and line.ephemeral for line in lines)


def changing(emulator: Emulator) -> list[str]:
    return [request.method for request in emulator.requests() if request.method in CHANGING]


def status_reads(emulator: Emulator) -> Counter[str]:
    """How often the status of each pipeline was read, by its id."""
    paths = (request.path.strip("/").split("/") for request in emulator.requests() if request.method == "GET")
    return Counter(path[-2] for path in paths if path[-1] == "status")


def test_64_pipelines_deploy_at_the_same_moment(held: Emulator, sdk_python: Path) -> None:
    """All 64 are DEPLOYING together; each create answers with its own pipeline, and each exists once."""
    with start(held, sdk_python) as plugin:
        pending = send_creates(plugin, 64)
        wait_for(lambda: len(held.pipelines()) == 64)
        assert held.peak_deploying == 64
        assert not any(answer.done for answer in pending.values())
        for pipeline in held.pipelines():
            held.set_phase(pipeline["id"], "RUNNING")
        replies = {name: searched(answer.result()) for name, answer in pending.items()}
    assert {reply.id: name for name, reply in replies.items()} == {
        pipeline["id"]: pipeline["name"] for pipeline in held.pipelines()
    }
    assert changing(held) == ["POST"] * 64


def test_600_pipelines_come_up(emulator: Emulator) -> None:
    """One provider string serves a program of 600 pipelines: each is created once, and the next look finds it clean."""
    with start(emulator) as plugin:
        pending = send_creates(plugin, 600)
        replies = {name: searched(answer.result()) for name, answer in pending.items()}
        for name in ("pipeline-0", "pipeline-299", "pipeline-599"):
            outputs = as_sent(replies[name].properties)
            assert (
                plugin.diff(name, replies[name].id, outputs, {**outputs, "wait_for": "running"}).changes == "DIFF_NONE"
            )
        assert plugin.printed == ""
    assert len({reply.id for reply in replies.values()}) == 600
    assert Counter(pipeline["name"] for pipeline in emulator.pipelines()) == Counter(replies.keys())
    assert changing(emulator) == ["POST"] * 600


def test_cancel_records_all_that_wait(held: Emulator, sdk_python: Path) -> None:
    """Ctrl-C while 32 pipelines deploy: each is a partial create with its own id, and nothing more is sent."""
    with start(held, sdk_python) as plugin:
        pending = send_creates(plugin, 32)
        wait_for(lambda: len(status_reads(held)) == 32)
        plugin.cancel()
        recorded = {}
        for name, answer in pending.items():
            with pytest.raises(VerbError) as caught:
                answer.result()
            assert caught.value.partial is not None
            assert caught.value.partial.has_provider
            recorded[caught.value.partial.id] = name
            run = caught.value.partial.properties["runs"][0]
            assert run["status"] == "Cancelled"
            assert "was cancelled" in caught.value.text
        assert recorded == {pipeline["id"]: pipeline["name"] for pipeline in held.pipelines()}
        assert changing(held) == ["POST"] * 32


def test_nothing_is_sent_after_the_engine_is_gone(held: Emulator, sdk_python: Path) -> None:
    """Killed while 16 creates wait: the process ends by itself, and sends nothing that changes anything any more."""
    with start(held, sdk_python) as plugin:
        send_creates(plugin, 16)
        wait_for(lambda: len(held.pipelines()) == 16)
        plugin.engine.stop()
        assert plugin.wait_for_exit() == 1
    assert changing(held) == ["POST"] * 16


def test_no_update_is_sent_for_an_engine_that_is_gone(emulator: Emulator) -> None:
    """The engine dies between the look-up of an update and its PATCH: the PATCH is not sent."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program())
        emulator.clear_requests()
        emulator.fault("GET", "*/status/", delay_seconds=1.0)
        wanted = as_sent(pipeline.check(program(description="changed")))
        plugin.update_async("swaps", pipeline.id, pipeline.clear, wanted, old_inputs=as_sent(pipeline.inputs))
        wait_for(lambda: bool(emulator.requests()))
        plugin.engine.stop()
        assert plugin.wait_for_exit() == 1
    assert changing(emulator) == []
    assert emulator.pipelines()[0]["description"].partition("[")[0].strip() == ""


def test_no_create_is_sent_for_an_engine_that_is_gone(emulator: Emulator) -> None:
    """Creates that reach the process after its engine died, as those queued in a killed CLI do, make nothing."""
    with start(emulator) as plugin:
        checked = plugin.check("swaps", program()).inputs
        plugin.engine.stop()
        pending = plugin.create_async("swaps", as_sent(checked))
        with pytest.raises(VerbError):
            pending.result()
    assert emulator.pipelines() == []
    assert changing(emulator) == []


def test_all_verbs_at_once_in_a_fresh_process(emulator: Emulator) -> None:
    """The first verbs of a process load the network side together: none sees a half loaded module."""
    with start(emulator) as plugin:
        kept = [Resource(plugin, f"kept-{number}") for number in range(8)]
        for pipeline in kept:
            pipeline.up(program())
    with start(emulator) as plugin:
        pending: list[Pending] = []
        for pipeline in kept:
            pipeline.plugin = plugin
            name, id_, outputs, inputs = pipeline.name, pipeline.id, pipeline.clear, as_sent(pipeline.inputs)
            pending += [
                plugin.read_async(name, id_, outputs, inputs),
                plugin.update_async(name, id_, outputs, {**inputs, "description": "changed"}, old_inputs=inputs),
                plugin.create_async(f"{name}-new", {**inputs, "name": f"{name}-new"}),
                plugin.delete_async(f"{name}-gone", "pipe_gone", outputs),
            ]
        results = [outcome(answer) for answer in pending]
    # A pipeline that is not there is gone as far as this key can tell, for it sees others of the same group.
    assert Counter(results) == Counter({"done": 32})


def outcome(answer: Pending) -> str:
    """Answer "done", or what the user would read."""
    try:
        answer.result()
    except VerbError as error:
        return error.text
    return "done"
