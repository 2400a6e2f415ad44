"""`Pipeline`: a GoldRush pipeline as a program writes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, get_type_hints, overload

import pulumi
from pulumi.dynamic import Resource
from pulumi.runtime.mocks import MockMonitor

from goldrush_pulumi.declarations import current_declarations, find_ignored_problems
from goldrush_pulumi.owner import stack_owner, warn_of_untargeted_owner
from goldrush_pulumi.pipeline_types import PipelineArgs, PipelineArgsDict, PipelineOutputs
from goldrush_pulumi.program_settings import check_stack_settings
from goldrush_pulumi.project_files import project_folder
from goldrush_pulumi.provider import make_provider
from goldrush_pulumi.schema.pipeline import ECHOED, INPUTS, OUTPUTS, height_digits, packed_abi
from goldrush_pulumi.schema.wire import HIDDEN, OWNER, PIPELINE_TYPE, PLUGIN_PIPELINE_TYPE, SECRET_PATHS, SIBLINGS
from goldrush_pulumi.secret_paths import marked_secret_paths
from goldrush_pulumi.validation.problems import Problem
from goldrush_pulumi.validation.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldrush_pulumi.declarations import Declarations


_PLUGIN_ALIAS = pulumi.Alias(type_=PLUGIN_PIPELINE_TYPE)


class Pipeline(Resource, PipelineOutputs, module="goldrush", name="Pipeline"):
    """A GoldRush pipeline. `pulumi up` returns once it is running, or says why it is not.

    The outputs echo the inputs except `adopt_id` and `wait_for`, and add what GoldRush reports.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # A subclass with a type of its own would get another URN, and every pipeline of it would be created again.
        super().__init_subclass__(**{"module": "goldrush", "name": "Pipeline", **kwargs})

    @overload
    def __init__(self, resource_name: str, args: PipelineArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...

    @overload
    def __init__(  # noqa: D418 - editors read it; `make reference` generates it from goldrush_pulumi/schema
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[PipelineArgsDict]
    ) -> None:
        """Declare a pipeline by keywords.

        Args:
            project: Project of the pipeline. It names the database schema (with `-` as `_`), the consumer group and the checkpoint. A change replaces the pipeline.
            topic: Topic to read, `{chain}.{network}.{qualifier}.block.{entity}`, such as `base.mainnet.ref.block.swap.v3`. A change replaces the pipeline.
            destination_config: Where to write: one of the six typed destinations, or a map with the same keys. Credentials in it are kept as secrets even when they are passed in plain text.
            destination_type: Type of the destination; without it, that of `destination_config`. A change replaces the pipeline.
            execution_mode: Whether the pipeline follows the chain (`unbounded`) or ends at a block height (`bounded`) (default: unbounded). A change replaces the pipeline.
            name: Name of the pipeline on GoldRush; without it, the resource's name.
            description: What the pipeline is for.
            transforms: Table name to the SELECT that produces its rows. White space and comments do not count as a change.
            execution_start_from: Block height to start from; without it, GoldRush decides.
            execution_stop_from: Block height to stop at.
            abi_file: Parsed Solidity ABI that decodes logs or transactions, or the path of its JSON file, relative to the project's folder.
            abi_contract_addresses: Contracts to decode; an empty list means all.
            abi_unmatched: What happens to entries that the ABI does not describe: `raw` keeps them, an empty string drops them.
            status: Desired status, `running` or `paused`. The output `phase` shows what the worker really does (default: running).
            triggers: Any values; a change of one deploys the pipeline again.
            wait_for: What `pulumi up` waits for: the phase (`running`), also the health of the destination (`healthy`), or nothing (`none`) (default: running).
            adopt_id: Id of an existing pipeline to take over instead of creating one. Only create reads it.
            resource_name: Name of the resource; also that of the pipeline, unless `name` is given.
            opts: Options of the resource.
        """  # noqa: E501

    def __init__(self, resource_name: str, *positional: Any, **named: Any) -> None:
        """Declare a pipeline.

        A mistake in an input or an option does not raise here: it ends the program together with the mistakes of all
        other pipelines.

        Raises:
            pulumi.RunError: the call has neither of the two forms, or a setting is unknown.
        """
        check_stack_settings()
        args, opts, inputs = _take_apart(resource_name, positional, named)
        opts = opts or pulumi.ResourceOptions()
        properties = {**_OUTPUTS, **_given(resource_name, args, inputs)}
        self._is_complete = False
        super().__init__(make_provider(), resource_name, properties, opts)
        if not self._is_complete:
            # This version of the SDK runs transformations in another way. What they change is then not seen here, but
            # properties are only read when the program has ended.
            properties.update(self._complete(resource_name, properties, opts))

    # The SDK reads this list once, when the resource is constructed, and runs those of the resource, of its parents and
    # of the stack in this order. There is no other way to see what they made of the inputs and options.
    @property
    def _transformations(self) -> list[pulumi.ResourceTransformation]:
        return [*self.__dict__.get("_given_transformations", ()), self._complete_transformed]

    @_transformations.setter
    def _transformations(self, given: list[pulumi.ResourceTransformation]) -> None:
        self.__dict__["_given_transformations"] = given

    def _complete_transformed(
        self, args: pulumi.ResourceTransformationArgs
    ) -> pulumi.ResourceTransformationResult | None:
        """Complete the properties and options that all other transformations have left."""
        if args.resource is not self or args.opts.id is not None:
            return None
        self._is_complete = True
        properties = self._complete(args.name, args.props, args.opts)
        # The alias finds the state of a stack that moves back from the plugin.
        needed = pulumi.ResourceOptions(delete_before_replace=True, aliases=[_PLUGIN_ALIAS])
        if _may_change_later(args.opts):
            needed.transforms = [_complete_in_engine]
        return pulumi.ResourceTransformationResult(properties, pulumi.ResourceOptions.merge(args.opts, needed))

    def _complete(self, name: str, given: Mapping[str, Any], opts: pulumi.ResourceOptions) -> dict[str, Any]:
        """Return the properties to register, once they have been checked together with the options."""
        properties, problems = _on_the_wire(name, given)
        declarations = current_declarations()
        problems += _find_option_problems(opts)
        declarations.add(self, name, properties, problems, opts.ignore_changes or ())
        for problem in find_ignored_problems(opts.ignore_changes or (), properties):
            pulumi.log.warn(f"declare pipeline {name}: {problem}")
        paths = _secret_paths_once_right(declarations, properties)
        # First, because properties are serialized in this order: a program with mistakes waits for no other resource.
        hidden = {**_owner(opts), **_siblings(name, adopts="adopt_id" in properties)}
        return {SECRET_PATHS: pulumi.Output[Any].from_input(paths), **properties, **hidden}

    @staticmethod
    def get(
        resource_name: str,
        id: pulumi.Input[str],  # noqa: A002 - the name in every Pulumi SDK
        opts: pulumi.ResourceOptions | None = None,
    ) -> Pipeline:
        """Read an existing pipeline by its id, without managing it: it is neither changed nor deleted."""
        check_stack_settings()
        pipeline = Pipeline.__new__(Pipeline)
        wanted = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id))
        Resource.__init__(pipeline, make_provider(), resource_name, dict(_OUTPUTS), wanted)
        return pipeline


