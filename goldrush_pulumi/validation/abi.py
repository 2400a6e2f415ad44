"""Rules for Solidity ABIs: their shape, their types, and the tables their entries are decoded into.

Source: the pages on ABI decoding of the GoldRush Pipeline API documentation, and the Contract ABI Specification of
Solidity for what an entry holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.validation.abi_entries import ABI_PATH, Entry, find_items, read_entries
from goldrush_pulumi.validation.abi_types import find_type_problems, write_signature
from goldrush_pulumi.validation.catalog import DECODED_ENTITIES
from goldrush_pulumi.validation.decoded_tables import snake_case
from goldrush_pulumi.validation.problems import Problem, advise, entry_path, field_path, warning

if TYPE_CHECKING:
    from goldrush_pulumi.validation.topics import Topic

_KINDS = ("event", "function", "constructor", "error", "receive", "fallback")
_DECODED_KINDS = ("event", "function")
_DECODED_MUTABILITY = ("nonpayable", "payable")
_MOST_INDEXED = 3
# Enough for any person to read; the rest is most likely the same mistake again.
_MOST_PROBLEMS = 50


def find_abi_problems(abi: object, topic: Topic | None) -> list[Problem]:
    """Check a parsed ABI, all of whose values are known.

    Args:
        abi: The list or map that the JSON file holds.
        topic: The topic that is decoded, if it is known: its entity tells which entries count.

    Returns:
        The first fifty problems.
    """
    return [problem for problem, _ in zip(_find_all(abi, topic), range(_MOST_PROBLEMS), strict=False)]


def _find_all(abi: object, topic: Topic | None) -> Iterator[Problem]:
    items, path = find_items(abi)
    if isinstance(abi, Mapping) and abi and not items and not isinstance(abi.get("abi"), list):
        right = 'give the array, or an object that holds it under "abi"'
        yield warning(ABI_PATH, "has a shape that is not documented", right)
        return
    for index, item in enumerate(items):
        if not isinstance(item, Mapping):
            yield Problem(entry_path(path, index), "is not an entry of an ABI", "give a map with type, name and inputs")
    entries = read_entries(abi)
    for entry in entries:
        yield from _find_entry_problems(entry)
    if items:
        yield from _find_nothing_decoded(entries, topic)
    yield from _find_collisions(entries)


def _find_entry_problems(entry: Entry) -> Iterator[Problem]:
    if entry.kind not in _KINDS:
        shown = advise(entry.kind, _KINDS) if isinstance(entry.kind, str) else "give it a text such as event"
        yield warning(field_path(entry.path, "type"), "is no kind of entry that an ABI has", shown)
    if entry.kind not in _DECODED_KINDS:
        return
    name = entry.item.get("name")
    if not isinstance(name, str) or not name.strip():
        yield Problem(
            field_path(entry.path, "name"), "is missing", f"every {entry.kind} needs the name it is called by"
        )
    inputs, path = entry.item.get("inputs", []), field_path(entry.path, "inputs")
    if not isinstance(inputs, list):
        yield Problem(path, "is not a list", "list the parameters")
        return
    yield from find_type_problems(inputs, path)
    yield from _find_indexed_problems(entry, inputs, path)


def _find_indexed_problems(entry: Entry, inputs: list[Any], path: str) -> Iterator[Problem]:
    if entry.kind != "event":
        return
    most = _MOST_INDEXED + bool(entry.item.get("anonymous"))
    if sum(isinstance(item, Mapping) and item.get("indexed") is True for item in inputs) > most:
        yield Problem(path, f"has more than {most} indexed parameters", "no log has room for that many, index fewer")
    for index, item in enumerate(inputs):
        if isinstance(item, Mapping) and not isinstance(item.get("indexed", False), bool):
            where = field_path(entry_path(path, index), "indexed")
            yield Problem(where, "is not true or false", "write true or false without quotes")


def _find_nothing_decoded(entries: list[Entry], topic: Topic | None) -> Iterator[Problem]:
    kind = DECODED_ENTITIES.get(topic.entity or "") if topic else None
    if topic is None or kind is None:
        return
    found = [entry for entry in entries if entry.kind == kind]
    if not found:
        yield warning(
            ABI_PATH, f"holds no {kind}, so nothing of {topic.entity} is decoded", f"add the {kind}s to decode"
        )
    elif kind == "function" and not any(_changes_state(entry) for entry in found):
        right = "add functions that are nonpayable or payable"
        yield warning(ABI_PATH, "holds only functions that no transaction calls", right)


def _changes_state(entry: Entry) -> bool:
    said = entry.item.get("stateMutability")
    return said in _DECODED_MUTABILITY if said is not None else entry.item.get("constant") is not True


def _find_collisions(entries: list[Entry]) -> Iterator[Problem]:
    signatures: dict[tuple[object, str], str] = {}
    tables: dict[tuple[object, str], tuple[str, str]] = {}
    for entry in entries:
        name, signature = entry.item.get("name"), write_signature(entry.item)
        if entry.kind not in _DECODED_KINDS or not isinstance(name, str) or signature is None:
            continue
        first = signatures.setdefault((entry.kind, signature), entry.path)
        table_path, table_signature = tables.setdefault((entry.kind, snake_case(name)), (entry.path, signature))
        if first != entry.path:
            yield warning(entry.path, f"has the signature of {first}", "keep one of them: both decode the same records")
        elif table_signature != signature:
            right = f"rows of both go to the table that ends in {snake_case(name)}; keep one if their columns differ"
            yield warning(entry.path, f"is decoded into the table of {table_path}", right)
