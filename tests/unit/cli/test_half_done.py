"""Commands that end before everything is done, and say how far they came."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from goldrush_pulumi.cli import ExitCode
from goldrush_pulumi.cli.context import open_context
from goldrush_pulumi.cli.monitor import Monitor
from goldrush_pulumi.cli.targets import Filters
from goldrush_pulumi.emulator import Emulator
from goldrush_pulumi.emulator.lifecycle import Lifecycle
from tests.support.caller import Caller, postgres_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.unit.cli.conftest import Ended, FakePulumi

TAG = "[pulumi:0123456789abcdef0123456789abcdef/0123456789]"
HOUR = 3600.0


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Caller]:
    """Makes pipelines that take an hour to stop."""
    with Emulator(lifecycle=Lifecycle.by_time(0.0, HOUR, 0.0)) as emulator:
        monkeypatch.setenv("GOLDRUSH_SERVICE_KEY", emulator.service_key)
        monkeypatch.setenv("GOLDRUSH_BASE_URL", emulator.base_url)
        emulator.switch(delete_through_stopping=True)
        with Caller(emulator.base_url, emulator.service_key) as caller:
            yield caller


def test_a_restart_whose_pause_lasts_too_long(slow: Caller, command: Callable[..., Ended]) -> None:
    """It is not resumed behind the user's back: the command ends with a timeout and says how to resume it."""
    pipeline_id = slow.create(name="swaps")["id"]
    ended = command("restart", "swaps", "--timeout", "0")

    assert ended.code == ExitCode.TIMED_OUT
    assert f"may still be paused; run `goldrush-pulumi resume {pipeline_id}`" in ended.err
    assert slow.data("GET", f"{pipeline_id}/")["status"] == "paused"


def test_a_deletion_that_lasts_too_long(slow: Caller, command: Callable[..., Ended]) -> None:
    """A pipeline that is still there when time is up is reported with its phase, as in any other wait."""
    slow.create(name="swaps")
    assert command("delete", "swaps", "--yes", "--no-wait").code == ExitCode.OK
    ended = command("wait", "swaps", "--for", "deleted", "--timeout", "0", "--json")

    assert ended.code == ExitCode.TIMED_OUT
    assert (ended.json[0]["outcome"], ended.json[0]["phase"]) == ("timed_out", "STOPPING")


def test_a_round_that_is_cancelled_keeps_what_it_has(caller: Caller, emulator: Emulator, tmp_path: Path) -> None:
    """After Ctrl-C the pipelines that wait for their turn are not asked for, and keep what was observed."""
    caller.create(name="swaps")
    with open_context(None, tmp_path, retry_seconds=0.0) as context:
        monitor = Monitor(context, Filters())
        monitor.poll()
        (before,) = monitor.rows()
        emulator.clear_requests()
        context.cancelled.set()

        assert monitor._refreshed(before, probes=True) is before
    assert emulator.requests() == []


