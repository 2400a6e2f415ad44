"""What a machine remembers of the creates that it began, and of those that the engine has got."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.api import GoldRushError
from goldrush_pulumi.api.errors import Interrupted
from goldrush_pulumi.operations import journal as journal_module
from goldrush_pulumi.operations.create import CreateUnknown, create
from goldrush_pulumi.operations.identity import OwnershipTag
from goldrush_pulumi.operations.journal import CreateJournal, JournalEntry
from goldrush_pulumi.operations.notes import read_note, user_folder
from tests.support.account import OWNER, TAG, URN, Account, urn_of
from tests.support.clock import FakeClock
from tests.support.pipelines import spec_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from goldrush_pulumi.operations.journal import Stage


class Seconds:
    """The clock of one machine, which goes on from process to process."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Laptop:
    """One machine: its notes stay from process to process. Its clock moves while a process waits."""

    def __init__(self, account: Account, folder: Path) -> None:
        self.account, self.folder, self.clock = account, folder, Seconds()

    def create(self, recovery_seconds: float = 30.0, show_at: float | None = None) -> str:
        """Create the pipeline in a new process; `show_at` is the second from which the list shows everything."""
        process = self.account.process(recovery_seconds=recovery_seconds)
        process.journal = CreateJournal(self.folder, self.clock)
        begun = self.clock.seconds

        def sleep(seconds: float) -> None:
            self.clock.seconds = begun + seconds
            if show_at is not None and seconds >= show_at:
                self.account.server.switch(list_lag_seconds=0.0)

        return create(process.context(clock=FakeClock(at_sleep=sleep)), spec_of()).pipeline_id


# --- The notes --------------------------------------------------------------------------------------------------------


def test_note_lives_from_process_to_process(tmp_path: Path) -> None:
    """Begun, then finished with an id, then forgotten: each is what the next process reads."""
    clock = Seconds()
    CreateJournal(tmp_path / "notes", clock).begin(TAG)
    clock.seconds += 7
    assert CreateJournal(tmp_path / "notes", clock).find(TAG) == JournalEntry(7, None, "begun")
    CreateJournal(tmp_path / "notes", clock).finish(TAG, "pipe_1")
    assert CreateJournal(tmp_path / "notes", clock).find(TAG) == JournalEntry(0, "pipe_1", "created")
    CreateJournal(tmp_path / "notes", clock).forget(TAG)
    assert CreateJournal(tmp_path / "notes", clock).find(TAG) is None


def test_notes_are_of_one_resource(tmp_path: Path) -> None:
    """Another resource or another stack has notes of its own."""
    CreateJournal(tmp_path).begin(TAG)

    assert CreateJournal(tmp_path).find(OwnershipTag.of("f" * 32, URN)) is None
    assert CreateJournal(tmp_path).find(OwnershipTag.of(OWNER, f"{URN}-2")) is None


def test_old_notes_do_not_matter(tmp_path: Path) -> None:
    """After a day a note is nothing any more, and is taken away."""
    clock = Seconds()
    CreateJournal(tmp_path, clock).begin(TAG)
    (file,) = tmp_path.iterdir()
    clock.seconds = file.stat().st_mtime + 25 * 3600
    assert CreateJournal(tmp_path, clock).find(TAG) is None
    CreateJournal(tmp_path, clock).prune()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"begun_at": "soon"}', '{"begun_at": 1, "id": 7}', '{"id": "pipe_1"}']
)
def test_note_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    """Whatever stands in the file, it is no error."""
    CreateJournal(tmp_path, lambda: 2.0).begin(TAG)
    (file,) = tmp_path.iterdir()
    file.write_text(text, "utf-8")

    assert CreateJournal(tmp_path, lambda: 2.0).find(TAG) is None


def test_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """Without a place for notes everything goes on without them."""
    taken = tmp_path / "taken"
    taken.write_text("a file", "utf-8")
    for journal in (CreateJournal(taken / "notes"), CreateJournal(None)):
        journal.begin(TAG)
        journal.finish(TAG, "pipe_1")
        journal.prune()
        journal.forget(TAG)
        assert journal.find(TAG) is None


