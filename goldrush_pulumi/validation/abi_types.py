"""Types of ABI parameters: whether each exists, and the signature they make up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from goldrush_pulumi.validation.problems import Problem, advise, entry_path, field_path, warning

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
