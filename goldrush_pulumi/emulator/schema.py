"""The rules a request body has to keep, and the ones that only the starting worker checks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.emulator.destinations import DESTINATIONS, destination_problems

if TYPE_CHECKING:
    from goldrush_pulumi.emulator.switches import Switches

REQUIRED = ("name", "project", "topic", "destination_type", "destination_config", "execution_mode")
UNSET: dict[str, Any] = {
    "description": "",
    "transforms": {},
    "execution_start_from": "",
    "execution_stop_from": "",
    "abi_file": {},
    "abi_contract_addresses": [],
    "abi_unmatched": "",
}
"""The optional fields, each with the value the API shows when it is not set."""
CREATABLE = (*REQUIRED, *UNSET, "status")
PATCHABLE = ("name", "destination_config", *UNSET, "status")
"""PATCH does not list project, topic, destination_type and execution_mode."""
MASK = "******"

_KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "name": (str, "a string"),
    "project": (str, "a string"),
    "topic": (str, "a string"),
    "description": (str, "a string"),
    "destination_config": (dict, "an object"),
    "transforms": (dict, "an object of table names and SQL"),
    "execution_start_from": (str, "a string"),
    "execution_stop_from": (str, "a string"),
    "abi_file": ((dict, list), "an object or a list"),
    "abi_contract_addresses": (list, "a list of addresses"),
}
_ENUMS: dict[str, tuple[str, ...]] = {
    "destination_type": tuple(DESTINATIONS),
    "execution_mode": ("bounded", "unbounded"),
    "status": ("running", "paused"),
    "abi_unmatched": ("", "raw"),
}
_TOPIC = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+\.block(\.[\w-]+)+")
_FORBIDDEN_SQL = re.compile(
    r"\b(JOIN|GROUP\s+BY|ORDER\s+BY|HAVING|UNION|INTERSECT|EXCEPT|DISTINCT|LIMIT|(COUNT|SUM|AVG|MIN|MAX)(?=\s*\())\b",
    re.IGNORECASE,
)
_SQL_NOISE = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)


def create_problems(body: dict[str, Any], switches: Switches) -> list[str]:
    """Return every problem of a POST body, each as "path: reason"."""
    missing = [f"{name}: field required" for name in REQUIRED if body.get(name) in (None, "")]
    return missing + _field_problems(body, CREATABLE, switches)


def patch_problems(body: dict[str, Any], switches: Switches) -> list[str]:
    """Return every problem of a PATCH body on its own, each as "path: reason"."""
    cleared = [
        f"{name}: cannot be null" for name in ("name", "destination_config", "status") if body.get(name, "") is None
    ]
    return cleared + _field_problems(body, PATCHABLE, switches)


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


def holds_mask(value: Any) -> bool:
    """Tell whether the mask stands anywhere in a value."""
    if isinstance(value, dict):
        return any(holds_mask(item) for item in value.values())
    return bool(value == MASK)


def _field_problems(body: dict[str, Any], known: tuple[str, ...], switches: Switches) -> list[str]:
    problems = []
    for name, value in body.items():
        if name not in known:
            if switches.unknown_fields == "refuse":
                problems.append(f"{name}: unknown field")
        elif value is not None:
            problems += _value_problems(name, value)
    if switches.mask_sent_back == "refused" and holds_mask(body.get("destination_config")):
        problems.append(f"destination_config: holds the mask {MASK}")
    return problems + _length_problems(body, switches)


def _value_problems(name: str, value: Any) -> list[str]:
    if name in _ENUMS:
        return [] if value in _ENUMS[name] else [f"{name}: must be one of {', '.join(map(repr, _ENUMS[name]))}"]
    kind, noun = _KINDS[name]
    return _shape_problems(name, value) if isinstance(value, kind) else [f"{name}: must be {noun}"]


def _shape_problems(name: str, value: Any) -> list[str]:
    if name == "topic" and not _TOPIC.fullmatch(value):
        return ["topic: must look like chain.network.qualifier.block.entity"]
    if name.startswith("execution_") and value and not value.isdecimal():
        return [f"{name}: must be a block height in digits"]
    if name == "transforms":
        wrong = [table for table, sql in value.items() if not isinstance(sql, (str, type(None)))]
        return [f"transforms.{table}: must be a string" for table in wrong]
    if name == "abi_contract_addresses" and not all(isinstance(item, str) for item in value):
        return [f"{name}: must be a list of strings"]
    return []


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
