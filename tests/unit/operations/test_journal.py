"""What a machine remembers of creates that were cut off, while the server's list does not show them yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi.operations.context import Policies
from goldrush_pulumi.operations.create import CreateUnknown, create
from goldrush_pulumi.operations.identity import OwnershipTag
from goldrush_pulumi.operations.journal import CreateJournal, JournalEntry, default_folder
from tests.support.account import context_of
from tests.support.clock import FakeClock
from tests.support.pipelines import spec_of
from tests.unit.api.doubles import Clock
from tests.unit.operations.test_claim import OWNER, URN, Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from goldrush_pulumi.emulator import Emulator

MARK = OwnershipTag.of(OWNER, URN)


@pytest.fixture
def account(emulator: Emulator) -> Iterator[Account]:
    account = Account(emulator)
    yield account
    account.close()


class Laptop:
    """One machine: its notes stay from process to process. Its clock moves while a process waits."""

    def __init__(self, account: Account, folder: Path) -> None:
        self.account, self.folder, self.clock = account, folder, Clock()
        self.at_sleep: Callable[[], None] = lambda: None

    def create(self, recovery_seconds: float = 30.0) -> str:
        process = self.account.process()
        context = context_of(
            process.client,
            _Waiting(self),
            inventory=process.inventory,
            claims=process.claims,
            urn=URN,
            tag=MARK,
            warn=self.account.warnings.append,
            policies=Policies(recovery_seconds=recovery_seconds),
            journal=CreateJournal(self.folder, self.clock),
        )
        return create(context, spec_of()).pipeline_id


class _Waiting(FakeClock):
    def __init__(self, laptop: Laptop) -> None:
        super().__init__()
        self._laptop = laptop

    def sleep(self, seconds: float) -> bool:
        self._laptop.clock.seconds += seconds
        self._laptop.at_sleep()
        return super().sleep(seconds)


# --- The notes --------------------------------------------------------------------------------------------------------


def test_a_note_lives_from_process_to_process(tmp_path: Path) -> None:
    """Begun, then finished with an id, then forgotten: each is what the next process reads."""
    clock = Clock()
    CreateJournal(tmp_path / "notes", clock).begin(MARK)
    clock.seconds += 7
    assert CreateJournal(tmp_path / "notes", clock).find(MARK) == JournalEntry(7, None)
    CreateJournal(tmp_path / "notes", clock).finish(MARK, "pipe_1")
    assert CreateJournal(tmp_path / "notes", clock).find(MARK) == JournalEntry(0, "pipe_1")
    CreateJournal(tmp_path / "notes", clock).forget(MARK)
    assert CreateJournal(tmp_path / "notes", clock).find(MARK) is None


def test_notes_are_of_one_resource(tmp_path: Path) -> None:
    """Another resource or another stack has notes of its own."""
    CreateJournal(tmp_path).begin(MARK)

    assert CreateJournal(tmp_path).find(OwnershipTag.of("f" * 32, URN)) is None
    assert CreateJournal(tmp_path).find(OwnershipTag.of(OWNER, f"{URN}-2")) is None


def test_old_notes_do_not_matter(tmp_path: Path) -> None:
    """After a day a note is nothing any more, and is taken away."""
    clock = Clock()
    CreateJournal(tmp_path, clock).begin(MARK)
    (file,) = tmp_path.iterdir()
    clock.seconds = file.stat().st_mtime + 25 * 3600
    assert CreateJournal(tmp_path, clock).find(MARK) is None
    CreateJournal(tmp_path, clock).prune()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"begun_at": "soon"}', '{"begun_at": 1, "id": 7}', '{"id": "pipe_1"}']
)
def test_a_note_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    """Whatever stands in the file, it is no error."""
    CreateJournal(tmp_path, lambda: 2.0).begin(MARK)
    (file,) = tmp_path.iterdir()
    file.write_text(text, "utf-8")

    assert CreateJournal(tmp_path, lambda: 2.0).find(MARK) is None


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """Without a place for notes everything goes on without them."""
    taken = tmp_path / "taken"
    taken.write_text("a file", "utf-8")
    for journal in (CreateJournal(taken / "notes"), CreateJournal(None)):
        journal.begin(MARK)
        journal.finish(MARK, "pipe_1")
        journal.prune()
        journal.forget(MARK)
        assert journal.find(MARK) is None


def test_a_clock_set_back_gives_no_negative_age(tmp_path: Path) -> None:
    """A note from the future is as young as can be."""
    CreateJournal(tmp_path, lambda: 1000.0).begin(MARK)

    assert CreateJournal(tmp_path, lambda: 10.0).find(MARK) == JournalEntry(0, None)


def test_the_folder_is_the_users(tmp_path: Path) -> None:
    """Notes lie where the Pulumi CLI keeps its own files."""
    assert default_folder({"PULUMI_HOME": str(tmp_path)}) == tmp_path / "goldrush" / "creates"
    folder = default_folder({})
    assert folder is None or folder.parts[-3:] == (".pulumi", "goldrush", "creates")


# --- What they are for ------------------------------------------------------------------------------------------------


def test_a_pipeline_that_no_list_shows_is_found_by_its_id(account: Account, tmp_path: Path) -> None:
    """A run that was killed after the answer: the next one asks for that id, though the list lags for an hour."""
    account.server.switch(list_lag_seconds=3600.0)
    laptop = Laptop(account, tmp_path)
    left = laptop.create()

    assert laptop.create() == left
    assert account.posts() == 1


def test_a_commit_that_shows_late_is_waited_for(account: Account, tmp_path: Path) -> None:
    """A run that was killed before the answer: the next one waits until the list must show what was sent."""
    account.server.switch(list_lag_seconds=3600.0)
    laptop = Laptop(account, tmp_path)
    left = laptop.create()
    CreateJournal(tmp_path, laptop.clock).begin(MARK)
    begun = laptop.clock.seconds

    def show() -> None:
        if laptop.clock.seconds - begun >= 25:
            account.server.switch(list_lag_seconds=0.0)

    laptop.at_sleep = show
    assert laptop.create() == left
    assert account.posts() == 1


def test_what_never_comes_is_made(account: Account, tmp_path: Path) -> None:
    """A run that was killed before it sent anything: after the same time the pipeline is created."""
    laptop = Laptop(account, tmp_path)
    CreateJournal(tmp_path, laptop.clock).begin(MARK)
    begun = laptop.clock.seconds

    assert laptop.create() in account.ids
    assert 30 <= laptop.clock.seconds - begun <= 33


def test_a_wait_that_is_over_is_not_repeated(account: Account, tmp_path: Path) -> None:
    """Where the first run has looked long enough, or the create is long ago, the next one does not wait."""
    account.server.fault("POST", drop="before")
    laptop = Laptop(account, tmp_path)
    with pytest.raises(CreateUnknown):
        laptop.create()
    before = laptop.clock.seconds

    laptop.create()
    assert laptop.clock.seconds == before


def test_a_refused_create_leaves_no_note(account: Account, tmp_path: Path) -> None:
    """What the server certainly did not make is not looked for."""
    account.server.fault("POST", status=422)
    laptop = Laptop(account, tmp_path)
    with pytest.raises(Exception, match="422"):
        laptop.create()

    assert list(tmp_path.iterdir()) == []


def test_a_pipeline_that_was_deleted_is_no_leftover(account: Account, tmp_path: Path) -> None:
    """The note of a pipeline that is gone costs one look and nothing more."""
    laptop = Laptop(account, tmp_path)
    first = laptop.create()
    account.server.remove(first)

    assert laptop.create() != first
    assert len(account.ids) == 1
