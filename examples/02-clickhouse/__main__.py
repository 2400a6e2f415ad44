"""Token transfers on Ethereum in ClickHouse, in large batches."""

from __future__ import annotations

import pulumi

import goldrush_pulumi as goldrush

config = pulumi.Config()

transfers = goldrush.Pipeline(
    "eth-transfers",
    project="analytics-dev",
    description="Token transfers on Ethereum",
    topic="eth.mainnet.ref.block.transfers",
    destination_config=goldrush.ClickHouseDestinationArgs(
        url=config.require("clickhouseUrl"),
        user="goldrush",
        password=config.require_secret("clickhousePassword"),
        batch_size=50_000,
        flush_interval_ms=2_000,
    ),
    execution_start_from=21_000_000,
    opts=pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="15m", update="15m")),
)

pulumi.export("id", transfers.id)
pulumi.export("phase", transfers.phase)
