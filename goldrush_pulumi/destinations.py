"""Generated from goldrush_pulumi/schema by `make reference`: edit the rows there, not this file.

The six destinations, as a program writes them: `destination_config=goldrush.PostgresDestinationArgs(...)`. Each class
has a TypedDict beside it, for programs that would rather write a dict; its `type` names the destination. What is left
out is not sent: the defaults are the service's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NotRequired, TypeAlias, TypedDict

import pulumi

from goldrush_pulumi.input_type import input_type


@input_type
class PostgresDestinationArgs:
    """Writes rows to tables of a PostgreSQL database; the schema is named after the project, with `-` as `_`."""

    destination_type = "postgres"

    url: pulumi.Input[str]
    """Connection URL, such as `postgresql://db.example.com:5432/analytics`; a `jdbc:` prefix is fine too."""
    user: pulumi.Input[str]
    """Database user that owns or may create the tables."""
    password: pulumi.Input[str]
    """Password of the user. Kept as a secret."""
    batch_size: pulumi.Input[int] | None = None
    """Rows per INSERT (default: 1000)."""
    flush_interval_ms: pulumi.Input[int] | None = None
    """Longest time a row is buffered before it is written, in milliseconds (default: 5000)."""
    type: pulumi.Input[Literal["postgres"]] = "postgres"
    """Set by the class."""


class PostgresDestinationArgsDict(TypedDict):
    """`PostgresDestinationArgs` as a dict."""

    type: Literal["postgres"]
    """Names the destination."""
    url: pulumi.Input[str]
    """Connection URL, such as `postgresql://db.example.com:5432/analytics`; a `jdbc:` prefix is fine too."""
    user: pulumi.Input[str]
    """Database user that owns or may create the tables."""
    password: pulumi.Input[str]
    """Password of the user. Kept as a secret."""
    batch_size: NotRequired[pulumi.Input[int]]
    """Rows per INSERT (default: 1000)."""
    flush_interval_ms: NotRequired[pulumi.Input[int]]
    """Longest time a row is buffered before it is written, in milliseconds (default: 5000)."""


@input_type
class ClickHouseDestinationArgs:
    """Writes rows to tables of a ClickHouse database; the schema is named after the project, with `-` as `_`."""

    destination_type = "clickhouse"

    url: pulumi.Input[str]
    """Connection URL, such as `clickhouse://ch.example.com:8123/analytics`; a `jdbc:` prefix is fine too."""
    user: pulumi.Input[str]
    """Database user that owns or may create the tables."""
    password: pulumi.Input[str]
    """Password of the user. Kept as a secret."""
    batch_size: pulumi.Input[int] | None = None
    """Rows per INSERT (default: 10000)."""
    flush_interval_ms: pulumi.Input[int] | None = None
    """Longest time a row is buffered before it is written, in milliseconds (default: 5000)."""
    type: pulumi.Input[Literal["clickhouse"]] = "clickhouse"
    """Set by the class."""


class ClickHouseDestinationArgsDict(TypedDict):
    """`ClickHouseDestinationArgs` as a dict."""

    type: Literal["clickhouse"]
    """Names the destination."""
    url: pulumi.Input[str]
    """Connection URL, such as `clickhouse://ch.example.com:8123/analytics`; a `jdbc:` prefix is fine too."""
    user: pulumi.Input[str]
    """Database user that owns or may create the tables."""
    password: pulumi.Input[str]
    """Password of the user. Kept as a secret."""
    batch_size: NotRequired[pulumi.Input[int]]
    """Rows per INSERT (default: 10000)."""
    flush_interval_ms: NotRequired[pulumi.Input[int]]
    """Longest time a row is buffered before it is written, in milliseconds (default: 5000)."""


@input_type
class KafkaSaslArgs:
    """How to authenticate with the brokers."""

    mechanism: pulumi.Input[str]
    """SASL mechanism, such as `SCRAM-SHA-512`."""
    username: pulumi.Input[str]
    """SASL user."""
    password: pulumi.Input[str]
    """Password of the SASL user. Kept as a secret."""


class KafkaSaslArgsDict(TypedDict):
    """`KafkaSaslArgs` as a dict."""

    mechanism: pulumi.Input[str]
    """SASL mechanism, such as `SCRAM-SHA-512`."""
    username: pulumi.Input[str]
    """SASL user."""
    password: pulumi.Input[str]
    """Password of the SASL user. Kept as a secret."""


@input_type
class KafkaDestinationArgs:
    """Forwards the raw bytes of a topic to a Kafka topic, exactly once; takes neither transforms nor an ABI."""

    destination_type = "kafka"

    bootstrap_servers: pulumi.Input[str]
    """Brokers as `host:port`, separated by commas."""
    sasl: pulumi.Input[KafkaSaslArgs | KafkaSaslArgsDict]
    """How to authenticate with the brokers."""
    output_topic: pulumi.Input[str]
    """Kafka topic to write to."""
    type: pulumi.Input[Literal["kafka"]] = "kafka"
    """Set by the class."""


class KafkaDestinationArgsDict(TypedDict):
    """`KafkaDestinationArgs` as a dict."""

    type: Literal["kafka"]
    """Names the destination."""
    bootstrap_servers: pulumi.Input[str]
    """Brokers as `host:port`, separated by commas."""
    sasl: pulumi.Input[KafkaSaslArgs | KafkaSaslArgsDict]
    """How to authenticate with the brokers."""
    output_topic: pulumi.Input[str]
    """Kafka topic to write to."""


@input_type
class ObjectStorageDestinationArgs:
    """Writes files to a bucket of S3, Google Cloud Storage or R2.

    Objects are named `{base_path}/{project}/{stream}/year=…/month=…/day=…/hour=…/`.
    """

    destination_type = "object_storage"

    provider: pulumi.Input[Literal["s3", "gcs", "r2"]]
    """Where the bucket is: `s3`, `gcs` or `r2`."""
    bucket: pulumi.Input[str]
    """Name of the bucket."""
    access_key_id: pulumi.Input[str]
    """Identifier of the access key. Kept as a secret."""
    secret_access_key: pulumi.Input[str]
    """Secret half of the access key. Kept as a secret."""
    base_path: pulumi.Input[str] | None = None
    """Prefix of every object's name."""
    format: pulumi.Input[Literal["json", "parquet"]] | None = None
    """Format of the files: `json` (one record a line) or `parquet` (default: json)."""
    compression: pulumi.Input[Literal["none", "gzip", "snappy", "zstd"]] | None = None
    """Compression of the files: `none`, `gzip`, `snappy` or `zstd` (default: none)."""
    partition_by: pulumi.Input[Sequence[pulumi.Input[Literal["hour", "day"]]]] | None = None
    """Time parts in the path: `hour`, `day` (default: hour)."""
    batch_size: pulumi.Input[int] | None = None
    """Records per file (default: 10000)."""
    batch_interval_ms: pulumi.Input[int] | None = None
    """Longest time a record is buffered before its file is written, in milliseconds (default: 60000)."""
    region: pulumi.Input[str] | None = None
    """Region of the bucket; required for s3 and r2."""
    endpoint: pulumi.Input[str] | None = None
    """S3-compatible URL of the service; required for r2."""
    type: pulumi.Input[Literal["object_storage"]] = "object_storage"
    """Set by the class."""


