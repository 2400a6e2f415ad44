"""What the endpoints return: the envelope, and the objects that it holds as `data`."""

from __future__ import annotations

import copy
import hashlib
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from goldrush_pulumi.emulator.schema import BRIEF_LEAVES_OUT, MASK, UNSET, with_defaults

if TYPE_CHECKING:
    from goldrush_pulumi.emulator.accounts import Account
    from goldrush_pulumi.emulator.switches import Switches
    from goldrush_pulumi.emulator.worker import ProbeResult, Record

LOG_TAIL_LINES = 200
_POD_PREFIX_LENGTH = 58
_POD_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_NOTHING_TO_TAIL = 'unable to upgrade connection: container not found ("pipeline")'
_BLOCK_RECORDS = 120


def envelope(data: Any, status: int = 200) -> JSONResponse:
    """Return a success in the envelope of every GoldRush endpoint."""
    return JSONResponse({"data": data, "error": False, "error_message": None, "error_code": None}, status)


def error_envelope(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return a failure in the envelope; the error code is the status as a string."""
    body = {"data": None, "error": True, "error_message": message, "error_code": str(status)}
    return JSONResponse(body, status, headers)


def pipeline_object(record: Record, account: Account, switches: Switches, *, masked: bool) -> dict[str, Any]:
    """Return the pipeline object, in clear or with its credentials masked."""
    config = copy.deepcopy(record.config)
    if switches.returns_defaults:
        config["destination_config"] = with_defaults(config["destination_type"], config["destination_config"])
    if masked:
        leave_out = switches.credentials_in_reads == "left out"
        config["destination_config"] = _mask(config["destination_config"], switches.masked_leaves, leave_out=leave_out)
    if switches.unset_returns_null:
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
    return {name: value for name, value in pipeline.items() if name not in BRIEF_LEAVES_OUT}


def runtime_object(record: Record) -> dict[str, Any]:
    """Return what the admin API adds to a pipeline object."""
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
    """Return the data of the status endpoint."""
    return {
        "uid": record.uid,
        "status": record.phase,
        "replicas": record.replicas,
        "ready": record.ready,
        "start_time": _start_time(record),
    }


def logs_object(record: Record) -> dict[str, Any]:
    """Return the data of the logs endpoint: the tail of each pod as one string."""
    tail = "\n".join(record.logs[-LOG_TAIL_LINES:]) + "\n" if record.phase.has_logs else _NOTHING_TO_TAIL
    names = [_pod_name(record, number) for number in range(record.replicas)] if record.phase.has_worker else []
    return {"uid": record.uid, "pods": [{"pod": name, "logs": tail} for name in names]}


def metrics_object(record: Record, now: float) -> dict[str, Any]:
    """Return the data of the metrics endpoint."""
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


def health_object(probe: ProbeResult | None, switches: Switches) -> dict[str, Any]:
    """Return the data of the destination-health endpoint: the most recent probe, if there was one."""
    if probe is None:
        healthy = None if switches.health_before_probe == "null" else False
        return {"healthy": healthy, "last_checked_at": None, "latency_ms": None, "last_error": None}
    return {
        "healthy": probe.error is None,
        "last_checked_at": iso_time(probe.checked_at),
        "latency_ms": probe.latency_ms,
        "last_error": probe.error,
    }


def iso_time(seconds: float) -> str:
    """Return a time as ISO 8601 in UTC with microseconds and `Z`, as pipeline objects have it."""
    return iso_time_with_offset(seconds).replace("+00:00", "Z")


def iso_time_with_offset(seconds: float) -> str:
    """Return a time as ISO 8601 in UTC with microseconds and `+00:00`, as the list has it."""
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="microseconds")


def _mask(config: dict[str, Any], globs: tuple[str, ...], prefix: str = "", *, leave_out: bool) -> dict[str, Any]:
    """Return a copy of a `destination_config` in which every leaf that matches a glob is masked or left out."""
    masked: dict[str, Any] = {}
    for name, value in config.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict):
            masked[name] = _mask(value, globs, f"{path}.", leave_out=leave_out)
        elif value in (None, "") or not any(fnmatchcase(path.lower(), glob) for glob in globs):
            masked[name] = value
        elif not leave_out:
            masked[name] = MASK
    return masked


def _pod_name(record: Record, number: int) -> str:
    """Return the name of a replica's pod: 63 characters; the last five differ by pod and deployment."""
    seed = hashlib.sha256(f"{record.id} {record.deployments} {number}".encode()).digest()
    suffix = "".join(_POD_ALPHABET[byte % len(_POD_ALPHABET)] for byte in seed[:5])
    return f"pipeline-{record.uid}-{seed.hex()[:10]}-"[:_POD_PREFIX_LENGTH] + suffix


def _start_time(record: Record) -> str | None:
    return None if record.start_time is None else iso_time(record.start_time)