_NAMES_ATTRIBUTE = "_goldrush_pipeline_names"

# The SDK reads these for every single resource; evaluated once, they cost nothing more.
Pipeline.__annotations__ = get_type_hints(PipelineOutputs)

# An output that is not named here would not exist on the resource.
_OUTPUTS: dict[str, Any] = dict.fromkeys((*ECHOED, *OUTPUTS))


def _take_apart(
    resource_name: str, positional: tuple[Any, ...], named: dict[str, Any]
) -> tuple[PipelineArgs | None, pulumi.ResourceOptions | None, dict[str, Any]]:
    """Return arguments, options and inputs from a call of either form of the constructor.

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
    """Return the inputs that were given, from either form of the constructor. Their names are checked later.

    Raises:
        pulumi.RunError: both forms are mixed.
    """
    if args is None:
        return {name: value for name, value in inputs.items() if value is not None}
    if inputs:
        raise pulumi.RunError(
            f"declare pipeline {resource_name}: PipelineArgs and keywords ({', '.join(inputs)}) are given, give one"
        )
    return {name: getattr(args, name) for name in INPUTS if getattr(args, name) is not None}


def _find_option_problems(opts: pulumi.ResourceOptions) -> Iterator[Problem]:
    """Find the options that cannot work for a pipeline."""
    if opts.import_:
        right = f'write adopt_id="{opts.import_}" in its arguments instead'
        yield Problem(Rule.UNWORKABLE_OPTION, "import_", "cannot work for dynamic resources", right)
    if opts.delete_before_replace is False:
        wrong = "cannot be False, because two pipelines of one project share its tables and consumer group"
        yield Problem(Rule.UNWORKABLE_OPTION, "delete_before_replace", wrong, "leave the option out")


def _on_the_wire(resource_name: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Return the properties to register, and what prevents one from being registered.

    Heights are digits, the ABI is read, and the type of a typed destination is written out.
    """
    wire = dict(given)
    problems: list[Problem] = []
    if wire.get("name") is None:
        wire["name"] = resource_name
    for height in ("execution_start_from", "execution_stop_from"):
        if height in wire:
            wire[height] = _height(wire[height])
    try:
        wire["abi_file"] = packed_abi(_abi(wire.get("abi_file")))
    except _UnreadableAbiError as error:
        wire["abi_file"] = None
        problems.append(error.problem)
    if wire.get("destination_type") is None:
        wire["destination_type"] = _destination_type(given.get("destination_config"))
    return wire, problems


