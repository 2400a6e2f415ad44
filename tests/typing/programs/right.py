"""Programs that every type checker has to accept, each in another way to write the same things."""

from __future__ import annotations

from pathlib import Path

import pulumi

import goldrush_pulumi as goldrush
from goldrush_pulumi import KafkaDestinationArgsDict, PipelineArgsDict, PostgresDestinationArgsDict

config = pulumi.Config()
password: pulumi.Output[str] = config.require_secret("password")
height: pulumi.Output[int] = pulumi.Output.from_input(44_745_000)

typed = goldrush.PostgresDestinationArgs(
    url="postgresql://db.example.com:5432/analytics", user="goldrush", password=password, batch_size=100
)
as_dict: PostgresDestinationArgsDict = {
    "type": "postgres",
    "url": pulumi.Output.concat("postgresql://", "db.example.com", "/analytics"),
    "user": "goldrush",
    "password": password,
}
kafka: KafkaDestinationArgsDict = {
    "type": "kafka",
    "bootstrap_servers": "broker:9092",
    "sasl": {"mechanism": "SCRAM-SHA-512", "username": "goldrush", "password": password},
    "output_topic": "blocks",
}
keywords = goldrush.Pipeline(
    "keywords",
    project="analytics",
    topic="base.mainnet.ref.block.swap.v3",
    destination_config=typed,
    transforms={"swaps": pulumi.Output.from_input("SELECT * FROM swaps")},
    execution_mode="bounded",
    execution_start_from=height,
    execution_stop_from="44788200",
    status="paused",
    triggers={"build": 1, "of": ["anything"]},
    wait_for="healthy",
)
args = goldrush.Pipeline(
    "args",
    goldrush.PipelineArgs(
        project=pulumi.Output.from_input("analytics"),
        topic="base.mainnet.ref.block.logs",
        destination_config=as_dict,
        abi_file=Path("abi.json"),
        abi_contract_addresses=["0x4200000000000000000000000000000000000006", pulumi.Output.from_input("0x42")],
        abi_unmatched="raw",
    ),
    pulumi.ResourceOptions(protect=True),
)
options_first = goldrush.Pipeline(
    "options-first",
    pulumi.ResourceOptions(depends_on=[args]),
    project="streaming",
    topic="base.mainnet.ref.block.blocks",
    destination_config=kafka,
)
spread: PipelineArgsDict = {
    "project": "alerts",
    "topic": "base.mainnet.ref.block.transfers",
    "destination_config": goldrush.WebhookDestinationArgs(
        url="https://alerts.example.com", headers={"Authorization": password}, retry={"max_attempts": 5}
    ),
}
from_dict = goldrush.Pipeline("from-dict", **spread)
queue = goldrush.SqsDestinationArgs(queue_url="https://q", region="auto", access_key_id="a", secret_access_key=password)
bucket = goldrush.ObjectStorageDestinationArgs(
    provider="r2",
    bucket="b",
    region="auto",
    endpoint="https://r2.example.com",
    access_key_id="a",
    secret_access_key=password,
    format="parquet",
    compression="zstd",
    partition_by=["day", "hour"],
)
known: goldrush.Pipeline = goldrush.Pipeline.get("known", "pipe_1")
phase: pulumi.Output[str] = known.phase
ready: pulumi.Output[int] = known.ready
pulumi.export("phases", {"known": phase, "ready": ready, "runs": keywords.runs})
