"""What belongs to whom, proven on real processes: many creates at once, processes that die, ids given twice."""

from __future__ import annotations

import base64
import json
import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi import session
from goldrush_pulumi.emulator import Emulator, Lifecycle
from goldrush_pulumi.engine import host as dynamic_host
from goldrush_pulumi.plugin import host as plugin_host
from goldrush_pulumi.provider import make_provider
from tests.plugin.bookkeeper import Resource, as_sent
from tests.plugin.fake_engine import PATIENCE_SECONDS
from tests.plugin.pipelines import program
from tests.plugin.pipelines import start as start_anywhere
from tests.plugin.wire import VerbError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.plugin.harness import Plugin

OWNER = "0123456789abcdef" * 2
MANY = 64

Start = Callable[["Emulator"], "Plugin"]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts provider processes of one machine, whose user has a home of its own."""
    return lambda emulator: start_anywhere(emulator, env={"PULUMI_HOME": str(tmp_path)})


@pytest.fixture
def by_hand() -> Iterator[Emulator]:
    """A GoldRush on which nothing moves by itself."""
    with Emulator(lifecycle=Lifecycle.manual()) as running:
        yield running


def owned(**changes: Any) -> dict[str, Any]:
    """A pipeline of a stack that has an owner."""
    return program("webhook", **{"__owner": OWNER, **changes})


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "never came"
        time.sleep(0.01)


def posts(emulator: Emulator) -> int:
    return sum(request.method == "POST" for request in emulator.requests())


def test_many_creates_share_one_look(emulator: Emulator, start: Start) -> None:
    """64 creates at once read the list once, to its end, before the first of them is sent."""
    with start(emulator) as plugin:
        checked = {f"p{number}": as_sent(plugin.check(f"p{number}", owned()).inputs) for number in range(MANY)}
        pending = [plugin.create_async(name, inputs) for name, inputs in checked.items()]
        ids = {call.result().id for call in pending}
    kinds = [request.kind for request in emulator.requests()]
    assert len(ids) == MANY
    assert [kind.endswith("/pipeline-api/") for kind in kinds if kind.startswith("GET")].count(True) == 1
    assert kinds[0].startswith("GET")
    assert {pipeline["id"] for pipeline in emulator.pipelines()} == ids


def test_a_killed_process_leaves_a_note(by_hand: Emulator, start: Start) -> None:
    """Where the list lags far behind, the next process on the same machine still finds what was created."""
    by_hand.switch(list_lag_seconds=3600.0)
    with start(by_hand) as plugin:
        inputs = as_sent(plugin.check("swaps", owned()).inputs)
        plugin.create_async("swaps", inputs)
        until(lambda: any(request.path.endswith("/status/") for request in by_hand.requests()))
        plugin.process.kill()
        plugin.process.wait()
    (left,) = by_hand.pipelines()
    by_hand.clear_requests()
    with start(by_hand) as plugin:
        pending = plugin.create_async("swaps", inputs)
        until(lambda: any(request.method == "PATCH" for request in by_hand.requests()))
        by_hand.set_phase(left["id"], "RUNNING")
        assert pending.result().id == left["id"]
    assert posts(by_hand) == 0


def test_a_gone_engine_ends_the_process_before_its_next_change(emulator: Emulator, start: Start) -> None:
    """Where the engine went while the list was read, no POST is sent, and the process ends by itself."""
    emulator.fault("GET", "*/pipeline-api/", delay_seconds=1.0)
    with start(emulator) as plugin:
        inputs = as_sent(plugin.check("swaps", owned()).inputs)
        plugin.create_async("swaps", inputs)
        until(emulator.requests)
        plugin.engine.stop()
        assert plugin.wait_for_exit() == 1
    assert posts(emulator) == 0
    assert emulator.pipelines() == []


def test_one_id_for_two_resources(emulator: Emulator, start: Start) -> None:
    """The second resource that is to adopt the same pipeline is refused."""
    with start(emulator) as plugin:
        Resource(plugin, "first").up(owned(name="shared"))
    (existing,) = emulator.pipelines()
    with start(emulator) as plugin:
        Resource(plugin, "second").up(owned(adopt_id=existing["id"], name="shared"))
        with pytest.raises(VerbError, match="::second already; give each resource its own"):
            Resource(plugin, "third").up(owned(adopt_id=existing["id"], name="shared"))
    assert posts(emulator) == 1


def test_diff_of_a_refresh_is_no_claim(emulator: Emulator, start: Start) -> None:
    """The engine asks for a diff while it refreshes a record that the program no longer declares: adoption is free."""
    with start(emulator) as plugin:
        old = Resource(plugin, "old")
        old.up(owned(name="shared"))
    with start(emulator) as plugin:
        old.plugin = plugin
        old.refresh()
        assert old.diff(old.inputs).changes == "DIFF_NONE"
        new = Resource(plugin, "new")
        new.up(owned(name="shared", adopt_id=old.id))
        assert new.id == old.id
        with pytest.raises(VerbError, match="is also recorded by new, so it stays"):
            old.destroy()


def recorded_twice(emulator: Emulator, start: Start) -> tuple[Resource, Resource]:
    """Two resources whose state holds the same pipeline."""
    with start(emulator) as plugin:
        first = Resource(plugin, "first")
        first.up(owned())
    return first, Resource(plugin, "second", first.id, first.inputs, first.outputs)


def test_two_records_of_one_pipeline_are_refused(emulator: Emulator, start: Start) -> None:
    """A pipeline that two resources have in state is told by diff, and neither record may delete it unnoticed."""
    first, second = recorded_twice(emulator, start)
    with start(emulator) as plugin:
        first.plugin = second.plugin = plugin
        assert first.up(owned()) == "same"
        with pytest.raises(VerbError, match="is recorded by two resources"):
            second.up(owned(name="first"))
        with pytest.raises(VerbError, match="is also recorded by first, so it stays"):
            second.destroy()
        assert len(emulator.pipelines()) == 1
        first.destroy()
    assert emulator.pipelines() == []


def test_state_of_two_pythons_is_one_process_that_knows_itself(emulator: Emulator, start: Start) -> None:
    """A record whose provider another Python pickled in other bytes is not deleted under the resource that has it."""
    first, second = recorded_twice(emulator, start)
    with start(emulator) as plugin:
        first.plugin = second.plugin = plugin
        assert first.up(owned()) == "same"
        plugin.provider = base64.b64encode(pickle.dumps(make_provider(), protocol=2)).decode()
        with pytest.raises(VerbError, match="is also recorded by first, so it stays"):
            second.destroy()
    assert len(emulator.pipelines()) == 1


def test_same_names_under_two_owners(emulator: Emulator, start: Start) -> None:
    """A second stack whose resource has the same name and project makes no second pipeline unasked."""
    with start(emulator) as plugin:
        mine = Resource(plugin, "swaps")
        mine.up(owned())
    with start(emulator) as plugin, pytest.raises(VerbError) as refused:
        Resource(plugin, "swaps").up(owned(__owner="f" * 32))
    assert f'adopt_id="{mine.id}"' in refused.value.text
    owned_by = "another stack (lab/dev too, as far as this machine knows)"
    assert f"goldrush:adoptForeign set to true because {owned_by} owns it" in refused.value.text
    assert posts(emulator) == 1


# --- What the engine has got ------------------------------------------------------------------------------------------


def stages(home: Path) -> list[str]:
    """How far each create got, by the journal of the machine."""
    notes = [json.loads(file.read_text("utf-8")) for file in (home / "goldrush" / "creates").glob("*.json")]
    # A note without an id is of a create that waits for its response; the stages of all others have notes of their own.
    return sorted(note.get("stage", "begun") for note in notes if "stage" in note or "id" not in note)


def test_process_that_ends_in_good_order_delivers(emulator: Emulator, start: Start, tmp_path: Path) -> None:
    """The engine ends a process only after it got every reply: what was created is in its state then."""
    with start(emulator) as plugin:
        Resource(plugin, "swaps").up(owned())
        assert stages(tmp_path) == ["created"]
    assert stages(tmp_path) == ["delivered"]


def test_processes_of_tests_note_nothing_in_the_users_home(
    emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A process that is told of no home keeps its notes in that of its test."""
    home = Path(os.environ["PULUMI_HOME"])
    assert tmp_path_factory.getbasetemp() in home.parents
    with start_anywhere(emulator) as plugin:
        Resource(plugin, "swaps").up(owned())
    assert stages(home) == ["delivered"]


