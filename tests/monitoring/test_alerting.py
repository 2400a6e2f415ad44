"""From a pipeline that fails to a message at a receiver, by a real Prometheus and a real Alertmanager."""

from __future__ import annotations

import json
import os
import queue
import re
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.support.caller import Caller, postgres_body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldrush_pulumi.emulator import Emulator
    from tools.prometheus import Programs

FOLDER: Final = Path(__file__).parents[2] / "monitoring"

SECRET: Final = "plntReceiver001X7q9Zk"

SCRAPE_SECONDS: Final = 2


class Receiver:
    """Takes the messages of Alertmanager."""

    def __init__(self) -> None:
        self.messages: queue.Queue[dict[str, Any]] = queue.Queue()
        messages = self.messages

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                messages.put({"path": self.path, **body})
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def next(self) -> dict[str, Any]:
        """The next message; pytest ends the test if none comes."""
        return self.messages.get(timeout=100)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Night:
    """The exporter, Prometheus and Alertmanager with the files of `monitoring/`, on free ports."""

    def __init__(self, programs: Programs, folder: Path, emulator: Emulator, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self.receiver = Receiver()
        stack.callback(self.receiver.close)
        environment = {"GOLDRUSH_SERVICE_KEY": emulator.service_key, "GOLDRUSH_BASE_URL": emulator.base_url}
        exporter, prometheus, alertmanager = free_port(), free_port(), free_port()
        self.metrics_url = f"http://127.0.0.1:{exporter}/metrics"
        self.prometheus_url = f"http://127.0.0.1:{prometheus}"
        self._copy("alertmanager.yml", {":9095": f":{self.receiver.port}", "group_interval: 5m": "group_interval: 1s"})
        scrape = {f"{name}_interval: 15s": f"{name}_interval: {SCRAPE_SECONDS}s" for name in ("scrape", "evaluation")}
        self._copy("prometheus.yml", {":9178": f":{exporter}", ":9093": f":{alertmanager}", **scrape})
        self._copy("alerts.yml", {})
        command = (sys.executable, "-m", "goldrush_pulumi.cli", "exporter", f"--port={exporter}", "--interval=0.5")
        self._start(*command, **environment)
        self._start(
            programs.alertmanager,
            "--config.file=alertmanager.yml",
            "--storage.path=alertmanager",
            "--cluster.listen-address=",
            f"--web.listen-address=127.0.0.1:{alertmanager}",
        )
        wait_until_it_responds(f"http://127.0.0.1:{alertmanager}/-/ready")
        self._start(
            programs.prometheus,
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=prometheus",
            f"--web.listen-address=127.0.0.1:{prometheus}",
        )
        wait_until_it_responds(f"{self.prometheus_url}/-/ready")

    def samples(self, query: str) -> list[dict[str, Any]]:
        """What Prometheus knows."""
        response = httpx.get(f"{self.prometheus_url}/api/v1/query", params={"query": query}, trust_env=False)
        result: list[dict[str, Any]] = response.json()["data"]["result"]
        return result

    def wait_for(self, query: str) -> list[dict[str, Any]]:
        """Ask until there is a result; pytest ends the test if there never is."""
        while not (result := self.samples(query)):
            time.sleep(0.2)
        return result

    def _copy(self, name: str, changes: dict[str, str]) -> None:
        text = (FOLDER / name).read_text("utf-8")
        for before, after in changes.items():
            assert before in text
            text = text.replace(before, after)
        (self._folder / name).write_text(text, "utf-8")

    def _start(self, *command: str, **environment: str) -> None:
        with (self._folder / f"{Path(command[0]).name}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=self._folder, stdout=log, stderr=log, env={**os.environ, **environment}
            )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def wait_until_it_responds(url: str) -> None:
    while True:
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)


@pytest.fixture
def night(programs: Programs, emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parent))
    with ExitStack() as stack:
        yield Night(programs, tmp_path, emulator, stack)


@pytest.mark.timeout(300)
def test_a_pipeline_that_fails_rings(night: Night, emulator: Emulator, tmp_path: Path) -> None:
    """It pages within two scrapes with the command to run, ends when it is mended, and no secret is anywhere."""
    config = {**postgres_body()["destination_config"], "password": SECRET}
    with Caller(emulator.base_url, emulator.service_key) as caller:
        failing = caller.create(name="base-swaps", destination_config=config)["id"]
        caller.create(name="base-mints")
        night.wait_for('goldrush_pipeline_phase{name="base-swaps", goldrush_pipeline_phase="RUNNING"} == 1')
        emulator.fail(failing, logs=[f"ERROR password {SECRET} refused"], health_error=f"refused {SECRET}")
        rings = night.receiver.next()
        scraped = night.samples('goldrush_pipeline_phase{name="base-swaps", goldrush_pipeline_phase="FAILED"}[5m]')
        exported = httpx.get(night.metrics_url, trust_env=False).text
        caller.send("PUT", f"{failing}/", {"status": "paused"})
        caller.send("PUT", f"{failing}/", {"status": "running"})
        ends = night.receiver.next()

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
