"""Hints for names and words that mean something elsewhere: in other tools, in GoldRush's own YAML, in drivers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from goldrush_pulumi.validation.problems import Problem, advise, field_path, suggest
from goldrush_pulumi.validation.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Above this a word of five letters or more has one letter wrong, missing or swapped.
_CERTAIN: Final = 0.8

_NO_NAMED_SECRETS: Final = "GoldRush keeps no named secrets: give the credentials themselves, encrypted"
_IN_THE_URL: Final = "give it as a part of url"
_START: Final = "use execution_start_from with a block height"
_STOP: Final = "use execution_stop_from with a block height"

INPUT_HINTS: Final[Mapping[str, str]] = {
    "destination": "use destination_config",
    "sink": "use destination_config",
    "sinks": "use destination_config, one pipeline for each destination",
    "abi": "use abi_file, with abi_contract_addresses and abi_unmatched beside it",
    "contract_addresses": "use abi_contract_addresses",
    "unmatched": "use abi_unmatched",
    "execution": "use execution_mode, execution_start_from and execution_stop_from",
    "mode": "use execution_mode",
    "job": "use execution_mode with bounded",
    "start_at": _START,
    "start_from": _START,
    "start_block": _START,
    "from_block": _START,
    "stop_from": _STOP,
    "end_block": _STOP,
    "to_block": _STOP,
    "source": "use topic",
    "sources": "use topic, one pipeline for each source",
    "dataset_name": "use topic",
    "transform": "use transforms, a map of table to SELECT",
    "sql": "use transforms, a map of table to SELECT",
    "query": "use transforms, a map of table to SELECT",
    "type": "use destination_type, or type inside destination_config",
    "resource_size": "remove it: GoldRush decides on the size of a worker",
    "secret_name": _NO_NAMED_SECRETS,
}
"""What to write in place of a name at the top of a pipeline."""

_DATABASE_HINTS: Final[Mapping[str, str]] = {
    "host": _IN_THE_URL,
    "port": _IN_THE_URL,
    "database": _IN_THE_URL,
    "dbname": _IN_THE_URL,
    "username": "use user",
    "dsn": "use url",
    "connection_string": "use url",
    "jdbc_url": "use url",
    "schema": "remove it: the schema is named after the project",
    "table": "remove it: tables are named after the records, see transforms",
}

FIELD_HINTS: Final[Mapping[str, Mapping[str, str]]] = {
    "postgres": _DATABASE_HINTS,
    "clickhouse": _DATABASE_HINTS,
    "kafka": {
        "brokers": "use bootstrap_servers",
        "topic": "use output_topic",
        **{name: f"write it inside sasl: {{{name}: ...}}" for name in ("mechanism", "username", "password")},
        **{f"sasl.{name}": f"write sasl: {{{name}: ...}}" for name in ("mechanism", "username", "password")},
    },
    "object_storage": {
        "prefix": "use base_path",
        "path": "use base_path",
        "bucket_name": "use bucket",
        "type": "use provider",
    },
    "sqs": {"url": "use queue_url"},
    "webhook": {"timeout": "use timeout_ms, in milliseconds", "auth": "use headers: {Authorization: ...}"},
}
"""What to write in place of a field of a destination, by the type of the destination."""

TYPE_HINTS: Final[Mapping[str, str]] = {
    **{name: f'use "object_storage" with provider: {name}' for name in ("s3", "gcs", "r2")},
    "s3_sink": 'use "object_storage" with provider: s3',
    "sqs_sink": 'use "sqs"',
    **dict.fromkeys(("pg", "timescale", "cockroachdb"), 'use "postgres"'),
    **dict.fromkeys(("redpanda", "msk", "confluent"), 'use "kafka"'),
    **dict.fromkeys(("http", "https", "rest"), 'use "webhook"'),
}
"""What to write in place of a type of destination."""


def unknown_name(
    path: str, name: str, message: str, choices: Iterable[str], hints: Mapping[str, str], taken: Iterable[str] = ()
) -> Problem:
    """Report a name that is not one of the choices.

    Args:
        path: Where the name stands, without the name itself.
        name: The name.
        message: What is wrong.
        choices: The names that exist.
        hints: What to say of names that mean something elsewhere.
        taken: Names that stand beside it: a misspelling of one of them is not corrected.
    """
    place, known = field_path(path, name), list(choices)
    hint = hints.get(name) or (_NO_NAMED_SECRETS if name == "secret_name" else "")
    if hint:
        return Problem(Rule.UNKNOWN_NAME, place, message, hint)
    certain = suggest(name, known, _CERTAIN)
    fix = certain if certain and certain not in set(taken) else ""
    return Problem(Rule.UNKNOWN_NAME, place, message, advise(name, known), fix)
