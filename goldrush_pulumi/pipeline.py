"""`Pipeline`: a GoldRush pipeline as a program writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Unpack, get_type_hints, overload

import pulumi
from pulumi.dynamic import Resource

from goldrush_pulumi.owner import stack_owner
from goldrush_pulumi.pipeline_types import PipelineArgs, PipelineArgsDict, PipelineOutputs
from goldrush_pulumi.provider import make_provider
from goldrush_pulumi.schema.pipeline import ECHOED, OUTPUTS, height_digits, packed_abi
from goldrush_pulumi.schema.wire import OWNER, SECRET_PATHS
from goldrush_pulumi.secret_paths import marked_secret_paths
from goldrush_pulumi.validation.abi import AbiFileError, read_abi_file


class Pipeline(Resource, PipelineOutputs, module="goldrush", name="Pipeline"):
    """A GoldRush pipeline. `pulumi up` answers when it is live, or says why it is not.

    The outputs echo the inputs, `adopt_id` and `wait_for` apart, and add what GoldRush reports.
    """

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


# The SDK reads these for every single resource; evaluated once, they cost nothing more.
Pipeline.__annotations__ = get_type_hints(PipelineOutputs)

# An output that is not named here would not exist on the resource.
_OUTPUTS: dict[str, Any] = dict.fromkeys((*ECHOED, *OUTPUTS))


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
    if "abi_file" in wire:
        wire["abi_file"] = packed_abi(wire["abi_file"])
    destination_type = _destination_type(given.get("destination_config"))
    if destination_type is not None:
        wire.setdefault("destination_type", destination_type)
    wire[SECRET_PATHS] = marked_secret_paths(given)
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
        return value.apply(height_digits)
    return height_digits(value)


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
        return read_abi_file(whole)
    except AbiFileError as error:
        where = f"{whole}: {error}; the path is relative to the project's folder"
        raise pulumi.RunError(f"declare pipeline {resource_name}: abi_file: {where}") from None
