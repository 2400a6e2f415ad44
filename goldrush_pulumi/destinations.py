"""The six destinations, as a program writes them: `destination_config=goldrush.PostgresDestinationArgs(...)`.

Each class has a TypedDict beside it, for programs that would rather write a dict; its `type` names the destination.
Fields carry the API's own names. Defaults are the service's: what is left out is not sent.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping, Sequence  # noqa: TC003 - Pulumi reads the annotations while the program runs

# The SDK recognises typing's own TypedDict only.
from typing import Literal, TypeAlias, TypedDict, TypeVar

import pulumi
from typing_extensions import NotRequired, dataclass_transform

from goldrush_pulumi.validation.problems import advise

_Class = TypeVar("_Class")


@dataclass_transform(kw_only_default=True)
def _input_type(cls: type[_Class]) -> type[_Class]:
    """Make a Pulumi input type whose keyword-only constructor is known to type checkers too.

    A misspelt or missing field is one line for the user, as mistakes elsewhere in a program are.
    """
    cls = pulumi.input_type(cls)
    construct = cls.__init__
    parameters = list(inspect.signature(construct).parameters.values())[1:]

    @functools.wraps(construct)
    def checked(self: object, *values: object, **fields: object) -> None:
        _require_fields(cls.__name__, parameters, values, fields)
        construct(self, **fields)

    cls.__init__ = checked  # type: ignore[method-assign]
    return cls


def _require_fields(
    name: str, parameters: list[inspect.Parameter], values: tuple[object, ...], fields: dict[str, object]
) -> None:
    """Refuse a call that does not give each required field, and known fields only.

    Raises:
        pulumi.RunError: all that is wrong with the names, in one line.
    """
    known = [parameter.name for parameter in parameters]
    required = [parameter.name for parameter in parameters if parameter.default is inspect.Parameter.empty]
    problems = ["fields are given by name only"] if values else []
    problems += [f"{field} is no field of it, {advise(field, known)}" for field in fields if field not in known]
    problems += [f"{field} is missing" for field in required if field not in fields]
    if problems:
        raise pulumi.RunError(f"declare {name}: {'; '.join(problems)}")


@_input_type
class PostgresDestinationArgs:
    """Rows into tables of a PostgreSQL database; the schema is named after the project, with `-` as `_`."""

    destination_type = "postgres"

    url: pulumi.Input[str]
    """Connection URL, such as `postgresql://db.example.com:5432/analytics`; `jdbc:postgresql://` is fine too."""
    user: pulumi.Input[str]
    """Database user that owns or may create the tables."""
    password: pulumi.Input[str]
    """Password of the user; always kept as a secret."""
    batch_size: pulumi.Input[int] | None = None
    """Rows per INSERT (default 1000)."""
    flush_interval_ms: pulumi.Input[int] | None = None
    """Longest time a row is buffered before it is written, in milliseconds (default 5000)."""
    type: pulumi.Input[Literal["postgres"]] = "postgres"
    """Set by the class."""


class PostgresDestinationArgsDict(TypedDict):
    """`PostgresDestinationArgs` as a dict."""

    type: Literal["postgres"]
    url: pulumi.Input[str]
    user: pulumi.Input[str]
    password: pulumi.Input[str]
    batch_size: NotRequired[pulumi.Input[int]]
    flush_interval_ms: NotRequired[pulumi.Input[int]]


@_input_type
class ClickHouseDestinationArgs:
    """Rows into tables of a ClickHouse database; the schema is named after the project, with `-` as `_`."""

    destination_type = "clickhouse"

    url: pulumi.Input[str]
    """Connection URL, such as `clickhouse://ch.example.com:8123/analytics`; `jdbc:clickhouse://` is fine too."""
    user: pulumi.Input[str]
    """Database user that owns or may create the tables."""
    password: pulumi.Input[str]
    """Password of the user; always kept as a secret."""
    batch_size: pulumi.Input[int] | None = None
    """Rows per INSERT (default 10000)."""
    flush_interval_ms: pulumi.Input[int] | None = None
    """Longest time a row is buffered before it is written, in milliseconds (default 5000)."""
    type: pulumi.Input[Literal["clickhouse"]] = "clickhouse"
    """Set by the class."""


class ClickHouseDestinationArgsDict(TypedDict):
    """`ClickHouseDestinationArgs` as a dict."""

    type: Literal["clickhouse"]
    url: pulumi.Input[str]
    user: pulumi.Input[str]
    password: pulumi.Input[str]
    batch_size: NotRequired[pulumi.Input[int]]
    flush_interval_ms: NotRequired[pulumi.Input[int]]


@_input_type
class KafkaSaslArgs:
    """How to authenticate with Kafka brokers."""

    mechanism: pulumi.Input[str]
    """SASL mechanism, such as `SCRAM-SHA-512`."""
    username: pulumi.Input[str]
    """SASL user."""
    password: pulumi.Input[str]
    """Password of the SASL user; always kept as a secret."""


class KafkaSaslArgsDict(TypedDict):
    """`KafkaSaslArgs` as a dict."""

    mechanism: pulumi.Input[str]
    username: pulumi.Input[str]
    password: pulumi.Input[str]


@_input_type
class KafkaDestinationArgs:
    """The raw bytes of a topic into a Kafka topic, exactly once; takes neither transforms nor an ABI."""

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
    bootstrap_servers: pulumi.Input[str]
    sasl: pulumi.Input[KafkaSaslArgs | KafkaSaslArgsDict]
    output_topic: pulumi.Input[str]


ObjectStorageProvider: TypeAlias = Literal["s3", "gcs", "r2"]
FileFormat: TypeAlias = Literal["json", "parquet"]
Compression: TypeAlias = Literal["none", "gzip", "snappy", "zstd"]
TimePart: TypeAlias = Literal["hour", "day"]


@_input_type
class ObjectStorageDestinationArgs:
    """Files into a bucket, under `{base_path}/{project}/{stream}/year=…/month=…/day=…/hour=…/`."""

    destination_type = "object_storage"

    provider: pulumi.Input[ObjectStorageProvider]
    """Where the bucket is: `s3`, `gcs` or `r2`."""
    bucket: pulumi.Input[str]
    """Name of the bucket."""
    access_key_id: pulumi.Input[str]
    """Identifier of the access key; kept as a secret."""
    secret_access_key: pulumi.Input[str]
    """Secret half of the access key; always kept as a secret."""
    base_path: pulumi.Input[str] | None = None
    """Prefix of every object's name."""
    format: pulumi.Input[FileFormat] | None = None
    """Format of the files: `json`, one record a line, or `parquet` (default `json`)."""
    compression: pulumi.Input[Compression] | None = None
    """Compression of the files: `none`, `gzip`, `snappy` or `zstd` (default `none`)."""
    partition_by: pulumi.Input[Sequence[pulumi.Input[TimePart]]] | None = None
    """Time parts in the path: `hour`, `day` (default `hour`)."""
    batch_size: pulumi.Input[int] | None = None
    """Records per file (default 10000)."""
    batch_interval_ms: pulumi.Input[int] | None = None
    """Longest time a record is buffered before its file is written, in milliseconds (default 60000)."""
    region: pulumi.Input[str] | None = None
    """Region of the bucket, such as `us-east-1`; required for s3 and r2."""
    endpoint: pulumi.Input[str] | None = None
    """S3-compatible URL of the service; required for r2."""
    type: pulumi.Input[Literal["object_storage"]] = "object_storage"
    """Set by the class."""


