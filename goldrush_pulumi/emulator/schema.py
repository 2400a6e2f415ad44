"""The inputs of a pipeline and the fields of each destination, as the API reference lists them, and their rules.

Each input and each field is one row. Whether a rule is checked by the API or only when the worker starts is a switch.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldrush_pulumi.emulator.switches import Switches

MASK = "******"
_TOPIC = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+\.block(\.[\w-]+)+")
_FORBIDDEN_SQL = re.compile(
    r"\b(JOIN|GROUP\s+BY|ORDER\s+BY|HAVING|UNION|INTERSECT|EXCEPT|DISTINCT|LIMIT|(COUNT|SUM|AVG|MIN|MAX)(?=\s*\())\b",
    re.IGNORECASE,
)
_SQL_NOISE = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True)
class FieldRule:
    """One field of a `destination_config`.

    Args:
        kind: The JSON type that it must have.
        required: Whether it must be present.
        default: What the service uses if it is absent; None where nothing is documented.
        choices: The only values allowed; empty allows any.
        fields: The fields of a nested object; None for a map of any keys.
    """

    kind: type
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    fields: dict[str, FieldRule] | None = None


def _required(kind: type = str, choices: tuple[str, ...] = ()) -> FieldRule:
    return FieldRule(kind, required=True, choices=choices)


def _database(batch_size: int) -> dict[str, FieldRule]:
    return {
        "url": _required(),
        "user": _required(),
        "password": _required(),
        "batch_size": FieldRule(int, default=batch_size),
        "flush_interval_ms": FieldRule(int, default=5000),
    }


DESTINATIONS: dict[str, dict[str, FieldRule]] = {
    "postgres": _database(batch_size=1000),
    "clickhouse": _database(batch_size=10000),
    "kafka": {
        "bootstrap_servers": _required(),
        "sasl": FieldRule(
            dict,
            required=True,
            fields={"mechanism": _required(), "username": _required(), "password": _required()},
        ),
        "output_topic": _required(),
    },
    "object_storage": {
        "provider": _required(choices=("s3", "gcs", "r2")),
        "bucket": _required(),
        "base_path": FieldRule(str),
        "format": FieldRule(str, default="json", choices=("json", "parquet")),
        "compression": FieldRule(str, default="none", choices=("none", "gzip", "snappy", "zstd")),
        "partition_by": FieldRule(list, default=["hour"], choices=("hour", "day")),
        "batch_size": FieldRule(int, default=10000),
        "batch_interval_ms": FieldRule(int, default=60000),
        "region": FieldRule(str),
        "endpoint": FieldRule(str),
        "access_key_id": _required(),
        "secret_access_key": _required(),
    },
    "sqs": {
        "queue_url": _required(),
        "region": _required(),
        "access_key_id": _required(),
        "secret_access_key": _required(),
        "batch_size": FieldRule(int, default=10),
        "message_group_id": FieldRule(str),
    },
    "webhook": {
        "url": _required(),
        "method": FieldRule(str, default="POST"),
        "headers": FieldRule(dict),
        "batch_size": FieldRule(int, default=1),
        "timeout_ms": FieldRule(int, default=10000),
        "retry": FieldRule(
            dict,
            default={"max_attempts": 3, "backoff_ms": 1000},
            fields={"max_attempts": FieldRule(int, default=3), "backoff_ms": FieldRule(int, default=1000)},
        ),
    },
}

_REQUIRED_BY_PROVIDER: dict[tuple[str, str], tuple[str, ...]] = {
    ("object_storage", "s3"): ("region",),
    ("object_storage", "r2"): ("region", "endpoint"),
}


def _topic_problems(name: str, value: str) -> list[str]:
    return [] if _TOPIC.fullmatch(value) else [f"{name}: must look like chain.network.qualifier.block.entity"]


def _height_problems(name: str, value: str) -> list[str]:
    return [] if not value or value.isdecimal() else [f"{name}: must be a block height in digits"]


def _transforms_problems(name: str, value: dict[str, Any]) -> list[str]:
    wrong = [table for table, sql in value.items() if not isinstance(sql, (str, type(None)))]
    return [f"{name}.{table}: must be a string" for table in wrong]


def _list_problems(name: str, value: list[Any]) -> list[str]:
    return [] if all(isinstance(item, str) for item in value) else [f"{name}: must be a list of strings"]


@dataclass(frozen=True)
class InputRule:
    """One input of a pipeline.

    Args:
        kind: The JSON types that it may have.
        noun: The same for people, as in "must be a string".
        choices: The only values allowed; empty allows any.
        problems: Checks a value of the right kind and returns every problem as "path: reason".
        required: Whether a POST must have it.
        unset: What the API returns if an optional input is not set.
        nullable: Whether a PATCH with null clears it.
        patchable: Whether a PATCH may change it.
        mergeable: Whether PATCH may merge it key by key (a switch).
        brief: Whether a brief list item has it (a switch).
    """

    kind: tuple[type, ...] = (str,)
    noun: str = "a string"
    choices: tuple[str, ...] = ()
    problems: Callable[[str, Any], list[str]] | None = None
    required: bool = False
    unset: Any = None
    nullable: bool = True
    patchable: bool = True
    mergeable: bool = False
    brief: bool = True


def _fixed(choices: tuple[str, ...] = (), problems: Callable[[str, Any], list[str]] | None = None) -> InputRule:
    return InputRule(choices=choices, problems=problems, required=True, patchable=False)


INPUTS: dict[str, InputRule] = {
    "name": InputRule(required=True, nullable=False),
    "project": _fixed(),
    "topic": _fixed(problems=_topic_problems),
    "destination_type": _fixed(choices=tuple(DESTINATIONS)),
    "destination_config": InputRule((dict,), "an object", required=True, nullable=False, mergeable=True, brief=False),
    "execution_mode": _fixed(choices=("bounded", "unbounded")),
    "description": InputRule(unset=""),
    "transforms": InputRule(
        (dict,),
        "an object of table names and SQL",
        problems=_transforms_problems,
        unset={},
        mergeable=True,
        brief=False,
    ),
    "execution_start_from": InputRule(problems=_height_problems, unset=""),
    "execution_stop_from": InputRule(problems=_height_problems, unset=""),
    "abi_file": InputRule((dict, list), "an object or a list", unset={}, brief=False),
    "abi_contract_addresses": InputRule((list,), "a list of addresses", problems=_list_problems, unset=[], brief=False),
    "abi_unmatched": InputRule(choices=("", "raw"), unset="", brief=False),
    "status": InputRule(choices=("running", "paused"), nullable=False),
}
PATCHABLE = frozenset(name for name, rule in INPUTS.items() if rule.patchable)
MERGEABLE = frozenset(name for name, rule in INPUTS.items() if rule.mergeable)
BRIEF_LEAVES_OUT = frozenset(name for name, rule in INPUTS.items() if not rule.brief)
UNSET: dict[str, Any] = {name: rule.unset for name, rule in INPUTS.items() if rule.unset is not None}
"""The optional inputs, each with the value that the API returns if it is not set."""


def create_problems(body: dict[str, Any], switches: Switches) -> list[str]:
    """Return every problem of a POST body, each as "path: reason"."""
    required = [name for name, rule in INPUTS.items() if rule.required]
    missing = [f"{name}: field required" for name in required if body.get(name) in (None, "")]
    return missing + _input_problems(body, frozenset(INPUTS), switches)


def patch_problems(body: dict[str, Any], switches: Switches) -> list[str]:
    """Return every problem of a PATCH body alone, each as "path: reason"."""
    fixed = [name for name in PATCHABLE if not INPUTS[name].nullable and body.get(name, "") is None]
    return [f"{name}: cannot be null" for name in sorted(fixed)] + _input_problems(body, PATCHABLE, switches)


def config_problems(config: dict[str, Any], switches: Switches) -> list[str]:
    """Return every problem of a whole configuration, as it would be after the request."""
    problems = []
    if config["destination_type"] in DESTINATIONS and isinstance(config["destination_config"], dict):
        refuse_unknown = switches.unknown_fields == "refuse"
        problems += destination_problems(
            config["destination_type"], config["destination_config"], refuse_unknown=refuse_unknown
        )
    if switches.kafka_rejects_at_post:
        problems += _kafka_problems(config)
    if switches.bad_sql_rejected_at_post:
        problems += _sql_problems(config)
    return problems


def startup_problem(config: dict[str, Any]) -> str | None:
    """Return why the worker cannot start with this configuration, or None."""
    problems = _kafka_problems(config) + _sql_problems(config)
    return problems[0] if problems else None


def complete(values: dict[str, Any], switches: Switches) -> dict[str, Any]:
    """Return a configuration with every unset input filled in, and the description cut where the switch says so."""
    config = copy.deepcopy({**values, "status": values.get("status") or "running"})
    config.update({name: copy.deepcopy(unset) for name, unset in UNSET.items() if config.get(name) is None})
    config["description"] = config["description"][: switches.description_limit]
    return config


def patched(config: dict[str, Any], changes: dict[str, Any], switches: Switches) -> dict[str, Any]:
    """Return the configuration that a PATCH with ``changes`` leads to."""
    result = {**config, **changes}
    for name in MERGEABLE:
        if changes.get(name) is None:
            continue
        if switches.patch_merges_maps:
            result[name] = _merge(config[name], changes[name], null_removes=switches.null_removes_key)
        else:
            result[name] = {key: value for key, value in changes[name].items() if value is not None}
    if switches.mask_sent_back == "kept":
        result["destination_config"] = _unmask(result["destination_config"], config["destination_config"])
    return complete(result, switches)


def destination_problems(destination_type: str, config: dict[str, Any], *, refuse_unknown: bool) -> list[str]:
    """Return every problem of a `destination_config`, each as "path: reason"."""
    fields = {"type": FieldRule(str), **DESTINATIONS[destination_type]}
    problems = _object_problems("destination_config", fields, config, refuse_unknown=refuse_unknown)
    if config.get("type", destination_type) != destination_type:
        problems.append(f"destination_config.type: must be {destination_type} like destination_type")
    by_provider = _REQUIRED_BY_PROVIDER.get((destination_type, str(config.get("provider"))), ())
    missing = [name for name in by_provider if not config.get(name)]
    return problems + [f"destination_config.{name}: required for {config['provider']}" for name in missing]


def with_defaults(destination_type: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return a `destination_config` with its type and the documented defaults filled in."""
    defaults = {name: rule.default for name, rule in DESTINATIONS[destination_type].items() if rule.default is not None}
    filled = {"type": destination_type, **defaults, **config}
    for name, default in defaults.items():
        if isinstance(default, dict):
            filled[name] = {**default, **filled[name]}
    return filled


