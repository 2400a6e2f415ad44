"""One day of logs on Base as Parquet files in a bucket: a bounded pipeline, which ends by itself."""

from __future__ import annotations

import pulumi

import goldrush_pulumi as goldrush

config = pulumi.Config()

FIRST_BLOCK = 44_745_000
BLOCKS_A_DAY = 43_200

logs = goldrush.Pipeline(
    "base-logs-archive",
    project="archive-dev",
    description="One day of logs on Base",
    topic="base.mainnet.ref.block.logs",
    destination_config=goldrush.ObjectStorageDestinationArgs(
        provider="s3",
        bucket="goldrush-archive-dev",
        base_path="base",
        region="us-east-1",
        format="parquet",
        compression="zstd",
        partition_by=["day", "hour"],
        access_key_id=config.require_secret("accessKeyId"),
        secret_access_key=config.require_secret("secretAccessKey"),
    ),
    execution_mode="bounded",
    execution_start_from=FIRST_BLOCK,
    execution_stop_from=FIRST_BLOCK + BLOCKS_A_DAY - 1,
)

pulumi.export("id", logs.id)
pulumi.export("phase", logs.phase)