class ObjectStorageDestinationArgsDict(TypedDict):
    """`ObjectStorageDestinationArgs` as a dict."""

    type: Literal["object_storage"]
    provider: pulumi.Input[ObjectStorageProvider]
    bucket: pulumi.Input[str]
    access_key_id: pulumi.Input[str]
    secret_access_key: pulumi.Input[str]
    base_path: NotRequired[pulumi.Input[str]]
    format: NotRequired[pulumi.Input[FileFormat]]
    compression: NotRequired[pulumi.Input[Compression]]
    partition_by: NotRequired[pulumi.Input[Sequence[pulumi.Input[TimePart]]]]
    batch_size: NotRequired[pulumi.Input[int]]
    batch_interval_ms: NotRequired[pulumi.Input[int]]
    region: NotRequired[pulumi.Input[str]]
    endpoint: NotRequired[pulumi.Input[str]]


@_input_type
class SqsDestinationArgs:
    """Messages into an Amazon SQS queue; a FIFO queue, whose URL ends in `.fifo`, keeps their order."""

    destination_type = "sqs"

    queue_url: pulumi.Input[str]
    """URL of the queue, `https://` only."""
    region: pulumi.Input[str]
    """Region of the queue."""
    access_key_id: pulumi.Input[str]
    """Identifier of the access key; kept as a secret."""
    secret_access_key: pulumi.Input[str]
    """Secret half of the access key; always kept as a secret."""
    batch_size: pulumi.Input[int] | None = None
    """Messages per request, at most 10 (default 10)."""
    message_group_id: pulumi.Input[str] | None = None
    """Group of every message in a FIFO queue; the service derives one."""
    type: pulumi.Input[Literal["sqs"]] = "sqs"
    """Set by the class."""


