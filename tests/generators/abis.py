"""Solidity ABIs of events and functions, in every form a file may have."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

_NAMES = st.from_regex(r"[A-Z][a-zA-Z0-9]{0,11}", fullmatch=True)
_SIZES = st.integers(1, 32)
_BASES = st.one_of(
    st.sampled_from(["address", "bool", "string", "bytes", "uint", "int", "function"]),
    st.builds("{}{}".format, st.sampled_from(["uint", "int"]), _SIZES.map(lambda size: size * 8)),
    _SIZES.map("bytes{}".format),
)
_ARRAYS = st.lists(st.sampled_from(["[]", "[3]", "[12]"]), max_size=2).map("".join)
_SIMPLE = st.fixed_dictionaries({"name": _NAMES, "type": st.builds("{}{}".format, _BASES, _ARRAYS)})


def _tuples(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    components = st.lists(inner, min_size=1, max_size=3)
    return st.fixed_dictionaries({"name": _NAMES, "type": _ARRAYS.map("tuple{}".format), "components": components})


PARAMETERS = st.recursive(_SIMPLE, _tuples, max_leaves=4)


@st.composite
def _events(draw: st.DrawFn) -> dict[str, Any]:
    inputs = draw(st.lists(PARAMETERS, max_size=5))
    indexed = draw(st.integers(0, 3))
    marked = [{**item, "indexed": index < indexed} for index, item in enumerate(inputs)]
    return {"type": "event", "name": draw(_NAMES), "inputs": marked, "anonymous": False}


def _functions() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "type": st.just("function"),
            "name": _NAMES,
            "inputs": st.lists(PARAMETERS, max_size=4),
            "outputs": st.lists(PARAMETERS, max_size=2),
            "stateMutability": st.sampled_from(["nonpayable", "payable", "view"]),
        }
    )


_OTHERS = st.sampled_from([{"type": "constructor", "inputs": []}, {"type": "receive"}, {"type": "error", "name": "E"}])


def abis() -> st.SearchStrategy[Any]:
    """An ABI as an array, or as the object of a compiler that holds it."""
    entries = st.lists(_events() | _functions() | _OTHERS, min_size=1, max_size=3)
    return entries | entries.map(lambda abi: {"contractName": "C", "abi": abi, "bytecode": "0x"})
