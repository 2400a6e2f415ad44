"""An account full of pipelines that no stack knows, of every destination and with everything a pipeline can have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldrush_pulumi.emulator import Emulator

_TOPIC: Final = "base.mainnet.ref.block.swap.v3"
_LOGS: Final = "base.mainnet.ref.block.logs"
_SQL: Final = """
    SELECT chain_name, 'a "quoted" word' AS note
    FROM swaps
    WHERE protocol = 'uniswap_v3'
"""
_EVENT: Final = {
    "type": "event",
    "name": "Transfer",
    "anonymous": False,
    "inputs": [
        {"name": "from", "type": "address", "indexed": True},
        {"name": "to", "type": "address", "indexed": True},
        {"name": "value", "type": "uint256", "indexed": False},
    ],
}


def destinations(plant: Callable[[], str]) -> dict[str, dict[str, Any]]:
    """One of each, with secrets that `plant` makes."""
    return {
        "postgres": {
            "type": "postgres",
            "url": "postgresql://db.example.com:5432/analytics",
            "user": "goldrush",
            "password": plant(),
            "batch_size": 500,
        },
        "clickhouse": {
            "url": "clickhouse://ch.example.com:8123/analytics",
            "user": "goldrush",
            "password": plant(),
        },
        "kafka": {
            "bootstrap_servers": "broker.example.com:9092",
            "sasl": {"mechanism": "PLAIN", "username": "goldrush", "password": plant()},
            "output_topic": "swaps",
        },
        "object_storage": {
            "provider": "s3",
            "bucket": "swaps",
            "region": "us-east-1",
            "partition_by": ["day"],
            "access_key_id": plant(),
            "secret_access_key": plant(),
        },
        "sqs": {
            "queue_url": "https://sqs.us-east-1.amazonaws.com/123456789012/swaps",
            "region": "us-east-1",
            "access_key_id": plant(),
            "secret_access_key": plant(),
        },
        "webhook": {
            "url": "https://hooks.example.com/swaps",
            "headers": {"Authorization": f"Bearer {plant()}", "X-Api-Key": plant()},
            "retry": {"max_attempts": 5},
        },
    }


def fill(emulator: Emulator, count: int, plant: Callable[[], str], create: Callable[[dict[str, Any]], object]) -> None:
    """Create `count` pipelines by `create`, which POSTs a body, and have some paused, some with like names."""
    for number in range(count):
        kinds = destinations(plant)
        kind = list(kinds)[number % len(kinds)]
        create(_body(number, kind, kinds[kind]))
    emulator.clear_requests()


def _body(number: int, kind: str, config: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {
        # Names come twice, and none can be the name of a resource as it is.
        "name": f"{kind} feed {number // 12}",
        "project": "shop",
        "topic": _TOPIC,
        "destination_type": kind,
        "execution_mode": "unbounded",
        "destination_config": config,
        "description": f'Number {number}, "by hand"',
    }
    if kind != "kafka":
        body["transforms"] = {"swaps": _SQL}
    special = _SPECIALS.get(number % 10)
    return body | (special(kind) if special else {})


_SPECIALS: Final[dict[int, Callable[[str], dict[str, Any]]]] = {
    0: lambda _: {"status": "paused"},
    1: lambda _: {"execution_start_from": "44745000"},
    3: lambda _: {"execution_mode": "bounded", "execution_start_from": "5", "execution_stop_from": "10"},
    4: lambda kind: {} if kind == "kafka" else _decoding(),
    5: lambda kind: {} if kind == "kafka" else {"transforms": {"swaps": "SELECT 'back\\slash' AS \"it's\" FROM swaps"}},
}


def _decoding() -> dict[str, Any]:
    return {
        "topic": _LOGS,
        "transforms": {},
        "abi_file": [_EVENT],
        "abi_contract_addresses": ["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"],
        "abi_unmatched": "raw",
    }