def test_clock_set_back_gives_no_negative_age(tmp_path: Path) -> None:
    """A note from the future is as young as can be."""
    CreateJournal(tmp_path, lambda: 1000.0).begin(TAG)

    assert CreateJournal(tmp_path, lambda: 10.0).find(TAG) == JournalEntry(0, None, "begun")


def test_folder_is_the_users(tmp_path: Path) -> None:
    """Notes lie where the Pulumi CLI keeps its own files."""
    assert user_folder({"PULUMI_HOME": str(tmp_path)}, "creates") == tmp_path / "goldrush" / "creates"
    folder = user_folder({}, "creates")
    assert folder is None or folder.parts[-3:] == (".pulumi", "goldrush", "creates")


# --- How far a create got ---------------------------------------------------------------------------------------------


def stage_of(folder: Path, tag: OwnershipTag = TAG) -> Stage | None:
    """The stage that the next process reads."""
    entry = CreateJournal(folder).find(tag)
    return None if entry is None else entry.stage


def test_note_names_what_carried_the_tag_before(tmp_path: Path) -> None:
    """What was passed over is no orphan of this create, whatever else is known."""
    CreateJournal(tmp_path).begin(TAG, ["pipe_old"])
    entry = CreateJournal(tmp_path).find(TAG)

    assert entry is not None
    assert not entry.proves_orphan("pipe_old")
    assert entry.disproves_orphan("pipe_old")
    assert entry.proves_orphan("pipe_new")


@pytest.mark.parametrize(
    ("stage", "proves", "disproves"),
    [("begun", True, False), ("created", True, False), ("delivered", False, True), ("recorded", False, True)],
)
def test_stage_says_whether_a_state_can_know(stage: Stage, proves: bool, disproves: bool) -> None:  # noqa: FBT001 - a table
    """Until the engine got the id no state can have it; from then on one most likely has."""
    entry = JournalEntry(0, "pipe_1", stage)

    assert entry.proves_orphan("pipe_1") is proves
    assert entry.disproves_orphan("pipe_1") is disproves
    assert not entry.proves_orphan("pipe_2")
    assert not entry.disproves_orphan("pipe_2")


def test_any_verb_of_any_stack_marks_a_create_as_recorded(tmp_path: Path) -> None:
    """A later process that gets the id from some state notes it, whichever resource it works on."""
    CreateJournal(tmp_path).begin(TAG)
    CreateJournal(tmp_path).finish(TAG, "pipe_1")
    assert stage_of(tmp_path) == "created"

    CreateJournal(tmp_path).note_recorded("pipe_2")
    assert stage_of(tmp_path) == "created"
    CreateJournal(tmp_path).note_recorded("pipe_1")
    assert stage_of(tmp_path) == "recorded"


def test_only_what_was_returned_is_delivered(tmp_path: Path) -> None:
    """A create that still waits for its pipeline has given the engine nothing: killed, it leaves an orphan."""
    journal, other = CreateJournal(tmp_path), OwnershipTag.of(OWNER, urn_of("other"))
    for tag, name in ((TAG, "pipe_1"), (other, "pipe_2")):
        journal.begin(tag)
        journal.finish(tag, name)
    journal.note_returned("pipe_1")

    journal.note_delivered()

    assert stage_of(tmp_path) == "delivered"
    assert stage_of(tmp_path, other) == "created"


def test_delivery_takes_some_seconds(tmp_path: Path) -> None:
    """While the run goes on, a create counts as delivered only some seconds after it returned."""
    clock = Seconds()
    journal = CreateJournal(tmp_path, elapsed=clock)
    journal.begin(TAG)
    journal.finish(TAG, "pipe_1")
    journal.note_returned("pipe_1")

    journal.note_delivered(5)
    assert stage_of(tmp_path) == "created"
    clock.seconds += 5
    journal.note_delivered(5)
    assert stage_of(tmp_path) == "delivered"


def test_adopted_orphan_is_delivered(tmp_path: Path) -> None:
    """The note of an earlier process is found by the id of its pipeline."""
    CreateJournal(tmp_path).begin(TAG)
    CreateJournal(tmp_path).finish(TAG, "pipe_1")
    later = CreateJournal(tmp_path)
    later.note_returned("pipe_1")
    later.note_delivered()

    assert stage_of(tmp_path) == "delivered"


