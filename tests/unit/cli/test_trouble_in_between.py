"""Commands that ask several times, and meet trouble after the first answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.api import GoldRushClient, PipelineMetrics
from goldrush_pulumi.cli import ExitCode
from goldrush_pulumi.cli import logs as logs_module
from goldrush_pulumi.cli.status import clock_time
from goldrush_pulumi.schema.wire import SECRET_SIGNATURE, SIGNATURE_KEY
from tests.support.caller import kafka_body
from tests.unit.cli.conftest import resource

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldrush_pulumi.emulator import Emulator
    from tests.support.caller import Caller
    from tests.unit.cli.conftest import Ended, FakePulumi

ENCRYPTED = {SIGNATURE_KEY: SECRET_SIGNATURE, "ciphertext": "v1:abc"}
WATCH = ("--watch", "--interval", "0.5", "--rounds", "2")
OUT_OF_ORDER: dict[str, Any] = {"status": 503, "skip": 1, "times": None}


@pytest.fixture
def swaps(caller: Caller) -> str:
    """The id of a running pipeline."""
    pipeline_id = str(caller.create(name="swaps")["id"])
    caller.phase(pipeline_id)
    return pipeline_id


# --- status -----------------------------------------------------------------------------------------------------------


def test_a_status_that_is_lost_says_what_it_was(swaps: str, emulator: Emulator, command: Callable[..., Ended]) -> None:
    """While GoldRush fails, the line has the time and the content of the last observation, and the reason."""
    emulator.fault(path="*/status/", **OUT_OF_ORDER)
    first, second = command("status", "swaps", *WATCH).out.splitlines()

    assert first.endswith("desired status running")
    assert re.search(
        rf"swaps \({swaps}\): not observed since \d\d:\d\d:\d\d: .*\(503\).*; it was RUNNING, ready 1/1", second
    )


@pytest.mark.parametrize(("skip", "status", "code"), [(1, 401, ExitCode.NO_ACCESS), (0, 503, ExitCode.SERVICE_ERROR)])
def test_a_watch_ends_where_waiting_is_in_vain(
    skip: int, status: int, code: ExitCode, swaps: str, emulator: Emulator, command: Callable[..., Ended]
) -> None:
    """A refused key ends a watch at any time, and trouble ends it before anything was observed."""
    del swaps
    emulator.fault(path="*/status/", status=status, skip=skip, times=None)

    assert f"({status})" in command("status", "swaps", *WATCH).fails_with(code)


# --- metrics ----------------------------------------------------------------------------------------------------------


def test_metrics_that_are_lost_are_the_last_ones_in_json(
    swaps: str, emulator: Emulator, command: Callable[..., Ended]
) -> None:
    """A program that reads the lines sees the last values again, with the reason and the time that they are from."""
    emulator.fault(path="*/metrics/", **OUT_OF_ORDER)
    before, lost = command("metrics", "swaps", *WATCH, "--json").json_lines

    assert before["error"] is None
    assert "503" in lost.pop("error")
    assert lost == {name: value for name, value in before.items() if name != "error"}
    assert lost["id"] == swaps


def test_metrics_of_a_pipeline_that_is_deleted_end(
    swaps: str, emulator: Emulator, command: Callable[..., Ended]
) -> None:
    """A pipeline that is deleted meanwhile is no outage: the watch ends with the code of something not found."""
    emulator.fault(path="*/metrics/", status=404, skip=1, times=None)

    assert swaps in command("metrics", "swaps", *WATCH).fails_with(ExitCode.NOT_FOUND)


def test_metrics_that_were_never_there_are_an_error(
    swaps: str, emulator: Emulator, command: Callable[..., Ended]
) -> None:
    """Without a first observation there is nothing to show again, so trouble ends the command."""
    del swaps
    emulator.fault(path="*/metrics/", status=503, times=None)
    ended = command("metrics", "swaps", *WATCH)

    assert ended.out == ""
    assert "(503)" in ended.fails_with(ExitCode.SERVICE_ERROR)


def test_a_time_that_is_none_is_shown_as_it_is() -> None:
    """Whatever GoldRush calls the start of a deployment is shown, also where it is not a time."""
    assert clock_time("some time ago") == "some time ago"
    assert clock_time(None) == "never"


# --- list -------------------------------------------------------------------------------------------------------------


def test_a_list_goes_on_without_a_phase(swaps: str, emulator: Emulator, command: Callable[..., Ended]) -> None:
    """A phase that GoldRush fails to report is left open, and the other pipelines have theirs."""
    emulator.fault(path=f"*{swaps}/status/", status=500, times=None)

    assert [(item["name"], item["phase"]) for item in command("list", "--with-phase", "--json").json] == [
        ("swaps", None)
    ]


def test_a_refused_key_ends_a_list(swaps: str, emulator: Emulator, command: Callable[..., Ended]) -> None:
    """A key that is revoked between the list and the phases is an error: all phases would be missing."""
    del swaps
    emulator.fault(path="*/status/", status=401, times=None)

    assert "(401)" in command("list", "--with-phase").fails_with(ExitCode.NO_ACCESS)


def test_nested_settings_are_shown_by_their_paths(caller: Caller, command: Callable[..., Ended]) -> None:
    """`get` shows settings inside of settings one by one, with credentials masked."""
    caller.create(kafka_body(name="to-kafka"))
    lines = command("get", "to-kafka").out.splitlines()

    assert [" ".join(line.split()) for line in lines if "sasl" in line] == [
        "sasl.mechanism SCRAM-SHA-512",
        "sasl.username goldrush",
        "sasl.password ******",
    ]


# --- check ------------------------------------------------------------------------------------------------------------


def test_a_pipeline_that_is_deleted_during_a_check(
    swaps: str, emulator: Emulator, command: Callable[..., Ended]
) -> None:
    """A pipeline that was in the list and is gone a moment later is found as gone."""
    emulator.fault(path="*/status/", status=404, times=None)
    (finding,) = command("check", "--json").json["findings"]

    assert (finding["id"], finding["kind"]) == (swaps, "gone")
    assert finding["text"] == "it was deleted during the check"


@pytest.mark.parametrize(("status", "code"), [(401, ExitCode.NO_ACCESS), (503, ExitCode.OK)])
def test_a_second_count_that_is_missing_is_no_growth(
    status: int,
    code: ExitCode,
    swaps: str,
    emulator: Emulator,
    command: Callable[..., Ended],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Trouble at the second count of errors finds nothing about the pipeline; a refused key still ends the check."""
    del swaps
    read = GoldRushClient.get_pipeline_metrics

    def metrics(client: GoldRushClient, pipeline_id: str) -> PipelineMetrics:
        return read(client, pipeline_id).model_copy(update={"normalization_errors": 7})

    monkeypatch.setattr(GoldRushClient, "get_pipeline_metrics", metrics)
    emulator.fault(path="*/metrics/", status=status, skip=1, times=None)

    assert command("check", "--interval", "0").code == code


