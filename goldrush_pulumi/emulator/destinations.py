"""What the API reference says about each destination: fields, what they must be, and their defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Field:
    """One field of a `destination_config`.

    Args:
        kind: The JSON type it must have.
        required: Whether it must be there.
        default: What the service uses when it is not; None where nothing is documented.
        choices: The only values allowed, or none for any.
        fields: The fields of a nested object; none for a map of any keys.
    """

    kind: type
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    fields: dict[str, Field] | None = None


def _needed(kind: type = str, choices: tuple[str, ...] = ()) -> Field:
    return Field(kind, required=True, choices=choices)


def _database(batch_size: int) -> dict[str, Field]:
    return {
        "url": _needed(),
        "user": _needed(),
        "password": _needed(),
        "batch_size": Field(int, default=batch_size),
        "flush_interval_ms": Field(int, default=5000),
    }


DESTINATIONS: dict[str, dict[str, Field]] = {
    "postgres": _database(batch_size=1000),
    "clickhouse": _database(batch_size=10000),
    "kafka": {
        "bootstrap_servers": _needed(),
        "sasl": Field(
            dict,
            required=True,
            fields={"mechanism": _needed(), "username": _needed(), "password": _needed()},
        ),
        "output_topic": _needed(),
    },
    "object_storage": {
        "provider": _needed(choices=("s3", "gcs", "r2")),
        "bucket": _needed(),
        "base_path": Field(str),
        "format": Field(str, default="json", choices=("json", "parquet")),
        "compression": Field(str, default="none", choices=("none", "gzip", "snappy", "zstd")),
        "partition_by": Field(list, default=["hour"], choices=("hour", "day")),
        "batch_size": Field(int, default=10000),
        "batch_interval_ms": Field(int, default=60000),
        "region": Field(str),
        "endpoint": Field(str),
        "access_key_id": _needed(),
        "secret_access_key": _needed(),
    },
    "sqs": {
        "queue_url": _needed(),
        "region": _needed(),
        "access_key_id": _needed(),
        "secret_access_key": _needed(),
        "batch_size": Field(int, default=10),
        "message_group_id": Field(str),
    },
    "webhook": {
        "url": _needed(),
        "method": Field(str, default="POST"),
        "headers": Field(dict),
        "batch_size": Field(int, default=1),
        "timeout_ms": Field(int, default=10000),
        "retry": Field(
            dict,
            default={"max_attempts": 3, "backoff_ms": 1000},
            fields={"max_attempts": Field(int, default=3), "backoff_ms": Field(int, default=1000)},
        ),
    },
}

_ALSO_NEEDED: dict[tuple[str, str], tuple[str, ...]] = {
    ("object_storage", "s3"): ("region",),
    ("object_storage", "r2"): ("region", "endpoint"),
}


def destination_problems(destination_type: str, config: dict[str, Any], *, refuse_unknown: bool) -> list[str]:
    """Return every problem of a `destination_config`, each as "path: reason"."""
    fields = {"type": Field(str), **DESTINATIONS[destination_type]}
    problems = _object_problems("destination_config", fields, config, refuse_unknown=refuse_unknown)
    if config.get("type", destination_type) != destination_type:
        problems.append(f"destination_config.type: must be {destination_type} like destination_type")
    also_needed = _ALSO_NEEDED.get((destination_type, str(config.get("provider"))), ())
    missing = [name for name in also_needed if not config.get(name)]
    return problems + [f"destination_config.{name}: required for {config['provider']}" for name in missing]


def with_defaults(destination_type: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return a `destination_config` with its type and the documented defaults filled in."""
    defaults = {name: spec.default for name, spec in DESTINATIONS[destination_type].items() if spec.default is not None}
    filled = {"type": destination_type, **defaults, **config}
    for name, default in defaults.items():
        if isinstance(default, dict):
            filled[name] = {**default, **filled[name]}
    return filled


def _object_problems(path: str, fields: dict[str, Field], values: Any, *, refuse_unknown: bool) -> list[str]:
    problems = [
        f"{path}.{name}: field required" for name, spec in fields.items() if spec.required and not values.get(name)
    ]
    for name, value in values.items():
        spec = fields.get(name)
        if spec is not None and value is not None:
            problems += _value_problems(f"{path}.{name}", spec, value, refuse_unknown=refuse_unknown)
        elif spec is None and refuse_unknown:
            problems.append(f"{path}.{name}: unknown field")
    return problems


def _value_problems(path: str, spec: Field, value: Any, *, refuse_unknown: bool) -> list[str]:
    if not isinstance(value, spec.kind) or (spec.kind is int and isinstance(value, bool)):
        return [f"{path}: must be {_NOUNS[spec.kind]}"]
    if spec.choices:
        items = value if isinstance(value, list) else [value]
        wrong = [item for item in items if item not in spec.choices]
        return [f"{path}: must be one of {', '.join(spec.choices)}"] if wrong else []
    if spec.fields is not None:
        return _object_problems(path, spec.fields, value, refuse_unknown=refuse_unknown)
    return []


_NOUNS: dict[type, str] = {str: "a string", int: "an integer", list: "a list", dict: "an object"}
