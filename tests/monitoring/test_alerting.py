"""From a pipeline that fails to a message at a receiver, by a real Prometheus and a real Alertmanager."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.monitoring.alarm import ROOT, Alarm
from tests.support.caller import Caller, postgres_body

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from goldrush_pulumi.emulator import Emulator
    from tools.prometheus import Programs

SECRET: Final = "plntReceiver001X7q9Zk"


@pytest.fixture
def alarm(programs: Programs, emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Alarm]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    account = {"GOLDRUSH_SERVICE_KEY": emulator.service_key, "GOLDRUSH_BASE_URL": emulator.base_url}
    with ExitStack() as stack:
        yield Alarm(programs, tmp_path, stack, account)


@pytest.mark.timeout(300)
def test_a_pipeline_that_fails_rings(alarm: Alarm, emulator: Emulator, tmp_path: Path) -> None:
    """It pages within two scrapes with the command to run, ends when it is mended, and no secret is anywhere."""
    config = {**postgres_body()["destination_config"], "password": SECRET}
    with Caller(emulator.base_url, emulator.service_key) as caller:
        failing = caller.create(name="base-swaps", destination_config=config)["id"]
        caller.create(name="base-mints")
        alarm.wait_for('goldrush_pipeline_phase{name="base-swaps", goldrush_pipeline_phase="RUNNING"} == 1')
        emulator.fail(failing, logs=[f"ERROR password {SECRET} refused"], health_error=f"refused {SECRET}")
        rings = alarm.receiver.next()
        scraped = alarm.samples('goldrush_pipeline_phase{name="base-swaps", goldrush_pipeline_phase="FAILED"}[5m]')
        exported = httpx.get(alarm.metrics_url, trust_env=False).text
        caller.send("PUT", f"{failing}/", {"status": "paused"})
        caller.send("PUT", f"{failing}/", {"status": "running"})
        ends = alarm.receiver.next()

    (alert,) = rings["alerts"]
    assert (rings["path"], rings["status"]) == ("/pager", "firing")
    assert (alert["labels"]["alertname"], alert["labels"]["name"]) == ("GoldRushPipelineFailed", "base-swaps")
    assert alert["annotations"]["action"] == f"goldrush-pulumi diagnose {failing}"
    assert number_of_scrapes_before(alert["startsAt"], scraped[0]["values"]) <= 2
    assert (ends["path"], ends["status"], len(ends["alerts"])) == ("/pager", "resolved", 1)
    places = [exported, json.dumps([rings, ends]), *(path.read_text("utf-8") for path in tmp_path.glob("*.log"))]
    assert [place for place in places if SECRET in place or emulator.service_key in place] == []


def number_of_scrapes_before(moment: str, values: list[list[Any]]) -> int:
    """How many scrapes had seen the phase when the alert began, by the timestamps of Prometheus itself."""
    seconds = re.sub(r"\.(\d{6})\d*", r".\1", moment)
    began = datetime.fromisoformat(seconds).timestamp()
    return sum(value == "1" and timestamp <= began for timestamp, value in values)