def test_recorded_stays_recorded(tmp_path: Path) -> None:
    """A state is better evidence than a delivery."""
    journal = CreateJournal(tmp_path)
    journal.begin(TAG)
    journal.finish(TAG, "pipe_1")
    journal.note_returned("pipe_1")
    journal.note_recorded("pipe_1")
    journal.note_delivered()

    assert stage_of(tmp_path) == "recorded"


def test_new_create_of_the_resource_begins_again(tmp_path: Path) -> None:
    """The note of a pipeline that the resource had before says nothing about the next one."""
    journal = CreateJournal(tmp_path)
    journal.begin(TAG)
    journal.finish(TAG, "pipe_1")
    journal.note_recorded("pipe_1")
    journal.begin(TAG)
    journal.note_recorded("pipe_1")

    assert stage_of(tmp_path) == "begun"


def test_notes_hold_ids_and_times_only(tmp_path: Path) -> None:
    """Nothing that a user wrote stands in a note."""
    journal = CreateJournal(tmp_path)
    journal.begin(TAG, ["pipe_0"])
    journal.finish(TAG, "pipe_1")
    journal.note_recorded("pipe_1")

    of_resource, of_pipeline = sorted(tmp_path.iterdir(), key=lambda file: file.name.startswith("pipeline-"))
    assert json.loads(of_resource.read_text("utf-8")).keys() == {"begun_at", "id", "passed_over"}
    assert json.loads(of_pipeline.read_text("utf-8")) == {"id": "pipe_1", "stage": "recorded"}


def test_stage_that_is_lost_is_no_evidence(tmp_path: Path) -> None:
    """Nobody could ever say again that a state has the pipeline, so nothing is taken over because of the rest."""
    CreateJournal(tmp_path).finish(TAG, "pipe_1")
    (of_pipeline,) = tmp_path.glob("pipeline-*")
    of_pipeline.unlink()

    assert CreateJournal(tmp_path).find(TAG) is None


