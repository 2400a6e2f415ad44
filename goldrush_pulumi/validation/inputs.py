"""The inputs of a pipeline, and everything that is wrong with them, found offline and all at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from goldrush_pulumi.schema.pipeline import INPUTS
from goldrush_pulumi.schema.wire import OWNERSHIP_TAG
from goldrush_pulumi.validation.abi import find_address_problems
from goldrush_pulumi.validation.catalog import (
    CHAINS,
    DECODED_ENTITIES,
    ENTITY_TABLES,
    NETWORKS,
    QUALIFIERS,
    find_entity,
)
from goldrush_pulumi.validation.destinations import find_destination_problems, resolve_type
from goldrush_pulumi.validation.problems import Problem, advise, field_path, list_choices, suggest, warning
from goldrush_pulumi.validation.values import (
    UNKNOWN,
    contains_unknown,
    find_string_list_problems,
    find_string_map_problems,
    find_string_problems,
    holds_placeholder,
    mark_unknown_parts,
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
        if row.shape == "string" and not (row.default == "" and inputs[name] == ""):
            yield from find_string_problems(inputs[name], name, choices=row.choices)
        elif row.shape == "string_list":
            yield from find_string_list_problems(inputs[name], name)


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
    same_abi = same_topic and inputs.get("abi_file") == recorded.get("abi_file")
    if not same_abi and inputs.get("abi_file"):
        yield from _find_abi_entry_problems(inputs, is_unknown)
    if inputs.get("abi_contract_addresses") != recorded.get("abi_contract_addresses"):
        yield from find_address_problems(inputs.get("abi_contract_addresses"))
    before = recorded.get("transforms") if same_abi else {}
    yield from _find_transform_problems(inputs, is_unknown, before if isinstance(before, Mapping) else {})


def list_tables_of(inputs: Mapping[str, object]) -> tuple[str, ...]:
    """List the tables a pipeline writes by the documentation's rules; empty when nothing is known of its topic."""
    from goldrush_pulumi.validation.abi import list_tables, read_entries  # noqa: PLC0415 - few pipelines have an ABI

    abi = inputs.get("abi_file")
    return list_tables(read_topic(inputs.get("topic")), read_entries(abi) if abi else ())


def _find_abi_entry_problems(inputs: Mapping[str, object], is_unknown: Callable[[object], bool]) -> Iterator[Problem]:
    abi = mark_unknown_parts(inputs["abi_file"], is_unknown)
    if contains_unknown(abi):
        return
    from goldrush_pulumi.validation.abi import find_abi_problems  # noqa: PLC0415 - few pipelines have an ABI

    yield from find_abi_problems(abi, read_topic(inputs.get("topic")))


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
        if not holds_placeholder(sql):
            yield from find_transform_problems(table, sql)


def _known_tables(inputs: Mapping[str, object], is_unknown: Callable[[object], bool]) -> tuple[str, ...]:
    abi = inputs.get("abi_file")
    if abi is UNKNOWN or contains_unknown(mark_unknown_parts(abi, is_unknown)):
        return ()
    return list_tables_of(inputs)


_ABI_OPTIONS = ("abi_contract_addresses", "abi_unmatched")

_PROCESSING_INPUTS = ("transforms", "abi_file", *_ABI_OPTIONS)


def find_pipeline_problems(inputs: Mapping[str, object]) -> Iterator[Problem]:
    """Check topic, description, transforms, heights, ABI and triggers, given inputs whose unknown values are marked."""
    yield from find_topic_problems(inputs.get("topic"))
    yield from _find_description_problems(inputs.get("description"))
    yield from find_string_map_problems(inputs.get("transforms", {}), "transforms")
    yield from find_execution_problems(inputs)
    yield from _find_abi_problems(inputs.get("abi_file"))
    yield from _find_trigger_problems(inputs.get("triggers", {}))
    if resolve_type(inputs) == "kafka":
        yield from _find_kafka_problems(inputs)
    else:
        yield from _find_decoding_problems(inputs)


def _find_description_problems(description: object) -> Iterator[Problem]:
    if isinstance(description, str) and OWNERSHIP_TAG.search(description):
        yield Problem(
            "description", "ends in [pulumi:...], which is reserved for the ownership mark", "remove that end"
        )


def _find_abi_problems(abi: object) -> Iterator[Problem]:
    if abi is not None and abi is not UNKNOWN and not isinstance(abi, (list, dict)):
        yield Problem("abi_file", "is not a parsed ABI", "give the list or map that its JSON file holds")


def _find_trigger_problems(triggers: object) -> Iterator[Problem]:
    if triggers is not UNKNOWN and not isinstance(triggers, Mapping):
        yield Problem("triggers", "is not a map", "write a map of names to any values")


