"""The blocks of Base in Kafka, byte for byte. A Kafka destination accepts neither transforms nor an ABI."""

from __future__ import annotations

import pulumi

import goldrush_pulumi as goldrush

config = pulumi.Config()

blocks = goldrush.Pipeline(
    "base-blocks",
    project="streaming-dev",
    description="Blocks of Base as they are",
    topic="base.mainnet.ref.block.blocks",
    destination_config=goldrush.KafkaDestinationArgs(
        bootstrap_servers="broker-1.dev.example.com:9092,broker-2.dev.example.com:9092",
        sasl=goldrush.KafkaSaslArgs(
            mechanism="SCRAM-SHA-512",
            username="goldrush",
            password=config.require_secret("kafkaPassword"),
        ),
        output_topic="base-blocks",
    ),
)

pulumi.export("id", blocks.id)
pulumi.export("phase", blocks.phase)
