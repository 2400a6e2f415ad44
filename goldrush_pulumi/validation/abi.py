"""Rules for Solidity ABIs: their entries, their types, and the tables that they are decoded into.

Source: the pages on ABI decoding of the GoldRush Pipeline API documentation, and the Contract ABI Specification of
Solidity for what an entry holds. Only what the topic decodes is checked: an ABI describes a whole contract.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from goldrush_pulumi.validation.catalog import DECODED_ENTITIES, ENTITY_TABLES
from goldrush_pulumi.validation.problems import Problem, advise, entry_path, field_path, list_choices, suggest
from goldrush_pulumi.validation.rules import Rule
from goldrush_pulumi.validation.values import find_long_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from goldrush_pulumi.validation.topics import Topic

ABI_PATH: Final = "abi_file"

_KINDS: Final = ("event", "function", "constructor", "error", "receive", "fallback")

_DECODED_MUTABILITY: Final = ("nonpayable", "payable")

_MOST_INDEXED: Final = 3

# Enough for any person to read; the rest is most likely the same mistake again.
_MOST_PROBLEMS: Final = 50


class AbiFileError(Exception):
    """The file of an ABI cannot be read; the text says why and holds nothing of the file."""


def read_abi_file(path: Path) -> object:
    """Return the parsed ABI of a file, which is JSON whatever the file's name is.

    Raises:
        AbiFileError: The file cannot be read or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise AbiFileError(f"cannot be read: {error.strerror or 'the system refuses'}") from None
    except (ValueError, RecursionError):
        raise AbiFileError("is not JSON; a Solidity ABI is a JSON array") from None


class Entry(NamedTuple):
    """One entry of an ABI and where it stands."""

    path: str
    item: Mapping[str, Any]

    @property
    def kind(self) -> object:
        """What it describes; the specification lets a function leave it out."""
        return self.item.get("type", "function")


def read_entries(abi: object) -> list[Entry]:
    """Return the entries of an ABI: an array, an object that holds one under `abi`, or one entry alone."""
    items, path = find_items(abi)
    return [Entry(entry_path(path, index), item) for index, item in enumerate(items) if isinstance(item, Mapping)]


def find_items(abi: object) -> tuple[list[Any], str]:
    """Return the array of an ABI, whatever is in it, and the path of the array."""
    if isinstance(abi, list):
        return abi, ABI_PATH
    if isinstance(abi, Mapping):
        inner = abi.get("abi")
        if isinstance(inner, list):
            return inner, field_path(ABI_PATH, "abi")
        if "type" in abi or "name" in abi:
            return [abi], ABI_PATH
    return [], ABI_PATH


def decoded_entries(abi: object, topic: Topic | None) -> list[Entry]:
    """Return the entries that the topic decodes: events of logs, functions of transactions that change the state.

    With a topic that is not known, or of an entity that is not, each event and each such function may be decoded.
    """
    entity = topic.entity if topic else None
    kinds = {DECODED_ENTITIES.get(entity)} if entity else {*DECODED_ENTITIES.values()}
    return [entry for entry in read_entries(abi) if _is_decoded(entry, kinds)]


def _is_decoded(entry: Entry, kinds: set[Any]) -> bool:
    kind = entry.kind
    return isinstance(kind, str) and kind in kinds and (kind != "function" or _changes_state(entry))


def _changes_state(entry: Entry) -> bool:
    mutability = entry.item.get("stateMutability")
    return mutability in _DECODED_MUTABILITY if mutability is not None else entry.item.get("constant") is not True


def find_abi_problems(abi: object, topic: Topic | None) -> list[Problem]:
    """Check a parsed ABI, all of whose values are known.

    Args:
        abi: The list or map that the JSON file holds.
        topic: The topic that is decoded, if it is known: its entity decides which entries count.

    Returns:
        The first fifty problems.
    """
    return [problem for problem, _ in zip(_find_all(abi, topic), range(_MOST_PROBLEMS), strict=False)]