def test_process_that_is_killed_delivers_nothing(emulator: Emulator, start: Start, tmp_path: Path) -> None:
    """Killed right after the reply, nobody knows whether the engine has saved it: the pipeline may be an orphan."""
    with start(emulator) as plugin:
        Resource(plugin, "swaps").up(owned())
        plugin.process.kill()
        plugin.process.wait()
    assert stages(tmp_path) == ["created"]


def test_process_of_a_dead_engine_delivers_nothing(emulator: Emulator, start: Start, tmp_path: Path) -> None:
    """An engine that is gone seconds after the reply may not have saved it."""
    with start(emulator) as plugin:
        Resource(plugin, "swaps").up(owned())
        plugin.engine.stop()
        plugin.wait_for_exit()
    assert stages(tmp_path) == ["created"]


def test_engine_that_goes_on_has_saved(emulator: Emulator, start: Start, tmp_path: Path) -> None:
    """Some seconds after the reply, with the engine still there, its state holds the pipeline, a kill or not."""
    with start(emulator) as plugin:
        Resource(plugin, "swaps").up(owned())
        until(lambda: stages(tmp_path) == ["delivered"])
        plugin.process.kill()
        plugin.process.wait()
    assert stages(tmp_path) == ["delivered"]


def test_process_that_misses_its_end_has_delivered() -> None:
    """A host may miss the engine's signal and is killed five seconds later: what it returned is noted by then."""
    for interval_seconds in (dynamic_host._WATCH_SECONDS, plugin_host._WATCH_INTERVAL_SECONDS):
        assert session._SAVED_AFTER_SECONDS + interval_seconds < 5.0