def test_a_day_of_creates_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a process asks about its pipelines, it opens their notes and no others."""
    made = CreateJournal(tmp_path)
    for number in range(50):
        made.finish(OwnershipTag.of(OWNER, urn_of(f"swaps-{number}")), f"pipe_{number}")
    opened: set[Path] = set()

    def read(file: Path) -> Mapping[str, Any]:
        opened.add(file)
        return read_note(file)

    monkeypatch.setattr(journal_module, "read_note", read)

    later, tag = CreateJournal(tmp_path), OwnershipTag.of(OWNER, urn_of("swaps-7"))
    later.note_recorded("pipe_7")
    assert later.has_recorded("pipe_7")
    assert not later.has_recorded("pipe_of_another_machine")
    later.note_returned("pipe_8")
    later.note_delivered()
    entry = later.find(tag)

    assert entry is not None
    assert entry.stage == "recorded"
    assert len(opened) == 4


# --- What they are for ------------------------------------------------------------------------------------------------


def test_pipeline_that_no_list_shows_is_found_by_its_id(account: Account, tmp_path: Path) -> None:
    """A run that was killed after the answer: the next one asks for that id, though the list lags for an hour."""
    account.server.switch(list_lag_seconds=3600.0)
    laptop = Laptop(account, tmp_path)
    left = laptop.create()

    assert laptop.create() == left
    assert account.posts() == 1


def test_commit_that_shows_late_is_waited_for(account: Account, tmp_path: Path) -> None:
    """A run that was killed before the answer: the next one waits until the list must show what was sent."""
    account.server.switch(list_lag_seconds=3600.0)
    laptop = Laptop(account, tmp_path)
    left = laptop.create()
    CreateJournal(tmp_path, laptop.clock).begin(TAG)
    assert laptop.create(show_at=25) == left
    assert account.posts() == 1


def test_late_commit_beside_an_older_pipeline_is_found(account: Account, tmp_path: Path) -> None:
    """What carried the tag before the POST does not hide the pipeline that the POST made and that shows late."""
    moved = account.leave(description="moved")
    left = create(account.process(on_existing="create").context(), spec_of()).pipeline_id
    account.server.switch(list_lag_seconds=3600.0)
    laptop = Laptop(account, tmp_path)
    CreateJournal(tmp_path, laptop.clock).begin(TAG, [moved])

    assert laptop.create(show_at=25) == left
    assert account.posts() == 2


def test_what_never_comes_is_made(account: Account, tmp_path: Path) -> None:
    """A run that was killed before it sent anything: after the same time the pipeline is created."""
    laptop = Laptop(account, tmp_path)
    CreateJournal(tmp_path, laptop.clock).begin(TAG)
    begun = laptop.clock.seconds

    assert laptop.create() in account.ids
    assert 30 <= laptop.clock.seconds - begun <= 33


def test_list_that_cannot_be_read_at_the_end_is_no_proof(account: Account, tmp_path: Path) -> None:
    """The list showed nothing yet, and could not be read when it had to: no second POST is sent."""
    account.server.switch(list_lag_seconds=3600.0)
    laptop = Laptop(account, tmp_path)
    left = laptop.create()
    CreateJournal(tmp_path, laptop.clock).begin(TAG)
    account.server.fault("GET", "*/pipeline-api/", skip=3, times=None, status=401)

    with pytest.raises(GoldRushError, match="401"):
        laptop.create()
    account.server.clear_faults()
    account.server.switch(list_lag_seconds=0.0)
    assert laptop.create() == left
    assert account.posts() == 1


def test_search_that_is_cancelled_keeps_the_note(account: Account, tmp_path: Path) -> None:
    """Ctrl-C while an earlier create is looked for sends nothing, and the next run goes on looking."""
    account.server.switch(list_lag_seconds=3600.0)
    laptop = Laptop(account, tmp_path)
    left = laptop.create()
    CreateJournal(tmp_path, laptop.clock).begin(TAG)
    process = account.process()
    process.journal = CreateJournal(tmp_path, laptop.clock)

    with pytest.raises(Interrupted, match="cancelled while it was looked for"):
        create(process.context(clock=FakeClock(cancel_at=2)), spec_of())
    assert laptop.create(show_at=25) == left
    assert account.posts() == 1


def test_list_that_was_read_too_early_is_read_again(account: Account, tmp_path: Path) -> None:
    """The other creates of a run read the list once, perhaps before it showed what an earlier run has created."""
    account.server.switch(list_lag_seconds=3600.0)
    laptop = Laptop(account, tmp_path)
    left = laptop.create()
    CreateJournal(tmp_path, laptop.clock).begin(TAG)
    process = account.process()
    process.journal = CreateJournal(tmp_path, laptop.clock)
    process.inventory.listing(process.client, FakeClock())
    laptop.clock.seconds += 60
    account.server.switch(list_lag_seconds=0.0)

    assert create(process.context(), spec_of()).pipeline_id == left
    assert account.posts() == 1


def test_wait_that_is_over_is_not_repeated(account: Account, tmp_path: Path) -> None:
    """Where the first run has looked long enough, or the create is long ago, the next one does not wait."""
    account.server.fault("POST", drop="before")
    laptop = Laptop(account, tmp_path)
    with pytest.raises(CreateUnknown):
        laptop.create()
    before = laptop.clock.seconds

    laptop.create()
    assert laptop.clock.seconds == before


def test_refused_create_leaves_no_note(account: Account, tmp_path: Path) -> None:
    """What the server certainly did not make is not looked for."""
    account.server.fault("POST", status=422)
    laptop = Laptop(account, tmp_path)
    with pytest.raises(Exception, match="422"):
        laptop.create()

    assert list(tmp_path.iterdir()) == []


def test_deleted_pipeline_is_not_an_orphan(account: Account, tmp_path: Path) -> None:
    """The note of a pipeline that is gone costs one look and nothing more."""
    laptop = Laptop(account, tmp_path)
    first = laptop.create()
    account.server.remove(first)

    assert laptop.create() != first
    assert len(account.ids) == 1