class ObjectStorageDestinationArgsDict(TypedDict):
    """`ObjectStorageDestinationArgs` as a dict."""

    type: Literal["object_storage"]
    """Names the destination."""
    provider: pulumi.Input[Literal["s3", "gcs", "r2"]]
    """Where the bucket is: `s3`, `gcs` or `r2`."""
    bucket: pulumi.Input[str]
    """Name of the bucket."""
    access_key_id: pulumi.Input[str]
    """Identifier of the access key. Kept as a secret."""
    secret_access_key: pulumi.Input[str]
    """Secret half of the access key. Kept as a secret."""
    base_path: NotRequired[pulumi.Input[str]]
    """Prefix of every object's name."""
    format: NotRequired[pulumi.Input[Literal["json", "parquet"]]]
    """Format of the files: `json` (one record a line) or `parquet` (default: json)."""
    compression: NotRequired[pulumi.Input[Literal["none", "gzip", "snappy", "zstd"]]]
    """Compression of the files: `none`, `gzip`, `snappy` or `zstd` (default: none)."""
    partition_by: NotRequired[pulumi.Input[Sequence[pulumi.Input[Literal["hour", "day"]]]]]
    """Time parts in the path: `hour`, `day` (default: hour)."""
    batch_size: NotRequired[pulumi.Input[int]]
    """Records per file (default: 10000)."""
    batch_interval_ms: NotRequired[pulumi.Input[int]]
    """Longest time a record is buffered before its file is written, in milliseconds (default: 60000)."""
    region: NotRequired[pulumi.Input[str]]
    """Region of the bucket; required for s3 and r2."""
    endpoint: NotRequired[pulumi.Input[str]]
    """S3-compatible URL of the service; required for r2."""


