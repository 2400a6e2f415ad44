"""Generated from goldrush_pulumi/schema by `make reference`: edit the rows there, not this file.

Arguments and outputs of a pipeline, and the results of look-ups. Names are those of the REST API.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypeAlias, TypedDict

import pulumi

from goldrush_pulumi.input_type import arguments_type

if TYPE_CHECKING:
    from goldrush_pulumi.destinations import DestinationArgs

Abi: TypeAlias = "Sequence[Mapping[str, Any]] | Mapping[str, Any]"
"""A parsed Solidity ABI: its array, or an object that holds it."""


@arguments_type
class PipelineArgs:
    """Inputs of a pipeline.

    Source: API reference, create-pipeline.
    """

    project: pulumi.Input[str]
    """Project of the pipeline. It names the database schema (with `-` as `_`), the consumer group and the
    checkpoint. A change replaces the pipeline."""
    topic: pulumi.Input[str]
    """Topic to read, `{chain}.{network}.{qualifier}.block.{entity}`, such as `base.mainnet.ref.block.swap.v3`. A
    change replaces the pipeline."""
    destination_config: DestinationArgs
    """Where to write: one of the six typed destinations, or a map with the same keys. Credentials in it are kept as
    secrets even when they are passed in plain text."""
    destination_type: (
        pulumi.Input[Literal["postgres", "clickhouse", "kafka", "object_storage", "sqs", "webhook"]] | None
    ) = None
    """Type of the destination; without it, that of `destination_config`. A change replaces the pipeline."""
    execution_mode: pulumi.Input[Literal["bounded", "unbounded"]] | None = None
    """Whether the pipeline follows the chain (`unbounded`) or ends at a block height (`bounded`) (default:
    unbounded). A change replaces the pipeline."""
    name: pulumi.Input[str] | None = None
    """Name of the pipeline on GoldRush; without it, the resource's name."""
    description: pulumi.Input[str] | None = None
    """What the pipeline is for."""
    transforms: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    """Table name to the SELECT that produces its rows. White space and comments do not count as a change."""
    execution_start_from: pulumi.Input[int | str] | None = None
    """Block height to start from; without it, GoldRush decides."""
    execution_stop_from: pulumi.Input[int | str] | None = None
    """Block height to stop at."""
    abi_file: pulumi.Input[Abi] | str | Path | pulumi.FileAsset | None = None
    """Parsed Solidity ABI that decodes logs or transactions, or the path of its JSON file, relative to the project's
    folder."""
    abi_contract_addresses: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    """Contracts to decode; an empty list means all."""
    abi_unmatched: pulumi.Input[Literal["", "raw"]] | None = None
    """What happens to entries that the ABI does not describe: `raw` keeps them, an empty string drops them."""
    status: pulumi.Input[Literal["running", "paused"]] | None = None
    """Desired status, `running` or `paused`. The output `phase` shows what the worker really does (default:
    running)."""
    triggers: pulumi.Input[Mapping[str, Any]] | None = None
    """Any values; a change of one deploys the pipeline again."""
    wait_for: pulumi.Input[Literal["running", "healthy", "none"]] | None = None
    """What `pulumi up` waits for: the phase (`running`), also the health of the destination (`healthy`), or nothing
    (`none`) (default: running)."""
    adopt_id: pulumi.Input[str] | None = None
    """Id of an existing pipeline to take over instead of creating one. Only create reads it."""


