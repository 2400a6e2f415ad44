"""`Pipeline`: a GoldRush pipeline as a program writes it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, get_type_hints, overload

import pulumi
from pulumi.dynamic import Resource
from typing_extensions import NotRequired, Unpack  # noqa: TC002 - whoever inspects the TypedDict needs them at run time

from goldrush_pulumi.deployment.ownership import OWNER
from goldrush_pulumi.deployment.secrets import MARKED_SECRETS
from goldrush_pulumi.deployment.spec import FIELDS, height_text
from goldrush_pulumi.marks import marked_secrets
from goldrush_pulumi.owner import stack_owner
from goldrush_pulumi.provider import make_provider

if TYPE_CHECKING:
    from goldrush_pulumi.destinations import DestinationArgs

Abi: TypeAlias = "Sequence[Mapping[str, Any]] | Mapping[str, Any]"
"""A parsed Solidity ABI: its array, or an object that holds it."""


@dataclass(frozen=True, kw_only=True)
class PipelineArgs:
    """What a pipeline is to be. Names are those of the REST API. Source: API reference, create-pipeline."""

    project: pulumi.Input[str]
    """Project of the pipeline. Names the database schema (`-` becomes `_`), the consumer group and the checkpoint.
    A change replaces the pipeline."""
    topic: pulumi.Input[str]
    """Topic to read, `{chain}.{network}.{qualifier}.block.{entity}`. A change replaces the pipeline."""
    destination_config: DestinationArgs
    """Where to write: one of the six typed destinations, or a dict with the same keys. Credentials in it are kept as
    secrets even when passed in plain text."""
    destination_type: pulumi.Input[str] | None = None
    """Kind of the destination; follows `destination_config` unless that is a dict without `type`. A change replaces
    the pipeline."""
    execution_mode: pulumi.Input[Literal["bounded", "unbounded"]] | None = None
    """"unbounded" (default) goes on with the chain, "bounded" ends at a block. A change replaces the pipeline."""
    name: pulumi.Input[str] | None = None
    """Name of the pipeline on GoldRush (default: the resource's name)."""
    description: pulumi.Input[str] | None = None
    """What the pipeline is for (default: empty)."""
    transforms: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    """Table name to the SELECT that replaces its rows. White space and comments are no change."""
    execution_start_from: pulumi.Input[int | str] | None = None
    """Block height to start from (default: GoldRush decides)."""
    execution_stop_from: pulumi.Input[int | str] | None = None
    """Block height to stop at (default: none)."""
    abi_file: pulumi.Input[Abi] | str | Path | None = None
    """Parsed ABI that decodes logs or transactions, or the path of its JSON file, relative to the project's folder."""
    abi_contract_addresses: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    """Contracts whose entries are decoded (default: all)."""
    abi_unmatched: pulumi.Input[Literal["", "raw"]] | None = None
    """"raw" keeps entries that the ABI does not know; "" (default) drops them."""
    status: pulumi.Input[Literal["running", "paused"]] | None = None
    """The wish: "running" (default) or "paused". What the pipeline really does is the output `phase`."""
    triggers: pulumi.Input[Mapping[str, Any]] | None = None
    """Any values; a change of one deploys the pipeline anew."""
    wait_for: pulumi.Input[Literal["running", "healthy", "none"]] | None = None
    """What `pulumi up` waits for: the phase (default), also the health of the destination, or nothing."""
    adopt_id: pulumi.Input[str] | None = None
    """Id of an existing pipeline to take over instead of creating one; read once, when the resource is created."""


class PipelineArgsDict(TypedDict):
    """`PipelineArgs` as keyword arguments; see there for what each is for."""

    project: pulumi.Input[str]
    topic: pulumi.Input[str]
    destination_config: DestinationArgs
    destination_type: NotRequired[pulumi.Input[str] | None]
    execution_mode: NotRequired[pulumi.Input[Literal["bounded", "unbounded"]] | None]
    name: NotRequired[pulumi.Input[str] | None]
    description: NotRequired[pulumi.Input[str] | None]
    transforms: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]] | None]
    execution_start_from: NotRequired[pulumi.Input[int | str] | None]
    execution_stop_from: NotRequired[pulumi.Input[int | str] | None]
    abi_file: NotRequired[pulumi.Input[Abi] | str | Path | None]
    abi_contract_addresses: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]] | None]
    abi_unmatched: NotRequired[pulumi.Input[Literal["", "raw"]] | None]
    status: NotRequired[pulumi.Input[Literal["running", "paused"]] | None]
    triggers: NotRequired[pulumi.Input[Mapping[str, Any]] | None]
    wait_for: NotRequired[pulumi.Input[Literal["running", "healthy", "none"]] | None]
    adopt_id: NotRequired[pulumi.Input[str] | None]