@input_type
class SqsDestinationArgs:
    """Sends records to an Amazon SQS queue; a FIFO queue, with a URL that ends in `.fifo`, keeps their order."""

    destination_type = "sqs"

    queue_url: pulumi.Input[str]
    """URL of the queue, `https://` only."""
    region: pulumi.Input[str]
    """Region of the queue."""
    access_key_id: pulumi.Input[str]
    """Identifier of the access key. Kept as a secret."""
    secret_access_key: pulumi.Input[str]
    """Secret half of the access key. Kept as a secret."""
    batch_size: pulumi.Input[int] | None = None
    """Messages per request (default: 10)."""
    message_group_id: pulumi.Input[str] | None = None
    """Group of every message in a FIFO queue; the service derives one."""
    type: pulumi.Input[Literal["sqs"]] = "sqs"
    """Set by the class."""


class SqsDestinationArgsDict(TypedDict):
    """`SqsDestinationArgs` as a dict."""

    type: Literal["sqs"]
    """Names the destination."""
    queue_url: pulumi.Input[str]
    """URL of the queue, `https://` only."""
    region: pulumi.Input[str]
    """Region of the queue."""
    access_key_id: pulumi.Input[str]
    """Identifier of the access key. Kept as a secret."""
    secret_access_key: pulumi.Input[str]
    """Secret half of the access key. Kept as a secret."""
    batch_size: NotRequired[pulumi.Input[int]]
    """Messages per request (default: 10)."""
    message_group_id: NotRequired[pulumi.Input[str]]
    """Group of every message in a FIFO queue; the service derives one."""


@input_type
class WebhookRetryArgs:
    """What to do when a request fails."""

    max_attempts: pulumi.Input[int] | None = None
    """Attempts per request (default: 3)."""
    backoff_ms: pulumi.Input[int] | None = None
    """Pause before the first repetition, in milliseconds; it doubles each time (default: 1000)."""


class WebhookRetryArgsDict(TypedDict):
    """`WebhookRetryArgs` as a dict."""

    max_attempts: NotRequired[pulumi.Input[int]]
    """Attempts per request (default: 3)."""
    backoff_ms: NotRequired[pulumi.Input[int]]
    """Pause before the first repetition, in milliseconds; it doubles each time (default: 1000)."""


@input_type
class WebhookDestinationArgs:
    """Sends records as JSON to an HTTP endpoint.

    Each request carries an `X-Idempotency-Key`. A 4xx response other than 429 drops the batch, while the pipeline
    stays RUNNING.
    """

    destination_type = "webhook"

    url: pulumi.Input[str]
    """Where to send the records."""
    method: pulumi.Input[str] | None = None
    """HTTP method (default: POST)."""
    headers: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    """Headers of every request. Each value is kept as a secret."""
    batch_size: pulumi.Input[int] | None = None
    """Records per request (default: 1)."""
    timeout_ms: pulumi.Input[int] | None = None
    """Longest time to wait for an answer, in milliseconds (default: 10000)."""
    retry: pulumi.Input[WebhookRetryArgs | WebhookRetryArgsDict] | None = None
    """What to do when a request fails."""
    type: pulumi.Input[Literal["webhook"]] = "webhook"
    """Set by the class."""


class WebhookDestinationArgsDict(TypedDict):
    """`WebhookDestinationArgs` as a dict."""

    type: Literal["webhook"]
    """Names the destination."""
    url: pulumi.Input[str]
    """Where to send the records."""
    method: NotRequired[pulumi.Input[str]]
    """HTTP method (default: POST)."""
    headers: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Headers of every request. Each value is kept as a secret."""
    batch_size: NotRequired[pulumi.Input[int]]
    """Records per request (default: 1)."""
    timeout_ms: NotRequired[pulumi.Input[int]]
    """Longest time to wait for an answer, in milliseconds (default: 10000)."""
    retry: NotRequired[pulumi.Input[WebhookRetryArgs | WebhookRetryArgsDict]]
    """What to do when a request fails."""


DestinationArgs: TypeAlias = (
    PostgresDestinationArgs
    | PostgresDestinationArgsDict
    | ClickHouseDestinationArgs
    | ClickHouseDestinationArgsDict
    | KafkaDestinationArgs
    | KafkaDestinationArgsDict
    | ObjectStorageDestinationArgs
    | ObjectStorageDestinationArgsDict
    | SqsDestinationArgs
    | SqsDestinationArgsDict
    | WebhookDestinationArgs
    | WebhookDestinationArgsDict
)
"""Anything that `destination_config` takes, apart from a plain mapping."""
