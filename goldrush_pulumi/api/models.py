"""What GoldRush answers, as frozen values.

Every model ignores fields it does not know and takes `null` like an absent field, because the service documents
neither which fields may be null nor which a list item leaves out. Fields that may hold a secret stay out of `repr`.
Source: the Pipeline REST API reference, pages get-pipeline, list-pipelines, get-pipeline-status, get-pipeline-logs,
get-pipeline-metrics and get-pipeline-destination-health.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_UNSET: Final[Mapping[str, Any]] = {
    "description": "",
    "transforms": {},
    "execution_start_from": "",
    "execution_stop_from": "",
    "abi_file": {},
    "abi_contract_addresses": [],
    "abi_unmatched": "",
}
"""What the fields of a pipeline that a user may leave out or clear hold when they are unset."""


class Answer(BaseModel):
    """Base of all answers: frozen, tolerant, and silent about input values in its validation errors."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _take_null_as_absent(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        return {key: item for key, item in value.items() if item is not None}


class Group(Answer):
    """The group (account) that a pipeline belongs to; a ServiceKey sees the pipelines of one group."""

    id: str = ""
    name: str = ""
    slug: str = ""


class Creator(Answer):
    """The user to whom GoldRush attributes a pipeline."""

    id: str = ""
    email: str = ""
    display_name: str = ""
    full_name: str = ""


class Pipeline(Answer):
    """A pipeline's configuration. Items of a brief list carry only some of the fields.

    `status` is the wish ("running" or "paused"); the runtime's report is `PipelineStatus.phase`. Heights are digits
    in text, "" when unset. Secrets in `destination_config` come back as "******", at least from GET.
    """

    id: str = Field(min_length=1)
    name: str = ""
    project: str = ""
    description: str = ""
    topic: str = ""
    destination_type: str = ""
    destination_config: dict[str, Any] = Field(default_factory=dict, repr=False)
    transforms: dict[str, Any] = Field(default_factory=dict, repr=False)
    execution_mode: str = ""
    execution_start_from: str = ""
    execution_stop_from: str = ""
    abi_file: dict[str, Any] | list[Any] | str = Field(default_factory=dict, repr=False)
    abi_contract_addresses: list[str] = Field(default_factory=list)
    abi_unmatched: str = ""
    status: str = ""
    created_by: Creator | None = Field(default=None, repr=False)
    group: Group | None = None
    created_at: str = ""
    updated_at: str = ""

    @model_validator(mode="before")
    @classmethod
    def _take_null_as_unset(cls, value: object) -> object:
        """Keep apart what was answered to be unset and what was not answered: only the first says something."""
        if not isinstance(value, Mapping):
            return value
        return {key: _UNSET.get(key) if item is None else item for key, item in value.items()}

    @field_validator("group", "created_by", mode="before")
    @classmethod
    def _take_text_as_id(cls, value: object) -> object:
        return {"id": value} if isinstance(value, str) else value

    @property
    def group_id(self) -> str | None:
        """Id of the group, None when the answer did not say."""
        return (self.group.id or None) if self.group else None


class PipelinePage(Answer):
    """One page of the list; `total_count` and `page_size` are None when the answer has no pagination."""

    items: list[Pipeline] = Field(default_factory=list)
    page_number: int = 1
    page_size: int | None = None
    total_count: int | None = None
    has_more: bool = False
    updated_at: str = ""
    """The server's own time of the answer."""

    @model_validator(mode="before")
    @classmethod
    def _lift_pagination(cls, value: object) -> object:
        pagination = value.get("pagination") if isinstance(value, Mapping) else None
        if not isinstance(value, Mapping) or not isinstance(pagination, Mapping):
            return value
        return {**value, **{key: item for key, item in pagination.items() if item is not None}}


class PipelineStatus(Answer):
    """The runtime's report. `phase` is kept as it came, known or not; "UNKNOWN" when the answer had none."""

    uid: str = ""
    phase: str = Field(default="UNKNOWN", validation_alias="status")
    replicas: int = 0
    ready: int = 0
    start_time: str | None = None


class PodLogs(Answer):
    """The log tail of one pod: one text, lines separated by newlines."""

    pod: str = ""
    logs: str = Field(default="", repr=False)


class PipelineLogs(Answer):
    """The log tails of a pipeline's pods, one per replica."""

    uid: str = ""
    pods: list[PodLogs] = Field(default_factory=list)


class PipelineMetrics(Answer):
    """A snapshot of throughput and lag. Counts start anew with each deployment; None where nothing was reported."""

    uid: str = ""
    records_consumed: int | None = None
    last_offset: int | None = None
    last_block_height: int | None = None
    pending_records: int | None = None
    processing_delay_ms: float | None = None
    records_per_second: float | None = None
    normalization_errors: int | None = None


class DestinationHealth(Answer):
    """The most recent probe of the destination. Everything may be None before the first one.

    `last_checked_at` is the time of the probe by the server's clock, `latency_ms` how long it took, in milliseconds.
    """

    healthy: bool | None = None
    last_checked_at: str | None = None
    latency_ms: float | None = None
    last_error: str | None = Field(default=None, repr=False)
