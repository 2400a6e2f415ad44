"""The inputs of a pipeline, and everything that is wrong with them, found offline and all at once."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from goldrush_pulumi.validation.contents import find_content_problems
from goldrush_pulumi.validation.destination_rules import find_destination_problems
from goldrush_pulumi.validation.destinations import DESTINATIONS
from goldrush_pulumi.validation.pipeline_rules import find_pipeline_problems
from goldrush_pulumi.validation.problems import Problem, advise, field_path
from goldrush_pulumi.validation.unknowns import mark_unknowns
from goldrush_pulumi.validation.values import find_text_problems, find_texts_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

InputKind = Literal["text", "height", "map", "abi", "texts"]


@dataclass(frozen=True)
class Input:
    """One input of a pipeline.

    Attributes:
        name: Its name, which is the API's own where the API has it.
        kind: Shape of the value: `height` is an int or its digits, `abi` a list or a map, `texts` a list of texts.
        description: What it is for.
        required: Whether a pipeline cannot be without it. `destination_type` can: `destination_config.type` may say it.
        choices: The values a text may have; empty means any.
        default: What counts when it is left out.
    """

    name: str
    kind: InputKind
    description: str
    required: bool = False
    choices: tuple[str, ...] = ()
    default: str | None = None


INPUTS: Mapping[str, Input] = MappingProxyType(
    {
        item.name: item
        for item in (
            Input("project", "text", "Project of the pipeline; names the schema its tables are in.", required=True),
            Input("topic", "text", "Topic to read, such as `base.mainnet.ref.block.swap.v3`.", required=True),
            Input("destination_config", "map", "Where to write, with its credentials.", required=True),
            Input("destination_type", "text", "Kind of the destination.", choices=tuple(DESTINATIONS)),
            Input(
                "execution_mode",
                "text",
                "Whether the pipeline ends at a block height or goes on with the chain.",
                choices=("bounded", "unbounded"),
                default="unbounded",
            ),
            Input("name", "text", "Name of the pipeline; without one, the resource's."),
            Input("description", "text", "What the pipeline is for.", default=""),
            Input("transforms", "map", "Table name to the SELECT that replaces its rows."),
            Input("execution_start_from", "height", "Block height to start from."),
            Input("execution_stop_from", "height", "Block height to stop at."),
            Input("abi_file", "abi", "Parsed Solidity ABI that decodes logs or transactions."),
            Input("abi_contract_addresses", "texts", "Contracts to decode; none means all."),
            Input(
                "abi_unmatched",
                "text",
                "What happens to entries the ABI does not know: dropped, or kept `raw`.",
                choices=("", "raw"),
                default="",
            ),
            Input("status", "text", "The wish: running or paused.", choices=("running", "paused"), default="running"),
            Input("triggers", "map", "Any values; a change deploys the pipeline again."),
            Input(
                "wait_for",
                "text",
                "What `pulumi up` waits for.",
                choices=("running", "healthy", "none"),
                default="running",
            ),
            Input("adopt_id", "text", "Id of an existing pipeline to take over."),
        )
    }
)
"""Every input by its name."""


def find_problems(
    inputs: Mapping[str, object],
    is_unknown: Callable[[object], bool],
    recorded: Mapping[str, object] | None = None,
) -> list[Problem]:
    """Find everything that is wrong with the inputs of one pipeline, errors and warnings.

    Args:
        inputs: The inputs as the engine hands them over, without secret wrappers; whole floats count as integers, and
            keys that begin with two underscores are the engine's own.
        is_unknown: Tells a value that is not known yet. Such a value, at any depth, is passed over, and so is every
            rule that depends on it.
        recorded: Inputs of the same pipeline that were found right before. A transform, an ABI or an address that
            stands there too is not read again, so nothing unchanged ever loads a parser.

    Returns:
        The problems; empty when everything that can be judged offline is right.
    """
    marked = mark_unknowns(inputs, is_unknown)
    return [*_find_shape_problems(marked), *find_content_problems(marked, is_unknown, recorded or {})]


def find_shape_problems(inputs: Mapping[str, object], is_unknown: Callable[[object], bool]) -> list[Problem]:
    """Find what `find_problems` finds without a parser: neither transforms nor ABIs are read."""
    return list(_find_shape_problems(mark_unknowns(inputs, is_unknown)))


def _find_shape_problems(marked: Mapping[str, object]) -> Iterator[Problem]:
    yield from _find_name_problems(marked)
    yield from _find_value_problems(marked)
    yield from find_destination_problems(marked)
    yield from find_pipeline_problems(marked)


def _find_name_problems(inputs: Mapping[str, object]) -> Iterator[Problem]:
    for name, row in INPUTS.items():
        if row.required and name not in inputs:
            yield Problem(name, "is missing", "every pipeline needs it")
    for name in inputs:
        if name not in INPUTS and not name.startswith("__"):
            yield Problem(field_path("", name), "is not an input of a pipeline", advise(name, INPUTS))


def _find_value_problems(inputs: Mapping[str, object]) -> Iterator[Problem]:
    for name, row in INPUTS.items():
        # The type of the destination has its own rules: it may be said in two places.
        if name not in inputs or name == "destination_type":
            continue
        if row.kind == "text" and not (row.default == "" and inputs[name] == ""):
            yield from find_text_problems(inputs[name], name, choices=row.choices)
        elif row.kind == "texts":
            yield from find_texts_problems(inputs[name], name)