class PipelineArgsDict(TypedDict):
    """`PipelineArgs` as keyword arguments or as a dict."""

    project: pulumi.Input[str]
    """Project of the pipeline. It names the database schema (with `-` as `_`), the consumer group and the
    checkpoint. A change replaces the pipeline."""
    topic: pulumi.Input[str]
    """Topic to read, `{chain}.{network}.{qualifier}.block.{entity}`, such as `base.mainnet.ref.block.swap.v3`. A
    change replaces the pipeline."""
    destination_config: DestinationArgs
    """Where to write: one of the six typed destinations, or a map with the same keys. Credentials in it are kept as
    secrets even when they are passed in plain text."""
    destination_type: NotRequired[
        pulumi.Input[Literal["postgres", "clickhouse", "kafka", "object_storage", "sqs", "webhook"]] | None
    ]
    """Type of the destination; without it, that of `destination_config`. A change replaces the pipeline."""
    execution_mode: NotRequired[pulumi.Input[Literal["bounded", "unbounded"]] | None]
    """Whether the pipeline follows the chain (`unbounded`) or ends at a block height (`bounded`) (default:
    unbounded). A change replaces the pipeline."""
    name: NotRequired[pulumi.Input[str] | None]
    """Name of the pipeline on GoldRush; without it, the resource's name."""
    description: NotRequired[pulumi.Input[str] | None]
    """What the pipeline is for."""
    transforms: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]] | None]
    """Table name to the SELECT that produces its rows. White space and comments do not count as a change."""
    execution_start_from: NotRequired[pulumi.Input[int | str] | None]
    """Block height to start from; without it, GoldRush decides."""
    execution_stop_from: NotRequired[pulumi.Input[int | str] | None]
    """Block height to stop at."""
    abi_file: NotRequired[pulumi.Input[Abi] | str | Path | pulumi.FileAsset | None]
    """Parsed Solidity ABI that decodes logs or transactions, or the path of its JSON file, relative to the project's
    folder."""
    abi_contract_addresses: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]] | None]
    """Contracts to decode; an empty list means all."""
    abi_unmatched: NotRequired[pulumi.Input[Literal["", "raw"]] | None]
    """What happens to entries that the ABI does not describe: `raw` keeps them, an empty string drops them."""
    status: NotRequired[pulumi.Input[Literal["running", "paused"]] | None]
    """Desired status, `running` or `paused`. The output `phase` shows what the worker really does (default:
    running)."""
    triggers: NotRequired[pulumi.Input[Mapping[str, Any]] | None]
    """Any values; a change of one deploys the pipeline again."""
    wait_for: NotRequired[pulumi.Input[Literal["running", "healthy", "none"]] | None]
    """What `pulumi up` waits for: the phase (`running`), also the health of the destination (`healthy`), or nothing
    (`none`) (default: running)."""
    adopt_id: NotRequired[pulumi.Input[str] | None]
    """Id of an existing pipeline to take over instead of creating one. Only create reads it."""


class PipelineOutputs:
    """Outputs of a pipeline: the inputs echoed, and what was observed."""

    project: pulumi.Output[str]
    """Project of the pipeline. It names the database schema (with `-` as `_`), the consumer group and the
    checkpoint."""
    topic: pulumi.Output[str]
    """Topic to read, `{chain}.{network}.{qualifier}.block.{entity}`, such as `base.mainnet.ref.block.swap.v3`."""
    destination_config: pulumi.Output[dict[str, Any]]
    """Where to write: one of the six typed destinations, or a map with the same keys. Credentials in it are kept as
    secrets even when they are passed in plain text."""
    destination_type: pulumi.Output[str]
    """Type of the destination; without it, that of `destination_config`."""
    execution_mode: pulumi.Output[str]
    """Whether the pipeline follows the chain (`unbounded`) or ends at a block height (`bounded`)."""
    name: pulumi.Output[str]
    """Name of the pipeline on GoldRush; without it, the resource's name."""
    description: pulumi.Output[str]
    """What the pipeline is for."""
    transforms: pulumi.Output[dict[str, str]]
    """Table name to the SELECT that produces its rows. White space and comments do not count as a change."""
    execution_start_from: pulumi.Output[str | None]
    """Block height to start from; without it, GoldRush decides."""
    execution_stop_from: pulumi.Output[str | None]
    """Block height to stop at."""
    abi_file: pulumi.Output[Any]
    """Parsed Solidity ABI that decodes logs or transactions, or the path of its JSON file, relative to the project's
    folder."""
    abi_contract_addresses: pulumi.Output[list[str]]
    """Contracts to decode; an empty list means all."""
    abi_unmatched: pulumi.Output[str]
    """What happens to entries that the ABI does not describe: `raw` keeps them, an empty string drops them."""
    status: pulumi.Output[str]
    """Desired status, `running` or `paused`. The output `phase` shows what the worker really does."""
    triggers: pulumi.Output[dict[str, Any]]
    """Any values; a change of one deploys the pipeline again."""
    uid: pulumi.Output[str]
    """Identifier of the worker, as pods and logs name it."""
    phase: pulumi.Output[str]
    """What the worker did when the provider last looked, such as `RUNNING`."""
    replicas: pulumi.Output[int]
    """Desired number of workers."""
    ready: pulumi.Output[int]
    """Number of workers that were ready."""
    start_time: pulumi.Output[str]
    """Start of the current deployment, by the server's clock."""
    created_at: pulumi.Output[str]
    """When the pipeline was created, by the server's clock."""
    updated_at: pulumi.Output[str]
    """When it was last changed, by the server's clock."""
    group_id: pulumi.Output[str]
    """Group of the account that owns the pipeline."""
    config_version: pulumi.Output[str]
    """Identifies the configuration, all of `destination_config` left out; equal configurations have equal versions."""
    runs: pulumi.Output[list[dict[str, Any]]]
    """The last five deployments, newest first."""


