"""The same stack written for each of the providers."""

from __future__ import annotations

import json
from typing import Final

_SQL: Final = """SELECT
  chain_name,  -- the chain
  block_height,
  tx_hash,
  protocol,
  pair_address,
  token0,
  token1
FROM swaps
WHERE protocol = 'uniswap_v3'"""

_OTHER: Final = """
import os
from bench.providers import Item, {provider}

for number in range(int(os.environ["BENCH_COUNT"])):
    Item({provider}(), f"pipeline-{{number}}", {{
        "name": f"pipeline-{{number}}",
        "project": "bench",
        "topic": "base.mainnet.ref.block.swap.v3",
        "transforms": {{"swaps": {sql!r}}},
    }})
"""

_LOADED: Final = """
import os
import pulumi
from bench.providers import LoadedItem, {provider}

for number in range(int(os.environ["BENCH_COUNT"])):
    LoadedItem({provider}(), f"pipeline-{{number}}", {{
        "project": "bench",
        "topic": "base.mainnet.ref.block.swap.v3",
        "destination_type": "postgres",
        "execution_mode": "unbounded",
        "name": f"pipeline-{{number}}",
        "description": "",
        "destination_config": {{
            "type": "postgres",
            "url": "postgresql://db.example.com:5432/analytics",
            "user": "goldrush",
            "password": pulumi.Output.secret("bench-password"),
        }},
        "transforms": {{"swaps": {sql!r}}},
        "execution_start_from": None,
        "execution_stop_from": None,
        "abi_file": None,
        "abi_contract_addresses": [],
        "abi_unmatched": "",
        "status": "running",
        "triggers": {{}},
        "wait_for": "running",
    }})
"""

_OURS: Final = """
import os
import goldrush_pulumi as goldrush

for number in range(int(os.environ["BENCH_COUNT"])):
    goldrush.Pipeline(
        f"pipeline-{{number}}",
        project="bench",
        topic="base.mainnet.ref.block.swap.v3",
        destination_config=goldrush.PostgresDestinationArgs(
            url="postgresql://db.example.com:5432/analytics", user="goldrush", password="bench-password"
        ),
        transforms={{"swaps": {sql!r}}},
    )
"""


_ABI: Final = """
import os
import goldrush_pulumi as goldrush

goldrush.Pipeline(
    "decoded",
    project="bench",
    topic="base.mainnet.ref.block.logs",
    destination_config=goldrush.WebhookDestinationArgs(url="https://in.example.com/rows"),
    abi_file=os.environ["BENCH_ABI"],
)
"""

_YAML: Final = {
    "type": "goldrush:Pipeline",
    "properties": {
        "project": "bench",
        "topic": "base.mainnet.ref.block.swap.v3",
        "destination": {
            "postgres": {
                "url": "postgresql://db.example.com:5432/analytics",
                "user": "goldrush",
                "password": "bench-password",
            }
        },
        "transforms": {"swaps": _SQL},
    },
}

_PROGRAMS: Final = {"Loaded": _LOADED, "LoadedSleeping": _LOADED, "ours": _OURS, "abi": _ABI}


def project_files(provider: str, name: str, count: int) -> dict[str, str]:
    """Return the files of the project `name`: "yaml" for our pipelines by the plugin, else as `program` has them."""
    if provider == "yaml":
        # JSON is YAML, and thousands of pipelines are written in no time.
        resources = {f"pipeline-{number}": _YAML for number in range(count)}
        return {"Pulumi.yaml": json.dumps({"name": name, "runtime": "yaml", "resources": resources})}
    return {"Pulumi.yaml": f"name: {name}\nruntime: python\n", "__main__.py": program(provider)}


def program(provider: str) -> str:
    """Return the program for "ours" or "abi", or for one of the classes in `bench.providers`."""
    return _PROGRAMS.get(provider, _OTHER).format(provider=provider, sql=_SQL)
