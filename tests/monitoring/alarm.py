"""The exporter, a real Prometheus and a real Alertmanager, with the files of `monitoring/`, and somebody to wake."""

from __future__ import annotations

import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack

    from tools.prometheus import Programs

ROOT: Final = Path(__file__).parents[2]

FOLDER: Final = ROOT / "monitoring"

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


class Alarm:
    """The exporter, Prometheus and Alertmanager with the files of `monitoring/`, on free ports.

    `options` are of the exporter, and `environment` leads it to an account. `stack` ends everything.
    """

    def __init__(
        self, programs: Programs, folder: Path, stack: ExitStack, environment: Mapping[str, str], *options: str
    ) -> None:
        self._folder, self._stack = folder, stack
        self.receiver = Receiver()
        stack.callback(self.receiver.close)
        exporter, prometheus, alertmanager = free_port(), free_port(), free_port()
        self.metrics_url = f"http://127.0.0.1:{exporter}/metrics"
        self.prometheus_url = f"http://127.0.0.1:{prometheus}"
        self._copy("alertmanager.yml", {":9095": f":{self.receiver.port}", "group_interval: 5m": "group_interval: 1s"})
        scrape = {f"{name}_interval: 15s": f"{name}_interval: {SCRAPE_SECONDS}s" for name in ("scrape", "evaluation")}
        self._copy("prometheus.yml", {":9178": f":{exporter}", ":9093": f":{alertmanager}", **scrape})
        self._copy("alerts.yml", {})
        command = (sys.executable, "-m", "goldrush_pulumi.cli", "exporter", f"--port={exporter}", "--interval=0.5")
        self._start(*command, *options, **environment)
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
