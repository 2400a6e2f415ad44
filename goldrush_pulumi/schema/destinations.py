"""The six destinations: one row for each field, and everything else derives from these rows.

Validation, secrets, the JSON Schema, the tables of the documentation and the generated classes (`destinations.py` of
the package) all read them. Source: the destination pages of the GoldRush Pipeline API documentation, one per type.
Defaults are what those pages say the service uses; nothing here is ever filled into a request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from goldrush_pulumi.schema.credentials import is_credential_name
from goldrush_pulumi.schema.urls import carries_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["string", "url", "brokers", "integer", "string_list", "string_map", "object"]
"""Shape of a value: `object` is a map with fields of its own."""


@dataclass(frozen=True)
class DestinationField:
    """One field of a `destination_config`.

    Attributes:
        name: The API's own name.
        kind: Shape of the value.
        description: What the field is for, with its unit, one sentence for people.
        required: Whether the API documents it as required in every case.
        secret: Whether its value (for a map: each value in it) is a credential.
        default: What the service documents it uses when the field is left out. Informative: it is never filled in.
        choices: The documented values of a string, or of the strings in a list; empty means any.
        minimum: Least integer; never negative, for all of them count something.
        maximum: Greatest integer, if there is one.
        schemes: How a URL may begin.
        other_schemes: Other beginnings, which drivers read and the documentation does not name.
        fields: Fields of a nested object.
        class_name: For a nested object, what its generated class is called, without `Args`.
    """

    name: str
    kind: Kind
    description: str
    required: bool = False
    secret: bool = False
    default: str | int | tuple[str, ...] | None = None
    choices: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int | None = None
    schemes: tuple[str, ...] = ()
    other_schemes: tuple[str, ...] = ()
    fields: tuple[DestinationField, ...] = ()
    class_name: str = ""

    @property
    def holds_secrets(self) -> bool:
        """Whether the field, or a field nested in it, is a credential."""
        return self.secret or any(field.holds_secrets for field in self.fields)


@dataclass(frozen=True)
class Destination:
    """One kind of destination.

    Attributes:
        type: Value of `destination_type` and of `destination_config.type`.
        class_name: What its generated class is called, without `Args`.
        title: Its name in a sentence.
        description: What it does with the records.
        fields: Fields of its `destination_config`, without `type`.
    """

    type: str
    class_name: str
    title: str
    description: str
    fields: tuple[DestinationField, ...]

    def field(self, name: str) -> DestinationField | None:
        """Look a field up by its name."""
        return find_field(self.fields, name)


def find_field(fields: tuple[DestinationField, ...], name: str) -> DestinationField | None:
    """Look a field up by its name, or answer None."""
    return next((field for field in fields if field.name == name), None)


def _database_fields(
    schemes: tuple[str, ...], other_schemes: tuple[str, ...], example: str, batch_size: int
) -> tuple[DestinationField, ...]:
    return (
        DestinationField(
            "url",
            "url",
            f"Connection URL, such as `{example}`; a `jdbc:` prefix is fine too.",
            required=True,
            schemes=schemes,
            other_schemes=other_schemes,
        ),
        DestinationField("user", "string", "Database user that owns or may create the tables.", required=True),
        DestinationField("password", "string", "Password of the user.", required=True, secret=True),
        DestinationField("batch_size", "integer", "Rows per INSERT.", default=batch_size, minimum=1),
        DestinationField(
            "flush_interval_ms",
            "integer",
            "Longest time a row is buffered before it is written, in milliseconds.",
            default=5000,
        ),
    )


# The identifier is no password, but whether the service masks it is not documented; encrypting it costs nothing.
_ACCESS_KEY_ID = DestinationField(
    "access_key_id", "string", "Identifier of the access key.", required=True, secret=True
)

_SECRET_ACCESS_KEY = DestinationField(
    "secret_access_key", "string", "Secret half of the access key.", required=True, secret=True
)

_POSTGRES = Destination(
    "postgres",
    "PostgresDestination",
    "PostgreSQL",
    "Writes rows to tables of a PostgreSQL database; the schema is named after the project, with `-` as `_`.",
    _database_fields(
        ("postgresql://", "jdbc:postgresql://"),
        ("postgres://", "jdbc:postgres://", "jdbc:postgresql:"),
        "postgresql://db.example.com:5432/analytics",
        batch_size=1000,
    ),
)

# The driver's short name, and the protocol that its server speaks written out.
_CLICKHOUSE_FORMS = (
    *(f"{name}{protocol}" for name in ("jdbc:clickhouse:", "jdbc:ch:", "") for protocol in ("https://", "http://")),
    "jdbc:ch://",
    "ch://",
)

_CLICKHOUSE = Destination(
    "clickhouse",
    "ClickHouseDestination",
    "ClickHouse",
    "Writes rows to tables of a ClickHouse database; the schema is named after the project, with `-` as `_`.",
    _database_fields(
        ("clickhouse://", "jdbc:clickhouse://"),
        _CLICKHOUSE_FORMS,
        "clickhouse://ch.example.com:8123/analytics",
        batch_size=10000,
    ),
)

_KAFKA = Destination(
    "kafka",
    "KafkaDestination",
    "Kafka",
    "Forwards the raw bytes of a topic to a Kafka topic, exactly once; takes neither transforms nor an ABI.",
    (
        DestinationField(
            "bootstrap_servers",
            "brokers",
            "Brokers as `host:port`, separated by commas.",
            required=True,
        ),
        DestinationField(
            "sasl",
            "object",
            "How to authenticate with the brokers.",
            required=True,
            class_name="KafkaSasl",
            fields=(
                DestinationField("mechanism", "string", "SASL mechanism, such as `SCRAM-SHA-512`.", required=True),
                DestinationField("username", "string", "SASL user.", required=True),
                DestinationField("password", "string", "Password of the SASL user.", required=True, secret=True),
            ),
        ),
        DestinationField("output_topic", "string", "Kafka topic to write to.", required=True),
    ),
)

_OBJECT_STORAGE = Destination(
    "object_storage",
    "ObjectStorageDestination",
    "object storage",
    "Writes files to a bucket of S3, Google Cloud Storage or R2. Objects are named"
    " `{base_path}/{project}/{stream}/year=…/month=…/day=…/hour=…/`.",
    (
        DestinationField(
            "provider",
            "string",
            "Where the bucket is: `s3`, `gcs` or `r2`.",
            required=True,
            choices=("s3", "gcs", "r2"),
        ),
        DestinationField("bucket", "string", "Name of the bucket.", required=True),
        DestinationField("base_path", "string", "Prefix of every object's name."),
        DestinationField(
            "format",
            "string",
            "Format of the files: `json` (one record a line) or `parquet`.",
            default="json",
            choices=("json", "parquet"),
        ),
        DestinationField(
            "compression",
            "string",
            "Compression of the files: `none`, `gzip`, `snappy` or `zstd`.",
            default="none",
            choices=("none", "gzip", "snappy", "zstd"),
        ),
        DestinationField(
            "partition_by",
            "string_list",
            "Time parts in the path: `hour`, `day`.",
            default=("hour",),
            choices=("hour", "day"),
        ),
        DestinationField("batch_size", "integer", "Records per file.", default=10000, minimum=1),
        DestinationField(
            "batch_interval_ms",
            "integer",
            "Longest time a record is buffered before its file is written, in milliseconds.",
            default=60000,
        ),
        DestinationField("region", "string", "Region of the bucket; required for s3 and r2."),
        DestinationField(
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
    "SqsDestination",
    "SQS",
    "Sends records to an Amazon SQS queue; a FIFO queue, with a URL that ends in `.fifo`, keeps their order.",
    (
        DestinationField(
            "queue_url", "url", "URL of the queue, `https://` only.", required=True, schemes=("https://",)
        ),
        DestinationField("region", "string", "Region of the queue.", required=True),
        _ACCESS_KEY_ID,
        _SECRET_ACCESS_KEY,
        DestinationField("batch_size", "integer", "Messages per request.", default=10, minimum=1, maximum=10),
        DestinationField(
            "message_group_id", "string", "Group of every message in a FIFO queue; the service derives one."
        ),
    ),
)

_WEBHOOK = Destination(
    "webhook",
    "WebhookDestination",
    "webhook",
    "Sends records as JSON to an HTTP endpoint. Each request carries an `X-Idempotency-Key`. A 4xx response other than"
    " 429 drops the batch, while the pipeline stays RUNNING.",
    (
        DestinationField("url", "url", "Where to send the records.", required=True, schemes=("https://", "http://")),
        DestinationField("method", "string", "HTTP method.", default="POST"),
        DestinationField("headers", "string_map", "Headers of every request.", secret=True),
        DestinationField("batch_size", "integer", "Records per request.", default=1, minimum=1),
        DestinationField(
            "timeout_ms", "integer", "Longest time to wait for an answer, in milliseconds.", default=10000, minimum=1
        ),
        DestinationField(
            "retry",
            "object",
            "What to do when a request fails.",
            class_name="WebhookRetry",
            fields=(
                DestinationField("max_attempts", "integer", "Attempts per request.", default=3),
                DestinationField(
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
    fields: tuple[DestinationField, ...], config: Mapping[object, object], path: tuple[str, ...], *, inherited: bool
) -> Iterator[tuple[str, ...]]:
    for key, value in config.items():
        name = str(key)
        field = find_field(fields, name)
        secret = inherited or (field.secret if field else is_credential_name(name))
        if isinstance(value, Mapping):
            yield from _walk(field.fields if field else (), value, (*path, name), inherited=secret)
        elif value is not None and (secret or (field and field.holds_secrets) or _reveals(value)):
            yield (*path, name)


def _reveals(value: object) -> bool:
    if isinstance(value, str):
        return carries_credentials(value)
    if isinstance(value, Mapping):
        return any(is_credential_name(str(key)) or _reveals(item) for key, item in value.items())
    return isinstance(value, (list, tuple)) and any(_reveals(item) for item in value)
