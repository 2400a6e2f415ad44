"""Everything that is wrong with the inputs of a pipeline, found offline and all at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from goldrush_pulumi.schema.pipeline import INPUTS, parsed_abi
from goldrush_pulumi.schema.wire import OWNERSHIP_TAG
from goldrush_pulumi.validation.addresses import find_address_problems
from goldrush_pulumi.validation.catalog import DECODED_ENTITIES
from goldrush_pulumi.validation.destinations import find_destination_problems, resolve_type
from goldrush_pulumi.validation.names import INPUT_HINTS, unknown_name
from goldrush_pulumi.validation.problems import Problem, entry_path, list_choices
from goldrush_pulumi.validation.rules import Rule
from goldrush_pulumi.validation.topics import find_topic_problems, read_topic
from goldrush_pulumi.validation.values import (
    UNKNOWN,
    find_long_name,
    find_string_list_problems,
    find_string_map_problems,
    find_string_problems,
    holds_placeholder,
    holds_unknown,
    mark_unknowns,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def find_problems(
    inputs: Mapping[str, object],
    is_unknown: Callable[[object], bool],
    recorded: Mapping[str, object] | None = None,
) -> list[Problem]:
    """Find everything that is wrong with the inputs of one pipeline, errors and warnings.

    Args:
        inputs: The inputs as the engine hands them over, without secret wrappers; whole floats count as integers, and
            keys that begin with two underscores are the engine's own.
        is_unknown: Returns whether a value is not known yet. Such a value, at any depth, is passed over, and so is
            every rule that depends on it.
        recorded: Inputs of the same pipeline that were checked before. A transform, an ABI or an address that stands
            there too is not read again, so nothing unchanged ever loads a parser.

    Returns:
        The problems; empty when everything that can be judged offline is right.
    """
    marked = _with_parsed_abi(mark_unknowns(inputs, is_unknown))
    return [*_find_shape_problems(marked), *find_content_problems(marked, is_unknown, recorded or {})]


def find_shape_problems(inputs: Mapping[str, object], is_unknown: Callable[[object], bool]) -> list[Problem]:
    """Find what `find_problems` finds without a parser: neither transforms nor ABIs are read."""
    return list(_find_shape_problems(_with_parsed_abi(mark_unknowns(inputs, is_unknown))))


def _with_parsed_abi(marked: dict[str, object]) -> dict[str, object]:
    """A large ABI is registered as JSON text."""
    abi = marked.get("abi_file")
    return {**marked, "abi_file": parsed_abi(abi)} if isinstance(abi, str) else marked


def _find_shape_problems(marked: Mapping[str, object]) -> Iterator[Problem]:
    yield from _find_name_problems(marked)
    yield from _find_value_problems(marked)
    yield from find_destination_problems(marked)
    yield from find_pipeline_problems(marked)


def _find_name_problems(inputs: Mapping[str, object]) -> Iterator[Problem]:
    for name, row in INPUTS.items():
        if row.required and name not in inputs:
            yield Problem(Rule.MISSING, name, "is missing", "every pipeline needs it")
    for name in inputs:
        if name not in INPUTS and not name.startswith("__"):
            yield unknown_name("", name, "is not an input of a pipeline", INPUTS, INPUT_HINTS, inputs)


def _find_value_problems(inputs: Mapping[str, object]) -> Iterator[Problem]:
    for name, row in INPUTS.items():
        # The type of the destination has its own rules: it may be given in two places.
        if name not in inputs or name == "destination_type":
            continue
        value = inputs[name]
        if name == "abi_unmatched" and isinstance(value, str) and value not in row.choices:
            hint = 'use "raw" to keep what does not match, or leave it out'
            yield Problem(Rule.UNDOCUMENTED_VALUE, name, "has a value that is not documented", hint)
            continue
        if row.shape == "string" and not (row.default == "" and value == ""):
            yield from find_string_problems(value, name, choices=row.choices)
        elif row.shape == "string_list":
            yield from find_string_list_problems(value, name)


def find_content_problems(
    inputs: Mapping[str, object], is_unknown: Callable[[object], bool], recorded: Mapping[str, object]
) -> Iterator[Problem]:
    """Check what is written in transforms, ABI and addresses, given inputs whose unknown values are marked.

    What stands in `recorded` too is passed over, and so is everything beside a Kafka destination, which takes none.
    """
    if resolve_type(inputs) == "kafka":
        return
    # The topic decides on the tables of transforms and on what an ABI decodes, and so does the ABI on tables.
    same_topic = inputs.get("topic") == recorded.get("topic")
    same_abi = same_topic and inputs.get("abi_file") == parsed_abi(recorded.get("abi_file"))
    if not same_abi and inputs.get("abi_file"):
        yield from _find_abi_entry_problems(inputs, is_unknown)
    addresses = inputs.get("abi_contract_addresses")
    if addresses and addresses != recorded.get("abi_contract_addresses"):
        yield from find_address_problems(addresses)
    before = recorded.get("transforms") if same_abi else {}
    yield from _find_transform_problems(inputs, is_unknown, before if isinstance(before, Mapping) else {})


def list_tables_of(inputs: Mapping[str, object]) -> tuple[str, ...]:
    """Return the tables a pipeline writes by the documentation's rules; none when nothing is known of its topic."""
    from goldrush_pulumi.validation.abi import list_tables  # noqa: PLC0415 - few pipelines have an ABI

    return list_tables(read_topic(inputs.get("topic")), inputs.get("abi_file"))


