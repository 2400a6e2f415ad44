"""A bare HTTP caller of the Pipeline API: it shares no code with the client or the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

SQL = "SELECT chain_name, block_height, tx_hash FROM swaps WHERE protocol = 'uniswap_v3'"


def postgres_body(**changes: Any) -> dict[str, Any]:
    """Return the request body of a small pipeline into Postgres, with some fields changed."""
    return {
        "name": "Base swaps to Postgres",
        "project": "analytics-prod",
        "description": "Uniswap v3 swaps on Base, unbounded",
        "topic": "base.mainnet.ref.block.swap.v3",
        "destination_type": "postgres",
        "destination_config": {
            "type": "postgres",
            "url": "postgresql://db.example.com:5432/analytics",
            "user": "goldrush",
            "password": "planted-password",
        },
        "transforms": {"swaps": SQL},
        "execution_mode": "unbounded",
        "execution_start_from": "44745000",
        **changes,
    }


def kafka_body(**changes: Any) -> dict[str, Any]:
    """Return the request body of a small pipeline into Kafka, with some fields changed."""
    sasl = {"mechanism": "SCRAM-SHA-512", "username": "goldrush", "password": "planted-password"}
    config = {"type": "kafka", "bootstrap_servers": "broker1:9092", "sasl": sasl, "output_topic": "swaps"}
    return postgres_body(**{"destination_type": "kafka", "destination_config": config, "transforms": {}, **changes})


class Caller:
    """Calls the ten endpoints of one server with one key and returns plain answers."""

    def __init__(self, base_url: str, key: str | None, timeout_seconds: float = 30.0) -> None:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        # Loading the system's certificates takes longer than most tests, and loopback addresses need none.
        secure = base_url.startswith("https:")
        # With fewer places for idle connections than for all, httpx closes one that another thread is about to use.
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=100, keepalive_expiry=None)
        self._client = httpx.Client(
            base_url=base_url, headers=headers, timeout=timeout_seconds, verify=secure, trust_env=secure, limits=limits
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def send(self, method: str, path: str = "", body: Any = None, **options: Any) -> httpx.Response:
        """Send one request; ``path`` continues the base address."""
        return self._client.request(method, path, json=body, **options)

    def data(self, method: str, path: str = "", body: Any = None, **options: Any) -> Any:
        """Return what stands in the envelope of an answer that must be a success."""
        response = self.send(method, path, body, **options)
        assert response.is_success, response.text
        envelope = response.json()
        assert (envelope["error"], envelope["error_message"], envelope["error_code"]) == (False, None, None)
        return envelope["data"]

    def create(self, body: dict[str, Any] | None = None, **changes: Any) -> Any:
        """Create a pipeline and return its object."""
        return self.data("POST", "", body or postgres_body(**changes))

    def phase(self, pipeline_id: str) -> str:
        """Return the runtime phase, by one status read."""
        return str(self.data("GET", f"{pipeline_id}/status/")["status"])

    def phases(self, pipeline_id: str, reads: int) -> list[str]:
        """Return the phases that so many status reads see."""
        return [self.phase(pipeline_id) for _ in range(reads)]
