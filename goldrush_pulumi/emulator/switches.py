"""Every open question about GoldRush as a switch; each default is the documented or the likelier side."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, config=ConfigDict(extra="forbid", use_attribute_docstrings=True))
class Switches:
    """What this emulator answers where the documentation leaves the answer open."""

    patch_merges_maps: bool = False
    """Does PATCH merge `transforms` and `destination_config` key by key, or replace them whole?"""

    null_removes_key: bool = True
    """When PATCH merges: does a null remove its key, or is it ignored?"""

    write_answers_masked: bool = True
    """Do POST, PATCH and PUT mask secrets in their answers, as GET does?"""

    masked_leaves: tuple[str, ...] = ("*password", "*token*", "*secret_access_key", "headers.authorization")
    """Which leaves of `destination_config` are masked: globs of dotted paths in lower case."""

    mask_sent_back: Literal["stored", "kept", "refused"] = "stored"
    """What becomes of a `******` in a request: stored as it is, the old secret kept, or refused with 422?"""

    returns_defaults: bool = False
    """Does the server fill and return defaults of `destination_config` that the user never set?"""

    unset_answers_null: bool = False
    """Are unset optional fields answered as null, or as an empty string, map or list?"""

    unknown_fields: Literal["refuse", "ignore"] = "refuse"
    """Are fields that the API does not know refused with 422, or ignored? Refusing finds wrong names."""

    kafka_rejects_at_post: bool = False
    """Is kafka with transforms or an ABI refused with 422, or accepted and FAILED at start (the documented side)?"""

    bad_sql_rejected_at_post: bool = False
    """Is SQL outside the allowed subset refused with 422, or accepted and FAILED at start (the documented side)?"""

    paused_at_post_honoured: bool = True
    """Is `status: paused` at POST honoured, or does every new pipeline start running?"""

    description_limit: int | None = Field(default=None, ge=1)
    """How many characters may a description have? None: any number."""

    description_overflow: Literal["trim", "refuse"] = "trim"
    """Is a description beyond the limit cut, or refused with 422?"""

    patch_redeploys: Literal["at once", "later", "through STOPPED", "never"] = "at once"
    """Does a PATCH redeploy: at once, after a delay, by way of STOPPING and STOPPED, or not at all?"""

    redeploy_delay_seconds: float = Field(default=1.0, ge=0)
    """With `patch_redeploys` "later": how long the old deployment goes on, in seconds."""

    failed_heals_by: Literal["patch", "pause and resume", "itself"] = "patch"
    """What brings a FAILED pipeline back: a PATCH, only a pause with a resume, or time alone?"""

    bounded_end_status: Literal["running", "paused"] = "running"
    """Once a bounded pipeline has ended (STOPPED): does its `status` still wish running, or paused?"""

    delete_through_stopping: bool = False
    """Is a deleted pipeline still readable as STOPPING for a while, or gone at once?"""

    checkpoint_survives_delete: bool = False
    """Does a new pipeline of the same project and topic go on where a deleted one stopped?"""

    start_change_rewinds: bool = False
    """Does a change of `execution_start_from` move the reading position, or is it ignored after the first start?"""

    foreign_answer: Literal[404, 403] = 404
    """Is a pipeline of another account answered with 404, or with 403?"""

    list_items_brief: bool = False
    """Are list items brief (no `destination_config`, transforms and ABI), or whole pipeline objects?"""

    list_order: Literal["newest first", "oldest first", "by id"] = "newest first"
    """In which order does the list come? "by id" means no useful order, as ids are random."""

    list_lag_seconds: float = Field(default=0.0, ge=0)
    """How long after its POST does a pipeline first appear in the list, in seconds?"""

    page_size_limit: int = Field(default=100, ge=1)
    """What is the largest page? A larger `page_size` is answered with this many items."""

    requests_per_second: float | None = Field(default=None, gt=0)
    """How many requests a second may one account send before it gets 429? None: any number."""

    retry_after_on_429: bool = True
    """Does a 429 of the rate limit carry a `Retry-After` header?"""


class SwitchBoard:
    """The switches in force; they may change while the emulator runs.

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
    """Make switches from plain values, such as JSON or command-line text.

    Raises:
        ValueError: One line that names every wrong switch and what it takes.
    """
    try:
        return Switches(**values)
    except ValidationError as error:
        raise ValueError("; ".join(_problem(item["loc"], item["msg"]) for item in error.errors())) from None


def switch_questions() -> dict[str, str]:
    """Return the open question that each switch answers, by the switch's name."""
    properties = TypeAdapter(Switches).json_schema()["properties"]
    return {name: schema["description"] for name, schema in properties.items()}


def _problem(location: tuple[int | str, ...], reason: str) -> str:
    name = str(location[0])
    if reason == "Unexpected keyword argument":
        return f"switch {name}: there is no such switch"
    return f"switch {name}: {reason[0].lower()}{reason[1:]}"