def _find_abi_entry_problems(inputs: Mapping[str, object], is_unknown: Callable[[object], bool]) -> Iterator[Problem]:
    abi, topic = inputs["abi_file"], read_topic(inputs.get("topic"))
    if holds_unknown(abi, is_unknown):
        return
    from goldrush_pulumi.validation.abi import find_abi_problems, find_long_tables  # noqa: PLC0415 - few have an ABI

    yield from find_abi_problems(abi, topic)
    if resolve_type(inputs) == "postgres":
        yield from find_long_tables(abi, topic)


def _find_transform_problems(
    inputs: Mapping[str, object], is_unknown: Callable[[object], bool], before: Mapping[str, object]
) -> Iterator[Problem]:
    transforms = inputs.get("transforms")
    new = {
        table: sql
        for table, sql in (transforms.items() if isinstance(transforms, Mapping) else ())
        if isinstance(sql, str) and sql.strip() and table.strip() and before.get(table) != sql
    }
    if not new:
        return
    from goldrush_pulumi.validation.abi import find_table_problems  # noqa: PLC0415 - only for new SQL
    from goldrush_pulumi.validation.transforms import find_transform_problems  # noqa: PLC0415

    topic, tables = read_topic(inputs.get("topic")), _known_tables(inputs, is_unknown)
    for table, sql in new.items():
        yield from find_table_problems(table, topic, tables)
        if resolve_type(inputs) == "postgres":
            yield from find_long_name(entry_path("transforms", table), table, "names a table")
        if not holds_placeholder(sql):
            yield from find_transform_problems(table, sql)


def _known_tables(inputs: Mapping[str, object], is_unknown: Callable[[object], bool]) -> tuple[str, ...]:
    return () if holds_unknown(inputs.get("abi_file"), is_unknown) else list_tables_of(inputs)


_ABI_OPTIONS: Final = ("abi_contract_addresses", "abi_unmatched")

_PROCESSING_INPUTS: Final = ("transforms", "abi_file", *_ABI_OPTIONS)


def find_pipeline_problems(inputs: Mapping[str, object]) -> Iterator[Problem]:
    """Check topic, description, transforms, heights, ABI and triggers, given inputs whose unknown values are marked."""
    yield from find_topic_problems(inputs.get("topic"))
    yield from _find_project_problems(inputs)
    yield from _find_description_problems(inputs.get("description"))
    yield from find_string_map_problems(inputs.get("transforms", {}), "transforms")
    yield from find_execution_problems(inputs)
    yield from _find_abi_problems(inputs.get("abi_file"))
    yield from _find_trigger_problems(inputs.get("triggers", {}))
    if resolve_type(inputs) == "kafka":
        yield from _find_kafka_problems(inputs)
    else:
        yield from _find_decoding_problems(inputs)


def _find_project_problems(inputs: Mapping[str, object]) -> Iterator[Problem]:
    """Warn of a project that PostgreSQL cannot keep as the name of a schema."""
    project = inputs.get("project")
    if isinstance(project, str) and not holds_placeholder(project) and resolve_type(inputs) == "postgres":
        yield from find_long_name("project", project, "names a schema")


def _find_description_problems(description: object) -> Iterator[Problem]:
    if isinstance(description, str) and OWNERSHIP_TAG.search(description):
        message = "ends in [pulumi:...], which is reserved for the ownership tag"
        yield Problem(Rule.RESERVED_DESCRIPTION, "description", message, "remove that end")


def _find_abi_problems(abi: object) -> Iterator[Problem]:
    if abi is not None and abi is not UNKNOWN and not isinstance(abi, (list, dict)):
        yield Problem(Rule.WRONG_TYPE, "abi_file", "is not a parsed ABI", "give the list or map of its JSON file")