class SqsDestinationArgsDict(TypedDict):
    """`SqsDestinationArgs` as a dict."""

    type: Literal["sqs"]
    queue_url: pulumi.Input[str]
    region: pulumi.Input[str]
    access_key_id: pulumi.Input[str]
    secret_access_key: pulumi.Input[str]
    batch_size: NotRequired[pulumi.Input[int]]
    message_group_id: NotRequired[pulumi.Input[str]]


@_input_type
class WebhookRetryArgs:
    """What to do when a request to a webhook fails."""

    max_attempts: pulumi.Input[int] | None = None
    """Attempts per request (default 3)."""
    backoff_ms: pulumi.Input[int] | None = None
    """Pause before the first repetition, in milliseconds; it doubles each time (default 1000)."""


class WebhookRetryArgsDict(TypedDict):
    """`WebhookRetryArgs` as a dict."""

    max_attempts: NotRequired[pulumi.Input[int]]
    backoff_ms: NotRequired[pulumi.Input[int]]


@_input_type
class WebhookDestinationArgs:
    """Records as JSON to an HTTP endpoint; each request carries an `X-Idempotency-Key`."""

    destination_type = "webhook"

    url: pulumi.Input[str]
    """Where to send the records."""
    method: pulumi.Input[str] | None = None
    """HTTP method (default `POST`)."""
    headers: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    """Headers of every request; each value is always kept as a secret."""
    batch_size: pulumi.Input[int] | None = None
    """Records per request (default 1)."""
    timeout_ms: pulumi.Input[int] | None = None
    """Longest time to wait for an answer, in milliseconds (default 10000)."""
    retry: pulumi.Input[WebhookRetryArgs | WebhookRetryArgsDict] | None = None
    """What to do when a request fails."""
    type: pulumi.Input[Literal["webhook"]] = "webhook"
    """Set by the class."""


class WebhookDestinationArgsDict(TypedDict):
    """`WebhookDestinationArgs` as a dict."""

    type: Literal["webhook"]
    url: pulumi.Input[str]
    method: NotRequired[pulumi.Input[str]]
    headers: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    batch_size: NotRequired[pulumi.Input[int]]
    timeout_ms: NotRequired[pulumi.Input[int]]
    retry: NotRequired[pulumi.Input[WebhookRetryArgs | WebhookRetryArgsDict]]


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
