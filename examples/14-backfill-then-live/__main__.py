"""The swaps of Base from a past block on: first the history, then new blocks."""

from __future__ import annotations

import pulumi
from backfill_then_live import BackfillThenLive, Source

import goldrush_pulumi as goldrush

swaps = BackfillThenLive(
    "swaps",
    Source(
        topic="base.mainnet.ref.block.swap.v3",
        transforms={"swaps": "SELECT * FROM swaps WHERE protocol = 'uniswap_v3'"},
        first_block=44_000_000,
        handover_block=44_745_000,
    ),
    goldrush.PostgresDestinationArgs(
        url="postgresql://postgres.dev.example.com:5432/analytics",
        user="goldrush",
        password=pulumi.Config().require_secret("pgPassword"),
    ),
)

pulumi.export("backfill", swaps.backfill.phase)
pulumi.export("live", swaps.live.phase)
