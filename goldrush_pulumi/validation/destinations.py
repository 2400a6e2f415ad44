"""The six destinations of GoldRush: the one table that validation, secrets and the stack schema are made from.

Source: the destination pages of the GoldRush Pipeline API documentation, one per type. Defaults are what those pages
say the service uses; nothing here is ever filled into a request.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from goldrush_pulumi.validation.fields import Destination, Field, find_field
from goldrush_pulumi.validation.urls import CREDENTIAL_NAME, carries_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator


def _database_fields(schemes: tuple[str, ...], example: str, batch_size: int) -> tuple[Field, ...]:
    return (
        Field("url", "url", f"Connection URL, such as `{example}`.", required=True, schemes=schemes),
        Field("user", "text", "Database user that owns or may create the tables.", required=True),
        Field("password", "text", "Password of the user.", required=True, secret=True),
        Field("batch_size", "integer", "Rows per INSERT.", default=batch_size, minimum=1),
        Field(
            "flush_interval_ms",
            "integer",
            "Longest time a row is buffered before it is written, in milliseconds.",
            default=5000,
        ),
    )


# The identifier is no password, but whether the service masks it is not documented; encrypting it costs nothing.
_ACCESS_KEY_ID = Field("access_key_id", "text", "Identifier of the access key.", required=True, secret=True)
_SECRET_ACCESS_KEY = Field("secret_access_key", "text", "Secret half of the access key.", required=True, secret=True)

_POSTGRES = Destination(
    "postgres",
    "PostgreSQL",
    "Writes rows into tables of a PostgreSQL database; the schema is named after the project.",
    _database_fields(
        ("postgresql://", "jdbc:postgresql://"), "postgresql://db.example.com:5432/analytics", batch_size=1000
    ),
)

_CLICKHOUSE = Destination(
    "clickhouse",
    "ClickHouse",
    "Writes rows into tables of a ClickHouse database; the schema is named after the project.",
    _database_fields(
        ("clickhouse://", "jdbc:clickhouse://"), "clickhouse://ch.example.com:8123/analytics", batch_size=10000
    ),
)

_KAFKA = Destination(
    "kafka",
    "Kafka",
    "Forwards the raw bytes of a topic to a Kafka topic, exactly once and without any processing.",
    (
        Field(
            "bootstrap_servers",
            "brokers",
            "Brokers as `host:port`, separated by commas.",
            required=True,
        ),
        Field(
            "sasl",
            "object",
            "How to authenticate with the brokers.",
            required=True,
            fields=(
                Field("mechanism", "text", "SASL mechanism, such as `SCRAM-SHA-512`.", required=True),
                Field("username", "text", "SASL user.", required=True),
                Field("password", "text", "Password of the SASL user.", required=True, secret=True),
            ),
        ),
        Field("output_topic", "text", "Kafka topic to write to.", required=True),
    ),
)

_OBJECT_STORAGE = Destination(
    "object_storage",
    "object storage",
    "Writes files into a bucket of S3, Google Cloud Storage or R2.",
    (
        Field("provider", "text", "Where the bucket is.", required=True, choices=("s3", "gcs", "r2")),
        Field("bucket", "text", "Name of the bucket.", required=True),
        Field("base_path", "text", "Prefix of every object's name."),
        Field("format", "text", "Format of the files.", default="json", choices=("json", "parquet")),
        Field(
            "compression",
            "text",
            "Compression of the files.",
            default="none",
            choices=("none", "gzip", "snappy", "zstd"),
        ),
        Field("partition_by", "texts", "Time parts in the path.", default=("hour",), choices=("hour", "day")),
        Field("batch_size", "integer", "Records per file.", default=10000, minimum=1),
        Field(
            "batch_interval_ms",
            "integer",
            "Longest time a record is buffered before its file is written, in milliseconds.",
            default=60000,
        ),
        Field("region", "text", "Region of the bucket; required for s3 and r2."),
        Field(
            "endpoint",
            "url",
            "S3-compatible URL of the service; required for r2.",
            schemes=("https://", "http://"),
        ),
        _ACCESS_KEY_ID,
        _SECRET_ACCESS_KEY,
    ),
)

_SQS = Destination(
    "sqs",
    "SQS",
    "Sends records to an Amazon SQS queue; a queue whose URL ends in `.fifo` keeps their order.",
    (
        Field("queue_url", "url", "URL of the queue.", required=True, schemes=("https://",)),
        Field("region", "text", "Region of the queue.", required=True),
        _ACCESS_KEY_ID,
        _SECRET_ACCESS_KEY,
        Field("batch_size", "integer", "Messages per request.", default=10, minimum=1, maximum=10),
        Field("message_group_id", "text", "Group of every message in a FIFO queue; the service derives one."),
    ),
)

_WEBHOOK = Destination(
    "webhook",
    "webhook",
    "Sends records to an HTTP endpoint as JSON.",
    (
        Field("url", "url", "Where to send the records.", required=True, schemes=("https://", "http://")),
        Field("method", "text", "HTTP method.", default="POST"),
        Field("headers", "text_map", "Headers of every request; each value is a secret.", secret=True),
        Field("batch_size", "integer", "Records per request.", default=1, minimum=1),
        Field(
            "timeout_ms", "integer", "Longest time to wait for an answer, in milliseconds.", default=10000, minimum=1
        ),
        Field(
            "retry",
            "object",
            "What to do when a request fails.",
            fields=(
                Field("max_attempts", "integer", "Attempts per request.", default=3),
                Field(
                    "backoff_ms",
                    "integer",
                    "Pause before the first repetition, in milliseconds; it doubles each time.",
                    default=1000,
                ),
            ),
        ),
    ),
)

DESTINATIONS: Mapping[str, Destination] = MappingProxyType(
    {destination.type: destination for destination in (_POSTGRES, _CLICKHOUSE, _KAFKA, _OBJECT_STORAGE, _SQS, _WEBHOOK)}
)
"""Every destination by its type."""

# With the type unknown, a name that is a credential in any destination counts as one.
_FIELDS_OF_ANY = tuple(
    sorted(
        (field for destination in DESTINATIONS.values() for field in destination.fields),
        key=lambda field: not field.holds_secrets,
    )
)


def secret_paths(destination_type: object, config: object) -> list[tuple[str, ...]]:
    """List the leaves of a `destination_config` that must be encrypted wherever it is written.

    Secret are: what the table says, every value under such a field whatever its shape, texts anywhere that are URLs
    with credentials in them, and fields the table does not know but whose names are those of credentials.

    Args:
        destination_type: The type; anything that is none of the six makes every destination's secrets count.
        config: The config, without secret wrappers. It may be of any shape and hold unknown values; an unknown value
            is listed when its field is secret.

    Returns:
        Paths of keys, such as `("sasl", "password")`, in the order of the config. A list is never entered: it is
        listed as a whole when something in it is secret.
    """
    destination = DESTINATIONS.get(destination_type) if isinstance(destination_type, str) else None
    fields = destination.fields if destination else _FIELDS_OF_ANY
    return list(_walk(fields, config, (), inherited=False)) if isinstance(config, Mapping) else []


def _walk(
    fields: tuple[Field, ...], config: Mapping[object, object], path: tuple[str, ...], *, inherited: bool
) -> Iterator[tuple[str, ...]]:
    for key, value in config.items():
        name = str(key)
        field = find_field(fields, name)
        secret = inherited or (field.secret if field else bool(CREDENTIAL_NAME.search(name)))
        if isinstance(value, Mapping):
            yield from _walk(field.fields if field else (), value, (*path, name), inherited=secret)
        elif value is not None and (secret or (field and field.holds_secrets) or _reveals(value)):
            yield (*path, name)


def _reveals(value: object) -> bool:
    if isinstance(value, str):
        return carries_credentials(value)
    if isinstance(value, Mapping):
        return any(CREDENTIAL_NAME.search(str(key)) or _reveals(item) for key, item in value.items())
    return isinstance(value, (list, tuple)) and any(_reveals(item) for item in value)