def test_a_refused_key_ends_a_check(swaps: str, emulator: Emulator, command: Callable[..., Ended]) -> None:
    """A key that is revoked after the list is one error, and not a finding about each pipeline."""
    del swaps
    emulator.fault(path="*/status/", status=401, times=None)

    assert "(401)" in command("check").fails_with(ExitCode.NO_ACCESS)


def test_drift_below_a_setting_is_found_beside_an_encrypted_one(
    caller: Caller, command: Callable[..., Ended], pulumi: FakePulumi
) -> None:
    """The state holds a nested password encrypted: it is not compared, and the settings beside it are."""
    made = caller.create(kafka_body(name="to-kafka"))
    sasl = {"mechanism": "SCRAM-SHA-512", "username": "goldrush", "password": ENCRYPTED}
    config = {"type": "kafka", "bootstrap_servers": "broker1:9092", "output_topic": "swaps", "sasl": sasl}
    declared = {**made, "destination_config": config}
    kinds: list[list[str]] = []
    for username in ("goldrush", "somebody"):
        sasl["username"] = username
        pulumi.write({}, {**resource("to-kafka", made["id"]), "inputs": declared})
        kinds.append([found["kind"] for found in command("check", "--stack", "dev", "--json").json["findings"]])

    assert kinds == [[], ["drift"]]


# --- logs -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def two(caller: Caller, emulator: Emulator) -> dict[str, str]:
    """The ids of two pipelines with a log."""
    made = {name: str(caller.create(name=name)["id"]) for name in ("mints", "swaps")}
    for name, pipeline_id in made.items():
        caller.phase(pipeline_id)
        emulator.write_logs(pipeline_id, [f"INFO of {name}"])
    return made


def test_following_goes_on_with_the_others(
    two: dict[str, str], emulator: Emulator, command: Callable[..., Ended]
) -> None:
    """One pipeline whose log is refused is one line, the others are followed to their ends, and the code tells."""
    emulator.fault(path=f"*{two['mints']}/logs/", status=403, times=None)
    emulator.fail(two["swaps"], logs=["ERROR no such database"])
    ended = command("logs", "mints", "swaps", "--follow")

    assert ended.code == ExitCode.NO_ACCESS
    assert "swaps | ERROR no such database" in ended.out
    assert re.search(r"^error: mints \| .*\(403\)", ended.err, re.MULTILINE)


def test_the_end_of_a_log_has_its_reason_in_json(
    two: dict[str, str], emulator: Emulator, command: Callable[..., Ended]
) -> None:
    """A program that follows reads in the last event why it is the last."""
    emulator.fail(two["swaps"])
    (end,) = (item for item in command("logs", "swaps", "--follow", "--json").json_lines if item["event"] == "end")

    assert (end["reason"], end["id"]) == ("failed", two["swaps"])


def test_too_many_logs_are_not_followed(
    two: dict[str, str], command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each log that is followed takes a connection, so more than there are is refused, and once is not."""
    monkeypatch.setattr(logs_module, "MOST_THREADS", 1)
    refused = command("logs", *two, "--follow").fails_with(ExitCode.USAGE)

    assert refused == "follow logs: 2 pipelines match and at most 1 can be followed, filter more"
    assert "swaps | INFO of swaps" in command("logs", *two).out
