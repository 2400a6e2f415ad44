"""Every open question about GoldRush as a switch; each default is the documented or the more likely answer."""

from __future__ import annotations

import dataclasses
import difflib
from typing import Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

Redeployment = Literal["at once", "later", "through STOPPED", "never"]


@dataclass(frozen=True, config=ConfigDict(extra="forbid", use_attribute_docstrings=True))
class Switches:
    """How this emulator behaves where the documentation leaves the question open."""

    patch_merges_maps: bool = False
    """Does PATCH merge `transforms` and `destination_config` key by key, or replace them whole?"""

    null_removes_key: bool = True
    """When PATCH merges: does a null remove its key, or is it ignored?"""

    write_responses_masked: bool = True
    """Do POST, PATCH and PUT mask secrets in their responses, as GET does?"""

    masked_leaves: tuple[str, ...] = ("*password", "*token*", "*secret_access_key", "headers.authorization")
    """Which leaves of `destination_config` are masked: globs of dotted paths in lower case."""

    credentials_in_reads: Literal["masked", "left out"] = "masked"
    """Do responses show the masked leaves as `******`, or leave them out?"""

    mask_sent_back: Literal["stored", "kept", "refused"] = "stored"
    """What happens to a `******` in a request: is it stored, is the old secret kept, or is it refused with 422?"""

    returns_defaults: bool = False
    """Does the server fill in and return defaults of `destination_config` that the user never set?"""

    unset_returns_null: bool = False
    """Are unset optional fields returned as null, or as an empty string, map or list?"""

    unknown_fields: Literal["refuse", "ignore"] = "refuse"
    """Are unknown fields refused with 422, or ignored? Refusing finds misspelt names."""

    kafka_rejects_at_post: bool = False
    """Is kafka with transforms or an ABI refused with 422, or accepted and FAILED at start (as documented)?"""

    bad_sql_rejected_at_post: bool = False
    """Is SQL outside the allowed subset refused with 422, or accepted and FAILED at start (as documented)?"""

    paused_at_post_honoured: bool = True
    """Is `status: paused` at POST honoured, or does every new pipeline start running?"""

    description_limit: int | None = Field(default=None, ge=1)
    """How many characters may a description have? None: any number."""

    description_overflow: Literal["trim", "refuse"] = "trim"
    """Is a description beyond the limit cut, or refused with 422?"""

    patch_redeploys: Redeployment = "at once"
    """Does a PATCH redeploy: at once, after a delay, through STOPPING and STOPPED, or not at all?"""

    redeploy_delay_seconds: float = Field(default=1.0, ge=0)
    """With `patch_redeploys` "later": how many seconds does the old deployment continue?"""

    failed_heals_by: Literal["patch", "pause and resume", "itself"] = "patch"
    """What brings a FAILED pipeline back: a PATCH, only a pause and resume, or time alone?"""

    bounded_end_status: Literal["running", "paused"] = "running"
    """Once a bounded pipeline has ended (STOPPED): is its `status` still running, or paused?"""

    health_before_probe: Literal["null", "unhealthy"] = "null"
    """What does destination-health return before the first probe: null in every field, or `healthy: false`?"""

    stale_probe_seconds: float = Field(default=0.0, ge=0)
    """For how many seconds after a change or a new deployment does the old probe stand?"""

    stale_probe_reads: int = Field(default=0, ge=0)
    """For how many reads of destination-health after a change or a new deployment does the old probe stand?"""

    delete_through_stopping: bool = False
    """Is a deleted pipeline still readable as STOPPING for a while, or gone at once?"""

    checkpoint_survives_delete: bool = False
    """Does a new pipeline of the same project and topic continue where a deleted one stopped?"""

    start_change_rewinds: bool = False
    """Does a change of `execution_start_from` move the reading position, or is it ignored after the first start?"""

    foreign_status: Literal[404, 403] = 404
    """Is the response for a pipeline of another account 404, or 403?"""

    list_items_brief: bool = False
    """Are list items brief (no `destination_config`, transforms and ABI), or whole pipeline objects?"""

    list_order: Literal["newest first", "oldest first", "by id"] = "newest first"
    """In which order does the list come? "by id" means no useful order, because ids are random."""

    list_lag_seconds: float = Field(default=0.0, ge=0)
    """How many seconds after its POST does a pipeline first appear in the list?"""

    page_size_limit: int = Field(default=100, ge=1)
    """What is the largest page? A larger `page_size` returns this many items."""

    requests_per_second: float | None = Field(default=None, gt=0)
    """How many requests per second may one account send before it gets 429? None: any number."""

    retry_after_on_429: bool = True
    """Does a 429 of the rate limit carry a `Retry-After` header?"""


class ActiveSwitches:
    """The switches in force, as `current`; they may change while the emulator runs.

    Args:
        switches: The switches to start with.
    """

    def __init__(self, switches: Switches | None = None) -> None:
        self.current = switches or Switches()

    def change(self, **changes: Any) -> Switches:
        """Set the named switches and return all of them.

        Raises:
            ValueError: A switch is unknown or a value does not fit; nothing was changed.
        """
        self.current = parse_switches({**dataclasses.asdict(self.current), **changes})
        return self.current


def parse_switches(values: dict[str, Any]) -> Switches:
    """Return switches from plain values, such as those of JSON or the command line.

    Raises:
        ValueError: A switch is unknown or a value does not fit; one line names every such switch.
    """
    try:
        return Switches(**values)
    except ValidationError as error:
        raise ValueError("; ".join(_problem(item["loc"], item["msg"]) for item in error.errors())) from None


def switch_questions() -> dict[str, str]:
    """Return the open question of each switch, by its name."""
    properties = TypeAdapter(Switches).json_schema()["properties"]
    return {name: schema["description"] for name, schema in properties.items()}


def _problem(location: tuple[int | str, ...], reason: str) -> str:
    name = str(location[0])
    if reason == "Unexpected keyword argument":
        known = [field.name for field in dataclasses.fields(Switches)]
        near = difflib.get_close_matches(name, known, 1)
        return f"set switch {name}: there is no such switch, {f'use {near[0]}' if near else 'see the documentation'}"
    return f"set switch {name}: {reason[0].lower()}{reason[1:]}"
