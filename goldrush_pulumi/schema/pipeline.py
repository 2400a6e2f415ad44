"""The inputs and outputs of a pipeline: one row for each, and everything else derives from these rows.

Validation, the diff, request bodies, drift, outputs, stack config, the JSON Schema, the tables of the documentation and
the generated classes (`pipeline_types.py`) all read them. Names are those of the REST API. What can and cannot be
changed follows the request bodies of the API: PATCH takes neither project, topic, destination_type nor execution_mode.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, Literal

from goldrush_pulumi.schema.destinations import DESTINATIONS
from goldrush_pulumi.schema.sql_tokens import canonical_sql

Inputs = Mapping[str, Any]
"""Inputs of one pipeline by name, secrets in clear."""

Shape = Literal["string", "height", "string_list", "string_map", "any_map", "abi", "destination"]
"""What a value looks like: `height` is a whole number or its digits, `abi` a parsed ABI or the path of its file, and
`destination` a typed destination or a map with the same keys."""


class Change(Enum):
    """What it means when an input of a deployed pipeline changes."""

    REPLACE = "replace"
    """PATCH does not take the input: the pipeline is deleted and created again."""
    UPDATE = "update"
    """PATCH takes the input."""
    REDEPLOY = "redeploy"
    """The server never sees the input, but a change deploys the pipeline again."""
    NOTHING = "nothing"
    """The input steers the provider and deploys nothing."""


@dataclass(frozen=True, kw_only=True)
class PipelineInput:
    """One input of a pipeline.

    Attributes:
        name: Its name, which is the API's own where the API has it.
        shape: What its value looks like.
        description: What it is for, one sentence for people.
        change: What a change of it means.
        canonical: Turns a value into a form in which values that mean the same are equal.
        required: Whether a pipeline cannot be without it. `destination_type` can: `destination_config.type` may say it.
        choices: The values that a string may have; empty means any.
        default: What `check` fills in when it is left out; None fills in nothing.
        default_text: The default for people, where it is computed.
        change_text: What a change means for people, where `change` alone does not say it.
        cleared: What is sent when the user removes the input from a pipeline that has it.
        server_decides: Whether the server may fill it where the user gave nothing, so that its value is no drift.
    """

    name: str
    shape: Shape
    description: str
    change: Change
    canonical: Callable[[Any], Any]
    required: bool = False
    choices: tuple[str, ...] = ()
    default: Any = None
    default_text: str = ""
    change_text: str = ""
    cleared: Any = None
    server_decides: bool = False

    @property
    def is_sent(self) -> bool:
        """Whether it is also a field of the pipeline object on the server."""
        return self.change in {Change.REPLACE, Change.UPDATE}


@dataclass(frozen=True)
class PipelineOutput:
    """One output of a pipeline that does not echo an input.

    `annotation` is its Python type. `origin` tells where it comes from: the pipeline object, the status of its worker,
    or the provider itself.
    """

    name: str
    annotation: str
    description: str
    origin: Literal["pipeline", "status", "provider"]


@dataclass(frozen=True)
class Metric:
    """One number of a pipeline's metrics. Source: API reference, get-pipeline-metrics.

    `unit` is what it counts. A counter only grows, and starts at 0 with each deployment.
    """

    name: str
    annotation: Literal["int", "float"]
    unit: str
    description: str
    is_counter: bool = False


def whole_numbers(value: Any) -> Any:
    """Return `value` with every float that is a whole number turned back into an int, at any depth.

    Numbers travel through the engine as doubles: 3 arrives as 3.0.
    """
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: whole_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [whole_numbers(item) for item in value]
    return value


def height_digits(value: Any) -> Any:
    """Return a block height as the digits that the API uses; anything that is not a whole number as it came."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return str(int(value))
    return value


def is_empty(value: Any) -> bool:
    """Whether `value` means the same as leaving the input out."""
    return value is None or (isinstance(value, (str, Mapping, list)) and not value)


