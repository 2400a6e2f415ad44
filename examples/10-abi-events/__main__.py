"""The events of one contract, decoded with its ABI, in one ClickHouse table for each kind of event."""

from __future__ import annotations

import pulumi

import goldrush_pulumi as goldrush

USDC = "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"

config = pulumi.Config()

events = goldrush.Pipeline(
    "usdc-events",
    project="events-dev",
    description="Transfers and approvals of USDC on Base",
    topic="base.mainnet.ref.block.logs",
    destination_config=goldrush.ClickHouseDestinationArgs(
        url="clickhouse://clickhouse.dev.example.com:8123/analytics",
        user="goldrush",
        password=config.require_secret("chPassword"),
    ),
    abi_file="erc20.json",
    abi_contract_addresses=[USDC],
)

pulumi.export("id", events.id)
pulumi.export("phase", events.phase)
