"""GoldRush data pipelines as code, on Pulumi."""

from __future__ import annotations

from goldrush_pulumi.destinations import (
    ClickHouseDestinationArgs,
    ClickHouseDestinationArgsDict,
    KafkaDestinationArgs,
    KafkaDestinationArgsDict,
    KafkaSaslArgs,
    KafkaSaslArgsDict,
    ObjectStorageDestinationArgs,
    ObjectStorageDestinationArgsDict,
    PostgresDestinationArgs,
    PostgresDestinationArgsDict,
    SqsDestinationArgs,
    SqsDestinationArgsDict,
    WebhookDestinationArgs,
    WebhookDestinationArgsDict,
    WebhookRetryArgs,
    WebhookRetryArgsDict,
)
from goldrush_pulumi.pipeline import Pipeline, PipelineArgs, PipelineArgsDict

__all__ = [
    "ClickHouseDestinationArgs",
    "ClickHouseDestinationArgsDict",
    "KafkaDestinationArgs",
    "KafkaDestinationArgsDict",
    "KafkaSaslArgs",
    "KafkaSaslArgsDict",
    "ObjectStorageDestinationArgs",
    "ObjectStorageDestinationArgsDict",
    "Pipeline",
    "PipelineArgs",
    "PipelineArgsDict",
    "PostgresDestinationArgs",
    "PostgresDestinationArgsDict",
    "SqsDestinationArgs",
    "SqsDestinationArgsDict",
    "WebhookDestinationArgs",
    "WebhookDestinationArgsDict",
    "WebhookRetryArgs",
    "WebhookRetryArgsDict",
]
