"""Live views survive an outage in their middle, and say since when nothing was observed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.cli import ExitCode
from goldrush_pulumi.cli.context import open_context
from goldrush_pulumi.cli.errors import CommandFailed
from goldrush_pulumi.cli.monitor import Monitor
from goldrush_pulumi.cli.stacks import Managed, Stack
from goldrush_pulumi.cli.targets import Filters
from tests.support.terminal import Terminal, read_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from goldrush_pulumi.emulator import Emulator
    from tests.support.caller import Caller
    from tests.unit.cli.conftest import Ended


def start(*arguments: str) -> subprocess.Popen[str]:
    """A command as a process of its own, with its output read line by line."""
    return subprocess.Popen(
        [sys.executable, "-m", "goldrush_pulumi.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
        # A shell that starts commands in the background ignores SIGINT, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Press Ctrl-C; the exit code, and what was written to stderr."""
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    return process.returncode, errors


@pytest.fixture
def monitor(caller: Caller, tmp_path: Path) -> Iterator[Monitor]:
    for name in ("a", "b"):
        caller.create(name=name)
    with open_context(None, tmp_path, retry_seconds=0.0) as context:
        yield Monitor(context, Filters())


def test_an_outage_leaves_what_was_observed(monitor: Monitor, emulator: Emulator) -> None:
    """While GoldRush is down, rows keep their last values and times and are stale; afterwards they are fresh again."""
    monitor.poll()
    before = {row.target.name: row.observed_at for row in monitor.rows()}
    emulator.stop()
    for _ in range(11):
        monitor.poll()

    assert {row.target.name: row.observed_at for row in monitor.rows()} == before
    assert all(row.is_stale and row.status and row.status.phase == "RUNNING" for row in monitor.rows())
    assert monitor.trouble
    emulator.start()
    monitor.poll()
    assert not monitor.trouble
    assert not any(row.is_stale for row in monitor.rows())


def test_the_reason_of_an_outage_is_in_words(monitor: Monitor, emulator: Emulator) -> None:
    """The banner says what the connection met, and not the name of an error in the code or of one pipeline."""
    monitor.poll()
    emulator.stop()
    monitor.poll()
    assert monitor.trouble
    assert monitor.trouble.startswith("127.0.0.1 cannot be reached")


def test_a_brief_list_is_no_drift(monitor: Monitor, emulator: Emulator) -> None:
    """Where the list leaves the configuration out, the pipelines of the stack are read one by one, once per list."""
    emulator.switch(list_items_brief=True)
    (whole,) = (item for item in monitor.context.client.iterate_pipelines() if item.name == "a")
    declared = monitor.context.client.get_pipeline(whole.id).model_dump()
    monitor.use_stack(
        Stack("dev", {}, frozenset(), (Managed("swaps", whole.id, {**declared, "topic": "base.other"}, {}),))
    )
    emulator.clear_requests()
    for _ in range(3):
        monitor.poll()

    assert {row.target.name: row.drift for row in monitor.rows()} == {"swaps": ("topic",), "b": ()}
    assert [item.path for item in emulator.requests()].count(f"/platform/pipeline-api/{whole.id}/") == 1


def test_an_outage_costs_one_timeout_a_round(monitor: Monitor, emulator: Emulator) -> None:
    """Once a request finds no connection, the rest of the round does not wait for the same."""
    monitor.poll()
    emulator.stop()
    client, asked = monitor.context.client, []
    whole = client.get_pipeline_status

    def counted(pipeline_id: str, **options: Any) -> Any:
        asked.append(pipeline_id)
        return whole(pipeline_id, **options)

    client.get_pipeline_status = counted  # type: ignore[method-assign]
    monitor._is_unreachable.set()
    assert all(monitor._refreshed(row, probes=False).is_stale for row in monitor.rows())
    assert asked == []


def test_nothing_to_watch_at_first_is_an_error(emulator: Emulator, caller: Caller, tmp_path: Path) -> None:
    """Before the first good round, an outage ends the command as any other error does."""
    del caller
    emulator.stop()
    with pytest.raises(CommandFailed, match="cannot be reached"), open_context(None, tmp_path, retry_seconds=0) as made:
        Monitor(made, Filters()).poll()