def _find_all(abi: object, topic: Topic | None) -> Iterator[Problem]:
    items, path = find_items(abi)
    if isinstance(abi, Mapping) and abi and not items and not isinstance(abi.get("abi"), list):
        hint = 'give the array, or an object that holds it under "abi"'
        yield Problem(Rule.UNDOCUMENTED_ABI, ABI_PATH, "has a shape that is not documented", hint)
        return
    for index, item in enumerate(items):
        if not isinstance(item, Mapping):
            hint = "give a map with type, name and inputs"
            yield Problem(Rule.BAD_ABI, entry_path(path, index), "is not an entry of an ABI", hint)
    entries = read_entries(abi)
    for entry in entries:
        if entry.kind not in _KINDS:
            hint = advise(entry.kind, _KINDS) if isinstance(entry.kind, str) else "give a string such as event"
            yield Problem(Rule.UNDOCUMENTED_ABI, field_path(entry.path, "type"), "is not a kind of entry", hint)
    decoded = decoded_entries(abi, topic)
    for entry in decoded:
        yield from _find_entry_problems(entry)
    if items:
        yield from _find_nothing_decoded(entries, decoded, topic)
    yield from _find_collisions(decoded)


def _find_entry_problems(entry: Entry) -> Iterator[Problem]:
    name = entry.item.get("name")
    if not isinstance(name, str) or not name.strip():
        hint = f"every {entry.kind} needs the name it is called by"
        yield Problem(Rule.BAD_ABI, field_path(entry.path, "name"), "is missing", hint)
    inputs, path = entry.item.get("inputs", []), field_path(entry.path, "inputs")
    if not isinstance(inputs, list):
        yield Problem(Rule.BAD_ABI, path, "is not a list", "list the parameters")
        return
    yield from find_type_problems(inputs, path)
    if entry.kind == "event":
        yield from _find_indexed_problems(entry, inputs, path)


def _find_indexed_problems(entry: Entry, inputs: list[Any], path: str) -> Iterator[Problem]:
    most = _MOST_INDEXED + bool(entry.item.get("anonymous"))
    if _count_indexed(inputs) > most:
        message, hint = f"has more than {most} indexed parameters", "a log has no room for more, index fewer"
        yield Problem(Rule.TOO_MANY_INDEXED, path, message, hint)
    for index, item in enumerate(inputs):
        if isinstance(item, Mapping) and not isinstance(item.get("indexed", False), bool):
            where = field_path(entry_path(path, index), "indexed")
            yield Problem(Rule.BAD_ABI, where, "is not true or false", "write true or false without quotes")


def _count_indexed(inputs: object) -> int:
    items = inputs if isinstance(inputs, list) else []
    return sum(isinstance(item, Mapping) and item.get("indexed") is True for item in items)


def _find_nothing_decoded(entries: list[Entry], decoded: list[Entry], topic: Topic | None) -> Iterator[Problem]:
    kind = DECODED_ENTITIES.get(topic.entity or "") if topic else None
    if topic is None or kind is None or decoded:
        return
    if any(entry.kind == kind for entry in entries):
        hint = "add functions that are nonpayable or payable"
        yield Problem(Rule.NOTHING_DECODED, ABI_PATH, "holds only functions that no transaction calls", hint)
    else:
        message = f"holds no {kind}, so nothing of {topic.entity} is decoded"
        yield Problem(Rule.NOTHING_DECODED, ABI_PATH, message, f"add the {kind}s to decode")


def _find_collisions(decoded: list[Entry]) -> Iterator[Problem]:
    """Find entries that match the same records, and entries with other columns that share a table."""
    first_of: dict[object, str] = {}
    tables: dict[object, tuple[str, object]] = {}
    for entry in decoded:
        name, inputs, signature = entry.item.get("name"), entry.item.get("inputs", []), write_signature(entry.item)
        if not isinstance(name, str) or signature is None:
            continue
        # A log holds its indexed parameters apart, so their number tells two events of one signature apart.
        first = first_of.setdefault((entry.kind, signature, _count_indexed(inputs)), entry.path)
        columns = tuple((item.get("name"), item.get("type")) for item in inputs)
        table_path, table_columns = tables.setdefault((entry.kind, snake_case(name)), (entry.path, columns))
        if first != entry.path:
            message, hint = f"has the signature of {first}", "keep one of them: both decode the same records"
            yield Problem(Rule.REPEATED_ENTRY, entry.path, message, hint)
        elif table_columns != columns:
            message = f"is decoded into the table of {table_path}, and has other columns"
            hint = f"remove one of them unless rows of both may stand in the table that ends in {snake_case(name)}"
            yield Problem(Rule.SHARED_TABLE, entry.path, message, hint)