def _merge(old: dict[str, Any], new: dict[str, Any], *, null_removes: bool) -> dict[str, Any]:
    merged = dict(old)
    for name, value in new.items():
        if value is None:
            if null_removes:
                merged.pop(name, None)
        elif isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = _merge(merged[name], value, null_removes=null_removes)
        else:
            merged[name] = value
    return merged


def _unmask(new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    kept = dict(new)
    for name, value in new.items():
        if isinstance(value, dict) and isinstance(old.get(name), dict):
            kept[name] = _unmask(value, old[name])
        elif value == MASK and name in old:
            kept[name] = old[name]
    return kept


def _input_problems(body: dict[str, Any], known: frozenset[str], switches: Switches) -> list[str]:
    problems = []
    for name, value in body.items():
        if name not in known:
            if switches.unknown_fields == "refuse":
                problems.append(f"{name}: unknown field")
        elif value is not None:
            problems += _value_problems(name, INPUTS[name], value)
    if switches.mask_sent_back == "refused" and _contains_mask(body.get("destination_config")):
        problems.append(f"destination_config: contains the mask {MASK}")
    return problems + _length_problems(body, switches)


def _value_problems(name: str, rule: InputRule, value: Any) -> list[str]:
    if rule.choices:
        return [] if value in rule.choices else [f"{name}: must be one of {', '.join(map(repr, rule.choices))}"]
    if not isinstance(value, rule.kind):
        return [f"{name}: must be {rule.noun}"]
    return rule.problems(name, value) if rule.problems else []


def _contains_mask(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_contains_mask(item) for item in value.values())
    return bool(value == MASK)


def _length_problems(body: dict[str, Any], switches: Switches) -> list[str]:
    limit, description = switches.description_limit, body.get("description")
    if limit is None or switches.description_overflow == "trim" or not isinstance(description, str):
        return []
    return [f"description: longer than {limit} characters"] if len(description) > limit else []


def _kafka_problems(config: dict[str, Any]) -> list[str]:
    if config["destination_type"] != "kafka":
        return []
    used = [name for name in ("transforms", "abi_file") if config.get(name)]
    return [f"{name}: not allowed with a kafka destination" for name in used]


def _sql_problems(config: dict[str, Any]) -> list[str]:
    problems = []
    for table, sql in (config.get("transforms") or {}).items():
        reason = _sql_problem(table, str(sql))
        if reason:
            problems.append(f"transforms.{table}: {reason}")
    return problems


def _sql_problem(table: str, sql: str) -> str | None:
    plain = _SQL_NOISE.sub(lambda noise: noise[0] if noise[0].startswith('"') else " ", sql).strip()
    if not re.match(r"SELECT\b", plain, re.IGNORECASE):
        return "must be one SELECT statement"
    forbidden = _FORBIDDEN_SQL.search(plain)
    if forbidden:
        return f"{forbidden[0].upper()} is not supported"
    if not re.search(rf'\bFROM\s+"?{re.escape(table)}\b', plain, re.IGNORECASE):
        return f"FROM must name the table {table}"
    return None


def _object_problems(path: str, fields: dict[str, FieldRule], values: Any, *, refuse_unknown: bool) -> list[str]:
    problems = [
        f"{path}.{name}: field required" for name, rule in fields.items() if rule.required and not values.get(name)
    ]
    for name, value in values.items():
        rule = fields.get(name)
        if rule is not None and value is not None:
            problems += _field_problems(f"{path}.{name}", rule, value, refuse_unknown=refuse_unknown)
        elif rule is None and refuse_unknown:
            problems.append(f"{path}.{name}: unknown field")
    return problems


def _field_problems(path: str, rule: FieldRule, value: Any, *, refuse_unknown: bool) -> list[str]:
    if not isinstance(value, rule.kind) or (rule.kind is int and isinstance(value, bool)):
        return [f"{path}: must be {_NOUNS[rule.kind]}"]
    if rule.choices:
        items = value if isinstance(value, list) else [value]
        wrong = [item for item in items if item not in rule.choices]
        return [f"{path}: must be one of {', '.join(rule.choices)}"] if wrong else []
    if rule.fields is not None:
        return _object_problems(path, rule.fields, value, refuse_unknown=refuse_unknown)
    return []


_NOUNS: dict[type, str] = {str: "a string", int: "an integer", list: "a list", dict: "an object"}