def test_pipeline_that_is_waited_for_is_not_delivered(by_hand: Emulator, start: Start, tmp_path: Path) -> None:
    """While a create waits, the engine has nothing of it: cut off, it is an orphan."""
    with start(by_hand) as plugin:
        inputs = as_sent(plugin.check("swaps", owned()).inputs)
        plugin.create_async("swaps", inputs)
        until(lambda: stages(tmp_path) == ["created"])
        plugin.process.kill()
        plugin.process.wait()
    assert stages(tmp_path) == ["created"]


def test_later_verb_records(emulator: Emulator, start: Start, tmp_path: Path) -> None:
    """The next process that gets the id from a state notes that it is recorded."""
    with start(emulator) as plugin:
        swaps = Resource(plugin, "swaps")
        swaps.up(owned())
    with start(emulator) as plugin:
        swaps.plugin = plugin
        assert swaps.up(owned()) == "same"
        assert stages(tmp_path) == ["recorded"]


def test_state_that_is_saved_late_is_not_taken_for_saved(emulator: Emulator, tmp_path: Path) -> None:
    """With PULUMI_SKIP_CHECKPOINTS state is saved at the end of the run, however long the engine goes on before."""
    environment = {"PULUMI_HOME": str(tmp_path), "PULUMI_SKIP_CHECKPOINTS": "true"}
    with start_anywhere(emulator, env=environment) as plugin:
        swaps = Resource(plugin, "swaps")
        swaps.up(owned())
        with start_anywhere(emulator, env={"PULUMI_HOME": str(tmp_path / "other")}) as other:
            # The other process, which is younger, says when the time has come.
            Resource(other, "mints").up(owned(name="mints"))
            until(lambda: stages(tmp_path / "other") == ["delivered"])
        assert stages(tmp_path) == ["created"]