_BASES: Final = ("uint", "int", "address", "bool", "bytes", "string", "fixed", "ufixed", "function")

_COMMON: Final = ("uint256", "int256", "address", "bool", "bytes", "bytes32", "string", "tuple")

_TUPLE: Final = re.compile(r"tuple((?:\[\d*\])*)")

# Elementary types: where the size of one is wrong, no contract can have been compiled.
_ELEMENTARY: Final = re.compile(
    r"(?:(?:u?int|bytes|u?fixed)\d+(?:x\d+)?|address|bool|string|bytes|u?int|function)(?:\[\d*\])*"
)

# In the ABI of a library stand the names of contracts, enums and structs, and where a value is kept.
_SOURCE_TYPE: Final = re.compile(r"mapping\(.*|[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*(?:\[\d*\])*(?: \w+)?")

_GREATEST_LENGTH: Final = 200

_GREATEST_DEPTH: Final = 20


def find_type_problems(parameters: list[Any], path: str, depth: int = 0) -> Iterator[Problem]:
    """Check the types of parameters, and of the components of tuples at any depth."""
    if depth > _GREATEST_DEPTH:
        yield Problem(Rule.BAD_ABI, path, "is nested too deeply", f"flatten it to at most {_GREATEST_DEPTH} levels")
        return
    for index, parameter in enumerate(parameters):
        type_ = parameter.get("type") if isinstance(parameter, Mapping) else None
        if isinstance(type_, str) and len(type_) <= _GREATEST_LENGTH and not _TUPLE.fullmatch(type_) and _exists(type_):
            continue
        where = entry_path(path, index)
        if isinstance(parameter, Mapping):
            yield from _find_type_problems(parameter, where, depth)
        else:
            yield Problem(Rule.BAD_ABI, where, "is not a parameter", "give a map with name and type")


def _find_type_problems(parameter: Mapping[str, Any], path: str, depth: int) -> Iterator[Problem]:
    type_, where = parameter.get("type"), field_path(path, "type")
    if type_ is None:
        yield Problem(Rule.BAD_ABI, where, "is missing", 'give a type such as "address"')
    elif not isinstance(type_, str):
        yield Problem(Rule.BAD_ABI, where, "is not a string", 'give a type such as "address"')
    elif _TUPLE.fullmatch(type_):
        yield from _find_component_problems(parameter, path, depth)
    elif len(type_) <= _GREATEST_LENGTH and not _ELEMENTARY.fullmatch(type_) and _SOURCE_TYPE.fullmatch(type_):
        likely = suggest(type_, _COMMON, 0.8)
        hint = f'did you mean "{likely}"?' if likely else "write address for a contract, uint8 for an enum"
        yield Problem(Rule.UNKNOWN_ABI_TYPE, where, "is a type that only the contract's source knows", hint)
    else:
        yield Problem(Rule.BAD_ABI_TYPE, where, "is not a type of Solidity's ABI", advise(type_, _COMMON))


def _find_component_problems(parameter: Mapping[str, Any], path: str, depth: int) -> Iterator[Problem]:
    components, where = parameter.get("components"), field_path(path, "components")
    if components is None:
        yield Problem(Rule.BAD_ABI, where, "is missing", "a tuple needs the list of its components")
    elif not isinstance(components, list):
        yield Problem(Rule.BAD_ABI, where, "is not a list", "list the components of the tuple")
    else:
        yield from find_type_problems(components, where, depth + 1)


def write_signature(entry: Mapping[str, Any]) -> str | None:
    """Return the canonical signature of an event or function, such as `Transfer(address,address,uint256)`.

    None when its parameters are not right.
    """
    types = _write_types(entry.get("inputs", []), 0)
    return None if types is None else f"{entry.get('name')}({types})"


