from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.emulator import Account, Emulator, EmulatorError, Lifecycle, Switches
from goldrush_pulumi.emulator.storage import Storage
from tests.support.caller import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.clock import FakeClock


@pytest.fixture
def state_file(tmp_path: Path) -> Path:
    return tmp_path / "goldrush.db"


def test_pipelines_and_keys_survive_a_restart(state_file: Path, clock: FakeClock) -> None:
    """After a restart the same keys see the same pipelines, secrets included."""
    with Emulator(state_file=state_file, clock=clock) as first, Caller(first.base_url, first.service_key) as api:
        kept, deleted = api.create(name="kept"), api.create(name="deleted")
        api.send("DELETE", f"{deleted['id']}/")
        api.data("PATCH", f"{kept['id']}/", {"description": "changed"})
        before = first.pipelines()
    with Emulator(state_file=state_file, clock=clock) as second:
        assert second.pipelines() == before
        assert [account.service_key for account in second.accounts] == [item.service_key for item in first.accounts]
        with Caller(second.base_url, second.service_key) as api:
            assert [item["id"] for item in api.data("GET")["items"]] == [kept["id"]]


def test_a_deployment_continues_where_it_was(state_file: Path, clock: FakeClock) -> None:
    """A pipeline that was DEPLOYING is RUNNING after its time, although the emulator was not running meanwhile."""
    lifecycle = Lifecycle.by_time(deploy_seconds=10)
    with (
        Emulator(state_file=state_file, clock=clock, lifecycle=lifecycle) as first,
        Caller(first.base_url, first.service_key) as api,
    ):
        pipeline = api.create()
        assert api.phase(pipeline["id"]) == "DEPLOYING"
    clock.advance(4)
    with Emulator(state_file=state_file, clock=clock, lifecycle=lifecycle) as second:
        assert second.pipelines()[0]["phase"] == "DEPLOYING"
        clock.advance(6)
        assert second.pipelines()[0]["phase"] == "RUNNING"


def test_start_times_grow_over_a_restart(state_file: Path, clock: FakeClock) -> None:
    """Even if the clock stands still over a restart, the next deployment starts later than the last."""
    with Emulator(state_file=state_file, clock=clock) as first, Caller(first.base_url, first.service_key) as api:
        pipeline = api.create()
        [before] = first.pipelines()
    with Emulator(state_file=state_file, clock=clock) as second, Caller(second.base_url, second.service_key) as api:
        api.data("PATCH", f"{pipeline['id']}/", {"description": "changed"})
        [after] = second.pipelines()
    assert after["start_time"] > before["start_time"]


def test_checkpoints_survive_a_restart(state_file: Path, clock: FakeClock) -> None:
    """The position of a deleted pipeline is kept with the rest."""
    switches = Switches(checkpoint_survives_delete=True)
    with (
        Emulator(state_file=state_file, clock=clock, switches=switches) as first,
        Caller(first.base_url, first.service_key) as api,
    ):
        pipeline = api.create()
        clock.advance(30)
        api.send("DELETE", f"{pipeline['id']}/")
    with (
        Emulator(state_file=state_file, clock=clock, switches=switches) as second,
        Caller(second.base_url, second.service_key) as api,
    ):
        again = api.create()
        assert api.data("GET", f"{again['id']}/metrics/")["last_block_height"] == 44745030


def test_a_given_key_opens_the_kept_account(state_file: Path, clock: FakeClock) -> None:
    """A new key for the default account replaces the old one, not the account or its pipelines."""
    with Emulator(state_file=state_file, clock=clock) as first, Caller(first.base_url, first.service_key) as api:
        pipeline = api.create()
    with Emulator(state_file=state_file, clock=clock, service_key="fresh-key") as second:
        with Caller(second.base_url, "fresh-key") as api:
            assert api.send("GET", f"{pipeline['id']}/").status_code == 200
        with Caller(second.base_url, first.service_key) as api:
            assert api.send("GET").status_code == 401


