"""What programs declare about pipelines of all six destinations, with planted secrets, and a provider to send it to."""

from __future__ import annotations

import copy
import sys
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.provider import make_provider
from tests.plugin.harness import Plugin

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from goldrush_pulumi.emulator import Emulator
    from tests.plugin.wire import Properties

PLANTED = "pl4ntedSecret"
"""Stands in every secret of these programs, and nowhere else."""

MASK = "******"

_SECRET_MARK = "4dabf18193072939515e22adb298388d"

CONFIGS: Mapping[str, Properties] = {
    "postgres": {
        "url": f"postgresql://app:{PLANTED}0@db.example.com:5432/analytics",
        "user": "goldrush",
        "password": f"{PLANTED}1",
        "batch_size": 500,
    },
    "clickhouse": {"url": "clickhouse://ch.example.com:8123/analytics", "user": "gold", "password": f"{PLANTED}2"},
    "kafka": {
        "bootstrap_servers": "broker.example.com:9092",
        "output_topic": "swaps",
        "sasl": {"mechanism": "SCRAM-SHA-512", "username": "gold", "password": f"{PLANTED}3"},
    },
    "object_storage": {
        "provider": "s3",
        "bucket": "exports",
        "region": "eu-west-1",
        "partition_by": ["day"],
        "access_key_id": f"AKIA{PLANTED}4",
        "secret_access_key": f"{PLANTED}5",
    },
    "sqs": {
        "queue_url": "https://sqs.eu-west-1.amazonaws.com/123456789012/swaps",
        "region": "eu-west-1",
        "access_key_id": f"AKIA{PLANTED}6",
        "secret_access_key": f"{PLANTED}7",
    },
    "webhook": {
        "url": f"https://hooks.example.com/in?token={PLANTED}8",
        "headers": {"Authorization": f"Bearer {PLANTED}9", "X-Source": f"{PLANTED}10"},
        "retry": {"max_attempts": 5, "backoff_ms": 200},
    },
}
"""One `destination_config` for each type."""


def program(destination_type: str = "postgres", **changes: Any) -> Properties:
    """Return what a program declares; `changes` replace whole inputs, and None takes one away."""
    declared = {
        "project": "analytics",
        "topic": "base.mainnet.ref.block.swap.v3",
        "destination_type": destination_type,
        "destination_config": copy.deepcopy(CONFIGS[destination_type]),
        **changes,
    }
    return {name: value for name, value in declared.items() if value is not None}


def start(
    emulator: Emulator | None = None,
    interpreter: str | Path = sys.executable,
    *,
    provider: str | None = None,
    env: Mapping[str, str] | None = None,
    **settings: str,
) -> Plugin:
    """Start the real provider against an emulator; `settings` are `goldrush:*` config values on top of a quick set."""
    account = {} if emulator is None else {"serviceKey": emulator.service_key, "baseUrl": emulator.base_url}
    quick = {"failedGraceSeconds": "0.2", "stabilizationSeconds": "0.2", "requestsPerSecond": "1000"}
    config = {f"goldrush:{key}": value for key, value in {**quick, **account, **settings}.items()}
    return Plugin(provider=provider or make_provider(), interpreter=interpreter, env=env, config=config)


def leaks(value: Any, planted: str = PLANTED, path: str = "") -> list[str]:
    """Return the paths at which a planted secret or a mask stands outside of the wire's mark for secrets."""
    return [path for path, text in _texts(value, path) if planted in text or MASK in text]


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if _SECRET_MARK in value:
            # Marked or not: a mask is worth nothing to anybody, so it must not stand in state either.
            yield from ((where, text) for where, text in _texts(value["value"], path) if MASK in text)
            return
        for key, item in value.items():
            yield f"{path}.{key}", str(key)
            yield from _texts(item, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}[{index}]")
    elif isinstance(value, str):
        yield path, value