def without_nulls(value: Any) -> Any:
    """Return `value` without map entries that are None, at any depth of maps."""
    if isinstance(value, Mapping):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return value


def _string(value: Any) -> Any:
    return "" if value is None else value


def _description(value: Any) -> Any:
    text = _string(value)
    return text.strip() if isinstance(text, str) else text


def _height(value: Any) -> Any:
    text = height_digits(_string(value))
    # Not by way of int: Python refuses to read more than some thousand digits, and any string may stand here.
    return text.lstrip("0") or "0" if isinstance(text, str) and text.isascii() and text.isdigit() else text


def _without_empty(value: Any) -> Any:
    if isinstance(value, Mapping):
        kept = {key: _without_empty(item) for key, item in value.items()}
        return {key: item for key, item in sorted(kept.items()) if not is_empty(item)}
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    return whole_numbers(value)


def _destination(value: Any) -> Any:
    """The settings without `type`: it repeats `destination_type`, and users may leave it out."""
    if not isinstance(value, Mapping):
        return value
    return _without_empty({key: item for key, item in value.items() if key != "type"})


def _transforms(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return {} if value is None else value
    return {table: canonical_sql(sql) if isinstance(sql, str) else sql for table, sql in sorted(value.items())}


def _addresses(value: Any) -> Any:
    """A filter: neither the order of the addresses nor the case of their digits selects anything else."""
    if not isinstance(value, list):
        return [] if value is None else value
    if not all(isinstance(address, str) for address in value):
        return value
    return sorted({address.lower() for address in value})


_LARGEST_ABI_AS_VALUES: Final = 100_000
"""From this many characters on, an ABI travels and is kept as JSON text: the SDK, the plugin host and the engine take
seconds for the hundred thousands of values of a large one, and milliseconds for one string."""


def packed_abi(value: Any) -> Any:
    """Return an ABI in the form in which it is registered: JSON text when it is large, else as it is.

    An ABI that holds outputs of other resources stays as it is, whatever its size.
    """
    if not isinstance(value, (list, dict)):
        return value
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        return value
    return text if len(text) >= _LARGEST_ABI_AS_VALUES else value


def parsed_abi(value: Any) -> Any:
    """Return an ABI as values; a string that is not JSON is returned as it is."""
    return _parsed(value) if isinstance(value, str) and value else value


@lru_cache(maxsize=8)
def _parsed(text: str) -> Any:
    # Compared and sent, and changed by nobody: several callers share it.
    try:
        return whole_numbers(json.loads(text))
    except (ValueError, RecursionError):
        return text


def _abi(value: Any) -> Any:
    """The parsed ABI. Its shape on the server is not documented, so its JSON text counts as the same."""
    parsed = parsed_abi(value)
    if isinstance(value, str) and parsed is not value:
        return {} if is_empty(parsed) else parsed
    return {} if is_empty(value) else whole_numbers(value)


def _any_map(value: Any) -> Any:
    return {} if value is None else whole_numbers(value)


_PROJECT: Final = PipelineInput(
    name="project",
    shape="string",
    description="Project of the pipeline. It names the database schema (with `-` as `_`), the consumer group and the"
    " checkpoint.",
    change=Change.REPLACE,
    canonical=_string,
    required=True,
)
_TOPIC: Final = PipelineInput(
    name="topic",
    shape="string",
    description="Topic to read, `{chain}.{network}.{qualifier}.block.{entity}`, such as"
    " `base.mainnet.ref.block.swap.v3`.",
    change=Change.REPLACE,
    canonical=_string,
    required=True,
)
_DESTINATION_CONFIG: Final = PipelineInput(
    name="destination_config",
    shape="destination",
    description="Where to write: one of the six typed destinations, or a map with the same keys. Credentials in it are"
    " kept as secrets even when they are passed in plain text.",
    change=Change.UPDATE,
    change_text="update (another type: **replace**)",
    canonical=_destination,
    required=True,
)
_DESTINATION_TYPE: Final = PipelineInput(
    name="destination_type",
    shape="string",
    description="Type of the destination; without it, that of `destination_config`.",
    change=Change.REPLACE,
    canonical=_string,
    choices=tuple(DESTINATIONS),
    default_text="that of `destination_config`",
)
_EXECUTION_MODE: Final = PipelineInput(
    name="execution_mode",
    shape="string",
    description="Whether the pipeline follows the chain (`unbounded`) or ends at a block height (`bounded`).",
    change=Change.REPLACE,
    canonical=_string,
    choices=("bounded", "unbounded"),
    default="unbounded",
)
_NAME: Final = PipelineInput(
    name="name",
    shape="string",
    description="Name of the pipeline on GoldRush; without it, the resource's name.",
    change=Change.UPDATE,
    canonical=_string,
    default_text="the resource's name",
)
_DESCRIPTION: Final = PipelineInput(
    name="description",
    shape="string",
    description="What the pipeline is for.",
    change=Change.UPDATE,
    canonical=_description,
    default="",
    cleared="",
)
_TRANSFORMS: Final = PipelineInput(
    name="transforms",
    shape="string_map",
    description="Table name to the SELECT that produces its rows. White space and comments do not count as a change.",
    change=Change.UPDATE,
    canonical=_transforms,
    default={},
    cleared={},
)
_EXECUTION_START_FROM: Final = PipelineInput(
    name="execution_start_from",
    shape="height",
    description="Block height to start from; without it, GoldRush decides.",
    change=Change.UPDATE,
    canonical=_height,
    cleared="",
    server_decides=True,
)
_EXECUTION_STOP_FROM: Final = PipelineInput(
    name="execution_stop_from",
    shape="height",
    description="Block height to stop at.",
    change=Change.UPDATE,
    canonical=_height,
    cleared="",
    server_decides=True,
)
_ABI_FILE: Final = PipelineInput(
    name="abi_file",
    shape="abi",
    description="Parsed Solidity ABI that decodes logs or transactions, or the path of its JSON file, relative to the"
    " project's folder.",
    change=Change.UPDATE,
    canonical=_abi,
    cleared={},
)
_ABI_CONTRACT_ADDRESSES: Final = PipelineInput(
    name="abi_contract_addresses",
    shape="string_list",
    description="Contracts to decode; an empty list means all.",
    change=Change.UPDATE,
    canonical=_addresses,
    default=[],
    cleared=[],
)
_ABI_UNMATCHED: Final = PipelineInput(
    name="abi_unmatched",
    shape="string",
    description="What happens to entries that the ABI does not describe: `raw` keeps them, an empty string drops them.",
    change=Change.UPDATE,
    canonical=_string,
    choices=("", "raw"),
    default="",
    cleared="",
    server_decides=True,
)
_STATUS: Final = PipelineInput(
    name="status",
    shape="string",
    description="Desired status, `running` or `paused`. The output `phase` shows what the worker really does.",
    change=Change.UPDATE,
    change_text="update (pause or resume)",
    canonical=_string,
    choices=("running", "paused"),
    default="running",
)
_TRIGGERS: Final = PipelineInput(
    name="triggers",
    shape="any_map",
    description="Any values; a change of one deploys the pipeline again.",
    change=Change.REDEPLOY,
    canonical=_any_map,
    default={},
)
_WAIT_FOR: Final = PipelineInput(
    name="wait_for",
    shape="string",
    description="What `pulumi up` waits for: the phase (`running`), also the health of the destination (`healthy`), or"
    " nothing (`none`).",
    change=Change.NOTHING,
    change_text="nothing to deploy",
    canonical=_string,
    choices=("running", "healthy", "none"),
    default="running",
)
_ADOPT_ID: Final = PipelineInput(
    name="adopt_id",
    shape="string",
    description="Id of an existing pipeline to take over instead of creating one. Only create reads it.",
    change=Change.NOTHING,
    change_text="only create reads it",
    canonical=_string,
)

INPUTS: Final[Mapping[str, PipelineInput]] = MappingProxyType(
    {
        row.name: row
        for row in (
            _PROJECT,
            _TOPIC,
            _DESTINATION_CONFIG,
            _DESTINATION_TYPE,
            _EXECUTION_MODE,
            _NAME,
            _DESCRIPTION,
            _TRANSFORMS,
            _EXECUTION_START_FROM,
            _EXECUTION_STOP_FROM,
            _ABI_FILE,
            _ABI_CONTRACT_ADDRESSES,
            _ABI_UNMATCHED,
            _STATUS,
            _TRIGGERS,
            _WAIT_FOR,
            _ADOPT_ID,
        )
    }
)
"""Every input by its name."""

OUTPUTS: Final[Mapping[str, PipelineOutput]] = MappingProxyType(
    {
        row.name: row
        for row in (
            PipelineOutput("uid", "str", "Identifier of the worker, as pods and logs name it.", "status"),
            PipelineOutput(
                "phase", "str", "What the worker did when the provider last looked, such as `RUNNING`.", "status"
            ),
            PipelineOutput("replicas", "int", "Desired number of workers.", "status"),
            PipelineOutput("ready", "int", "Number of workers that were ready.", "status"),
            PipelineOutput("start_time", "str", "Start of the current deployment, by the server's clock.", "status"),
            PipelineOutput("created_at", "str", "When the pipeline was created, by the server's clock.", "pipeline"),
            PipelineOutput("updated_at", "str", "When it was last changed, by the server's clock.", "pipeline"),
            PipelineOutput("group_id", "str", "Group of the account that owns the pipeline.", "pipeline"),
            PipelineOutput(
                "config_version",
                "str",
                "Identifies the configuration, all of `destination_config` left out; equal configurations have equal"
                " versions.",
                "provider",
            ),
            PipelineOutput("runs", "list[dict[str, Any]]", "The last five deployments, newest first.", "provider"),
        )
    }
)
"""Every output that does not echo an input, by its name."""

METRICS: Final[tuple[Metric, ...]] = (
    Metric("records_consumed", "int", "records", "Records read since the worker started.", is_counter=True),
    Metric("last_offset", "int", "offset", "Last committed offset."),
    Metric("last_block_height", "int", "block height", "Height of the last block read."),
    Metric("pending_records", "int", "records", "Records that wait to be read."),
    Metric("processing_delay_ms", "float", "milliseconds", "How far the pipeline is behind the chain."),
    Metric("records_per_second", "float", "records per second", "Rolling throughput."),
    Metric(
        "normalization_errors",
        "int",
        "records",
        "Records that were skipped because they could not be read.",
        is_counter=True,
    ),
)
"""The metrics of a pipeline, in the order of the API."""

SENT: Final = tuple(row.name for row in INPUTS.values() if row.is_sent)
"""The inputs that are also fields of the pipeline object on the server."""

PATCHED: Final = tuple(row.name for row in INPUTS.values() if row.change is Change.UPDATE)
"""The inputs that a PATCH takes."""

REPLACING: Final = tuple(row.name for row in INPUTS.values() if row.change is Change.REPLACE)
"""The inputs that only a replacement changes."""

ECHOED: Final = tuple(row.name for row in INPUTS.values() if row.change is not Change.NOTHING)
"""The inputs that are outputs too, unchanged: `diff` is given outputs to compare the new inputs with."""


def canonical(name: str, value: Any) -> Any:
    """Return the form of `value`, a value of the input `name`, in which values of the same meaning are equal."""
    return INPUTS[name].canonical(value)


def is_cleared(name: str, value: Any) -> bool:
    """Whether `value` means the same as leaving the input `name` out."""
    return bool(canonical(name, value) == canonical(name, None))