class Pipeline(Resource, module="goldrush", name="Pipeline"):
    """A GoldRush pipeline. `pulumi up` answers when it is live, or says why it is not.

    The outputs echo the inputs, `adopt_id` and `wait_for` apart, and add what GoldRush reports.
    """

    project: pulumi.Output[str]
    topic: pulumi.Output[str]
    destination_config: pulumi.Output[dict[str, Any]]
    destination_type: pulumi.Output[str]
    execution_mode: pulumi.Output[str]
    name: pulumi.Output[str]
    description: pulumi.Output[str]
    transforms: pulumi.Output[dict[str, str]]
    execution_start_from: pulumi.Output[str | None]
    execution_stop_from: pulumi.Output[str | None]
    abi_file: pulumi.Output[Any]
    abi_contract_addresses: pulumi.Output[list[str]]
    abi_unmatched: pulumi.Output[str]
    status: pulumi.Output[str]
    """The wish. See `phase` for the report."""
    triggers: pulumi.Output[dict[str, Any]]
    uid: pulumi.Output[str]
    """Identifier of the worker, as pods and logs name it."""
    phase: pulumi.Output[str]
    """What the worker did when the provider last looked: DEPLOYING, RUNNING, PAUSED, FAILED, STOPPING or STOPPED."""
    replicas: pulumi.Output[int]
    """Wanted number of workers."""
    ready: pulumi.Output[int]
    """Number of workers that were ready."""
    start_time: pulumi.Output[str]
    """When the present deployment started, by the server's clock."""
    created_at: pulumi.Output[str]
    """When the pipeline was created, by the server's clock."""
    updated_at: pulumi.Output[str]
    """When it was last changed, by the server's clock."""
    group_id: pulumi.Output[str]
    """The account's group that the pipeline belongs to."""
    config_version: pulumi.Output[str]
    """Names the configuration, all of `destination_config` left out; equal configurations have equal versions."""
    runs: pulumi.Output[list[dict[str, Any]]]
    """The last five deployments, newest first."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # A subclass without a type of its own would get another URN, and every pipeline of it would be made again.
        super().__init_subclass__(**{"module": "goldrush", "name": "Pipeline", **kwargs})

    @overload
    def __init__(self, resource_name: str, args: PipelineArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...

    @overload
    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[PipelineArgsDict]
    ) -> None: ...

    def __init__(self, resource_name: str, *positional: Any, **named: Any) -> None:
        """Declare a pipeline.

        Raises:
            pulumi.RunError: an argument is unknown or missing, a file cannot be read, or an option cannot work.
        """
        args, opts, inputs = _take_apart(resource_name, positional, named)
        _require_workable(resource_name, opts)
        given = _given(resource_name, args, inputs)
        wanted = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(delete_before_replace=True))
        super().__init__(
            make_provider(), resource_name, {**_OUTPUTS, **_on_the_wire(resource_name, given), **_owner(opts)}, wanted
        )

    @staticmethod
    def get(
        resource_name: str,
        id: pulumi.Input[str],  # noqa: A002 - the name in every Pulumi SDK
        opts: pulumi.ResourceOptions | None = None,
    ) -> Pipeline:
        """An existing pipeline, read by its id and not managed: it is neither changed nor deleted."""
        pipeline = Pipeline.__new__(Pipeline)
        wanted = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id))
        Resource.__init__(pipeline, make_provider(), resource_name, dict(_OUTPUTS), wanted)
        return pipeline


# The SDK reads these for every single resource, and texts would be evaluated anew each time.
Pipeline.__annotations__ = get_type_hints(
    type("Own", (), {"__annotations__": Pipeline.__annotations__, "__module__": __name__})
)

# An output that is not named here would not exist on the resource.
_OUTPUTS: dict[str, Any] = dict.fromkeys(
    name
    for name in (
        *FIELDS,
        *("uid", "phase", "replicas", "ready", "start_time", "created_at", "updated_at", "group_id"),
        *("config_version", "runs"),
    )
    if name not in {"adopt_id", "wait_for"}
)


def _take_apart(
    resource_name: str, positional: tuple[Any, ...], named: dict[str, Any]
) -> tuple[PipelineArgs | None, pulumi.ResourceOptions | None, dict[str, Any]]:
    """Arguments, options and inputs from a call of either form of the constructor.

    Raises:
        pulumi.RunError: a positional argument is neither `PipelineArgs` nor `ResourceOptions`.
    """
    inputs = dict(named)
    args, opts = inputs.pop("args", None), inputs.pop("opts", None)
    for item in positional:
        if isinstance(item, PipelineArgs) and args is None:
            args = item
        elif isinstance(item, pulumi.ResourceOptions) and opts is None:
            opts = item
        elif item is not None:
            raise pulumi.RunError(
                f"declare pipeline {resource_name}: a {type(item).__name__} cannot stand there;"
                " write Pipeline(name, PipelineArgs(...), opts) or Pipeline(name, opts, project=..., ...)"
            )
    return args, opts, inputs


def _given(resource_name: str, args: PipelineArgs | None, inputs: dict[str, Any]) -> dict[str, Any]:
    """The inputs that were given, from either form of the constructor.

    Raises:
        pulumi.RunError: a keyword is unknown or a required one missing.
    """
    if args is not None:
        if inputs:
            raise pulumi.RunError(
                f"declare pipeline {resource_name}: PipelineArgs and keywords ({', '.join(inputs)}) are given, give one"
            )
        return {item.name: getattr(args, item.name) for item in fields(args) if getattr(args, item.name) is not None}
    try:
        return _given(resource_name, PipelineArgs(**inputs), {})
    except TypeError as error:
        reason = str(error).replace("PipelineArgs.__init__() ", "")
        msg = f"declare pipeline {resource_name}: {reason}"
        raise pulumi.RunError(msg) from None


def _require_workable(resource_name: str, opts: pulumi.ResourceOptions | None) -> None:
    """Refuse the options that cannot work for a pipeline, with what works instead."""
    if opts is None:
        return
    if opts.import_:
        msg = (
            f"import pipeline {resource_name}: Pulumi cannot import dynamic resources; write"
            f' adopt_id="{opts.import_}" in its arguments instead of import_ in its options'
        )
        raise pulumi.RunError(msg)
    if opts.delete_before_replace is False:
        msg = (
            f"declare pipeline {resource_name}: delete_before_replace=False cannot work, for two pipelines of one"
            " project share its tables and consumer group; leave the option out"
        )
        raise pulumi.RunError(msg)


def _on_the_wire(resource_name: str, given: dict[str, Any]) -> dict[str, Any]:
    """The properties to register: heights as digits, the ABI read, the type of a typed destination written out."""
    wire = dict(given)
    wire.setdefault("name", resource_name)
    for height in ("execution_start_from", "execution_stop_from"):
        if height in wire:
            wire[height] = _height(wire[height])
    if isinstance(wire.get("abi_file"), (str, Path)):
        wire["abi_file"] = _read_abi(resource_name, Path(wire["abi_file"]))
    destination_type = _destination_type(given.get("destination_config"))
    if destination_type is not None:
        wire.setdefault("destination_type", destination_type)
    wire[MARKED_SECRETS] = marked_secrets(given)
    return wire


def _owner(opts: pulumi.ResourceOptions | None) -> dict[str, Any]:
    """The hidden input that ties a pipeline to its stack. One that is to outlive its resource is nobody's."""
    if opts is not None and opts.retain_on_delete:
        return {}
    owner = stack_owner()
    return {} if owner is None else {OWNER: owner}


def _height(value: Any) -> Any:
    """A height as digits, before the engine makes a double of it and a large one loses its last digits."""
    if isinstance(value, pulumi.Output):
        return value.apply(height_text)
    return height_text(value)


def _destination_type(config: Any) -> Any:
    if isinstance(config, Mapping):
        return config.get("type")
    return getattr(type(config), "destination_type", None)


def _read_abi(resource_name: str, path: Path) -> Any:
    """The ABI in a JSON file.

    Raises:
        pulumi.RunError: the file cannot be read or is not JSON.
    """
    whole = Path(pulumi.get_root_directory() or ".", path)
    try:
        return json.loads(whole.read_text(encoding="utf-8"))
    except OSError as error:
        reason = f"{whole}: {error.strerror or 'cannot be read'}; the path is relative to the project's folder"
    except (ValueError, RecursionError):
        reason = f"{whole}: is not JSON; a Solidity ABI is a JSON array"
    msg = f"declare pipeline {resource_name}: abi_file: {reason}"
    raise pulumi.RunError(msg)
