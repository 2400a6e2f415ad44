"""Fills on HyperCore in a FIFO queue, which keeps their order."""

from __future__ import annotations

import pulumi

import goldrush_pulumi as goldrush

config = pulumi.Config()

fills = goldrush.Pipeline(
    "hypercore-fills",
    project="trading-dev",
    description="Fills on HyperCore, in order",
    topic="hypercore.mainnet.ref.block.fills",
    destination_config=goldrush.SqsDestinationArgs(
        queue_url="https://sqs.us-east-1.amazonaws.com/000000000000/fills.fifo",
        region="us-east-1",
        access_key_id=config.require_secret("accessKeyId"),
        secret_access_key=config.require_secret("secretAccessKey"),
        message_group_id="fills",
    ),
)

pulumi.export("id", fills.id)
pulumi.export("phase", fills.phase)