def test_given_accounts_come_before_the_kept_ones(state_file: Path, clock: FakeClock) -> None:
    """Pipelines of accounts that are no longer given stay theirs, and out of sight of the new ones."""
    with Emulator(state_file=state_file, clock=clock) as first, Caller(first.base_url, first.service_key) as api:
        pipeline = api.create()
    with Emulator(state_file=state_file, clock=clock, accounts=[Account("fresh")]) as second:
        assert [account.name for account in second.accounts] == ["fresh", "main", "other"]
        with Caller(second.base_url, second.service_key) as api:
            assert api.send("GET", f"{pipeline['id']}/").status_code == 404


def test_a_second_emulator_cannot_use_the_file(state_file: Path) -> None:
    """Two emulators on one file would overwrite each other: the second is refused with a clear line."""
    with Emulator(state_file=state_file), pytest.raises(EmulatorError, match="another emulator holds it"):
        Emulator(state_file=state_file)


@pytest.mark.parametrize("name", ["notes.txt", "missing/goldrush.db"])
def test_a_file_that_cannot_be_used_is_one_clear_line(tmp_path: Path, name: str) -> None:
    """A file of another kind, or one in a missing folder, is named with the reason and not changed."""
    (tmp_path / "notes.txt").write_text("these are my notes, not a database\n" * 10)
    with pytest.raises(EmulatorError, match=f"open state file .*{name}: .*, use another file"):
        Emulator(state_file=tmp_path / name)
    assert (tmp_path / "notes.txt").read_text().startswith("these are my notes")


@pytest.fixture
def no_umask() -> Iterator[None]:
    """New files are readable by everybody unless a program says otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("no_umask")
@pytest.mark.parametrize("existing", [False, True])
def test_only_the_owner_may_read_the_file(state_file: Path, *, existing: bool) -> None:
    """The file and its journal, which hold keys and passwords, are private; an older one becomes private."""
    if existing:
        Emulator(state_file=state_file).close()
        state_file.chmod(0o644)
    with Emulator(state_file=state_file) as emulator, Caller(emulator.base_url, emulator.service_key) as api:
        api.create()
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in state_file.parent.iterdir()}
    assert state_file.name in modes
    assert set(modes.values()) == {0o600}


def test_records_of_another_version_are_read(state_file: Path) -> None:
    """Fields that this version does not know are skipped, and fields that are missing have their defaults."""
    with Emulator(state_file=state_file) as first, Caller(first.base_url, first.service_key) as api:
        pipeline = api.create()
        assert api.phase(pipeline["id"]) == "RUNNING"
    storage = Storage(state_file)
    [record] = storage.records()
    for name in ("transitions", "outcome", "probe"):
        del record[name]
    storage.save({record["id"]: {**record, "colour": "blue"}})
    storage.close()
    with Emulator(state_file=state_file) as second, Caller(second.base_url, second.service_key) as api:
        assert api.phase(pipeline["id"]) == "RUNNING"
        api.data("PATCH", f"{pipeline['id']}/", {"description": "changed"})
        assert api.phase(pipeline["id"]) == "RUNNING"


def test_the_last_probe_survives_a_restart(state_file: Path, clock: FakeClock) -> None:
    """A paused pipeline still shows its last probe, and a waiting one keeps its transitions."""
    lifecycle = Lifecycle.by_time(deploy_seconds=5, stop_seconds=5)
    options: dict[str, Any] = {"state_file": state_file, "clock": clock, "lifecycle": lifecycle}
    with Emulator(**options) as first, Caller(first.base_url, first.service_key) as api:
        pipeline = api.create()
        clock.advance(5)
        before = api.data("GET", f"{pipeline['id']}/destination-health/")
        api.data("PUT", f"{pipeline['id']}/", {"status": "paused"})
        assert api.phase(pipeline["id"]) == "STOPPING"
    clock.advance(5)
    with Emulator(**options) as second, Caller(second.base_url, second.service_key) as api:
        assert api.phase(pipeline["id"]) == "PAUSED"
        assert api.data("GET", f"{pipeline['id']}/destination-health/") == before
