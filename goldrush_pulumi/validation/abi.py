"""Rules for Solidity ABIs: their shape, their types, and the tables their entries are decoded into.

Source: the pages on ABI decoding of the GoldRush Pipeline API documentation, and the Contract ABI Specification of
Solidity for what an entry holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from goldrush_pulumi.validation.catalog import DECODED_ENTITIES, ENTITY_TABLES
from goldrush_pulumi.validation.problems import Problem, advise, entry_path, field_path, list_choices, suggest, warning
from goldrush_pulumi.validation.values import holds_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from goldrush_pulumi.validation.inputs import Topic

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


ABI_PATH: Final = "abi_file"


class Entry(NamedTuple):
    """One entry of an ABI and where it stands."""

    path: str
    item: Mapping[str, Any]

    @property
    def kind(self) -> object:
        """What it describes; the specification lets a function leave it out."""
        return self.item.get("type", "function")


def read_entries(abi: object) -> list[Entry]:
    """List the entries of an ABI: an array, an object that holds one under `abi`, or one entry alone.

    What is no entry is left out.
    """
    items, path = find_items(abi)
    return [Entry(entry_path(path, index), item) for index, item in enumerate(items) if isinstance(item, Mapping)]


def find_items(abi: object) -> tuple[list[Any], str]:
    """Find the array of an ABI, whatever is in it, and the path of the array."""
    if isinstance(abi, list):
        return abi, ABI_PATH
    if isinstance(abi, Mapping):
        inner = abi.get("abi")
        if isinstance(inner, list):
            return inner, field_path(ABI_PATH, "abi")
        if "type" in abi or "name" in abi:
            return [abi], ABI_PATH
    return [], ABI_PATH


_BASES = ("uint", "int", "address", "bool", "bytes", "string", "fixed", "ufixed", "function")

_COMMON = ("uint256", "int256", "address", "bool", "bytes", "bytes32", "string", "tuple")

_TUPLE = re.compile(r"tuple((?:\[\d*\])*)")

# Types of library functions that take a pointer to storage: only other contracts call them.
_LIBRARY_TYPE = re.compile(r"mapping\(.*|[\w.$]+(?:\[\d*\])* storage|\w+\.\w+(?:\[\d*\])*")

_GREATEST_LENGTH = 200

_GREATEST_DEPTH = 20


def find_type_problems(parameters: list[Any], path: str, depth: int = 0) -> Iterator[Problem]:
    """Check the types of parameters, and of the components of tuples at any depth."""
    if depth > _GREATEST_DEPTH:
        yield Problem(path, "is nested too deeply", f"flatten it to at most {_GREATEST_DEPTH} levels")
        return
    for index, parameter in enumerate(parameters):
        where = entry_path(path, index)
        if not isinstance(parameter, Mapping):
            yield Problem(where, "is not a parameter", "give a map with name and type")
            continue
        yield from _find_type_problems(parameter, where, depth)


def write_signature(entry: Mapping[str, Any]) -> str | None:
    """Write the canonical signature of an event or function, such as `Transfer(address,address,uint256)`.

    None when its parameters are not right.
    """
    types = _write_types(entry.get("inputs", []), 0)
    return None if types is None else f"{entry.get('name')}({types})"


def _find_type_problems(parameter: Mapping[str, Any], path: str, depth: int) -> Iterator[Problem]:
    said, where = parameter.get("type"), field_path(path, "type")
    if said is None:
        yield Problem(where, "is missing", 'give a type such as "address"')
    elif not isinstance(said, str):
        yield Problem(where, "is not a text", 'give a type such as "address"')
    elif _TUPLE.fullmatch(said):
        yield from _find_component_problems(parameter, path, depth)
    elif len(said) > _GREATEST_LENGTH or not _exists(said):
        report = warning if len(said) <= _GREATEST_LENGTH and _LIBRARY_TYPE.fullmatch(said) else Problem
        yield report(where, "is no type of Solidity's ABI", advise(said, _COMMON))


def _find_component_problems(parameter: Mapping[str, Any], path: str, depth: int) -> Iterator[Problem]:
    components, where = parameter.get("components"), field_path(path, "components")
    if components is None:
        yield Problem(where, "is missing", "a tuple needs the list of its components")
    elif not isinstance(components, list):
        yield Problem(where, "is not a list", "list the components of the tuple")
    else:
        yield from find_type_problems(components, where, depth + 1)


@lru_cache(maxsize=1024)
def _exists(text: str) -> bool:
    from eth_abi.exceptions import ABITypeError, ParseError  # noqa: PLC0415 - few pipelines have an ABI
    from eth_abi.grammar import BasicType, normalize, parse  # noqa: PLC0415

    try:
        node = parse(normalize(text))  # type: ignore[no-untyped-call] # only this one has no types
        node.validate()
    except (ABITypeError, ParseError):
        return False
    return isinstance(node, BasicType) and node.base in _BASES


def _write_types(parameters: object, depth: int) -> str | None:
    if not isinstance(parameters, list) or depth > _GREATEST_DEPTH:
        return None
    types = [_write_type(parameter, depth) for parameter in parameters]
    return None if None in types else ",".join(map(str, types))


def _write_type(parameter: object, depth: int) -> str | None:
    said = parameter.get("type") if isinstance(parameter, Mapping) else None
    if not isinstance(parameter, Mapping) or not isinstance(said, str) or len(said) > _GREATEST_LENGTH:
        return None
    nested = _TUPLE.fullmatch(said)
    if nested is None:
        return re.sub(r"^(u?int)(?=$|\[)", r"\g<1>256", said)
    inner = _write_types(parameter.get("components"), depth + 1)
    return None if inner is None else f"({inner}){nested[1]}"


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


_PATH = "abi_contract_addresses"

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")

_HEX_DIGITS = 40


def find_address_problems(addresses: object) -> Iterator[Problem]:
    """Check the addresses of contracts. What is no text is passed over: whoever checks the list's shape says so."""
    seen: dict[str, int] = {}
    for index, address in enumerate(addresses if isinstance(addresses, list) else ()):
        if not isinstance(address, str) or not address.strip() or holds_placeholder(address):
            continue
        path = entry_path(_PATH, index)
        yield from _find_fault(address, path)
        first = seen.setdefault(address.lower(), index)
        if first != index:
            yield warning(path, f"repeats {entry_path(_PATH, first)}", "list each contract once")


def _find_fault(address: str, path: str) -> Iterator[Problem]:
    digits = address[2:]
    if not address.startswith("0x"):
        yield Problem(path, "is not a contract address", "begin it with 0x and give its 40 hex digits")
    elif not _ADDRESS.fullmatch(address):
        wrong = "holds something other than hex digits" if len(digits) == _HEX_DIGITS else f"has {len(digits)} digits"
        yield Problem(path, wrong, "an address is 0x and 40 hex digits")
    elif digits not in (digits.lower(), digits.upper()):
        yield from _find_wrong_checksum(address, path)


def _find_wrong_checksum(address: str, path: str) -> Iterator[Problem]:
    from eth_utils.address import to_checksum_address  # noqa: PLC0415 - few pipelines have such addresses

    right = to_checksum_address(address)
    if address != right:
        advice = f"write {right} if every digit is right, or copy the address anew"
        yield Problem(path, "has a wrong checksum, so a digit may be wrong", advice)
