"""The responses of GoldRush as frozen values.

Every model ignores unknown fields and treats `null` like an absent field, because the service documents neither which
fields may be null nor which a list item leaves out. Fields that may hold a secret stay out of `repr`. Short texts that
are shown to people, such as a phase, are one printable line.
Source: the Pipeline REST API reference, pages get-pipeline, list-pipelines, get-pipeline-status, get-pipeline-logs,
get-pipeline-metrics and get-pipeline-destination-health.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from goldrush_pulumi.api.errors import LONGEST_SHOWN_TEXT

UNKNOWN_PHASE: Final = "UNKNOWN"
"""The phase where a response has none."""

_UNSET: Final[Mapping[str, Any]] = {
    "description": "",
    "transforms": {},
    "execution_start_from": "",
    "execution_stop_from": "",
    "abi_file": {},
    "abi_contract_addresses": [],
    "abi_unmatched": "",
}
"""The values of a pipeline's optional fields when they are unset."""


def _on_one_line(text: str) -> str:
    printable = "".join(character if character.isprintable() else " " for character in text)
    return printable.strip()[:LONGEST_SHOWN_TEXT]


OneLine = Annotated[str, AfterValidator(_on_one_line)]
"""A text of the server as one printable line: it reaches terminals and CI logs."""


class ApiResponse(BaseModel):
    """Base of all responses: frozen, tolerant, and without input values in its validation errors."""

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


class Group(ApiResponse):
    """The group (account) that a pipeline belongs to; a ServiceKey sees the pipelines of one group."""

    id: str = ""
    name: str = ""
    slug: str = ""


class Creator(ApiResponse):
    """The user to whom GoldRush attributes a pipeline."""

    id: str = ""
    email: str = ""
    display_name: str = ""
    full_name: str = ""


class Pipeline(ApiResponse):
    """A pipeline's configuration. Items of a brief list carry only some of the fields.

    `status` is the desired status ("running" or "paused"); the observed phase is `PipelineStatus.phase`. Heights are
    strings of digits, "" when unset. Secrets in `destination_config` come back as "******", at least from GET.
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
        """Keep fields that are null apart from fields that are absent: only the first are known to be unset."""
        if not isinstance(value, Mapping):
            return value
        return {key: _UNSET.get(key) if item is None else item for key, item in value.items()}

    @field_validator("id")
    @classmethod
    def _require_printable(cls, value: str) -> str:
        """Refuse an id that cannot be shown as it is: cleaned, it could name another pipeline."""
        if not value.isprintable():
            raise ValueError("must be printable")
        return value

    @field_validator("group", "created_by", mode="before")
    @classmethod
    def _take_string_as_id(cls, value: object) -> object:
        return {"id": value} if isinstance(value, str) else value

    @property
    def group_id(self) -> str | None:
        """Id of the group, None when the response has none."""
        return (self.group.id or None) if self.group else None


class PipelinePage(ApiResponse):
    """One page of the list; `total_count` and `page_size` are None when the response has no pagination."""

    items: list[Pipeline] = Field(default_factory=list)
    page_number: int = 1
    page_size: int | None = None
    total_count: int | None = None
    has_more: bool = False
    updated_at: str = ""
    """The server's own time of the response."""

    @model_validator(mode="before")
    @classmethod
    def _lift_pagination(cls, value: object) -> object:
        pagination = value.get("pagination") if isinstance(value, Mapping) else None
        if not isinstance(value, Mapping) or not isinstance(pagination, Mapping):
            return value
        return {**value, **{key: item for key, item in pagination.items() if item is not None}}


class PipelineStatus(ApiResponse):
    """The observed state of a pipeline's worker. `phase` may be one that is not documented."""

    uid: OneLine = ""
    phase: OneLine = Field(default=UNKNOWN_PHASE, validation_alias="status")
    replicas: int = 0
    ready: int = 0
    start_time: OneLine | None = None

    @field_validator("phase")
    @classmethod
    def _name_blank_phase(cls, value: str) -> str:
        return value or UNKNOWN_PHASE


class PodLogs(ApiResponse):
    """The log tail of one pod: one string, lines separated by newlines."""

    pod: OneLine = ""
    logs: str = Field(default="", repr=False)


class PipelineLogs(ApiResponse):
    """The log tails of a pipeline's pods, one per replica."""

    uid: str = ""
    pods: list[PodLogs] = Field(default_factory=list)


class PipelineMetrics(ApiResponse):
    """A snapshot of throughput and lag. Counts start at 0 with each deployment; None where the response has none."""

    uid: str = ""
    records_consumed: int | None = None
    last_offset: int | None = None
    last_block_height: int | None = None
    pending_records: int | None = None
    processing_delay_ms: float | None = None
    records_per_second: float | None = None
    normalization_errors: int | None = None


class DestinationHealth(ApiResponse):
    """The most recent probe of the destination; all fields are None before the first one.

    The probe may be older than the running deployment: compare `last_checked_at` with `PipelineStatus.start_time`.
    """

    healthy: bool | None = None
    last_checked_at: OneLine | None = None
    latency_ms: float | None = None
    last_error: str | None = Field(default=None, repr=False)
