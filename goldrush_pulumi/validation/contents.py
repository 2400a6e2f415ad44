"""What transforms, ABIs and addresses say: the rules that read a language. Their parsers are loaded when needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from goldrush_pulumi.validation.addresses import find_address_problems
from goldrush_pulumi.validation.destination_rules import resolve_type
from goldrush_pulumi.validation.topics import read_topic
from goldrush_pulumi.validation.unknowns import UNKNOWN, contains_unknown, mark_unknown_parts
from goldrush_pulumi.validation.values import holds_placeholder

if TYPE_CHECKING:
    from goldrush_pulumi.validation.problems import Problem


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
        yield from _find_abi_problems(inputs, is_unknown)
    if inputs.get("abi_contract_addresses") != recorded.get("abi_contract_addresses"):
        yield from find_address_problems(inputs.get("abi_contract_addresses"))
    before = recorded.get("transforms") if same_abi else {}
    yield from _find_transform_problems(inputs, is_unknown, before if isinstance(before, Mapping) else {})


def list_tables_of(inputs: Mapping[str, object]) -> tuple[str, ...]:
    """List the tables a pipeline writes by the documentation's rules; empty when nothing is known of its topic."""
    from goldrush_pulumi.validation.abi_entries import read_entries  # noqa: PLC0415 - few pipelines have an ABI
    from goldrush_pulumi.validation.decoded_tables import list_tables  # noqa: PLC0415

    abi = inputs.get("abi_file")
    return list_tables(read_topic(inputs.get("topic")), read_entries(abi) if abi else ())


def _find_abi_problems(inputs: Mapping[str, object], is_unknown: Callable[[object], bool]) -> Iterator[Problem]:
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
    from goldrush_pulumi.validation.decoded_tables import find_table_problems  # noqa: PLC0415 - only for new SQL
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