def _find_trigger_problems(triggers: object) -> Iterator[Problem]:
    if triggers is not UNKNOWN and not isinstance(triggers, Mapping):
        yield Problem(Rule.WRONG_TYPE, "triggers", "is not a map", "write a map of names to any values")


def _find_kafka_problems(inputs: Mapping[str, object]) -> Iterator[Problem]:
    for name in _PROCESSING_INPUTS:
        if inputs.get(name) and inputs[name] is not UNKNOWN:
            message = "cannot be used with a kafka destination, which forwards raw bytes"
            yield Problem(Rule.KAFKA_PROCESSING, name, message, "remove it or choose another destination")


def _find_decoding_problems(inputs: Mapping[str, object]) -> Iterator[Problem]:
    """Check that there is something to decode, and an ABI where the options of one are given."""
    abi = inputs.get("abi_file")
    if abi:
        yield from _find_entity_problems(inputs.get("topic")) if isinstance(abi, (list, dict)) else ()
        return
    for name in _ABI_OPTIONS:
        if inputs.get(name) and inputs[name] is not UNKNOWN:
            yield Problem(Rule.UNUSED_ABI_OPTION, name, "has no effect without an ABI", "give abi_file or remove it")


def _find_entity_problems(topic: object) -> Iterator[Problem]:
    parts = read_topic(topic)
    if parts is None or parts.entity in DECODED_ENTITIES:
        return
    hint = f"read a topic of {list_choices(DECODED_ENTITIES)} or remove the ABI"
    if parts.entity:
        yield Problem(Rule.NOT_DECODABLE, "abi_file", f"cannot decode {parts.entity}", hint)
    else:
        yield Problem(Rule.NOT_KNOWN_DECODABLE, "abi_file", "is documented for other entities only", hint)


# Python refuses to read numbers of some thousand digits, and no chain comes near these.
_GREATEST_LENGTH: Final = 100

_GREATEST_EXACT: Final = 2**53

# What was meant as a number, and is not one of a block.
_NUMERIC: Final = re.compile(r"[-+\d.,_\s]*")


def read_height(value: object) -> int | None:
    """Return a block height given as an int, a whole float or digits; None for anything else and below 0."""
    if isinstance(value, str):
        digits = value.isascii() and value.isdigit() and len(value) <= _GREATEST_LENGTH
        return int(value) if digits else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if value >= 0 and value == value // 1 else None


def find_execution_problems(inputs: Mapping[str, object]) -> Iterator[Problem]:
    """Check the heights and what `execution_mode` makes of them, given inputs whose unknown values are marked."""
    heights: dict[str, int | None] = {}
    for name in ("execution_start_from", "execution_stop_from"):
        value = inputs.get(name, "")
        if value != "" and value is not UNKNOWN and not (isinstance(value, str) and holds_placeholder(value)):
            heights[name] = read_height(value)
            yield from _find_height_problems(name, value)
    start, stop = heights.get("execution_start_from"), heights.get("execution_stop_from")
    if start is not None and stop is not None and stop < start:
        message, hint = "is lower than execution_start_from", "stop at that height or above it"
        yield Problem(Rule.STOP_BEFORE_START, "execution_stop_from", message, hint)
    yield from _find_mode_problems(inputs.get("execution_mode"), inputs.get("execution_stop_from", ""))


def _find_height_problems(name: str, value: object) -> Iterator[Problem]:
    if isinstance(value, str) and not _NUMERIC.fullmatch(value):
        message = "is not a block height, the only form that is documented"
        hint = "give a whole number, or leave it out and GoldRush decides"
        yield Problem(Rule.UNDOCUMENTED_VALUE, name, message, hint)
    elif read_height(value) is None:
        hint = "give a whole number of at least 0, or its digits as a string"
        yield Problem(Rule.BAD_HEIGHT, name, "is not a block height", hint)
    elif isinstance(value, float) and value > _GREATEST_EXACT:
        message = "is so large that its last digits were lost on the way"
        yield Problem(Rule.LOST_DIGITS, name, message, "write it as a string, in quotes")


def _find_mode_problems(mode: object, stop: object) -> Iterator[Problem]:
    if stop is UNKNOWN:
        return
    if mode == "bounded" and stop == "":
        hint = "set it: where the pipeline ends without it is not documented"
        yield Problem(Rule.BOUNDED_WITHOUT_STOP, "execution_stop_from", "is missing for a bounded pipeline", hint)
    elif mode in (None, "unbounded") and stop != "":
        message = "is set for an unbounded pipeline, which follows the chain without end"
        hint = 'set execution_mode to "bounded" to end there'
        yield Problem(Rule.STOP_WITHOUT_BOUND, "execution_stop_from", message, hint)