def test_a_pipeline_that_is_deleted_leaves_the_table(monitor: Monitor, emulator: Emulator) -> None:
    """One that GoldRush does not find is gone from the table after the next list, which then comes at once."""
    monitor.poll()
    emulator.remove(next(row.target.pipeline.id for row in monitor.rows() if row.target.name == "a"))
    monitor.poll()
    monitor.poll()
    assert [row.target.name for row in monitor.rows()] == ["b"]


def test_watch_shows_a_banner_and_goes_on(emulator: Emulator, caller: Caller) -> None:
    """On a terminal, an outage is a banner above the table, which vanishes when GoldRush responds again."""
    caller.create(name="swaps")
    terminal = Terminal("watch", "--interval", "0.5")
    terminal.read_until("1 RUNNING")
    emulator.stop()
    terminal.read_until("no response since")
    terminal.read_until("0 RUNNING, 0 FAILED, 1 not observed")
    terminal.seen = ""
    emulator.start()
    terminal.read_until("1 RUNNING")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == ""
    assert terminal.process.returncode == ExitCode.INTERRUPTED


@pytest.mark.untraced
def test_status_watch_survives(emulator: Emulator, caller: Caller) -> None:
    """The outage is one line that says since when nothing was observed, its end is another, and Ctrl-C is silent."""
    caller.phase(caller.create(name="swaps")["id"])
    process = start("status", "swaps", "--watch", "--interval", "0.5", "--json")
    first = json.loads(read_until(process, '"RUNNING"')[-1])
    emulator.clear_requests()
    while len(emulator.requests()) < 2:
        time.sleep(0.05)
    emulator.fault(path="*/status/", status=503, times=None)
    lost = json.loads(read_until(process, "503")[-1])
    emulator.clear_faults()
    found = json.loads(read_until(process, '"error": null')[-1])
    assert (lost["phase"], found["phase"]) == ("RUNNING", "RUNNING")
    # Polls that changed nothing were not printed, but they count as the last observation.
    assert first["observed_at"] < lost["observed_at"] < found["observed_at"]
    assert end(process) == (ExitCode.INTERRUPTED, "")


@pytest.mark.untraced
def test_metrics_watch_survives(emulator: Emulator, caller: Caller) -> None:
    """Metrics go on after an outage, which each missed poll notes on stderr."""
    caller.phase(caller.create(name="swaps")["id"])
    process = start("metrics", "swaps", "--watch", "--interval", "0.5")
    read_until(process, "rows/s")
    emulator.fault(path="*/metrics/", status=503, times=1)
    while any(fault.hits == 0 for fault in emulator.faults()):
        read_until(process, "rows/s")
    read_until(process, "rows/s")
    code, errors = end(process)
    assert code == ExitCode.INTERRUPTED
    assert "-- no metrics since " in errors


def test_a_watched_pipeline_that_is_deleted_ends_the_watch(
    emulator: Emulator, caller: Caller, command: Callable[..., Ended]
) -> None:
    """A pipeline that is gone is noted once, and the last one ends the watch."""
    pipeline_id = caller.create(name="swaps")["id"]
    caller.create(name="mints")
    emulator.fault(path=f"*{pipeline_id}/status/", status=404, skip=1, times=None)
    ended = command("status", "swaps", "mints", "--watch", "--interval", "0.5", "--rounds", "3")
    assert (ended.code, ended.err) == (ExitCode.OK, f"-- swaps ({pipeline_id}) does not exist any more\n")
    ended = command("status", "swaps", "--watch", "--interval", "0.5")
    assert (ended.code, "none exists any more" in ended.err) == (ExitCode.NOT_FOUND, True)


@pytest.mark.untraced
@pytest.mark.parametrize(
    "arguments",
    [
        ["status", "swaps", "--watch", "--interval", "0.5"],
        ["metrics", "swaps", "--watch", "--interval", "0.5"],
        ["logs", "swaps", "mints", "--follow"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_key_that_is_refused_in_the_middle_ends_a_view(
    arguments: list[str], emulator: Emulator, caller: Caller
) -> None:
    """A revoked key will not heal as an outage does, so the view ends: one line for each pipeline at most."""
    for name in ("swaps", "mints"):
        caller.phase(caller.create(name=name)["id"])
    process = start(*arguments)
    assert process.stdout is not None
    assert process.stdout.readline()
    emulator.revoke_key(emulator.service_key)
    _, errors = process.communicate()
    assert process.returncode == ExitCode.NO_ACCESS
    assert errors
    assert all(line.startswith("error: ") for line in errors.splitlines())
