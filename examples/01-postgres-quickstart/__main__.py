"""Uniswap v3 swaps on Base in PostgreSQL."""

from __future__ import annotations

import pulumi

import goldrush_pulumi as goldrush

config = pulumi.Config()

swaps = goldrush.Pipeline(
    "base-swaps",
    project="analytics-dev",
    description="Uniswap v3 swaps on Base",
    topic="base.mainnet.ref.block.swap.v3",
    destination_config=goldrush.PostgresDestinationArgs(
        url="postgresql://postgres.dev.example.com:5432/analytics",
        user="goldrush",
        password=config.require_secret("pgPassword"),
    ),
    transforms={
        "swaps": """
            SELECT chain_name, block_height, tx_hash, pair_address, token0, token1
            FROM swaps
            WHERE protocol = 'uniswap_v3'
        """,
    },
    execution_start_from=44_745_000,
)

pulumi.export("id", swaps.id)
pulumi.export("phase", swaps.phase)