@dataclass(frozen=True)
class GetPipelineResult:
    """Configuration of a pipeline.

    Credentials in `destination_config` read `******`.
    """

    id: str
    """Id of the pipeline."""
    project: str
    """Project of the pipeline. It names the database schema (with `-` as `_`), the consumer group and the
    checkpoint."""
    topic: str
    """Topic to read, `{chain}.{network}.{qualifier}.block.{entity}`, such as `base.mainnet.ref.block.swap.v3`."""
    destination_config: dict[str, Any]
    """Where to write: one of the six typed destinations, or a map with the same keys. Credentials in it are kept as
    secrets even when they are passed in plain text."""
    destination_type: str
    """Type of the destination; without it, that of `destination_config`."""
    execution_mode: str
    """Whether the pipeline follows the chain (`unbounded`) or ends at a block height (`bounded`)."""
    name: str
    """Name of the pipeline on GoldRush; without it, the resource's name."""
    description: str
    """What the pipeline is for."""
    transforms: dict[str, str]
    """Table name to the SELECT that produces its rows. White space and comments do not count as a change."""
    execution_start_from: str
    """Block height to start from; without it, GoldRush decides."""
    execution_stop_from: str
    """Block height to stop at."""
    abi_contract_addresses: list[str]
    """Contracts to decode; an empty list means all."""
    abi_unmatched: str
    """What happens to entries that the ABI does not describe: `raw` keeps them, an empty string drops them."""
    status: str
    """Desired status, `running` or `paused`. The output `phase` shows what the worker really does."""
    group_id: str | None
    """Group of the account that owns the pipeline."""
    created_at: str
    """When the pipeline was created, by the server's clock."""
    updated_at: str
    """When it was last changed, by the server's clock."""


@dataclass(frozen=True)
class GetPipelineStatusResult:
    """What a pipeline's worker does now."""

    uid: str
    """Identifier of the worker, as pods and logs name it."""
    phase: str
    """What the worker did when the provider last looked, such as `RUNNING`."""
    replicas: int
    """Desired number of workers."""
    ready: int
    """Number of workers that were ready."""
    start_time: str | None
    """Start of the current deployment, by the server's clock."""


@dataclass(frozen=True)
class GetPipelineMetricsResult:
    """Throughput and lag of a pipeline now; None where nothing was reported."""

    uid: str
    """Identifier of the worker, as pods and logs name it."""
    records_consumed: int | None
    """Records read since the worker started. Unit: records."""
    last_offset: int | None
    """Last committed offset. Unit: offset."""
    last_block_height: int | None
    """Height of the last block read. Unit: block height."""
    pending_records: int | None
    """Records that wait to be read. Unit: records."""
    processing_delay_ms: float | None
    """How far the pipeline is behind the chain. Unit: milliseconds."""
    records_per_second: float | None
    """Rolling throughput. Unit: records per second."""
    normalization_errors: int | None
    """Records that were skipped because they could not be read. Unit: records."""
