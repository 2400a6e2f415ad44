"""What a pipeline looks like from outside: the objects that the endpoints return as `data`."""

from __future__ import annotations

import copy
import hashlib
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.emulator.destinations import with_defaults
from goldrush_pulumi.emulator.schema import MASK, UNSET
from goldrush_pulumi.emulator.timestamps import iso_time

if TYPE_CHECKING:
    from goldrush_pulumi.emulator.accounts import Account
    from goldrush_pulumi.emulator.record import Record
    from goldrush_pulumi.emulator.switches import Switches

LOG_TAIL_LINES = 200
_BRIEF_LEAVES_OUT = ("destination_config", "transforms", "abi_file", "abi_contract_addresses", "abi_unmatched")
_POD_PREFIX_LENGTH = 58
_POD_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_NOTHING_TO_TAIL = 'unable to upgrade connection: container not found ("pipeline")'
_BLOCK_RECORDS = 120


def pipeline_object(record: Record, account: Account, switches: Switches, *, masked: bool) -> dict[str, Any]:
    """Return the pipeline object, in clear or with its secrets masked."""
    config = copy.deepcopy(record.config)
    if switches.returns_defaults:
        config["destination_config"] = with_defaults(config["destination_type"], config["destination_config"])
    if masked:
        config["destination_config"] = mask_leaves(config["destination_config"], switches.masked_leaves)
    if switches.unset_answers_null:
        config.update({name: None for name, unset in UNSET.items() if config[name] == unset})
    return {
        "id": record.id,
        **config,
        "created_by": account.user(),
        "group": account.group(),
        "created_at": iso_time(record.created_at),
        "updated_at": iso_time(record.updated_at),
    }


def brief_object(pipeline: dict[str, Any]) -> dict[str, Any]:
    """Return a pipeline object without its large parts."""
    return {name: value for name, value in pipeline.items() if name not in _BRIEF_LEAVES_OUT}


def runtime_report(record: Record) -> dict[str, Any]:
    """Return what the control side adds to a pipeline object."""
    return {
        "uid": record.uid,
        "phase": record.phase,
        "ready": record.ready,
        "replicas": record.replicas,
        "start_time": _start_time(record),
        "deployments": record.deployments,
        "health_error": record.health_error,
        "logs": list(record.logs),
    }


def status_object(record: Record) -> dict[str, Any]:
    """Return the answer of the status endpoint."""
    return {
        "uid": record.uid,
        "status": record.phase,
        "replicas": record.replicas,
        "ready": record.ready,
        "start_time": _start_time(record),
    }


def logs_object(record: Record) -> dict[str, Any]:
    """Return the answer of the logs endpoint: the tail of each pod as one string."""
    nothing = record.phase == "DEPLOYING"
    tail = _NOTHING_TO_TAIL if nothing else "\n".join(record.logs[-LOG_TAIL_LINES:]) + "\n"
    running = record.phase not in {"PAUSED", "STOPPED"}
    names = [pod_name(record, number) for number in range(record.replicas)] if running else []
    return {"uid": record.uid, "pods": [{"pod": name, "logs": tail} for name in names]}


def metrics_object(record: Record, now: float) -> dict[str, Any]:
    """Return the answer of the metrics endpoint."""
    height = record.block_height(now)
    blocks = height - record.position
    return {
        "uid": record.uid,
        "records_consumed": blocks * _BLOCK_RECORDS,
        "last_offset": height * _BLOCK_RECORDS,
        "last_block_height": height,
        "pending_records": 0,
        "processing_delay_ms": 250 if record.running_since is not None else 0,
        "records_per_second": _BLOCK_RECORDS if record.running_since is not None else 0,
        "normalization_errors": 0,
    }


def health_object(record: Record) -> dict[str, Any]:
    """Return the answer of the destination-health endpoint; before the first probe nothing is healthy yet."""
    return {"healthy": record.probed and record.health_error is None, "last_error": record.health_error}


def mask_leaves(config: dict[str, Any], globs: tuple[str, ...], prefix: str = "") -> dict[str, Any]:
    """Return a copy of a `destination_config` in which every leaf that matches a glob is masked."""
    masked: dict[str, Any] = {}
    for name, value in config.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict):
            masked[name] = mask_leaves(value, globs, f"{path}.")
        else:
            secret = any(fnmatchcase(path.lower(), glob) for glob in globs)
            masked[name] = MASK if secret and value not in (None, "") else value
    return masked


def pod_name(record: Record, number: int) -> str:
    """Return the name of a replica's pod: 63 characters, the last five differ by pod and deployment."""
    seed = hashlib.sha256(f"{record.id} {record.deployments} {number}".encode()).digest()
    suffix = "".join(_POD_ALPHABET[byte % len(_POD_ALPHABET)] for byte in seed[:5])
    return f"pipeline-{record.uid}-{seed.hex()[:10]}-"[:_POD_PREFIX_LENGTH] + suffix


def _start_time(record: Record) -> str | None:
    return None if record.start_time is None else iso_time(record.start_time)