def _find_kafka_problems(inputs: Mapping[str, object]) -> Iterator[Problem]:
    for name in _PROCESSING_INPUTS:
        if inputs.get(name) and inputs[name] is not UNKNOWN:
            wrong = "cannot go with a kafka destination, which forwards raw bytes"
            yield Problem(name, wrong, "remove it or choose another destination")


def _find_decoding_problems(inputs: Mapping[str, object]) -> Iterator[Problem]:
    """Check that there is something to decode, and an ABI where the options of one are given."""
    abi = inputs.get("abi_file")
    if abi:
        yield from _find_entity_problems(inputs.get("topic")) if isinstance(abi, (list, dict)) else ()
        return
    for name in _ABI_OPTIONS:
        if inputs.get(name) and inputs[name] is not UNKNOWN:
            yield warning(name, "does nothing without an ABI", "give abi_file or remove it")


def _find_entity_problems(topic: object) -> Iterator[Problem]:
    parts = read_topic(topic)
    if parts is None or parts.entity in DECODED_ENTITIES:
        return
    right = f"read a topic of {list_choices(DECODED_ENTITIES)} or remove the ABI"
    if parts.entity:
        yield Problem("abi_file", f"cannot decode {parts.entity}", right)
    else:
        yield warning("abi_file", "is documented for other entities only", right)


_SEGMENT = r"[A-Za-z0-9_-]+"

# GoldRush's own samples read `base.mainnet.ref.block.swap.v3`, so the number of segments is open.
_TOPIC = re.compile(rf"{_SEGMENT}\.{_SEGMENT}\.{_SEGMENT}\.block(?:\.{_SEGMENT})+")

_CLOSENESS = 0.75


class Topic(NamedTuple):
    """The parts of a topic.

    `entity` is the documented entity (`swaps` for `swap.v3`), None when the documentation knows none of that name.
    """

    chain: str
    network: str
    qualifier: str
    segment: str
    entity: str | None


def read_topic(topic: object) -> Topic | None:
    """Take a topic apart; None when it does not read like one, or holds a placeholder or an unknown value."""
    if not isinstance(topic, str) or not _TOPIC.fullmatch(topic):
        return None
    chain, network, qualifier, _, segment, *_ = topic.split(".")
    return Topic(chain, network, qualifier, segment, find_entity(segment))


def find_topic_problems(topic: object) -> Iterator[Problem]:
    """Check the shape of a topic, and warn of parts that look misspelt."""
    if not isinstance(topic, str) or not topic.strip() or holds_placeholder(topic):
        return
    parts = read_topic(topic)
    if parts is None:
        right = "write it as chain.network.qualifier.block.entity, for example base.mainnet.ref.block.swap.v3"
        yield Problem("topic", "does not read like a topic", right)
        return
    yield from _find_misspelling("chain", parts.chain, CHAINS)
    yield from _find_misspelling("network", parts.network, NETWORKS)
    yield from _find_misspelling("qualifier", parts.qualifier, QUALIFIERS)
    if parts.entity is None:
        yield from _find_misspelling("entity", parts.segment, tuple(ENTITY_TABLES))


def _find_misspelling(part: str, word: str, known: tuple[str, ...]) -> Iterator[Problem]:
    likely = None if word in known else suggest(word, known, _CLOSENESS)
    if likely:
        yield warning(
            "topic", f"names {_article(part)} {part} that the documentation does not", f'did you mean "{likely}"?'
        )


def _article(word: str) -> str:
    return "an" if word == "entity" else "a"


# Python refuses to read numbers of some thousand digits, and no chain comes near these.
_GREATEST_LENGTH = 100

_GREATEST_EXACT = 2**53


def read_height(value: object) -> int | None:
    """Read a block height from an int, a whole float or digits; None when it is none of these or negative."""
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
        yield Problem("execution_stop_from", "lies before execution_start_from", "stop at that height or after it")
    yield from _find_mode_problems(inputs.get("execution_mode"), inputs.get("execution_stop_from", ""))


def _find_height_problems(name: str, value: object) -> Iterator[Problem]:
    if read_height(value) is None:
        yield Problem(name, "is not a block height", "give a whole number of at least 0, or its digits as a text")
    elif isinstance(value, float) and value > _GREATEST_EXACT:
        yield warning(name, "is so large that its last digits were lost on the way", "write it as a text, in quotes")


def _find_mode_problems(mode: object, stop: object) -> Iterator[Problem]:
    if stop is UNKNOWN:
        return
    if mode == "bounded" and stop == "":
        right = "set it, unless GoldRush is to decide where the pipeline ends: that is not documented"
        yield warning("execution_stop_from", "is missing for a bounded pipeline", right)
    elif mode in (None, "unbounded") and stop != "":
        right = 'set execution_mode to "bounded" to end there'
        yield warning("execution_stop_from", "is set for an unbounded pipeline, which goes on with the chain", right)
