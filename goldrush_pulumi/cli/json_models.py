"""The JSON that commands print. Scripts rely on it: a field is added, but never renamed, retyped or removed.

The same things have the same names everywhere: `status` is the desired status, `phase` the observed one, `ready` and
`replicas` are numbers, and `observed_at` is when GoldRush was asked, as ISO 8601 in UTC. `schemas/cli/` holds the JSON
Schema of each command, made from these models by `python -m tools.reference`.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

Outcome = Literal["reached", "requested", "failed", "timed_out", "gone", "cancelled", "refused", "error"]
"""How a change or a wait ended: `requested` means that it was not waited for."""

Severity = Literal["error", "warning"]


class Output(BaseModel):
    """Base of everything that is printed as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_serialization_defaults_required=True)


class ManagedBy(Output):
    """The stack and the resource that manage a pipeline; null where only the ownership tag of some stack is known.

    `likely_stack` is then what this machine last saw that stack called, if it has seen it: a hint and no proof.
    """

    stack: str | None = None
    resource: str | None = None
    likely_stack: str | None = None


class PipelineRef(Output):
    """Which pipeline an object is about."""

    id: str
    name: str
    managed_by: ManagedBy | None = None


class ListedPipeline(PipelineRef):
    """One pipeline of `list`. Without `--with-phase`, the phase is not requested and is null."""

    project: str
    topic: str
    destination_type: str
    execution_mode: str
    status: str
    phase: str | None = None
    ready: int | None = None
    replicas: int | None = None
    observed_at: str | None = None


class PipelineConfiguration(PipelineRef):
    """The configuration that `get` shows, credentials masked. `abi_entries` counts the entries of the ABI."""

    project: str
    description: str
    topic: str
    destination_type: str
    destination_config: dict[str, Any]
    transforms: dict[str, Any]
    execution_mode: str
    execution_start_from: str
    execution_stop_from: str
    abi_contract_addresses: list[str]
    abi_unmatched: str
    abi_entries: int | None
    status: str
    group_id: str | None
    created_by: str | None
    created_at: str
    updated_at: str


class PipelineState(PipelineRef):
    """The desired status and the observed phase of one pipeline, as `status` shows them.

    While watching, `error` is why the last poll failed; everything else is then from `observed_at`.
    """

    status: str
    phase: str | None = None
    ready: int | None = None
    replicas: int | None = None
    start_time: str | None = None
    observed_at: str | None = None
    error: str | None = None


class WatchedPipeline(PipelineState):
    """One pipeline of a round of `watch`.

    `phase_since` is when the present phase was first observed, or the start of the deployment for the first one.
    `drift` names the fields that differ from what the selected stack declares.
    """

    project: str
    phase_since: str | None = None
    records_per_second: float | None = None
    processing_delay_ms: float | None = None
    pending_records: int | None = None
    healthy: bool | None = None
    drift: list[str] = Field(default_factory=list)


class Metrics(PipelineRef):
    """A snapshot of throughput and lag. `lag_blocks` is null where it is not known."""

    records_consumed: int | None = None
    last_offset: int | None = None
    last_block_height: int | None = None
    pending_records: int | None = None
    processing_delay_ms: float | None = None
    records_per_second: float | None = None
    normalization_errors: int | None = None
    lag_blocks: int | None = None
    observed_at: str | None = None
    error: str | None = None


class Health(PipelineRef):
    """The last probe of a destination; `healthy` is null before the first one."""

    healthy: bool | None
    last_error: str | None
    last_checked_at: str | None
    latency_ms: float | None
    observed_at: str


class Change(PipelineState):
    """How `pause`, `resume`, `restart` or `wait` ended for one pipeline. `error` says why it did not succeed."""

    outcome: Outcome
    waited_seconds: float | None = None


class Deletion(PipelineRef):
    """A pipeline that `delete` deleted."""

    deleted: bool


class PodTail(Output):
    """The last log lines of one pod."""

    pod: str
    lines: list[str]


class Cause(Output):
    """A likely cause: `name` is stable, `text` is for people."""

    name: str
    text: str


class Diagnosed(PipelineState):
    """What `diagnose` found out about one pipeline."""

    healthy: bool | None = None
    destination_error: str | None = None
    likely_cause: Cause | None = None
    logs: list[PodTail] = Field(default_factory=list)


class CheckFinding(PipelineRef):
    """One thing that `check` found. `kind` is stable; `text` is for people."""

    project: str
    kind: str
    severity: Severity
    text: str


class CheckReport(Output):
    """What `check` found in one pass, worst first."""

    checked: int
    findings: list[CheckFinding]
    observed_at: str


class LogEvent(Output):
    """One event of `logs`. The fields depend on `event`, and all but `id` may be absent."""

    model_config = ConfigDict(frozen=True, extra="allow")

    event: Literal[
        "line", "gap", "new_pod", "new_deployment", "nothing_to_tail", "caught_up", "waiting", "end", "cursor"
    ]
    id: str


class Run(Output):
    """One deployment as the state of the stack records it, or one command that this machine recorded.

    Records of other versions may have more or fewer fields. `changed` names the inputs that changed. `user`, `ci`,
    `job` and `commit` say who ran it. What was not recorded is null.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    resource: str
    id: str
    recorded_in: Literal["state", "this_machine"]
    changed: list[str] | None = None
    user: str | None = None
    ci: str | None = None
    job: str | None = None
    commit: str | None = None


class DoctorFinding(Output):
    """One thing that `doctor` examined. `advice` is empty if all is well."""

    subject: str
    level: Literal["ok", "warning", "wrong"]
    text: str
    advice: str


class ValidationFinding(Output):
    """One problem in a file of pipelines. More fields describe it; these are the ones that every finding has."""

    model_config = ConfigDict(frozen=True, extra="allow")

    severity: str
    file: str
    line: int
    path: str


class ValidationReport(Output):
    """What `validate` found. `tables` are the tables that each pipeline writes, by `file:name`."""

    pipelines: int
    findings: list[ValidationFinding]
    tables: dict[str, list[str]]


class ExportedPipeline(Output):
    """One pipeline that was exported, and the resource that declares it."""

    id: str
    name: str
    resource: str


class UnknownSecret(Output):
    """A credential that nobody gave: where it belongs, and how to give it."""

    resource: str
    path: str
    config_key: str
    variable: str


class ExportReport(Output):
    """What `export` wrote. `managed_elsewhere` names resources that carry the ownership tag of some stack."""

    folder: str
    files: list[str]
    pipelines: list[ExportedPipeline]
    commands: list[str]
    unknown_secrets: list[UnknownSecret]
    managed_elsewhere: list[str]


OUTPUTS: Final[dict[str, Any]] = {
    "list": list[ListedPipeline],
    "get": PipelineConfiguration,
    "status": list[PipelineState],
    "logs": LogEvent,
    "metrics": Metrics,
    "health": Health,
    "runs": list[Run],
    "watch": list[WatchedPipeline],
    "check": CheckReport,
    "diagnose": list[Diagnosed],
    "wait": list[Change],
    "pause": list[Change],
    "resume": list[Change],
    "restart": list[Change],
    "delete": Deletion,
    "export": ExportReport,
    "validate": ValidationReport,
    "doctor": list[DoctorFinding],
}
"""What each command prints with `--json`. Of a command that keeps running, each line is one such value."""