# --- validate ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("filename", ["Pulumi.dev.yaml", None])
def test_fixes_that_cannot_be_written(
    filename: str | None, command: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is read-only, or a full disk, is one line; the system names the file or not."""
    misspelt = {**postgres_body(), "statuss": "paused"}
    text = yaml.safe_dump({"config": {"shop:pipelines": {"swaps": misspelt}}})
    (tmp_path / "Pulumi.dev.yaml").write_text(text, "utf-8")

    def full(_path: Path, _content: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), filename)

    monkeypatch.setattr(Path, "write_bytes", full)
    said = command("validate", "--fix").fails_with(ExitCode.FAILED)

    assert said == f"fix {filename or 'files'}: no space left on device"


def test_fixes_leave_json_alone(command: Callable[..., Ended], tmp_path: Path) -> None:
    """With --json the output stays one document, and the file is fixed all the same."""
    misspelt = {**postgres_body(), "statuss": "paused"}
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(yaml.safe_dump({"config": {"shop:pipelines": {"swaps": misspelt}}}), "utf-8")
    findings: list[dict[str, Any]] = command("validate", "--fix", "--json").json["findings"]

    assert "statuss" not in file.read_text("utf-8")
    assert all("statuss" not in found["path"] for found in findings)


# --- export -----------------------------------------------------------------------------------------------------------


def test_an_export_over_another(caller: Caller, command: Callable[..., Ended]) -> None:
    """A second export into the same folder is refused with the option that allows it."""
    caller.create(name="swaps")
    assert command("export", "--out", "out").code == ExitCode.OK

    refused = command("export", "--out", "out").fails_with(ExitCode.FAILED)
    assert "already exists" in refused
    assert refused.endswith(", or use --force")
    Path("file").write_text("", "utf-8")
    impossible = command("export", "--out", "file/inside", "--force").fails_with(ExitCode.FAILED)
    assert impossible.endswith("choose another folder")


def test_an_export_of_what_a_stack_manages(
    caller: Caller, command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pipelines that carry a tag are warned of by name; where all credentials are known, none is asked for."""
    monkeypatch.setenv("GOLDRUSH_EXPORT_OURS_PASSWORD", "planted-password")
    caller.create(name="ours", description=f"Swaps {TAG}")
    ended = command("export", "--out", "out")

    assert ended.err == (
        "warning: a stack already manages these, by their ownership tags; import them only if it is gone: ours\n"
    )
    assert "not known" not in ended.out


def test_a_pipeline_that_is_deleted_during_an_export(
    caller: Caller, emulator: Emulator, command: Callable[..., Ended]
) -> None:
    """A pipeline that is gone when it is read is left out, and the others are exported."""
    gone = caller.create(name="gone")["id"]
    caller.create(name="swaps")
    emulator.fault(path=f"*{gone}/status/", status=404, times=None)
    report = command("export", "--out", "out", "--json").json

    assert [item["name"] for item in report["pipelines"]] == ["swaps"]


# --- The state of a stack ---------------------------------------------------------------------------------------------


def test_a_stack_of_the_plugin_is_compared_too(
    caller: Caller, command: Callable[..., Ended], pulumi: FakePulumi
) -> None:
    """State of the plugin has the names that programs see; only what really differs is found as drift."""
    body = postgres_body(name="swaps")
    pipeline_id = caller.create(body)["id"]
    texts: list[list[str]] = []
    for start in (44_745_000, 1):
        inputs = {
            **{name: body[name] for name in ("name", "project", "topic", "description", "transforms")},
            "status": "running",
            "executionMode": "unbounded",
            "executionStartFrom": start,
            "destination": {"postgres": {"url": body["destination_config"]["url"], "user": "goldrush"}},
        }
        urn, kind = "urn:pulumi:dev::shop::goldrush:index:Pipeline::swaps", "goldrush:index:Pipeline"
        pulumi.write({}, {"urn": urn, "type": kind, "custom": True, "id": pipeline_id, "inputs": inputs})
        texts.append([found["text"] for found in command("check", "--stack", "dev", "--json").json["findings"]])

    assert texts == [[], ["differs from stack dev in execution_start_from"]]


def test_odd_secrets_of_a_stack_break_nothing(
    caller: Caller, emulator: Emulator, command: Callable[..., Ended], pulumi: FakePulumi
) -> None:
    """A pipeline without settings and numbers among secrets are read over; the texts among them are not shown."""
    pipeline_id = caller.create(name="swaps")["id"]
    caller.phase(pipeline_id)
    config = {
        "shop:pipelines": {"value": "{}", "objectValue": {"swaps": None}, "secret": True},
        "shop:limits": {"value": "{}", "objectValue": [5, True, {"token": "a-nested-one"}], "secret": True},
    }
    pulumi.write(config)
    emulator.write_logs(pipeline_id, ["INFO 5 True a-nested-one"])

    assert command("logs", "swaps", "--stack", "dev").out.splitlines()[-1] == "INFO 5 True [secret]"
