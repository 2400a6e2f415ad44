"""A backfill that ends by itself, and a pipeline that continues from there."""

from __future__ import annotations

import pulumi

import goldrush_pulumi as goldrush

FIRST_BLOCK = 44_000_000
HANDOVER_BLOCK = 44_745_000

destination = goldrush.PostgresDestinationArgs(
    url="postgresql://postgres.dev.example.com:5432/analytics",
    user="goldrush",
    password=pulumi.Config().require_secret("pgPassword"),
)

history = goldrush.Pipeline(
    "swaps-history",
    project="swaps-history-dev",
    description="Swaps on Base up to the handover",
    topic="base.mainnet.ref.block.swap.v3",
    destination_config=destination,
    execution_mode="bounded",
    execution_start_from=FIRST_BLOCK,
    execution_stop_from=HANDOVER_BLOCK - 1,
)

present = goldrush.Pipeline(
    "swaps-present",
    # Each pipeline has its own project: two in one project would share its consumer group and its checkpoint.
    project="swaps-present-dev",
    description="Swaps on Base from the handover on",
    topic="base.mainnet.ref.block.swap.v3",
    destination_config=destination,
    execution_start_from=HANDOVER_BLOCK,
)

pulumi.export("history", history.phase)
pulumi.export("present", present.phase)
