from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from goldrush_pulumi.api import GoldRushClient, RateLimiter

if TYPE_CHECKING:
    from tests.support.clock import FakeClock

KEY = "sk_planted_7Qz0xW9pLmT4"
BASE_URL = "https://goldrush.test/platform/pipeline-api/"
PATH = "/platform/pipeline-api/"

Scripted = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


def success(data: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json={"data": data, "error": False, "error_message": None, "error_code": None})


def failure(status: int, message: str = "the server's own words", **headers: str) -> httpx.Response:
    body = {"data": None, "error": True, "error_message": message, "error_code": str(status)}
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): text for name, text in headers.items()})


def pipeline(**fields: Any) -> dict[str, Any]:
    return {"id": "pipe_1", "name": "swaps", **fields}


@dataclass
class Server:
    """Responds by a script, the last entry for ever, and records what it was asked."""

    script: list[Scripted]
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        step = self.script[min(len(self.requests), len(self.script) - 1)]
        self.requests.append(request)
        if isinstance(step, Exception):
            raise step
        if isinstance(step, httpx.Response):
            # A response belongs to one request; a script may use it many times.
            return httpx.Response(step.status_code, headers=step.headers, content=step.content)
        return step(request)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) if request.content else None for request in self.requests]

    @property
    def lines(self) -> list[str]:
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.requests]


class Pauses(threading.Event):
    """A cancel event whose waits take no time: each is recorded and moves the clock."""

    def __init__(self, clock: FakeClock, cancelled_in_pause: int | None = None) -> None:
        super().__init__()
        self.clock = clock
        self.seconds: list[float] = []
        self.cancelled_in_pause = cancelled_in_pause

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout or 0.0)
        self.clock.seconds += timeout or 0.0
        if len(self.seconds) == self.cancelled_in_pause:
            self.set()
        return self.is_set()


class Unhurried(RateLimiter):
    """A rate limiter that holds nobody back, whatever the server says."""

    def __init__(self) -> None:
        super().__init__(1_000_000)

    def slow_down(self, retry_after_seconds: float | None = None) -> None:
        del retry_after_seconds


def client_of(server: Server, **options: Any) -> GoldRushClient:
    """A client that is never held back by its rate limiter."""
    options.setdefault("rate_limiter", Unhurried())
    options.setdefault("base_url", BASE_URL)
    options.setdefault("key_source", "goldrush:serviceKey")
    return GoldRushClient(service_key=KEY, transport=httpx.MockTransport(server), **options)


EVERY_CALL: dict[str, Callable[[GoldRushClient], object]] = {
    "list": lambda client: client.list_pipelines(),
    "create": lambda client: client.create_pipeline({"name": "swaps"}),
    "get": lambda client: client.get_pipeline("pipe_1"),
    "update": lambda client: client.update_pipeline("pipe_1", {"name": "swaps"}),
    "set status": lambda client: client.set_pipeline_status("pipe_1", "paused"),
    "delete": lambda client: client.delete_pipeline("pipe_1"),
    "status": lambda client: client.get_pipeline_status("pipe_1"),
    "logs": lambda client: client.get_pipeline_logs("pipe_1"),
    "metrics": lambda client: client.get_pipeline_metrics("pipe_1"),
    "health": lambda client: client.get_destination_health("pipe_1"),
}
REPEATABLE = [name for name in EVERY_CALL if name != "create"]
CHANGES = ["create", "update", "set status", "delete"]
READS = [name for name in EVERY_CALL if name not in CHANGES]