@lru_cache(maxsize=4096)
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


_WORD_SIZED: Final = re.compile(r"^(u?int)(?=$|\[)")


def _write_type(parameter: object, depth: int) -> str | None:
    type_ = parameter.get("type") if isinstance(parameter, Mapping) else None
    if not isinstance(parameter, Mapping) or not isinstance(type_, str) or len(type_) > _GREATEST_LENGTH:
        return None
    nested = _TUPLE.fullmatch(type_)
    if nested is None:
        return _WORD_SIZED.sub(r"\g<1>256", type_)
    inner = _write_types(parameter.get("components"), depth + 1)
    return None if inner is None else f"({inner}){nested[1]}"


_INFIXES: Final = {"event": "evt", "function": "fn"}

_DECODED_TABLE: Final = re.compile(r".*?_(?:evt|fn)_(.+)")

_CLOSENESS: Final = 0.6


# Between two words of a name in camel case; looking around, it takes time linear in the name.
_SEAM: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake_case(name: str) -> str:
    """Return the name of an event or function as tables spell it: `TransferBatch` is `transfer_batch`."""
    return _SEAM.sub("_", name).lower()


def _table_of(entry: Entry, topic: Topic) -> str | None:
    """The table of a decoded entry.

    How `{chain_name}` is spelt in `{chain_name}_evt_{event}` is not documented: here it is the topic's first segment.
    """
    name = entry.item.get("name")
    return f"{topic.chain}_{_INFIXES[str(entry.kind)]}_{snake_case(name)}" if isinstance(name, str) else None


def list_tables(topic: Topic | None, abi: object) -> tuple[str, ...]:
    """Return the tables of a topic by the documentation's rules; none when nothing is known of its entity."""
    if topic is None or topic.entity is None:
        return ()
    entries = decoded_entries(abi, topic) if abi and topic.entity in DECODED_ENTITIES else []
    decoded = [table for table in (_table_of(entry, topic) for entry in entries) if table]
    plain = ENTITY_TABLES[topic.entity]
    return tuple(dict.fromkeys([*decoded, *(f"raw_{table}" for table in plain)] if decoded else plain))


def find_long_tables(abi: object, topic: Topic | None) -> Iterator[Problem]:
    """Warn of entries whose tables have names that PostgreSQL cuts off."""
    if topic is None or topic.entity not in DECODED_ENTITIES:
        return
    for entry in decoded_entries(abi, topic):
        table = _table_of(entry, topic)
        if table:
            yield from find_long_name(field_path(entry.path, "name"), table, "is decoded into a table with a name")


def find_table_problems(table: str, topic: Topic | None, tables: tuple[str, ...]) -> Iterator[Problem]:
    """Warn of a transform for a table that the topic does not have, as far as its tables are known."""
    if not tables or topic is None or table.lower() in tables or _same_entry(table, tables):
        return
    if topic.entity == "miscevents" and table.startswith("hl_") and suggest(table, tables, 0.9) is None:
        # Not all of its tables are named in the documentation.
        return
    likely = _suggest_table(table, tables)
    hint = f'did you mean "{likely}"?' if likely else f"the documentation names {list_choices(tables[:5])}"
    yield Problem(Rule.UNKNOWN_TABLE, entry_path("transforms", table), f"is not a known table of {topic.entity}", hint)


def _suggest_table(table: str, tables: tuple[str, ...]) -> str | None:
    """Return the table that was most likely meant; what all tables of a topic begin with makes none of them likely."""
    words = _squeeze(table)
    if words is None:
        return suggest(table, tables, _CLOSENESS)
    by_words = {_squeeze(known) or known: known for known in tables}
    return by_words.get(suggest(words, by_words, _CLOSENESS) or "")


def _same_entry(table: str, tables: tuple[str, ...]) -> bool:
    """Whether only the parts differ whose spelling is not documented: the chain, and underscores."""
    words = _squeeze(table)
    return words is not None and words in {_squeeze(known) for known in tables}


def _squeeze(table: str) -> str | None:
    match = _DECODED_TABLE.fullmatch(table.lower())
    return match[1].replace("_", "") if match else None