def _owner(opts: pulumi.ResourceOptions) -> dict[str, Any]:
    """Return the hidden input that ties a pipeline to its stack. One that is to outlive its resource gets none."""
    owner = None if opts.retain_on_delete else stack_owner()
    return {} if owner is None else {OWNER: owner}


async def _secret_paths_once_right(declarations: Declarations, properties: Mapping[str, Any]) -> list[list[str]]:
    await declarations.let_register()
    await warn_of_untargeted_owner()
    return await marked_secret_paths({name: value for name, value in properties.items() if name not in HIDDEN})


def _may_change_later(opts: pulumi.ResourceOptions) -> bool:
    """Return whether the engine decides on something that the hidden inputs depend on.

    It runs the `transforms` of a resource, and it hands `retain_on_delete` down from parents, which know nothing of it
    in the program. A test under mocks has no engine that could ask back.
    """
    if isinstance(pulumi.runtime.settings.get_monitor(), MockMonitor):
        return False
    has_parent = opts.parent is not None and opts.parent is not pulumi.runtime.get_root_resource()
    return bool(opts.transforms) or (has_parent and opts.retain_on_delete is None)


async def _complete_in_engine(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    """Correct the hidden inputs by what the engine knows. Its transforms are inherited, also by other types."""
    properties = dict(args.props)
    # Older SDKs leave hidden properties out of what a transform sees, so what it returned would lose them.
    if args.type_ != PIPELINE_TYPE or SECRET_PATHS not in properties:
        return None
    known = await pulumi.Output.from_input(properties.get(SECRET_PATHS) or []).future() or []
    marked = await marked_secret_paths({name: value for name, value in properties.items() if name not in HIDDEN})
    added = [path for path in marked if path not in known]
    is_retained = bool(args.opts.retain_on_delete) and OWNER in properties
    if not added and not is_retained:
        return None
    properties[SECRET_PATHS] = [*known, *added]
    if is_retained:
        del properties[OWNER]
    # Without options, the engine keeps those that it has.
    return pulumi.ResourceTransformResult(properties, None)  # type: ignore[arg-type]


def _siblings(resource_name: str, *, adopts: bool) -> dict[str, Any]:
    """The hidden input that keeps a pipeline from adopting that of another resource of the program."""
    # On the stack's own object, as its owner is. Unit tests of programs may have none.
    root = pulumi.runtime.get_root_resource()
    names: list[str] = [] if root is None else vars(root).setdefault(_NAMES_ATTRIBUTE, [])
    names.append(resource_name)

    async def others() -> list[str]:
        # Runs after the program's body, when all names are there.
        return sorted({*names} - {resource_name})

    return {SIBLINGS: pulumi.Output.from_input(others())} if adopts else {}


def _height(value: Any) -> Any:
    """Return a height as digits, before the engine makes a double of it and a large one loses its last digits."""
    if isinstance(value, pulumi.Output):
        return value.apply(height_digits)
    return height_digits(value)


def _destination_type(config: Any) -> Any:
    if isinstance(config, Mapping):
        return config.get("type")
    return getattr(type(config), "destination_type", None)


class _UnreadableAbiError(Exception):
    def __init__(self, wrong: str, right: str) -> None:
        super().__init__(wrong)
        self.problem = Problem(Rule.UNREADABLE_ABI_FILE, "abi_file", wrong, right)


def _abi(value: Any) -> Any:
    """Return the ABI that `value` is, or that the file holds which it names.

    Raises:
        _UnreadableAbiError: a file cannot be read, or does not hold JSON.
    """
    if isinstance(value, pulumi.FileAsset):
        return _read_abi(Path(value.path))
    if isinstance(value, pulumi.StringAsset):
        return _parse_abi(value.text, "the asset")
    if isinstance(value, (pulumi.Asset, pulumi.Archive)):
        raise _UnreadableAbiError(f"cannot be a {type(value).__name__}", "give the path of the file, or a FileAsset")
    return _read_abi(Path(value)) if isinstance(value, (str, Path)) else value


def _read_abi(path: Path) -> Any:
    whole = project_folder() / path
    try:
        text = whole.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise _UnreadableAbiError(f"{whole}: {reason}", "give a path relative to the project's folder") from None
    except ValueError:
        text = ""
    return _parse_abi(text, str(whole))


def _parse_abi(text: str, source: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise _UnreadableAbiError(f"{source} is not JSON", "give a Solidity ABI, which is a JSON array") from None
