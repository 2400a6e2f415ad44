"""The tables that a topic is turned into, those of decoded events and functions included."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goldrush_pulumi.validation.catalog import DECODED_ENTITIES, ENTITY_TABLES
from goldrush_pulumi.validation.problems import Problem, entry_path, list_choices, suggest, warning

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from goldrush_pulumi.validation.abi_entries import Entry
    from goldrush_pulumi.validation.topics import Topic

_INFIXES = {"event": "evt", "function": "fn"}
_DECODED = re.compile(r".*?_(?:evt|fn)_(.+)")
_CLOSENESS = 0.6


def snake_case(name: str) -> str:
    """Write the name of an event or function as tables spell it: `TransferBatch` is `transfer_batch`."""
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name))
    return words.lower()


def list_tables(topic: Topic | None, entries: Iterable[Entry]) -> tuple[str, ...]:
    """List the tables of a topic by the documentation's rules; empty when nothing is known of its entity.

    How `{chain_name}` is spelt in `{chain_name}_evt_{event}` is not documented: here it is the topic's first segment.
    """
    if topic is None or topic.entity is None:
        return ()
    kind = DECODED_ENTITIES.get(topic.entity)
    names = (entry.item.get("name") for entry in entries if kind and entry.kind == kind)
    decoded = [f"{topic.chain}_{_INFIXES[kind]}_{snake_case(name)}" for name in names if kind and isinstance(name, str)]
    plain = ENTITY_TABLES[topic.entity]
    return tuple(dict.fromkeys([*decoded, *(f"raw_{table}" for table in plain)] if decoded else plain))


def find_table_problems(table: str, topic: Topic | None, tables: tuple[str, ...]) -> Iterator[Problem]:
    """Warn of a transform whose table is none of the topic's, as far as they are known."""
    if not tables or topic is None or table.lower() in tables or _same_entry(table, tables):
        return
    if topic.entity == "miscevents" and table.startswith("hl_") and suggest(table, tables, 0.9) is None:
        # Half of its tables are not named in the documentation.
        return
    likely = suggest(table, tables, _CLOSENESS)
    right = f'did you mean "{likely}"?' if likely else f"the documentation names {list_choices(tables[:5])}"
    yield warning(entry_path("transforms", table), f"is no table of {topic.entity} that is known", right)


def _same_entry(table: str, tables: tuple[str, ...]) -> bool:
    """Tell whether only the parts whose spelling is not documented differ: the chain, and underscores."""
    words = _squeeze(table)
    return words is not None and words in {_squeeze(known) for known in tables}


def _squeeze(table: str) -> str | None:
    match = _DECODED.fullmatch(table.lower())
    return match[1].replace("_", "") if match else None
